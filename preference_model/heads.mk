# The heads that come with the package, made anew from the data: weights, cards, and the calibration in models.yaml.
.PHONY: heads head-helpful head-safe
HEADS := preference_model/preference_model/heads
TRAIN_HEAD = .venv/bin/touchstone preference train -o $(HEADS)/$(1) --about preference_model/heads/$(1).md
NEED_DATA = $(if $(TOUCHSTONE_DATA),,$(error TOUCHSTONE_DATA must name the folder of the data; docs/preference.md says where it is from))

heads: head-helpful head-safe

head-helpful: install
	$(NEED_DATA)$(call TRAIN_HEAD,helpful) --negatives 0.5 --lr 0.001 \
		--data $(TOUCHSTONE_DATA)/pandalm_testset.json --data $(TOUCHSTONE_DATA)/llmbar_natural.json
	line=$$(grep '^calibration: ' $(HEADS)/helpful/README.md) && \
		sed -i "s|^    calibration: .*|    $$line|" preference_model/preference_model/models.yaml

head-safe: install
	$(NEED_DATA)$(call TRAIN_HEAD,safe) --epochs 200 --lr 0.003 --data $(TOUCHSTONE_DATA)/moderation_1680.jsonl.gz

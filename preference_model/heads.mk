# The heads that come with the package, made anew from the data: weights, cards, and the calibration in models.yaml.
.PHONY: heads
HEADS := preference_model/preference_model/heads
TRAIN_HEAD = .venv/bin/touchstone train-preference -o $(HEADS)/$(1) --about preference_model/heads/$(1).md

heads: install
	$(if $(TOUCHSTONE_DATA),,$(error TOUCHSTONE_DATA must name the folder of the data; docs/preference.md says where it is from))
	$(call TRAIN_HEAD,helpful) --negatives 0.5 \
		--data $(TOUCHSTONE_DATA)/pandalm_testset.json --data $(TOUCHSTONE_DATA)/llmbar_natural.json
	$(call TRAIN_HEAD,safe) --epochs 200 --lr 0.003 --data $(TOUCHSTONE_DATA)/moderation_1680.jsonl.gz
	line=$$(grep '^calibration: ' $(HEADS)/helpful/README.md) && \
		sed -i "s|^    calibration: .*|    $$line|" preference_model/preference_model/models.yaml

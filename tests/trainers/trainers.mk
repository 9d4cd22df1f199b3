# Trainers' real packages against the real suite. Their pins exclude each other, so each has an environment of its own, made
# once from tests/trainers/NAME/requirements.txt, and from bare.txt without what its packages ask for (GPU builds mostly).
# torch is the CPU build: of a folder that PIP_FIND_LINKS names, else of PyTorch's own index; never the one with CUDA.
.PHONY: test-trainers
TRAINERS := .cache/trainers
INTO = $(UV) pip install --quiet --python $(@D)/bin/python
TRAINER_ENVIRONMENTS := $(patsubst tests/trainers/%/requirements.txt,$(TRAINERS)/%/ready,$(wildcard tests/trainers/*/requirements.txt))

test-trainers: install $(TRAINER_ENVIRONMENTS)
	$(PY) -m pytest tests/trainers --timeout 600

$(TRAINERS)/%/ready: tests/trainers/%/requirements.txt tests/trainers/%/bare.txt .venv/bin/uv
	$(UV) venv --quiet --clear --python 3.11 $(@D)
	if torch=$$(grep '^torch==' $<); then $(INTO) "$$torch+cpu" 2>/dev/null || $(INTO) --torch-backend cpu "$$torch"; fi
	$(INTO) -r $<
	$(INTO) --no-deps -r $(word 2,$^)
	touch $@

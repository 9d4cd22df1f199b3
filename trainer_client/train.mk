# Training: `make train-demo` from a fresh clone. Included by the Makefile.
TRAIN_PORT ?= 8031
TRAIN_URL := http://127.0.0.1:$(TRAIN_PORT)
TRAIN := TOUCHSTONE_URL=$(TRAIN_URL) OMP_NUM_THREADS=1 $(PY) -m reward_api train

.PHONY: train-demo train-real train-tools train-tools-real miniature

# A server beside the commands of a target, stopped when they end. Ctrl-C does not reach one that is only starting.
serving = $(PY) -m reward_api serve $(1) & servers="$$servers $$!"; trap 'kill $$servers; wait' EXIT; trap 'exit 130' INT;
gateway = $(call serving,--port $(TRAIN_PORT) --domains $(1) --workers 1)

# R1-Zero in miniature, its short form: the cold start, a gateway of its own, reinforcement learning through it, held-out pass@1.
train-demo: install
	rm -rf out/train-demo
	$(call gateway,recipes/domains) $(TRAIN) recipes/train_demo.yaml --run out/train-demo && $(PY) -m reward_api train report out/train-demo

# R1-Zero on SmolLM2-135M-Instruct, three seeds and one page about them. What is done is not done again. SEEDS=0 runs one.
SEEDS ?= 0 1 2
train-real: install
	$(PY) recipes/fetch_smollm2.py models/smollm2-135m-instruct
	$(call gateway,recipes/domains) set -e; \
		for seed in $(SEEDS); do $(PY) -m reward_api train recipes/train_real.yaml --url $(TRAIN_URL) --seed $$seed; done; \
		$(PY) -m reward_api train report $(foreach seed,$(SEEDS),out/train-real-$(seed)) --output out/train-real.html

# A policy learns to use a calculator, and to search; three seeds each. SEEDS=0 runs one.
train-tools: install
	$(call gateway,recipes/domains) set -e; \
		for seed in $(SEEDS); do \
			for recipe in tools_mini search_mini; do $(TRAIN) recipes/$$recipe.yaml --seed $$seed; done; done
	$(PY) benchmarks/miniature.py

# SmolLM2-135M-Instruct learns to call a calculator, by rewards alone; three seeds. SEEDS=0 runs one.
train-tools-real: install
	$(PY) recipes/fetch_smollm2.py models/smollm2-135m-instruct
	$(call gateway,recipes/domains) set -e; for seed in $(SEEDS); do $(TRAIN) recipes/tools_real.yaml --seed $$seed; done

# Every experiment of docs/training.md, hours of two cores, then the figures of RESULTS.md and its tables on the screen. As many runs
# at a time as JOBS says, one core each, each with a log in out/. What is done is not done again. SEEDS=0 runs one.
JOBS ?= 2
HACKED_PORT ?= 8033
experiment = echo recipes/$(1)_mini.yaml $(2) $(3) out/$(subst _,-,$(1))-mini-$(3).log;
miniature: install
	mkdir -p out
	@PYTHONPATH=recipes/hacked $(call serving,credulous:Credulous --port 8032) \
		$(call gateway,recipes/domains) $(call serving,--port $(HACKED_PORT) --domains recipes/hacked --workers 1) \
		{ $(foreach seed,$(SEEDS), \
			$(foreach recipe,language overthinking signs4 r1 r1_zero,$(call experiment,$(recipe),$(TRAIN_URL),$(seed))) \
			$(call experiment,hacked,http://127.0.0.1:$(HACKED_PORT),$(seed))) } | \
		xargs -P $(JOBS) -L 1 sh -c 'echo "$$4: begun"; \
			$(TRAIN) "$$1" --url "$$2" --seed "$$3" >"$$4" 2>&1 && echo "$$4: done" || \
			{ echo "$$4: failed, see there"; exit 1; }' sh
	$(PY) benchmarks/miniature.py

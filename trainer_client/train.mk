# Training: `make train-demo` from a fresh clone. Included by the Makefile.
TRAIN_PORT ?= 8031
TRAIN_URL := http://127.0.0.1:$(TRAIN_PORT)
TRAIN := TOUCHSTONE_URL=$(TRAIN_URL) OMP_NUM_THREADS=1 $(PY) -m reward_api train

.PHONY: train-demo train-real train-tools train-tools-real miniature

# A server beside the commands of a target, stopped when they end.
serving = $(PY) -m reward_api serve $(1) & servers="$$servers $$!"; trap 'kill $$servers; wait' EXIT;
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

# Every experiment of docs/training.md, hours of two cores, and the figures of RESULTS.md. What is done is not done again. SEEDS=0
# runs one.
miniature: install
	$(call gateway,recipes/domains) set -e; \
		for seed in $(SEEDS); do \
			for recipe in r1_zero language overthinking signs4 r1; do $(TRAIN) recipes/$${recipe}_mini.yaml --seed $$seed; done; done
	PYTHONPATH=recipes/hacked $(call serving,credulous:Credulous --port 8032) \
		$(call gateway,recipes/hacked) $(TRAIN) recipes/hacked_mini.yaml
	$(PY) benchmarks/miniature.py

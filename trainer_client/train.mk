# Training: `make train-demo` from a fresh clone. Included by the Makefile.
TRAIN_PORT ?= 8031
TRAIN_URL := http://127.0.0.1:$(TRAIN_PORT)

.PHONY: train-install train-demo

train-install: .venv/training

# A CPU build of torch, from a folder of wheels or PyTorch's own index: PyPI's brings gigabytes of CUDA.
.venv/training: .venv/installed
	$(UV) pip install --quiet $(if $(UV_FIND_LINKS),,--torch-backend cpu) './trainer_client[train]'
	$(UV) pip install --quiet --no-deps --editable trainer_client
	touch $@

# R1-Zero in miniature, its short form: the cold start, a gateway of its own, reinforcement learning through it, held-out pass@1.
train-demo: train-install
	rm -rf out/train-demo
	$(PY) -m reward_api serve --port $(TRAIN_PORT) --domains recipes/domains --workers 1 & gateway=$$!; \
		trap 'kill $$gateway; wait $$gateway' EXIT; \
		OMP_NUM_THREADS=1 $(PY) -m reward_api train recipes/train_demo.yaml --url $(TRAIN_URL) --run out/train-demo && \
		$(PY) -m reward_api report out/train-demo

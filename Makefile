# `make run` and `make test` set up what they need; a second call finds it done.
PY := .venv/bin/python
UV := .venv/bin/uv
PORT ?= 8700
# Which Python the environment is made with.
PYTHON ?= python3
# Which build of PyTorch the reward models get: cpu, or cuda (ten times the size).
TORCH ?= cpu
# A folder of wheels (air-gapped machines) is searched by uv as well as by pip.
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
# Every process of ours starts with these packages; where Python writes no bytecode it would compile them each time.
export UV_COMPILE_BYTECODE := 1
export TOUCHSTONE_DATA ?= $(if $(wildcard ../shared/data),$(abspath ../shared/data))

.PHONY: run install test test-slow test-all check docs site bench golden lock clean
.DEFAULT_GOAL := install

INSTALLED := .venv/installed-$(TORCH)

install: $(INSTALLED)

.venv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed, this is $$($(PYTHON) -V 2>&1); try make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet 'uv>=0.9'

$(INSTALLED): .venv/bin/uv requirements.lock pyproject.toml trainer_client/pyproject.toml deploy/torch.sh deploy/backbone.txt deploy/beside_torch.txt
	$(UV) pip sync --quiet --require-hashes requirements.lock
	UV=$(UV) deploy/torch.sh $(TORCH)
	$(UV) pip install --quiet --no-deps --require-hashes -r deploy/backbone.txt -r deploy/beside_torch.txt
	$(UV) pip install --quiet --no-deps --editable . --editable trainer_client
	rm -f .venv/installed*
	touch $@

# What a user needs: neither reward models nor developers' tools. Beside an `install` there is nothing to add.
SUITE := .venv/installed-suite

$(SUITE): .venv/bin/uv requirements.lock pyproject.toml trainer_client/pyproject.toml
	test -e $(INSTALLED) || $(UV) pip install --quiet --no-sources --constraint requirements.lock \
		--editable '.[suite]' --editable trainer_client
	touch $@

# Starts the suite on 127.0.0.1:$(PORT), scores the sample groups over HTTP, prints the table; ONCE=1 stops then.
run: $(SUITE)
	$(PY) -m reward_api demo --port $(PORT) $(if $(ONCE),--once)

# Three at a time on two cores: tests of time limits wait more than they compute. Who has nothing left takes from the others.
test: install
	$(PY) -m pytest -n 3 --dist worksteal -m "not slow and not long and not compose"

# What is between `make test` and `make test-all`.
test-slow: install
	$(PY) -m pytest -n 2 --dist worksteal -m "slow and not long and not compose"

# The longest run alone: they measure memory and time.
test-all: test test-slow test-compose
	$(PY) -m pytest -m "long and not compose"

check: install
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

# The documentation as a searchable site, links checked: build/docs/index.html. `site` is the same without an install.
SITE := build
docs: install site

site:
	rm -rf $(SITE)/pages && mkdir -p $(SITE)/pages/benchmarks
	cp -r *.md docs examples recipes $(SITE)/pages
	cp benchmarks/*.md $(SITE)/pages/benchmarks
	sed 's|"build/|"|' zensical.toml > $(SITE)/zensical.toml
	$(PY) -m zensical build --strict --config-file $(SITE)/zensical.toml
	$(PY) docs/site/offline.py $(SITE)/docs

bench: install
	$(PY) benchmarks/gateway.py

# The contract's files on disk, written anew from the code.
golden: install
	TOUCHSTONE_WRITE_GOLDEN=1 $(PY) -m pytest -q tests/reward_api/test_wire.py tests/reward_api/cli/test_settings_page.py tests/gallery tests/verifiers/instructions

lock: .venv/bin/uv
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --upgrade \
		--no-emit-package touchstone-client \
		--custom-compile-command 'make lock' --extra all --group dev pyproject.toml -o requirements.lock

clean:
	rm -rf .venv .cache build dist

-include deploy/compose.mk
-include preference_model/heads.mk
-include trainer_client/train.mk
-include tests/trainers/trainers.mk
-include tests/mutation/mutation.mk

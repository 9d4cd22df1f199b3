# `make run` and `make test` set up what they need; a second call finds it done.
PY := .venv/bin/python
UV := .venv/bin/uv
PORT ?= 8000
# A folder of wheels (air-gapped machines) is searched by uv as well as by pip.
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
export TOUCHSTONE_DATA ?= $(if $(wildcard ../shared/data),$(abspath ../shared/data))

.PHONY: run install test test-all check bench golden lock clean
.DEFAULT_GOAL := install

install: .venv/installed

.venv/bin/uv:
	python3 -m venv .venv
	.venv/bin/pip install --quiet 'uv>=0.9'

.venv/installed: .venv/bin/uv requirements.lock pyproject.toml trainer_client/pyproject.toml
	$(UV) pip sync --quiet --require-hashes requirements.lock
	$(UV) pip install --quiet --no-deps --editable . --editable trainer_client
	touch $@

# Starts the suite on 127.0.0.1:$(PORT), scores the sample groups over HTTP, prints the table; ONCE=1 stops then.
run: install
	$(PY) -m reward_api demo --port $(PORT) $(if $(ONCE),--once)

test: install
	$(PY) -m pytest -n 2 -m "not long and not compose"

test-all: install test-compose
	$(PY) -m pytest -m "not compose"

check: install
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

bench: install
	$(PY) benchmarks/gateway.py

# The contract's files on disk, written anew from the code.
golden: install
	TOUCHSTONE_WRITE_GOLDEN=1 $(PY) -m pytest -q tests/reward_api/test_wire.py

lock: .venv/bin/uv
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --upgrade \
		--custom-compile-command 'make lock' --extra all --group dev pyproject.toml -o requirements.lock

clean:
	rm -rf .venv .cache dist

-include deploy/compose.mk
-include tests/trainers/trainers.mk

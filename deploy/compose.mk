# The stack in a real Docker engine. Debian and root are needed where no engine runs and where no image can be pulled.
.PHONY: compose-base test-compose
BASE ?= debian:bookworm-slim

compose-base:
	deploy/engine.sh
	deploy/base-image.sh $(BASE)

test-compose: install compose-base
	TOUCHSTONE_BASE=$(BASE) $(PY) -m pytest -m compose tests/compose tests/sandbox --timeout 1200

# The stack in a real Docker engine, with Compose v2 and BuildKit. Debian and root are needed where no engine runs and where no image can be pulled.
.PHONY: compose-base compose-wheels test-compose
BASE ?= debian:bookworm-slim
# Where only this machine itself reaches the package indexes: BUILD_NETWORK=host.
BUILD_NETWORK ?= default

compose-base:
	deploy/engine.sh
	deploy/base-image.sh $(BASE)

# Builds see no folder of this machine's: what it has of PyTorch for a CPU goes along in `wheels`.
CPU_TORCH = $(if $(UV_FIND_LINKS),$(wildcard $(UV_FIND_LINKS)/torch-*+cpu-*.whl))
compose-wheels:
	mkdir -p wheels
	$(if $(CPU_TORCH),cp --update $(CPU_TORCH) wheels/)

test-compose: install compose-base compose-wheels
	TOUCHSTONE_BASE=$(BASE) TOUCHSTONE_BUILD_NETWORK=$(BUILD_NETWORK) $(PY) -m pytest -m compose tests/compose --timeout 1200
	TOUCHSTONE_BASE=$(BASE) TOUCHSTONE_BUILD_NETWORK=$(BUILD_NETWORK) $(PY) -m pytest -n 2 -m compose tests/sandbox --timeout 300

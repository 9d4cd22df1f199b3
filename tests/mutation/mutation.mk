# Do the tests notice a change of what decides rewards? Hours for all of it; ONLY=rewards and MOST=50 make it shorter.
.PHONY: mutate
mutate: install
	$(UV) run --no-project --quiet --with 'cosmic-ray>=8.7' --with typer tests/mutation/mutate.py --python $(abspath $(PY)) \
		$(if $(ONLY),--only $(ONLY)) $(if $(MOST),--most $(MOST))

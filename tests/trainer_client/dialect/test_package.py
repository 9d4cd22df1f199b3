"""The dialect needs the standard library alone, and its examples hold."""

import doctest
import importlib
import json
import pkgutil
import subprocess
import sys

import pytest

from trainer_client import dialect

MODULES = sorted(module.name for module in pkgutil.iter_modules(dialect.__path__))
PROGRAM = """
import importlib, json, sys
before = set(sys.modules)
for name in sys.argv[1:]:
    importlib.import_module(f"trainer_client.dialect.{name}")
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_it_loads_the_standard_library_and_itself():
    command = [sys.executable, "-W", "error", "-c", PROGRAM, *MODULES]
    loaded = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    others = {name for name in loaded if name.partition(".")[0] not in sys.stdlib_module_names}
    assert others == {
        "trainer_client",
        "trainer_client.dialect",
        *(f"trainer_client.dialect.{name}" for name in MODULES),
    }


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_hold(name):
    assert doctest.testmod(importlib.import_module(f"trainer_client.dialect.{name}")).failed == 0

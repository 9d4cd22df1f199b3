"""No adapter imports its trainer, or anything heavy, when it loads."""

import json
import subprocess
import sys

TRAINERS = {
    "areal", "art", "datasets", "jax", "miles", "openai", "openrlhf", "ray", "rllm", "roll", "skyrl_gym", "slime", "swift",
    "torch", "transformers", "trinity", "trl", "tunix", "verifiers", "verl", "numpy", "pyarrow", "pandas",
}  # fmt: skip
PROGRAM = """
import json, pkgutil, importlib, sys
from trainer_client import adapters
names = sorted(module.name for module in pkgutil.iter_modules(adapters.__path__))
for name in names:
    importlib.import_module(f"trainer_client.adapters.{name}")
print(json.dumps([names, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def test_all_adapters_load_with_no_trainer():
    done = subprocess.run([sys.executable, "-W", "error", "-c", PROGRAM], capture_output=True, text=True, check=True)
    names, loaded = json.loads(done.stdout)
    assert {
        "areal",
        "art",
        "rllm",
        "roll",
        "siblings",
        "skyrl",
        "slime",
        "trinity",
        "tunix",
        "verl",
        "verl_manager",
    } <= set(names)
    assert not TRAINERS & set(loaded)

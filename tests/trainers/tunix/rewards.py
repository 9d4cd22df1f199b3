"""In tunix's environment: its reward manager with our function, and the advantages of its estimator.

Argument: JSON of groups by name, each a list of texts. Prints rewards and advantages of each.
"""

import importlib.machinery
import importlib.util
import json
import sys
from dataclasses import dataclass
from types import ModuleType

import numpy


def without_jax(name):
    """tunix's packages without what their __init__ imports: JAX and its models."""
    package = ModuleType(name)
    package.__path__ = [importlib.machinery.PathFinder.find_spec(name, _parent(name)).submodule_search_locations[0]]
    sys.modules[name] = package


def _parent(name):
    parent, _, child = name.rpartition(".")
    return sys.modules[parent].__path__ if child and parent else None


without_jax("tunix")
from tunix.rl.reward_manager import SequenceRewardManager  # noqa: E402

from trainer_client.adapters.tunix import reward  # noqa: E402


@dataclass
class Algorithm:
    num_generations: int = 4
    beta: float = 0.0


def rewards(texts, function=reward):
    manager = SequenceRewardManager(function, Algorithm())
    count = len(texts)
    info = manager(
        prompts=numpy.array(["Which?"] * count), completions=texts, mode="train", answer=numpy.array(["yes"] * count)
    )
    assert f"rewards/{function.__name__}" in info["log_metrics"]
    return info["rewards"].tolist()


def none_is_zero(prompts, completions, **_):
    return [1.0, None]


def attempt(texts):
    try:
        return rewards(texts)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


groups = json.loads(sys.argv[1])
print(
    json.dumps({**{name: attempt(texts) for name, texts in groups.items()}, "naive": rewards(["a", "b"], none_is_zero)})
)

"""Thin client of the Touchstone reward gateway: `RewardClient(url).score(group)`.

Imports nothing of the services: it reads the JSON contract, and tolerates fields that it does not know. Each public name is
loaded when it is first used, so that `trainer_client.dialect` needs the standard library alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainer_client.client import AsyncRewardClient, RewardClient
    from trainer_client.errors import BadGroup, NoVerdict, RewardError, TooManyFailures
    from trainer_client.future import RewardFuture
    from trainer_client.results import Failure, ScoredGroup, ScoredSample
    from trainer_client.wire import RolloutGroup, RolloutSample

__all__ = [
    "AsyncRewardClient",
    "BadGroup",
    "Failure",
    "NoVerdict",
    "RewardClient",
    "RewardError",
    "RewardFuture",
    "RolloutGroup",
    "RolloutSample",
    "ScoredGroup",
    "ScoredSample",
    "TooManyFailures",
]

_MODULES = {
    "client": ("AsyncRewardClient", "RewardClient"),
    "errors": ("BadGroup", "NoVerdict", "RewardError", "TooManyFailures"),
    "future": ("RewardFuture",),
    "results": ("Failure", "ScoredGroup", "ScoredSample"),
    "wire": ("RolloutGroup", "RolloutSample"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, getattr(import_module(f"{__name__}.{_HOMES[name]}"), name))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

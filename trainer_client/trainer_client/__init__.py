"""Thin client of the Touchstone reward gateway: `RewardClient(url).score(group)`.

Imports nothing of the services: it reads the JSON contract, and tolerates fields that it does not know.
"""

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

"""Thin client of the Touchstone reward gateway: `RewardClient(url).score(group)`.

Imports nothing of the services: it reads the JSON contract, and tolerates fields that it does not know.
"""

from trainer_client.client import BadGroup, RewardClient, ScoredGroup

__all__ = ["BadGroup", "RewardClient", "ScoredGroup"]

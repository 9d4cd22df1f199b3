"""The reference model: a frozen copy of the policy, replaced every so many steps (R1: 400)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grpo_trainer.rollout.weights import frozen_copy

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Reference:
    """model: frozen. step: the optimiser step after which it was the policy."""

    def __init__(self, policy: PreTrainedModel) -> None:
        self.model = frozen_copy(policy)
        self.step = 0

    def refresh(self, policy: PreTrainedModel, step: int) -> None:
        self.model.load_state_dict(policy.state_dict())
        self.step = step

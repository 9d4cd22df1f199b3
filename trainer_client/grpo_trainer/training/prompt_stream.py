"""The order of prompts: a fresh shuffle every epoch, and a pure function of the position, so that a cursor is one number."""

from __future__ import annotations

import random
from collections.abc import Sequence

from grpo_trainer.rollout import Prompt


class PromptStream:
    """`stream[position]` for any position from 0 on: epoch after epoch, each in its own order."""

    def __init__(self, prompts: Sequence[Prompt], seed: int) -> None:
        if not prompts:
            raise ValueError("prompts: there is none")
        self._prompts = prompts
        self._seed = seed
        self._shuffled: tuple[int, list[int]] = (-1, [])

    def __len__(self) -> int:
        """Prompts in one epoch."""
        return len(self._prompts)

    def __getitem__(self, position: int) -> Prompt:
        epoch, place = divmod(position, len(self._prompts))
        # Read once: another thread may be in another epoch.
        at, order = self._shuffled
        if at != epoch:
            order = list(range(len(self._prompts)))
            random.Random(f"{self._seed}/{epoch}").shuffle(order)  # noqa: S311
            self._shuffled = (epoch, order)
        return self._prompts[order[place]]

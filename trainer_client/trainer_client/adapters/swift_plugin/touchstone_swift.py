"""The file for ms-swift's --external_plugins: it puts `touchstone` among the reward functions.

In a folder of its own: ms-swift puts a plug-in's folder first on the path, where a neighbour `trl.py` would be its trl.
"""

from collections.abc import Sequence
from typing import Any

from swift.rewards import AsyncORM, orms

from trainer_client.adapters.swift import reward


class Touchstone(AsyncORM):  # type: ignore[misc]
    async def __call__(self, completions: Sequence[str], **columns: Any) -> list[float | None]:
        return await reward(completions, **columns)


orms["touchstone"] = Touchstone

"""The log of a stage: metrics.jsonl, and TensorBoard where it is wanted."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class RunLog:
    """metrics.jsonl, a line a rollout, and TensorBoard. A resumed run first drops what comes after its checkpoint."""

    def __init__(self, folder: Path, step: int, *, tensorboard: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "metrics.jsonl"
        kept = [line for line in _lines(path) if json.loads(line)["step"] <= step]
        path.write_text("".join(f"{line}\n" for line in kept))
        self._file = path.open("a")
        self._board: Any = None
        if tensorboard:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def write(self, step: int, metrics: Mapping[str, float], facts: Mapping[str, Any] | None = None) -> None:
        """facts: what is no number, for metrics.jsonl alone."""
        figures = {name: _plain(value) for name, value in metrics.items()}
        self._file.write(json.dumps({"step": step, **figures, **(facts or {})}) + "\n")
        self._file.flush()
        if self._board is not None:
            for name, value in metrics.items():
                self._board.add_scalar(name, value, step)
            self._board.flush()

    def close(self) -> None:
        self._file.close()
        if self._board is not None:
            self._board.close()


def _lines(path: Path) -> list[str]:
    """Whole lines: a killed run may have left half of one."""
    if not path.exists():
        return []
    text = path.read_text()
    return text[: text.rfind("\n") + 1].splitlines()


def _plain(value: float) -> float | None:
    """JSON knows no NaN."""
    return value if math.isfinite(value) else None

"""The log of a stage: metrics.jsonl, and the loggers that its recipe names."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grpo_trainer.json_lines import whole_lines
from grpo_trainer.training.loggers import LOGGERS, Logger, LoggerName
from grpo_trainer.whole_files import write_whole


class RunLog:
    """metrics.jsonl, a line a rollout, and loggers. A resumed run first drops what comes after its checkpoint."""

    def __init__(self, folder: Path, step: int, loggers: Sequence[LoggerName] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "metrics.jsonl"
        kept = [line for line in whole_lines(path) if json.loads(line)["step"] <= step]
        write_whole(path, "".join(f"{line}\n" for line in kept))
        self._loggers: list[Logger] = [LOGGERS[name](folder, step) for name in loggers]
        self._file = path.open("a", encoding="utf-8")

    def write(self, step: int, metrics: Mapping[str, float], facts: Mapping[str, Any] | None = None) -> None:
        """facts: what is no number, for metrics.jsonl alone."""
        figures = {name: _plain(value) for name, value in metrics.items()}
        self._file.write(json.dumps({"step": step, **figures, **(facts or {})}) + "\n")
        self._file.flush()
        for logger in self._loggers:
            logger.log(step, metrics)

    def close(self) -> None:
        self._file.close()
        for logger in self._loggers:
            logger.close()


def _plain(value: float) -> float | None:
    """JSON knows no NaN."""
    return value if math.isfinite(value) else None

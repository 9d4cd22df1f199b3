"""Where a run's metrics go beside metrics.jsonl. A package is imported where a recipe names its logger, and nowhere else.

tensorboard   <stage's folder>/tensorboard
wandb         Weights & Biases, project `touchstone` or WANDB_PROJECT; WANDB_MODE=offline keeps it in the stage's folder
trackio       trackio, project `touchstone`; on this machine, or where TRACKIO_SPACE_ID or TRACKIO_SERVER_URL says
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

from grpo_trainer.whole_files import write_whole

LoggerName = Literal["tensorboard", "wandb", "trackio"]
PROJECT = "touchstone"
EXTRAS = {"tensorboard": "train", "wandb": "wandb", "trackio": "trackio"}
"""By logger, the extra of touchstone-client that installs its package."""


class Logger(Protocol):
    def log(self, step: int, metrics: Mapping[str, float]) -> None: ...

    def close(self) -> None: ...


class TensorBoard:
    def __init__(self, folder: Path, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._board: Any = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        for name, value in metrics.items():
            self._board.add_scalar(name, value, step)
        self._board.flush()

    def close(self) -> None:
        self._board.close()


class WandB:
    """A resumed run goes on under its name; W&B leaves out the steps that it already has."""

    def __init__(self, folder: Path, step: int) -> None:
        import wandb

        name = _run_name(folder)
        project = os.environ.get("WANDB_PROJECT", PROJECT)
        self._run: Any = wandb.init(project=project, name=name, id=name, resume="allow", dir=str(folder))

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        self._run.log(dict(metrics), step=step)

    def close(self) -> None:
        self._run.finish()


class Trackio:
    """A resumed run goes on under its name."""

    def __init__(self, folder: Path, step: int) -> None:
        import trackio

        self._run: Any = trackio.init(PROJECT, _run_name(folder), resume="allow", embed=False, auto_log_cpu=False)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        self._run.log(dict(metrics), step=step)

    def close(self) -> None:
        self._run.finish()


LOGGERS: dict[str, Callable[[Path, int], Logger]] = {"tensorboard": TensorBoard, "wandb": WandB, "trackio": Trackio}


def check_installed(names: Iterable[str]) -> None:
    """Raises ValueError for an unknown logger, or one whose package is missing."""
    for name in names:
        if name not in LOGGERS:
            raise ValueError(f"loggers: there is no {name!r}; there are: {', '.join(LOGGERS)}")
        if find_spec(name) is None:
            raise ValueError(f"loggers: {name} is not installed; pip install 'touchstone-client[{EXTRAS[name]}]'")


def _run_name(folder: Path) -> str:
    """Of the folder, and of no other run that had a folder of this name: what is in it survives a resume."""
    path = folder / "logger_run.txt"
    if not path.exists():
        whole = folder.resolve()
        write_whole(path, f"{whole.parent.name}-{whole.name}-{secrets.token_hex(4)}")
    return path.read_text()

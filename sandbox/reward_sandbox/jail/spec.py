"""What a jail is asked for and what it says: Limits, Run, Outcome; and the interface of every backend: Jail."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

Tier = Literal["A", "B", "C", "X"]
"""The isolation levels. A: root with cgroups; B: a user namespace; C: Landlock and seccomp; X: bare."""
TIERS: tuple[Tier, ...] = ("A", "B", "C", "X")
"""The strongest first."""
Ending = Literal["ok", "runtime_error", "time_limit", "memory_limit", "output_limit", "system_error"]


class Limits(BaseModel):
    """The bounds of one run, each enforced."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wall_s: float = Field(default=6.0, gt=0, le=600, description="Seconds of wall-clock time.")
    cpu_s: float = Field(default=4.0, gt=0, le=600, description="Seconds of processor time, of all its processes.")
    memory_mb: int = Field(default=512, ge=16, le=65536, description="MiB of memory, of all its processes.")
    output_kb: int = Field(default=1024, ge=1, le=65536, description="KiB of standard output, and as much of errors.")
    processes: int = Field(default=16, ge=1, le=1024, description="Processes and threads at a time.")
    file_mb: int = Field(default=32, ge=1, le=4096, description="MiB of all the files it writes.")
    files: int = Field(default=1000, ge=10, le=100_000, description="Files and folders.")
    open_files: int = Field(default=64, ge=8, le=1024, description="Open descriptors.")


PYTHON = ("python",)
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/box", "TMPDIR": "/box/.tmp", "LANG": "C.UTF-8"}


@dataclass(frozen=True, slots=True)
class File:
    content: bytes
    executable: bool = False


@dataclass(slots=True)
class Channel:
    """Two ends of pipes, which a jail gives to one program and then closes here.

    The program has them as descriptors 4 (to read) and 5 (to write), or as its standard input and output.
    """

    ends: tuple[int, ...]
    as_standard: bool
    exceeded: Callable[[], None] = field(default=lambda: None)
    """Called when the program has written more than the pair's bound; a jail sets it."""

    def close(self) -> None:
        """Close our copies; a second time does nothing."""
        ends, self.ends = self.ends, ()
        for end in ends:
            os.close(end)


@dataclass(frozen=True, slots=True)
class Run:
    """One program to run once."""

    argv: tuple[str, ...]
    """An absolute program and its arguments; after PYTHON the arguments of `solution.py`, run in the warm interpreter."""
    files: Mapping[str, File] = field(default_factory=dict)
    """Plain names → what is laid into the box."""
    stdin: bytes = b""
    limits: Limits = field(default_factory=Limits)
    env: Mapping[str, str] = field(default_factory=dict)
    stacks_mb: int = 0
    """For programs that reserve far more address space than they use, as virtual machines do: what the stacks of their
    threads may come to, mostly untouched. Where each process's memory is limited it is then that of its data, and so much
    more.
    """
    artefact: bool = False
    """Whether descriptor 3 is read back, as `Outcome.artefact`."""
    artefact_mb: int = 64
    channel: Channel | None = None
    """The other program of a pair."""

    @property
    def box_bytes(self) -> int:
        """What its box has to hold: what is laid into it, standard input among it, and the files that it may write."""
        laid = len(self.stdin) + sum(len(file.content) for file in self.files.values())
        return laid + (self.limits.file_mb << 20)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. `system_error` is our failure: the program is not to blame, and `error` says why."""

    ending: Ending
    tier: Tier
    exit_code: int | None = None
    """Negative: the signal that ended it."""
    stdout: bytes = b""
    stderr: bytes = b""
    artefact: bytes = b""
    cpu_ms: float = 0.0
    wall_ms: float = 0.0
    peak_kb: int = 0
    waited_ms: float = 0.0
    """How long a program that was stopped for its time had been ready to run and kept from it: the machine's doing."""
    error: str = ""


class CannotJail(RuntimeError):
    """No jail of the tier that is demanded can be made here; the message says why."""


class Runs(Protocol):
    """Where programs are run, each isolated from all else."""

    @property
    def tier(self) -> Tier: ...

    async def run(self, run: Run) -> Outcome:
        """Run a program to its end or to its limits."""

    async def run_pair(
        self, first: Run, second: Run, *, as_standard: bool = False, bound: int = ...
    ) -> tuple[Outcome, Outcome]:
        """Two programs at once, each with the other at the end of its channel. Raises CannotJail where one alone can run.

        as_standard: the channel is their standard input and output, of which nothing is captured then. bound: bytes that
        each may say to the other; more is an output limit.
        """


class Jail(Runs, Protocol):
    """A backend."""

    async def start(self) -> None:
        """Raises CannotJail."""

    async def aclose(self) -> None:
        """Nothing of it is left behind."""

    def submission(self, limits: Limits) -> AbstractAsyncContextManager[Runs]:
        """The place for all runs of one submission within these limits, for backends that pay once for each."""

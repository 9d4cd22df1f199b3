"""Runs and outcomes as JSON, for remote jails: in a container, on another machine. Bytes are base64."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from reward_sandbox.jail.host.slots import TALK
from reward_sandbox.jail.spec import Ending, File, Limits, Outcome, Run, Tier

FILE_NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}$"
FileName = Annotated[str, StringConstraints(pattern=FILE_NAME)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")


class FileMessage(_Message):
    content: bytes
    executable: bool = False


class RunMessage(_Message):
    argv: list[str] = Field(min_length=1, max_length=64)
    files: dict[FileName, FileMessage] = Field(default_factory=dict, max_length=64)
    stdin: bytes = b""
    limits: Limits = Field(default_factory=Limits)
    env: dict[str, str] = Field(default_factory=dict, max_length=64)
    stacks_mb: int = Field(default=0, ge=0, le=65536)
    artefact: bool = False
    artefact_mb: int = Field(default=64, ge=1, le=1024)

    @staticmethod
    def of(run: Run) -> RunMessage:
        files = {
            name: FileMessage(content=file.content, executable=file.executable) for name, file in run.files.items()
        }
        return RunMessage(
            argv=list(run.argv),
            files=files,
            stdin=run.stdin,
            limits=run.limits,
            env=dict(run.env),
            stacks_mb=run.stacks_mb,
            artefact=run.artefact,
            artefact_mb=run.artefact_mb,
        )

    def run(self) -> Run:
        files = {name: File(file.content, file.executable) for name, file in self.files.items()}
        return Run(
            tuple(self.argv),
            files,
            self.stdin,
            self.limits,
            self.env,
            self.stacks_mb,
            self.artefact,
            self.artefact_mb,
        )


class Job(_Message):
    """One run, or a pair that talks."""

    runs: list[RunMessage] = Field(min_length=1, max_length=2)
    as_standard: bool = False
    bound: int = Field(default=TALK, ge=1, le=1 << 30)

    @property
    def longest_s(self) -> float:
        """Seconds within which an answer is due, tried twice as a slot does."""
        return 2 * max(run.limits.wall_s for run in self.runs) + 30


class OutcomeMessage(_Message):
    ending: Ending
    exit_code: int | None
    stdout: bytes
    stderr: bytes
    artefact: bytes
    cpu_ms: float
    wall_ms: float
    peak_kb: int
    waited_ms: float
    error: str

    @staticmethod
    def of(outcome: Outcome) -> OutcomeMessage:
        return OutcomeMessage(**{name: getattr(outcome, name) for name in OutcomeMessage.model_fields})

    def outcome(self, tier: Tier) -> Outcome:
        return Outcome(tier=tier, **{name: getattr(self, name) for name in OutcomeMessage.model_fields})


class Done(_Message):
    """What came of a job."""

    tier: Tier
    outcomes: list[OutcomeMessage]

    @staticmethod
    def of(tier: Tier, outcomes: Sequence[Outcome]) -> Done:
        return Done(tier=tier, outcomes=[OutcomeMessage.of(outcome) for outcome in outcomes])

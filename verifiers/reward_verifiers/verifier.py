"""What a verifier is, and where it may live.

Verifier            pure Python, no I/O: one completion in, one verdict out
  └─ GroupVerifier  its verdicts depend on the siblings: the whole group in, all verdicts out
Backend             async; a verifier that lives somewhere
  ├─ Local(verifier)     here, in killable workers        (local.py)
  └─ Remote(url)         behind HTTP, POST /verify         (the gateway's remote.py)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

import orjson
from pydantic import BaseModel, ConfigDict

from reward_verifiers.code_digest import code_digest
from reward_verifiers.contract import Description, FailureKind, Message, Trace, Verdict, VerifyReply, VerifyRequest


class Options(BaseModel):
    """Base of every verifier's options: unknown keys are refused, so that a typing error is never a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ReferenceModel(BaseModel):
    """Base of what a verifier reads of `reference`. Other keys belong to other verifiers and are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


ROUNDING = 1e-6
MAX_EVIDENCE_BYTES = 64 * 1024
MAX_REASON = 4096

O = TypeVar("O", bound=Options)  # noqa: E741
R = TypeVar("R", bound=ReferenceModel)


@dataclass(frozen=True, slots=True)
class Sample(Generic[O, R]):
    """One completion as a verifier sees it."""

    completion: str
    options: O
    reference: R
    prompt: str = ""
    question: str = ""
    """The last user message; the prompt where that is one string."""
    turns: tuple[Message, ...] = ()
    """What the assistant wrote, message by message, where the completion was chat messages."""
    is_chat: bool = False
    """The prompt was chat messages, which do not show what the chat template makes of them."""
    prefix: str = ""
    truncated: bool | None = None
    tokens: int | None = None
    trace: Trace | None = None
    """The calls of its episode, where the verifier reads them; None when the group names no sessions."""


class BadReference(ValueError):
    """The data set's reference cannot be understood. Raise it from `verify`; it becomes `bad_reference`, never a 0."""


class Unsupported(ValueError):
    """The verifier cannot judge this kind of sample. Raise it from `verify`; it becomes `unsupported`, never a 0."""


class BadOptions(ValueError):
    """The options do not fit the verifier's schema; `errors` holds (path, reason) pairs."""

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{path}: {reason}" for path, reason in errors))
        self.errors = list(errors)


class NeedsPackages(BadOptions):
    """Nothing is wrong with them but that packages are not installed here."""


class Overloaded(Exception):
    """There is no room; try again after `retry_after_s` seconds. The message says of what."""

    def __init__(self, retry_after_s: float, message: str = "There is no room.") -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Verifier(ABC, Generic[O, R]):
    """Judges one completion at a time, in a worker process that may be killed at any moment.

    `verify` must be a pure function of the sample: no I/O, no state kept between samples, no threads, no signals.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    options_model: ClassVar[type[Options]] = Options
    reference_model: ClassVar[type[ReferenceModel]] = ReferenceModel
    score_range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    whole_group: ClassVar[bool] = False
    pure: ClassVar[bool] = True
    reads_traces: ClassVar[bool] = False
    """Whether it reads `Sample.trace`."""
    item_timeout_s: ClassVar[float] = 5.0
    """Wall-clock seconds that one completion may take before its worker is killed."""

    def warm_up(self) -> None:
        """Load what is heavy. Called once in the process from which the workers are forked."""

    def check_reference(self, options: O, reference: R) -> None:
        """Raise BadReference when the reference fits the schema but cannot be understood. Found before training."""

    @abstractmethod
    def verify(self, sample: Sample[O, R]) -> Verdict:
        """Judge one completion. May raise BadReference or Unsupported; anything else becomes `verifier_error`."""

    def gave_up(self, sample: Sample[O, R], kind: FailureKind, limit: str) -> Verdict | None:
        """The verdict for a completion that alone used up the verifier's own limit (`timeout` or `memory_limit`).

        None, the default, leaves it a failure. Return a verdict only where the reference is known to be cheap, so that
        the completion is to blame. `limit` is for the reason, e.g. "5 s".
        """
        return None

    def describe(self) -> Description:
        return Description(
            verifier=self.name,
            version=self.version,
            summary=(type(self).__doc__ or "").strip().split("\n", 1)[0],
            options_schema=self.options_model.model_json_schema(),
            reference_schema=self.reference_model.model_json_schema(),
            score_range=self.score_range,
            whole_group=self.whole_group,
            pure=self.pure,
            reads_traces=self.reads_traces,
            build=code_digest(type(self)),
        )


class GroupVerifier(Verifier[O, R]):
    """A verifier whose verdicts depend on the siblings."""

    whole_group: ClassVar[bool] = True

    @abstractmethod
    def verify_group(self, samples: Sequence[Sample[O, R]]) -> list[Verdict]:
        """Judge the whole group: one verdict per sample, in order."""

    def verify(self, sample: Sample[O, R]) -> Verdict:
        return self.verify_group([sample])[0]


def within_range(verdict: Verdict, score_range: tuple[float, float]) -> Verdict:
    """The verdict, or a failure when its score lies outside of what its verifier declares. The last digits may differ."""
    low, high = score_range
    if verdict.score is None or low - ROUNDING <= verdict.score <= high + ROUNDING:
        return verdict
    message = f"score {verdict.score:g} is outside of the score_range [{low:g}, {high:g}]"
    return Verdict.failed(FailureKind.VERIFIER_ERROR, message)


def bounded(verdict: Verdict) -> Verdict:
    """The verdict with evidence and words of bounded size: both go to the trainer, and into a cache."""
    size = len(orjson.dumps(verdict.evidence))
    is_small = size <= MAX_EVIDENCE_BYTES and len(verdict.reason) <= MAX_REASON
    failure = verdict.failure
    if is_small and (failure is None or len(failure.message) <= MAX_REASON):
        return verdict
    dropped = {"dropped": f"evidence of {size} bytes is over the limit of {MAX_EVIDENCE_BYTES}"}
    update = {
        "evidence": verdict.evidence if size <= MAX_EVIDENCE_BYTES else dropped,
        "reason": verdict.reason[:MAX_REASON],
        "failure": failure and replace(failure, message=failure.message[:MAX_REASON]),
    }
    return verdict.model_copy(update=update)


@runtime_checkable
class HasDetails(Protocol):
    """A backend that has more to say of its readiness than yes or no."""

    def details(self) -> dict[str, str]:
        """What GET /readyz of its service adds."""


Judge = Callable[[VerifyRequest], Awaitable[VerifyReply]]
"""`Backend.verify`, or what stands before it."""


class Backend(Protocol):
    """A verifier that lives somewhere. Every backend passes `conformance.check`."""

    async def describe(self) -> Description:
        """Name, version and schemas. Raises OSError when it cannot be reached."""

    async def verify(self, request: VerifyRequest) -> VerifyReply:
        """One verdict per completion, in order. Per-sample trouble is a failed verdict, never an exception.

        Raises BadOptions when the options do not fit, Overloaded when there is no room.
        """

    async def check_options(self, options: dict[str, Any]) -> None:
        """Raises BadOptions when the options do not fit the verifier's schema."""

    async def ready(self) -> bool:
        """Whether it would answer now."""

    async def aclose(self) -> None:
        """Let go of processes and connections."""

"""The wire contract between trainers, the gateway and every verifier.

    VerifyRequest  ── POST /verify ──▶  VerifyReply ── one Verdict per completion, in order
    ScoreRequest   ── POST /score  ──▶  ScoreReply  ── one SampleResult per completion, in order
    Description    ◀── GET /            what a verifier is and which options and references it takes

A verdict has three outcomes, never two: a score, or *no verdict* with a `Failure` that says why. No verdict is never
a number. Requests refuse unknown fields; replies may grow fields, so readers must tolerate them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from numbers import Real
from typing import Annotated, Any, ClassVar, Literal, Self

import orjson
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import to_jsonable_python

from reward_verifiers.suggestions import Fault, did_you_mean, faults_of, is_key


class FailureKind(StrEnum):
    """Why there is no verdict. A wrong answer is a verdict; these are the troubles that we or the data set cause."""

    TIMEOUT = "timeout"
    MEMORY_LIMIT = "memory_limit"
    WORKER_CRASHED = "worker_crashed"
    VERIFIER_ERROR = "verifier_error"
    VERIFIER_UNREACHABLE = "verifier_unreachable"
    OVERLOADED = "overloaded"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    BAD_REFERENCE = "bad_reference"
    UNSUPPORTED = "unsupported"
    CANCELLED = "cancelled"
    BUDGET_EXHAUSTED = "budget_exhausted"


class StrictModel(BaseModel):
    """Base of requests, settings files and domain files: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Reply(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


# --- what goes in -----------------------------------------------------------------------------------------------------


class Message(BaseModel):
    """One chat message. Keys beyond these (names) are accepted and not read."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    role: str = Field(description="Who says it: system, user, assistant or tool.")
    content: str | list[dict[str, Any]] | None = Field(
        default=None, description="Text, or a list of parts of which those of type `text` are read."
    )
    reasoning_content: str | None = Field(
        default=None, description="Reasoning that the server already split off; read as a closed <think> section."
    )

    tool_calls: list[dict[str, Any]] | None = Field(
        default=None, description="Calls that the server already split off; read by the verifier `tool_call` alone."
    )

    def text(self) -> str:
        if isinstance(self.content, str):
            body = self.content
        else:
            parts = self.content or []
            body = "".join(str(part.get("text", "")) for part in parts if part.get("type") == "text")
        return f"<think>{self.reasoning_content}</think>{body}" if self.reasoning_content is not None else body


Text = str | list[Message]
"""A prompt or a completion: a string, or chat messages."""


def _bare_answer(value: object) -> object:
    """A bare string or number is short for `{"answer": …}`."""
    return {"answer": value} if isinstance(value, str | int | float) and not isinstance(value, bool) else value


Reference = Annotated[dict[str, Any], BeforeValidator(_bare_answer)]


def completion_text(completion: Text) -> str:
    """The text that verifiers read: the string itself, or what the assistant said, turn after turn."""
    if isinstance(completion, str):
        return completion
    return "\n".join(message.text() for message in completion if message.role == "assistant")


def prompt_text(prompt: Text | None) -> str:
    """The prompt as text; chat messages are joined by newlines. Empty when the trainer sent none."""
    if prompt is None or isinstance(prompt, str):
        return prompt or ""
    return "\n".join(message.text() for message in prompt)


def question_text(prompt: Text | None) -> str:
    """What the user asked last: the last user message, or a prompt that is one string."""
    if prompt is None or isinstance(prompt, str):
        return prompt or ""
    return next((message.text() for message in reversed(prompt) if message.role == "user"), prompt_text(prompt))


class TracedCall(_Reply):
    """One call of a tool, as the tools service saw it."""

    tool: str = Field(description="The tool's name, as it was called.")
    arguments: dict[str, Any] = Field(default_factory=dict, description="As they were read; empty where they were not.")
    outcome: Literal["ok", "refused", "failed"] = Field(
        description="`refused`: the model wrote an argument wrongly or had spent a budget. `failed`: our failure."
    )
    cause: str = Field(
        default="", description="Of a refused call `argument` or `budget`; of a failed one, what went wrong."
    )
    output: str = Field(default="", description="What the model was given to read.")
    raised: bool = Field(default=False, description="The code that the model wrote ended with an exception.")
    bytes: int = Field(default=0, ge=0, description="Of the whole output, before it was cut.")
    seconds: float = Field(default=0.0, ge=0, allow_inf_nan=False, description="How long the call took.")


class Trace(_Reply):
    """The calls of one episode in their order, as the tools service has them: never what a completion says of them."""

    session: str = Field(default="", description="The session's id; empty for an episode without one.")
    calls: list[TracedCall] = Field(default_factory=list, description="The calls.")
    beyond: int = Field(default=0, ge=0, description="How many more were refused, once the calls were spent.")
    trouble: str = Field(default="", description="Why the trace cannot be relied on: then there is no verdict.")

    def failure(self) -> str:
        """Why the episode has no verdict; empty when nothing failed."""
        if self.trouble:
            return f"tools: {self.trouble}"
        failed = ((place, call) for place, call in enumerate(self.calls, 1) if call.outcome == "failed")
        return next((f"tools: call {place}, of {call.tool}, failed: {call.cause}" for place, call in failed), "")


MAX_FAULTS = 5
_COMPLETIONS = ("completion", "response", "responses", "output", "outputs", "samples")
_ANSWERS = ("answer", "answers", "expected_answer", "ground_truth", "gold", "label", "solution", "target")


SESSION = r"^[A-Za-z0-9_.:-]{1,128}$"
"""The id of a session of the tools service."""


class _Samples(StrictModel):
    """The part of a rollout group that every verifier may see."""

    ALIASES: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(_COMPLETIONS, "completions"),
        **dict.fromkeys(_ANSWERS, "reference.answer"),
        **dict.fromkeys(("messages", "question", "problem", "query"), "prompt"),
    }
    """Keys of other systems, and what they are called here."""

    prompt: Text | None = Field(default=None, description="What the model was asked: a string or chat messages.")
    completions: list[Text] = Field(min_length=1, description="The group's completions: strings or chat messages.")
    reference: Reference = Field(
        default_factory=dict,
        description="What is known to be right. A bare string or number means {'answer': …}; "
        "each verifier's schema says which keys it reads, and the others are left to other verifiers.",
    )
    prefix: str = Field(
        default="",
        description="What the chat template already wrote at the start of each completion, e.g. '<think>\\n'.",
    )
    truncated: list[bool] | None = Field(default=None, description="Per completion: it hit the length limit.")
    tokens: list[Annotated[int, Field(ge=0)]] | None = Field(
        default=None, description="Per completion: its length in tokens."
    )
    deadline_s: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="Seconds until an answer is of no more use."
    )

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        for name in ("truncated", "tokens", "indices", "sessions", "traces"):
            values = getattr(self, name, None)
            if values is not None and len(values) != len(self.completions):
                raise ValueError(
                    f"{name} must have one entry per completion: {len(self.completions)}, got {len(values)}"
                )
        return self


class VerifyRequest(_Samples):
    """POST /verify: one group for one verifier."""

    options: dict[str, Any] = Field(
        default_factory=dict, description="The verifier's options; see its schema at GET /."
    )
    traces: list[Trace] | None = Field(
        default=None, description="Per completion: the calls of its episode, for a verifier that reads them."
    )


class ScoreRequest(_Samples):
    """POST /score: one rollout group, or a part of one."""

    domain: str | None = Field(default=None, description="Which domain scores it; may stand in the path instead.")
    id: str | None = Field(default=None, max_length=256, description="The group's id.")
    run: str | None = Field(default=None, max_length=256, description="The training run, for the log and the monitor.")
    step: int | None = Field(default=None, ge=0, description="The training step, for the log and the monitor.")
    sessions: list[Annotated[str, Field(pattern=SESSION)] | None] | None = Field(
        default=None,
        description="Per completion: the session of the tools service in which its calls were made; null where there were "
        "none.",
    )
    group_size: int | None = Field(
        default=None, ge=1, description="Size of the whole group when its completions are sent one by one."
    )
    indices: list[Annotated[int, Field(ge=0)]] | None = Field(
        default=None, description="Which members of the whole group these completions are."
    )

    @model_validator(mode="after")
    def _indices_fit(self) -> Self:
        if self.indices is None:
            return self
        if self.id is None or self.group_size is None:
            raise ValueError("indices need both id and group_size: the siblings are found by them")
        if len(set(self.indices)) != len(self.indices) or max(self.indices) >= self.group_size:
            raise ValueError("indices must be distinct and below group_size")
        return self


@dataclass(frozen=True, slots=True)
class UnreadGroup:
    """A group among many whose fields do not fit; `faults` as of `suggestions.reworded`."""

    faults: list[Fault]


def _read_alone(value: Any, read: ValidatorFunctionWrapHandler) -> ScoreRequest | UnreadGroup:
    """One bad group is refused by itself: the others are scored."""
    try:
        request: ScoreRequest = read(value)
    except ValidationError as error:
        return UnreadGroup(faults_of(error, ScoreRequest))
    return request


class ScoreManyRequest(StrictModel):
    """POST /score with many groups at once; the answers keep their order."""

    groups: list[Annotated[ScoreRequest, WrapValidator(_read_alone)]] = Field(
        min_length=1, description="The groups. One that does not fit is refused alone: its answer is a `problem`."
    )


class ProblemError(_Reply):
    """One thing that does not fit."""

    path: str = Field(description="Where, such as groups[3].tokens.")
    reason: str = Field(description="What is wrong with it.")


class Problem(_Reply):
    """RFC 9457 problem details. Never echoes the input."""

    type: str = Field(default="about:blank", description="A URI of the kind of problem.")
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(default="", description="What is wrong with this request.")
    errors: list[ProblemError] = Field(default_factory=list, description="By place.")


# --- what comes out ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why there is no verdict, and which component could not give one."""

    kind: FailureKind
    component: Annotated[str | None, Field(description="The component that has no verdict.")] = None
    message: Annotated[str, Field(description="One sentence for a person.")]


class BadVerdict(ValueError):
    """A verifier gave what is no verdict; the message names the field."""


class Verdict(_Reply):
    """What one verifier says of one completion: a finite score, or a failure. Make it with `scored` or `failed`."""

    score: float | None = Field(
        allow_inf_nan=False, strict=True, description="Finite and within the verifier's score_range; null: no verdict."
    )
    valid: bool = Field(strict=True, description="Whether there is a score.")
    failure: Failure | None = Field(default=None, description="Why there is no score.")
    reason: str = Field(description="One sentence for a person.")
    evidence: dict[str, Any] = Field(
        default_factory=dict, description="What was extracted, compared and by which rule."
    )

    @model_validator(mode="after")
    def _one_outcome(self) -> Self:
        if self.valid != (self.score is not None) or self.valid != (self.failure is None):
            raise ValueError("a verdict is either valid with a score, or invalid with a failure and no score")
        return self

    @classmethod
    def scored(cls, score: float, reason: str, **evidence: Any) -> Verdict:
        """A verdict. Raises BadVerdict unless `score` is a finite number: that is a bug of the verifier."""
        number = type(score) is float or (isinstance(score, Real) and not isinstance(score, bool))
        if not number or not math.isfinite(score):
            mend = "; write float(…) around a truth value" if isinstance(score, bool) else ""
            raise BadVerdict(f"score: must be a finite number{mend}")
        return cls(score=float(score), valid=True, reason=reason, evidence=evidence)

    @classmethod
    def failed(cls, kind: FailureKind, message: str, component: str | None = None, **evidence: Any) -> Verdict:
        """No verdict, and why."""
        failure = Failure(kind=kind, component=component, message=message)
        return cls(score=None, valid=False, failure=failure, reason=message, evidence=evidence)


ANSWER_NOT_READ = "answer_not_read"
"""The flag in `evidence.flags` of an answer that the verifier could not read whole."""


def has_flag(verdict: Verdict, flag: str) -> bool:
    """Whether a verifier raises this flag in its evidence."""
    flags = verdict.evidence.get("flags")
    return isinstance(flags, list) and flag in flags


class VerifyReply(_Reply):
    """The answer to POST /verify."""

    verifier: str = Field(description="As in the description.")
    version: str = Field(description="As in the description.")
    build: str = Field(default="", description="As in the description.")
    verdicts: list[Verdict] = Field(description="One per completion, in order.")


class Description(_Reply):
    """GET / of a verifier service: what it is and what it takes."""

    verifier: str = Field(description="The name that domain files use.")
    version: str = Field(description="Changes with the verdicts.")
    summary: str = Field(default="", description="One line for a person.")
    options_schema: dict[str, Any] = Field(description="JSON schema of `options`.")
    reference_schema: dict[str, Any] = Field(description="JSON schema of what it reads of `reference`.")
    score_range: tuple[float, float] = Field(default=(0.0, 1.0), description="Lowest and highest score.")
    whole_group: bool = Field(default=False, description="Verdicts depend on the siblings.")
    whole_group_when: dict[str, list[str]] = Field(
        default_factory=dict, description="Option to those of its values with which verdicts depend on the siblings."
    )
    demo_when: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Option to those of its values that name a demonstration: its score is reported with weight 0.",
    )
    pure: bool = Field(
        default=False, description="Same input and same `build`, same verdict: the gateway may cache it, and ask twice."
    )
    reads_traces: bool = Field(
        default=False, description="Reads the calls of each episode: a group must name its `sessions`."
    )
    build: str = Field(
        default="",
        description="Changes whenever the code may have changed, also under the same version: a digest of the code, or "
        "something new at each start. Cached verdicts of another build are not used.",
    )

    def needs_group(self, options: dict[str, Any]) -> bool:
        """Whether verdicts with these options depend on the siblings."""
        return self.whole_group or any(options.get(name) in values for name, values in self.whole_group_when.items())

    def is_demo(self, options: dict[str, Any]) -> bool:
        """Whether the score with these options is for show."""
        return any(options.get(name, "") in values for name, values in self.demo_when.items())


# The reply to POST /score is built by the gateway alone, from verdicts that are already validated, so these are plain
# dataclasses. The two of which a group has hundreds are not frozen, which would double what it costs to make one.


@dataclass(slots=True, kw_only=True)
class Component:
    """One component's share of a sample's reward."""

    score: Annotated[float | None, Field(description="null: no verdict.")]
    weight: Annotated[float, Field(description="As in the domain file.")]
    valid: Annotated[bool, Field(description="Whether there is a score.")]
    failure: Failure | None = None
    reason: Annotated[str, Field(description="One sentence for a person.")]
    evidence: Annotated[dict[str, Any], Field(description="What was extracted, compared and by which rule.")] = field(
        default_factory=dict
    )


@dataclass(slots=True, kw_only=True)
class SampleResult:
    """The reward of one completion. `reward` is null exactly when `valid` is false."""

    reward: Annotated[float | None, Field(description="The combined score; null exactly when `valid` is false.")]
    valid: Annotated[bool, Field(description="Whether there is a reward.")]
    failure: Failure | None = None
    components: Annotated[dict[str, Component], Field(description="The same keys for every sample of a domain.")]
    flags: Annotated[list[str], Field(description="Marks for a person; they change no reward.")] = field(
        default_factory=list
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupStats:
    """Statistics over the valid rewards of this reply."""

    valid: Annotated[int, Field(description="How many rewards there are.")]
    mean: Annotated[float | None, Field(description="Of those; null without any.")]
    std: Annotated[float | None, Field(description="Population standard deviation.")]
    zero_variance: Annotated[bool, Field(description="All rewards are equal: the group teaches nothing.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreReply:
    """The answer to POST /score for one group."""

    domain: Annotated[str, Field(description="The domain that scored it.")]
    version: Annotated[str, Field(description="Digest of the resolved domain and its verifiers.")]
    results: Annotated[list[SampleResult], Field(description="One per completion, in order.")]
    group: GroupStats
    elapsed_ms: Annotated[float, Field(description="Milliseconds that scoring took.")]

    def json(self) -> bytes:
        """As it goes over the wire."""
        return orjson.dumps(self, default=to_jsonable_python)


class RefusedGroup(_Reply):
    """The answer to one group of many that is refused."""

    problem: Problem


class ScoreManyReply(_Reply):
    """The answer to POST /score for many groups, in their order."""

    groups: list[ScoreReply | RefusedGroup]


def validation_errors(error: ValidationError, model: type[BaseModel] | None = None) -> list[tuple[str, str]]:
    """(path, reason) pairs of a pydantic error, such as ("components[0].weight", "…"), without the input.

    With the `model`, keys that it does not have are corrected to those that it has.
    """
    return [(dotted(location), reason) for location, _, reason in faults_of(error, model)]


def reply_faults(error: ValidationError, model: type[BaseModel], document: object) -> str:
    """What is wrong with a reply, field by field, and which of its keys mean nothing here.

    Such as: verdicts: is missing; results: unknown key; there are: build, verdicts, verifier, version
    """
    faults = [": ".join(filter(None, fault)) for fault in validation_errors(error, model)][:MAX_FAULTS]
    keys = [key for key in document if key not in model.model_fields] if isinstance(document, dict) else []
    hints = [f"{key}: unknown key{did_you_mean(key, model.model_fields)}" for key in keys if is_key(key)]
    return "; ".join([*faults, *hints[:MAX_FAULTS]])


def dotted(location: Iterable[int | str]) -> str:
    """A place in a JSON document.

    >>> dotted(("groups", 3, "tokens"))
    'groups[3].tokens'
    """
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")

"""Local(verifier): a verifier that lives here, in killable workers.

    event loop: check options and reference ──▶ WorkerPool ──▶ worker process: verifier.verify(sample), one by one

A completion that hangs or crashes its worker costs itself a verdict and nobody else.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

from reward_verifiers import registry
from reward_verifiers.code_digest import code_digest
from reward_verifiers.contract import (
    BadVerdict,
    Description,
    FailureKind,
    Verdict,
    VerifyReply,
    VerifyRequest,
    completion_text,
    prompt_text,
    question_text,
    validation_errors,
)
from reward_verifiers.runtime.pool import TaskFailure, WorkerPool
from reward_verifiers.suggestions import MAX_NAMES, is_key
from reward_verifiers.verifier import (
    BadOptions,
    BadReference,
    GroupVerifier,
    ReferenceModel,
    Sample,
    Unsupported,
    Verifier,
    bounded,
    within_range,
)

# A verdict "gave up" blames the completion only when it burnt the limit itself, not when the machine was busy.
OWN_CPU_SHARE = 0.5

_loaded: dict[str, Verifier[Any, Any]] = {}


def pool_for(names: Sequence[str], *, size: int, memory_bytes: int = 1 << 30) -> WorkerPool:
    """A pool whose workers are forked from a process that has these verifiers loaded and warm."""
    return WorkerPool(
        size=size,
        memory_bytes=memory_bytes,
        warm_up="reward_verifiers.runtime.local:warm_up",
        warm_up_args=(tuple(names), tuple(sys.path)),
    )


def warm_up(names: Sequence[str], path: Sequence[str]) -> None:
    """Runs once, in the process from which the workers are forked."""
    sys.path[:] = path
    for name in names:
        _verifier(name).warm_up()


def _verifier(name: str) -> Verifier[Any, Any]:
    if name not in _loaded:
        _loaded[name] = registry.load(name)
    return _loaded[name]


def parse_options(verifier: Verifier[Any, Any], options: dict[str, Any]) -> Any:
    """The options as the verifier's model. Raises BadOptions."""
    try:
        return verifier.options_model.model_validate(options)
    except ValidationError as error:
        raise BadOptions(validation_errors(error, verifier.options_model)) from None


def parse_reference(verifier: Verifier[Any, Any], reference: dict[str, Any]) -> Any:
    """The reference as the verifier's model. Raises BadReference naming the fields."""
    try:
        return verifier.reference_model.model_validate(reference)
    except ValidationError as error:
        raise BadReference(_reference_faults(verifier.reference_model, reference, error)) from None


def _reference_faults(model: type[ReferenceModel], reference: dict[str, Any], error: ValidationError) -> str:
    """The faults by field, and which keys there are: one may be misspelt."""
    faults = [f"{f'reference.{path}'.rstrip('.')}: {reason}" for path, reason in validation_errors(error, model)]
    keys = ", ".join(key for key in list(reference)[:MAX_NAMES] if is_key(key))
    is_missing = any(item["type"] == "missing" or not item["loc"] for item in error.errors())
    return "; ".join(faults) + (f"; it has: {keys or 'nothing'}" if is_missing else "")


@dataclass(frozen=True, slots=True)
class _Work:
    """What goes to a worker. Options and reference are shared by the samples, and pickled once."""

    verifier: str
    samples: list[Sample[Any, Any]]


class Local:
    """The Backend of a verifier in this process's worker pool.

    `name` is a registered name or `module:Class`, best one of those that the pool was made for: it is warm there.
    """

    def __init__(self, name: str, pool: WorkerPool) -> None:
        self._key = name
        self._verifier = registry.load(name)
        self._build = code_digest(type(self._verifier))
        self._pool = pool

    async def describe(self) -> Description:
        return self._verifier.describe()

    async def check_options(self, options: dict[str, Any]) -> None:
        parse_options(self._verifier, options)

    async def ready(self) -> bool:
        return await self._pool.ready()

    def details(self) -> dict[str, str]:
        """Why it is not ready, or has fewer workers than it should."""
        return {"why": self._pool.trouble} if self._pool.trouble else {}

    async def aclose(self) -> None:
        """The pool is shared: whoever made it closes it."""

    async def verify(self, request: VerifyRequest) -> VerifyReply:
        options = parse_options(self._verifier, request.options)
        try:
            reference = parse_reference(self._verifier, request.reference)
        except BadReference as error:
            verdicts = [Verdict.failed(FailureKind.BAD_REFERENCE, str(error))] * len(request.completions)
        else:
            verdicts = await self._judge(samples_of(request, options, reference), request.deadline_s)
            verdicts = [within_range(verdict, self._verifier.score_range) for verdict in verdicts]
        return VerifyReply.model_construct(
            verifier=self._verifier.name, version=self._verifier.version, build=self._build, verdicts=verdicts
        )

    async def _judge(self, samples: list[Sample[Any, Any]], deadline_s: float | None) -> list[Verdict]:
        deadline = None if deadline_s is None else asyncio.get_running_loop().time() + deadline_s
        verifier, work = self._verifier, _Work(self._key, samples)
        if isinstance(verifier, GroupVerifier):
            [outcome] = await self._pool.run(
                "reward_verifiers.runtime.local:judge_group",
                work,
                1,
                item_timeout_s=verifier.item_timeout_s,
                deadline=deadline,
            )
            if isinstance(outcome, TaskFailure):
                return [_failed(outcome)] * len(samples)
            return [Verdict.model_validate(verdict) for verdict in outcome]
        outcomes = await self._pool.run(
            "reward_verifiers.runtime.local:judge",
            work,
            len(samples),
            item_timeout_s=verifier.item_timeout_s,
            deadline=deadline,
        )
        return [
            await self._settle(sample, outcome, deadline)
            if isinstance(outcome, TaskFailure)
            else Verdict.model_validate(outcome)
            for sample, outcome in zip(samples, outcomes, strict=True)
        ]

    async def _settle(self, sample: Sample[Any, Any], failure: TaskFailure, deadline: float | None) -> Verdict:
        """A limit that the completion used up alone may be a verdict, if the verifier says so; else it is a failure."""
        limit_s = self._verifier.item_timeout_s
        own_time = failure.kind is FailureKind.TIMEOUT and failure.cpu_s >= OWN_CPU_SHARE * limit_s
        if not own_time and failure.kind is not FailureKind.MEMORY_LIMIT:
            return _failed(failure)
        limit = f"{limit_s:g} s" if own_time else "its memory limit"
        [outcome] = await self._pool.run(
            "reward_verifiers.runtime.local:give_up",
            (_Work(self._key, [sample]), failure.kind.value, limit),
            1,
            item_timeout_s=limit_s,
            deadline=deadline,
        )
        if isinstance(outcome, TaskFailure) or outcome is None:
            return _failed(failure)
        return Verdict.model_validate(outcome)


def samples_of(request: VerifyRequest, options: Any, reference: Any) -> list[Sample[Any, Any]]:
    """The request's completions as the verifier sees them."""
    prompt, question = prompt_text(request.prompt), question_text(request.prompt)
    nothing = [None] * len(request.completions)
    return [
        Sample(
            completion=completion_text(completion),
            turns=() if isinstance(completion, str) else tuple(one for one in completion if one.role == "assistant"),
            options=options,
            reference=reference,
            prompt=prompt,
            question=question,
            is_chat=isinstance(request.prompt, list),
            prefix=request.prefix,
            truncated=truncated,
            tokens=tokens,
            trace=trace,
        )
        for completion, truncated, tokens, trace in zip(
            request.completions,
            request.truncated or nothing,
            request.tokens or nothing,
            request.traces or nothing,
            strict=True,
        )
    ]


def _failed(failure: TaskFailure) -> Verdict:
    return Verdict.failed(failure.kind, failure.message)


# --- in the worker ----------------------------------------------------------------------------------------------------


def judge(work: _Work, start: int) -> Iterator[dict[str, Any]]:
    """One verdict per sample, from sample `start` on."""
    verifier = _verifier(work.verifier)
    for sample in work.samples[start:]:
        yield _portable(_verdict_of(verifier, sample))


def judge_group(work: _Work, _start: int) -> Iterator[list[dict[str, Any]]]:
    """All verdicts of a group at once."""
    verifier = _verifier(work.verifier)
    assert isinstance(verifier, GroupVerifier)  # noqa: S101
    try:
        verdicts = verifier.verify_group(work.samples)
        if len(verdicts) != len(work.samples):
            raise BadVerdict(f"verdicts: {len(verdicts)} for {len(work.samples)} samples")
        _demand_verdicts(verdicts)
    except (BadReference, Unsupported, BadVerdict, ValidationError) as error:
        verdicts = [_failure_for(error)] * len(work.samples)
    yield [_portable(verdict) for verdict in verdicts]


def give_up(argument: tuple[_Work, str, str], _start: int) -> Iterator[dict[str, Any] | None]:
    work, kind, limit = argument
    verdict = _verifier(work.verifier).gave_up(work.samples[0], FailureKind(kind), limit)
    yield None if verdict is None else _portable(verdict)


def _verdict_of(verifier: Verifier[Any, Any], sample: Sample[Any, Any]) -> Verdict:
    try:
        verdict = verifier.verify(sample)
        _demand_verdicts([verdict])
    except (BadReference, Unsupported, BadVerdict, ValidationError) as error:
        return _failure_for(error)
    return verdict


def _demand_verdicts(verdicts: Sequence[object]) -> None:
    for verdict in verdicts:
        if not isinstance(verdict, Verdict):
            raise BadVerdict(f"it is a {type(verdict).__name__}, not a Verdict")


def _failure_for(error: BadReference | Unsupported | BadVerdict | ValidationError) -> Verdict:
    match error:
        case BadReference():
            return Verdict.failed(FailureKind.BAD_REFERENCE, str(error))
        case Unsupported():
            return Verdict.failed(FailureKind.UNSUPPORTED, str(error))
        case ValidationError() if error.title != Verdict.__name__:
            raise error  # of the verifier's own models
        case ValidationError():
            faults = "; ".join(f"{path}: {reason}" for path, reason in validation_errors(error))
        case BadVerdict():
            faults = str(error)
    return Verdict.failed(FailureKind.VERIFIER_ERROR, f"the verifier's verdict does not fit: {faults}")


def _portable(verdict: Verdict) -> dict[str, Any]:
    """The verdict as JSON can carry it: no lone surrogates (completions may hold them), evidence of bounded size."""
    try:
        plain = bounded(verdict).model_dump(mode="python")
        orjson.dumps(plain)
    except TypeError:
        cleaned = Verdict.model_validate(_without_surrogates(verdict.model_dump(mode="python")))
        plain = bounded(cleaned).model_dump(mode="python")
    return plain


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, BaseModel):
        return _without_surrogates(value.model_dump(mode="python"))
    if isinstance(value, Iterable):
        return [_without_surrogates(item) for item in value]
    return value

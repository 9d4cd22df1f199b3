"""Scoring one rollout group: fan out to the domain's components at once, wait until the deadline, combine.

    ScoreRequest ──▶ one VerifyRequest a component ──▶ cache ──▶ backend ──▶ verdicts ──▶ rewards.combine ──▶ ScoreReply

Whatever goes wrong with a component is a failed verdict with its kind; nothing here raises for it, and nothing here makes
up a number.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from reward_api.domains.spec import BoundComponent, Domain
from reward_api.gateway import on_hack, rewards, second_opinion
from reward_api.gateway.backends import UNREACHABLE
from reward_api.gateway.cache import VerdictCache, completion_digests
from reward_api.gateway.episodes import Episodes, without_failed
from reward_api.gateway.group_buffer import GroupBuffer, Member
from reward_api.gateway.metrics import Metrics
from reward_api.gateway.remote import BadReply, OtherVerifier
from reward_api.monitor.alarms import State
from reward_verifiers.contract import (
    Description,
    FailureKind,
    SampleResult,
    ScoreReply,
    ScoreRequest,
    Trace,
    Verdict,
    VerifyReply,
    VerifyRequest,
)
from reward_verifiers.service import tracing
from reward_verifiers.service.draining import Deadlines
from reward_verifiers.verifier import Backend, BadOptions, Judge, Overloaded, within_range

log = logging.getLogger(__name__)

_Outcome = tuple[list[Verdict], bool]
"""A component's verdicts, and whether its verifier is another than the domain knows."""

# Kept back from the components, so that the reply is made before the client's own deadline.
REPLY_S = 0.05
_OPINION_SHARE = 0.95
"""Of the time left, what a second opinion may take: the first verdict must still be sent."""
_STOPS = FailureKind.CANCELLED, "the gateway stops"
TEMPLATE_FLAG = "template_prefills_think"


class Watch(Protocol):
    """Who looks at the rewards for reward hacking. All of it returns at once."""

    def state(self, domain: Domain, request: ScoreRequest) -> State:
        """Of the request's run, as of the groups that were looked at so far."""

    def is_canary(self, domain: Domain, request: ScoreRequest) -> bool:
        """Whether it is an impossible task, which the gateway alone knows."""

    def observe(self, domain: Domain, request: ScoreRequest, results: Sequence[SampleResult]) -> None:
        """Have a look at the results later, in another thread."""


class Unwatched:
    """Nobody looks."""

    def state(self, domain: Domain, request: ScoreRequest) -> State:
        return State.OK

    def is_canary(self, domain: Domain, request: ScoreRequest) -> bool:
        return False

    def observe(self, domain: Domain, request: ScoreRequest, results: Sequence[SampleResult]) -> None:
        return


def picked(request: ScoreRequest, places: Sequence[int]) -> ScoreRequest:
    """The request for some of its completions, as a group of their own."""
    lists = {
        name: [values[place] for place in places]
        for name in ("completions", "truncated", "tokens", "sessions")
        if (values := getattr(request, name)) is not None
    }
    return request.model_copy(update={**lists, "indices": None, "group_size": None})


@dataclass(frozen=True, slots=True)
class Scorer:
    """What scoring needs, shared by all groups."""

    cache: VerdictCache
    group_buffer: GroupBuffer
    metrics: Metrics
    max_deadline_s: float
    deadlines: Deadlines
    refresh: Callable[[Domain], Awaitable[Domain]]
    """The domain of that name as its verifiers are now."""
    episodes: Episodes
    watch: Watch
    record: Callable[[ScoreRequest, ScoreReply], None] | None = None
    """Takes every group with its reply, and neither waits nor raises."""

    def aside(self) -> Scorer:
        """The same for groups that are none of a training run: nobody watches them, and they are not recorded."""
        return replace(self, watch=Unwatched(), record=None)

    async def score(self, domain: Domain, request: ScoreRequest) -> ScoreReply:
        """The rewards of the group's completions, in order."""
        begun = time.monotonic()
        seconds = min(request.deadline_s or domain.spec.deadline_s, self.max_deadline_s)
        deadline = asyncio.get_running_loop().time() + seconds
        with tracing.span("group", domain=domain.name, samples=len(request.completions)):
            traces = (
                None if request.sessions is None else await self.episodes.traces(request.sessions, deadline - REPLY_S)
            )
            domain, verdicts = await self._by_current(domain, request, traces, deadline)
            if traces is not None:
                verdicts = without_failed(verdicts, traces)
        results = rewards.combine(domain.spec, verdicts, _flags(verdicts, len(request.completions)))
        self.watch.observe(domain, request, results)
        results = await self._marked(domain, request, results, deadline)
        elapsed = time.monotonic() - begun
        self.metrics.scored(domain.name, results, elapsed)
        _log_nulls(domain, request, results)
        reply = ScoreReply(
            domain=domain.name,
            version=domain.version,
            results=results,
            group=rewards.group_stats(results),
            elapsed_ms=round(elapsed * 1000, 3),
        )
        if self.record is not None:
            self.record(request, reply)
        return reply

    async def _marked(
        self, domain: Domain, request: ScoreRequest, results: list[SampleResult], deadline: float
    ) -> list[SampleResult]:
        """With the monitor's flags, and with what the domain does about a hacked reward."""
        state, is_canary = self.watch.state(domain, request), self.watch.is_canary(domain, request)
        if state < State.SUSPECT and not is_canary:
            return results
        results = on_hack.flagged(results, state, is_canary=is_canary)
        if state is not State.HACKING or domain.spec.monitor.on_hack == "flag":
            return results
        places = on_hack.paid_places(domain.spec, results)
        if not places:
            return results
        seconds = await self.second_verdicts(domain, request, places, deadline)
        return on_hack.applied(domain.spec, results, dict(zip(places, seconds, strict=True)))

    async def second_verdicts(
        self, domain: Domain, request: ScoreRequest, places: Sequence[int], deadline: float
    ) -> list[Verdict]:
        """What the monitor's second verifier says of some completions of the group."""
        second = domain.second
        assert second is not None  # noqa: S101
        about = second.description
        needs_group = about is not None and about.needs_group(second.spec.options)
        members = [*range(len(request.completions))] if needs_group else [*places]
        part = picked(request, members)
        verdicts, _ = await self._bounded(
            domain, second, part, None, completion_digests(part.completions), {}, deadline
        )
        return [verdicts[place] for place in places] if needs_group else verdicts

    async def _by_current(
        self, domain: Domain, request: ScoreRequest, traces: list[Trace] | None, deadline: float
    ) -> tuple[Domain, dict[str, list[Verdict]]]:
        """The verdicts, and the domain as its verifiers were then.

        A verifier that came up, or became another version, since the domain was resolved is asked at once what it is.
        """
        if any(part.description is None for component in domain.components for part in component.parts()):
            domain = await self._refreshed(domain, deadline)
        verdicts, moved = await self._all_verdicts(domain, request, traces, deadline)
        if moved and (now := await self._refreshed(domain, deadline)) is not domain:
            domain, (verdicts, _) = now, await self._all_verdicts(now, request, traces, deadline)
        return domain, verdicts

    async def _refreshed(self, domain: Domain, deadline: float) -> Domain:
        try:
            async with asyncio.timeout_at(deadline - REPLY_S):
                return await self.refresh(domain)
        except TimeoutError:
            return domain

    async def _all_verdicts(
        self, domain: Domain, request: ScoreRequest, traces: list[Trace] | None, deadline: float
    ) -> tuple[dict[str, list[Verdict]], bool]:
        """Component key → one verdict per completion, and whether a verifier is another than the domain knows.

        Components with `after` start when those are done.
        """
        tasks: dict[str, asyncio.Task[_Outcome]] = {}
        digests = completion_digests(request.completions)

        async def start(component: BoundComponent) -> _Outcome:
            earlier = {name: [verdict.score for verdict in (await tasks[name])[0]] for name in component.spec.after}
            with tracing.span("component", component=component.spec.key, verifier=component.spec.verifier):
                return await self._bounded(domain, component, request, traces, digests, earlier, deadline)

        *others, last = domain.components
        async with asyncio.TaskGroup() as group:
            for component in others:
                tasks[component.spec.key] = group.create_task(start(component))
            outcome = await start(last)  # nothing comes after it, so it needs no task of its own
        outcomes = {key: task.result() for key, task in tasks.items()} | {last.spec.key: outcome}
        return {key: rows for key, (rows, _) in outcomes.items()}, any(moved for _, moved in outcomes.values())

    async def _bounded(
        self,
        domain: Domain,
        component: BoundComponent,
        request: ScoreRequest,
        traces: list[Trace] | None,
        digests: Sequence[bytes],
        scores: Mapping[str, list[float | None]],
        deadline: float,
    ) -> _Outcome:
        """The component's verdicts; failures of one kind for all completions when it gives none."""
        name, count = component.spec.verifier, len(request.completions)
        begun, moved = time.monotonic(), False
        try:
            async with self.deadlines.at(deadline):
                verdicts = await self._verdicts(domain, component, request, traces, digests, scores, deadline)
                if component.undecided is not None:
                    verdicts = await self._settled(component.undecided, verdicts, request, deadline)
        except Exception as error:
            failure = _STOPS if self.deadlines.called_off else _failure(component, error)
            verdicts = [Verdict.failed(*failure)] * count
            moved = isinstance(error, OtherVerifier)
        self.metrics.verified(name, verdicts, time.monotonic() - begun)
        return verdicts, moved

    async def _verdicts(
        self,
        domain: Domain,
        component: BoundComponent,
        request: ScoreRequest,
        traces: list[Trace] | None,
        digests: Sequence[bytes],
        scores: Mapping[str, list[float | None]],
        deadline: float,
    ) -> list[Verdict]:
        about = component.description
        if about is None:
            raise ConnectionError
        judge = partial(_judge, component.backend, about)
        left = max(deadline - asyncio.get_running_loop().time() - REPLY_S, 0.001)
        verify = VerifyRequest.model_construct(  # its parts were validated as the ScoreRequest's
            prompt=request.prompt,
            completions=request.completions,
            reference=request.reference,
            prefix=request.prefix,
            truncated=request.truncated,
            tokens=request.tokens,
            options={
                **component.spec.options,
                **({"scores": dict(scores)} if scores else {}),
                **_training(about, request),
            },
            deadline_s=left,
            traces=traces if about.reads_traces else None,
        )
        needs_group = about.needs_group(component.spec.options)
        identity = (about.verifier, about.version, about.build, component.endpoint)
        if needs_group and request.indices is not None and request.group_size != len(request.completions):
            key = (domain.name, domain.version, component.spec.key, request.run, request.step, request.id)
            return await self._whole_group(key, request, verify, judge, scores)
        if not about.pure or about.reads_traces or needs_group:
            return (await judge(verify)).verdicts
        return await self.cache.verify(judge, identity, verify, digests)

    async def _settled(
        self, opinion: BoundComponent, verdicts: list[Verdict], request: ScoreRequest, deadline: float
    ) -> list[Verdict]:
        """With a second opinion on what was not understood. Where that gives none, the first verdict stands."""
        positions = [at for at, verdict in enumerate(verdicts) if second_opinion.is_undecided(verdict)]
        if not positions:
            return verdicts
        left = max(deadline - asyncio.get_running_loop().time() - REPLY_S, 0.001)
        question = second_opinion.question(opinion.spec, request, verdicts, positions, left * _OPINION_SHARE)
        begun = time.monotonic()
        try:
            about = opinion.description
            if about is None:
                raise ConnectionError
            identity = (about.verifier, about.version, about.build, opinion.endpoint)
            async with asyncio.timeout(left * _OPINION_SHARE):
                opinions = await self.cache.verify(partial(_judge, opinion.backend, about), identity, question)
        except Exception as error:
            if self.deadlines.called_off:
                raise
            opinions = [Verdict.failed(*_failure(opinion, error))] * len(positions)
        self.metrics.verified(opinion.spec.verifier, opinions, time.monotonic() - begun)
        return second_opinion.settled(verdicts, positions, opinions)

    async def _whole_group(
        self,
        key: tuple[object, ...],
        request: ScoreRequest,
        verify: VerifyRequest,
        judge: Judge,
        scores: Mapping[str, list[float | None]],
    ) -> list[Verdict]:
        assert request.indices is not None  # noqa: S101
        assert request.group_size is not None  # noqa: S101
        members = {
            index: Member(
                completion=request.completions[position],
                truncated=request.truncated[position] if request.truncated else None,
                tokens=request.tokens[position] if request.tokens else None,
                scores={name: values[position] for name, values in scores.items()},
            )
            for position, index in enumerate(request.indices)
        }
        return await self.group_buffer.verify(key, request.group_size, members, verify, judge)


def _log_nulls(domain: Domain, request: ScoreRequest, results: Sequence[SampleResult]) -> None:
    """One line for a group that lacks rewards, with how many for each cause."""
    causes = Counter(
        f"{one.component}: {one.kind.value}: {one.message}" for result in results if (one := result.failure) is not None
    )
    if causes:
        group = {"domain": domain.name, "run": request.run, "step": request.step, "group": request.id}
        log.warning(
            "group without some rewards",
            extra={**group, "nulls": causes.total(), "samples": len(results), "causes": dict(causes.most_common(5))},
        )


async def _judge(backend: Backend, about: Description, request: VerifyRequest) -> VerifyReply:
    """The backend's reply, held to what it says of itself. Raises BadReply."""
    reply = await backend.verify(request)
    if reply.verifier != about.verifier:
        raise OtherVerifier(f"verifier is {reply.verifier!r}, not {about.verifier!r}")
    if reply.version != about.version:
        raise OtherVerifier(f"version is {reply.version!r}, not {about.version!r}")
    if len(reply.verdicts) != len(request.completions):
        raise BadReply(f"verdicts has {len(reply.verdicts)} entries for {len(request.completions)} completions")
    verdicts = [within_range(verdict, about.score_range) for verdict in reply.verdicts]
    return VerifyReply.model_construct(
        verifier=reply.verifier, version=reply.version, build=reply.build, verdicts=verdicts
    )


def _training(about: Description, request: ScoreRequest) -> dict[str, str | int]:
    """The run and the step, for a verifier whose options have a place for them."""
    takes = about.options_schema.get("properties", {})
    training = {"run": request.run, "step": request.step}
    return {name: value for name, value in training.items() if value is not None and name in takes}


def _failure(component: BoundComponent, error: Exception) -> tuple[FailureKind, str]:
    """Which failure an exception of a backend is. Messages name the trouble, never the sample."""
    name = component.spec.verifier
    match error:
        case TimeoutError():
            return FailureKind.DEADLINE_EXCEEDED, f"{name} did not answer before the deadline"
        case Overloaded():
            return FailureKind.OVERLOADED, f"{name} has no room; try again later"
        case BadOptions():
            return FailureKind.VERIFIER_ERROR, f"{name} refuses the domain's options: {error}"
        case BadReply():
            return FailureKind.VERIFIER_ERROR, f"{name} replied outside the contract: {error}"
        case _ if isinstance(error, UNREACHABLE):
            return FailureKind.VERIFIER_UNREACHABLE, f"{name} cannot be reached ({type(error).__name__})"
    log.exception("verifier failed", extra={"verifier": name}, exc_info=error)
    return FailureKind.VERIFIER_ERROR, f"{name} failed ({type(error).__name__})"


def _flags(verdicts: Mapping[str, list[Verdict]], count: int) -> list[list[str]]:
    """Advisory marks per sample: those that a verifier raises in its evidence, and one for the whole group, where all lack
    only the opening think tag.
    """
    lacks = any(
        rows and all(verdict.evidence.get("only_opening_missing") is True for verdict in rows)
        for rows in verdicts.values()
    )
    flags = [[TEMPLATE_FLAG] if lacks else [] for _ in range(count)]
    for rows in verdicts.values():
        for mine, verdict in zip(flags, rows, strict=True):
            raised = verdict.evidence.get("flags")
            mine += [flag for flag in raised if isinstance(flag, str)] if isinstance(raised, list) else []
    return flags

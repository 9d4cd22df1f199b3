"""Scoring one rollout group: fan out to the domain's components at once, wait until the deadline, combine.

    ScoreRequest ──▶ one VerifyRequest a component ──▶ cache ──▶ backend ──▶ verdicts ──▶ rewards.combine ──▶ ScoreReply

Whatever goes wrong with a component is a failed verdict with its kind; nothing here raises for it, and nothing here makes
up a number.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

from reward_api.domains.spec import Component, Domain
from reward_api.gateway import rewards
from reward_api.gateway.backends import UNREACHABLE
from reward_api.gateway.cache import VerdictCache
from reward_api.gateway.group_buffer import GroupBuffer, Member
from reward_api.gateway.metrics import Metrics
from reward_api.gateway.remote import BadReply
from reward_verifiers.contract import Description, FailureKind, ScoreReply, ScoreRequest, Verdict, VerifyRequest
from reward_verifiers.verifier import BadOptions, Overloaded

log = logging.getLogger(__name__)

# Kept back from the components, so that the reply is made before the client's own deadline.
REPLY_S = 0.05
TEMPLATE_FLAG = "template_prefills_think"


@dataclass(frozen=True, slots=True)
class Scorer:
    """What scoring needs, shared by all groups."""

    cache: VerdictCache
    group_buffer: GroupBuffer
    metrics: Metrics
    max_deadline_s: float

    async def score(self, domain: Domain, request: ScoreRequest) -> ScoreReply:
        """The rewards of the group's completions, in order."""
        begun = time.monotonic()
        seconds = min(request.deadline_s or domain.spec.deadline_s, self.max_deadline_s)
        deadline = asyncio.get_running_loop().time() + seconds
        verdicts = await self._all_verdicts(domain, request, deadline)
        results = rewards.combine(domain.spec, verdicts, _flags(verdicts, len(request.completions)))
        elapsed = time.monotonic() - begun
        self.metrics.scored(domain.name, results, elapsed)
        return ScoreReply(
            domain=domain.name,
            version=domain.version,
            results=results,
            group=rewards.group_stats(results),
            elapsed_ms=round(elapsed * 1000, 3),
        )

    async def _all_verdicts(self, domain: Domain, request: ScoreRequest, deadline: float) -> dict[str, list[Verdict]]:
        """Component key → one verdict per completion. Components with `after` start when those are done."""
        tasks: dict[str, asyncio.Task[list[Verdict]]] = {}

        async def start(component: Component) -> list[Verdict]:
            earlier = {name: [verdict.score for verdict in await tasks[name]] for name in component.spec.after}
            return await self._bounded(domain, component, request, earlier, deadline)

        async with asyncio.TaskGroup() as group:
            for component in domain.components:
                tasks[component.spec.key] = group.create_task(start(component))
        return {key: task.result() for key, task in tasks.items()}

    async def _bounded(
        self,
        domain: Domain,
        component: Component,
        request: ScoreRequest,
        scores: Mapping[str, list[float | None]],
        deadline: float,
    ) -> list[Verdict]:
        """The component's verdicts; failures of one kind for all completions when it gives none."""
        name, count = component.spec.verifier, len(request.completions)
        begun = time.monotonic()
        try:
            async with asyncio.timeout_at(deadline):
                verdicts = await self._verdicts(domain, component, request, scores, deadline)
        except Exception as error:
            verdicts = [Verdict.failed(*_failure(component, error))] * count
        self.metrics.verified(name, verdicts, time.monotonic() - begun)
        return verdicts

    async def _verdicts(
        self,
        domain: Domain,
        component: Component,
        request: ScoreRequest,
        scores: Mapping[str, list[float | None]],
        deadline: float,
    ) -> list[Verdict]:
        about, backend = component.description, component.backend
        if about is None:
            raise ConnectionError
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
        )
        needs_group = about.needs_group(component.spec.options)
        identity = (about.verifier, about.version, component.home)
        if needs_group and request.indices is not None and request.group_size != len(request.completions):
            key = (domain.name, domain.version, component.spec.key, request.run, request.step, request.id)
            return await self._assembled(key, request, verify, component, scores)
        if not about.pure or needs_group:
            return (await backend.verify(verify)).verdicts
        return await self.cache.verify(backend, identity, verify)

    async def _assembled(
        self,
        key: tuple[object, ...],
        request: ScoreRequest,
        verify: VerifyRequest,
        component: Component,
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
        return await self.group_buffer.verify(key, request.group_size, members, verify, component.backend.verify)


def _training(about: Description, request: ScoreRequest) -> dict[str, str | int]:
    """The run and the step, for a verifier whose options have a place for them."""
    takes = about.options_schema.get("properties", {})
    training = {"run": request.run, "step": request.step}
    return {name: value for name, value in training.items() if value is not None and name in takes}


def _failure(component: Component, error: Exception) -> tuple[FailureKind, str]:
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
            return FailureKind.VERIFIER_ERROR, f"{name} answered outside the contract: {error}"
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

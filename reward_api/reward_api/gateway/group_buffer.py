"""Whole groups out of samples that arrive one by one, for the verifiers that need all siblings.

Every request brings its part and waits; the one that completes the group has it judged, and each takes its own verdicts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from reward_verifiers.contract import FailureKind, Text, Verdict, VerifyRequest
from reward_verifiers.verifier import Judge

siblings_meet: ContextVar[bool] = ContextVar("siblings_meet", default=True)
"""Whether the siblings of the request at work come to this gateway, too."""
GROUP_HEADER = "x-touchstone-group"
"""Names the group, by its run, step and id, for a balancer in front of several gateways."""
_APART = f"siblings may be at other gateways: route by the header {GROUP_HEADER}, or send the group in one request"


@dataclass(frozen=True, slots=True)
class Member:
    """One completion of a group, with what travels beside it."""

    completion: Text
    truncated: bool | None
    tokens: int | None
    scores: dict[str, float | None]


@dataclass(slots=True)
class _PendingGroup:
    size: int
    members: dict[int, Member] = field(default_factory=dict)
    judged: asyncio.Task[list[Verdict]] | None = None
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0


class GroupBuffer:
    """Incomplete groups, by component and group. A group that nobody waits for is dropped, so requests bound them."""

    def __init__(self) -> None:
        self._pending: dict[Hashable, _PendingGroup] = {}

    async def verify(
        self, key: Hashable, size: int, members: dict[int, Member], request: VerifyRequest, judge: Judge
    ) -> list[Verdict]:
        """The verdicts of these members, once all `size` are there. Waits for ever: the caller has the deadline.

        A repeated member (a trainer's retry) replaces the earlier one.
        """
        if not siblings_meet.get():
            return [Verdict.failed(FailureKind.UNSUPPORTED, _APART)] * len(members)
        group = self._pending.setdefault(key, _PendingGroup(size))
        if group.size != size:
            message = f"group_size is {size} here and {group.size} in a sibling's request"
            return [Verdict.failed(FailureKind.UNSUPPORTED, message)] * len(members)
        group.members.update(members)
        group.waiting += 1
        try:
            if len(group.members) == size and group.judged is None:
                group.judged = asyncio.create_task(self._judge(group, request, judge))
                group.complete.set()
            await group.complete.wait()
            assert group.judged is not None  # noqa: S101
            verdicts = await asyncio.shield(group.judged)
            return [verdicts[index] for index in members]
        finally:
            group.waiting -= 1
            if not group.waiting:
                if self._pending.get(key) is group:
                    del self._pending[key]
                if group.judged and not group.judged.done():
                    group.judged.cancel()

    def missing(self, key: Hashable) -> int:
        """How many siblings a group still waits for; 0 when there is no such group."""
        group = self._pending.get(key)
        return group.size - len(group.members) if group else 0

    @staticmethod
    async def _judge(group: _PendingGroup, request: VerifyRequest, judge: Judge) -> list[Verdict]:
        ordered = [group.members[index] for index in range(group.size)]
        return (await judge(whole(request, ordered))).verdicts


def whole(request: VerifyRequest, members: list[Member]) -> VerifyRequest:
    """The request for all members. Lengths are given only when every member has one."""
    tokens = [member.tokens for member in members if member.tokens is not None]
    truncated = [member.truncated for member in members if member.truncated is not None]
    update: dict[str, Any] = {
        "completions": [member.completion for member in members],
        "tokens": tokens if len(tokens) == len(members) else None,
        "truncated": truncated if len(truncated) == len(members) else None,
    }
    if names := {name for member in members for name in member.scores}:
        scores = {name: [member.scores.get(name) for member in members] for name in sorted(names)}
        update["options"] = {**request.options, "scores": scores}
    return request.model_copy(update=update)

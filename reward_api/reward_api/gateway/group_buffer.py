"""Whole groups out of samples that arrive one by one, for the verifiers that need all siblings.

Every request brings its part and waits; the one that completes the group has it judged, and each takes its own verdicts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from reward_verifiers.contract import FailureKind, Text, Verdict, VerifyReply, VerifyRequest

Judge = Callable[[VerifyRequest], Awaitable[VerifyReply]]


@dataclass(frozen=True, slots=True)
class Member:
    """One completion of a group, with what travels beside it."""

    completion: Text
    truncated: bool | None
    tokens: int | None
    scores: dict[str, float | None]


@dataclass(slots=True)
class _Gathering:
    size: int
    members: dict[int, Member] = field(default_factory=dict)
    judged: asyncio.Task[list[Verdict]] | None = None
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0


class GroupBuffer:
    """Groups being gathered, by component and group. Bounded by the requests that wait: an unwatched group is dropped."""

    def __init__(self) -> None:
        self._gatherings: dict[Hashable, _Gathering] = {}

    async def verify(
        self, key: Hashable, size: int, members: dict[int, Member], request: VerifyRequest, judge: Judge
    ) -> list[Verdict]:
        """The verdicts of these members, once all `size` are there. Waits for ever: the caller has the deadline.

        A repeated member (a trainer's retry) replaces the earlier one.
        """
        gathering = self._gatherings.setdefault(key, _Gathering(size))
        if gathering.size != size:
            message = f"group_size is {size} here and {gathering.size} in a sibling's request"
            return [Verdict.failed(FailureKind.UNSUPPORTED, message)] * len(members)
        gathering.members.update(members)
        gathering.waiting += 1
        try:
            if len(gathering.members) == size and gathering.judged is None:
                gathering.judged = asyncio.create_task(self._judge(gathering, request, judge))
                gathering.complete.set()
            await gathering.complete.wait()
            assert gathering.judged is not None  # noqa: S101
            verdicts = await asyncio.shield(gathering.judged)
            return [verdicts[index] for index in members]
        finally:
            gathering.waiting -= 1
            if not gathering.waiting:
                if self._gatherings.get(key) is gathering:
                    del self._gatherings[key]
                if gathering.judged and not gathering.judged.done():
                    gathering.judged.cancel()

    def missing(self, key: Hashable) -> int:
        """How many siblings a gathering still waits for; 0 when there is none."""
        gathering = self._gatherings.get(key)
        return gathering.size - len(gathering.members) if gathering else 0

    @staticmethod
    async def _judge(gathering: _Gathering, request: VerifyRequest, judge: Judge) -> list[Verdict]:
        ordered = [gathering.members[index] for index in range(gathering.size)]
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

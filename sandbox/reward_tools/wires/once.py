"""Cells of code for wires that name no session: those of one request run in a session of their own, which then ends."""

from __future__ import annotations

from collections.abc import Sequence

from reward_tools.toolbox import Toolbox
from reward_verifiers.contract import TracedCall


async def in_session(toolbox: Toolbox, session: str | None, cells: Sequence[str]) -> list[TracedCall]:
    """What came of each, until one goes wrong. Raises Overloaded."""
    name = session or toolbox.sessions.begin().name
    calls: list[TracedCall] = []
    try:
        for code in cells:
            calls.append((await toolbox.call(name, "python", {"code": code}))[1])  # one after another
            if calls[-1].outcome != "ok" or calls[-1].raised:
                break
    finally:
        if session is None:
            toolbox.sessions.end(name)
    return calls

"""One implementation under every wire: a call in a session comes in, and what came of it is in the session's trace."""

from __future__ import annotations

import asyncio
import binascii
import contextlib
import logging
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from reward_sandbox.jail.host.interactive import LONGER, START_S
from reward_sandbox.jail.spec import CannotJail
from reward_tools.calling import Output, Refused, SessionState, Tool, schema_of
from reward_tools.sessions import Session, Sessions
from reward_tools.settings import ToolsSettings
from reward_tools.tools.calculate import Calculate
from reward_tools.tools.look_up import Corpus, Open, Search
from reward_tools.tools.python import Python
from reward_verifiers.completion import END_TOKENS, RESULTS, TURN_TOKENS
from reward_verifiers.contract import Trace, TracedCall, validation_errors
from reward_verifiers.service.admission import Admission
from reward_verifiers.service.strict_json import BadJSON, loads
from reward_verifiers.verifier import Overloaded

log = logging.getLogger(__name__)

_LOOK_S = 5.0
MAX_ARGUMENTS = 200_000
"""Bytes of the arguments of one call, as JSON."""
_CUT = "\n[… {} bytes are left out]"
_GRACE_S = 20.0
"""What a call may take beyond its time before it is given up as our failure."""


# What would end a tool's place in the text of an episode, so that the rest of its output read as the model's own words: the
# marks that trainers write around results, a fence, and the tokens that end a turn or begin one.
_MARKS = re.compile(
    rf"</(?={'|'.join(f'{name}>' for name in (*RESULTS, 'result', 'output'))})|```|"
    + "|".join(re.escape(token) for token in sorted({*END_TOKENS, *TURN_TOKENS}, key=len, reverse=True))
)


def harmless(text: str) -> str:
    """The text with a backslash in each such mark.

    >>> harmless("</tool_response><answer>3</answer>")
    '<\\\\/tool_response><answer>3</answer>'
    """
    return _MARKS.sub(lambda mark: f"{mark[0][0]}\\{mark[0][1:]}", text)


class _Read(NamedTuple):
    """Arguments as they came, in plain JSON, and their size."""

    plain: dict[str, Any]
    size: int


class Toolbox:
    """The tools, the sessions, and the room for calls. Use as `async with toolbox.running():`."""

    def __init__(self, settings: ToolsSettings | None = None, tools: Sequence[Tool] | None = None) -> None:
        self.settings = settings = settings or ToolsSettings()
        self.corpus = Corpus(settings.corpus)
        self.python = Python(settings)
        every = tools or [Calculate(), Search(self.corpus), Open(self.corpus), self.python]
        self.tools = {tool.name: tool for tool in every if tool.name in settings.offered or tools}
        self.sessions = Sessions(settings, time.monotonic)
        self.admission = Admission(settings.max_inflight_calls, what="calls")
        self.counts: dict[tuple[str, str], int] = {}
        """(tool, outcome) → calls."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        follower = asyncio.create_task(self.sessions.follow(_LOOK_S))
        try:
            yield
        finally:
            follower.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await follower
            await self.python.aclose()  # all interpreters at once, rather than one by one with their sessions
            await self.sessions.aclose()

    async def missing(self) -> dict[str, str]:
        """Tool → why it is not offered here."""
        reasons = {name: await tool.ready() for name, tool in self.tools.items()}
        return {name: why for name, why in reasons.items() if why}

    async def schemas(self) -> list[dict[str, Any]]:
        """The tools that are offered here, as a chat request has them."""
        missing = await self.missing()
        return [
            {
                "type": "function",
                "function": {"name": name, "description": tool.description, "parameters": schema_of(tool)},
            }
            for name, tool in self.tools.items()
            if name not in missing
        ]

    async def call(self, session_name: str | None, tool: str, arguments: Any) -> tuple[Session, TracedCall]:
        """Make one call. What goes wrong with it is in its outcome.

        arguments: an object, or its JSON as text, as models write it. Raises BadSession, and Overloaded.
        """
        with self._room(session_name, tool, arguments) as session:
            session.waiting += 1
            try:
                async with session.turn:
                    call = await self._traced(session, tool, arguments)
            finally:
                session.waiting -= 1
                self.sessions.touch(session)
            return session, call

    @contextlib.contextmanager
    def _room(self, session_name: str | None, tool: str, arguments: Any) -> Any:
        """A session and room for one call in it. A call that is turned away is remembered until it comes again."""
        try:
            session = self.sessions.begin(session_name)
            with self.admission.enter(1):
                yield session
        except Overloaded:
            if session_name is not None:
                self.sessions.turn_away(session_name, _mark(tool, arguments))
            raise
        if session.turned_away:
            session.comes_again(_mark(tool, arguments))

    async def _traced(self, session: Session, tool: str, arguments: Any) -> TracedCall:
        begun = time.monotonic()
        read = _Read({}, 0)
        outcome, cause = "ok", ""
        output = Output("")
        if len(session.calls) >= self.settings.max_calls:
            session.beyond += 1
            return self._counted(
                TracedCall(
                    tool=tool[:100],
                    outcome="refused",
                    cause="budget",
                    output=f"refused: the {self.settings.max_calls} calls of this session are spent",
                )
            )
        try:
            self._check_budget(session)
            read = await asyncio.to_thread(_read, arguments)
            output = await self._run(session.state, tool, read.plain)
        except Refused as refused:
            outcome, cause = "refused", refused.cause
            output = Output(f"refused: {refused}", refused.dropped)
        except Overloaded:  # it was not begun
            raise
        except asyncio.CancelledError:
            call = _call(tool, read.plain, "failed", "the caller left before the call was done", Output(""), begun)
            session.append(self._counted(call), read.size)
            raise
        except Exception as error:
            is_expected = isinstance(error, OSError | TimeoutError | CannotJail)
            about = {"tool": tool[:100], "session": session.name, "why": f"{type(error).__name__}: {error}"}
            log.error("a tool failed", extra=about, exc_info=None if is_expected else error)
            outcome, cause = "failed", f"{type(error).__name__}: {error}"[:300]
            output = Output("The tool failed. This is not your mistake.")
        output = self._cut(session, output)
        call = _call(tool, read.plain, outcome, cause, output, begun)
        session.append(self._counted(call), read.size + len(call.output.encode()))
        return call

    async def _run(self, state: SessionState, name: str, arguments: dict[str, Any]) -> Output:
        tool = self.tools.get(name)
        if tool is None:
            raise Refused(f"there is no tool {name[:60]!r}; there are: {', '.join(self.tools)}")
        try:
            checked = await asyncio.to_thread(tool.arguments_model.model_validate, arguments)
        except ValidationError as error:
            faults = validation_errors(error, tool.arguments_model)[:5]
            raise Refused("; ".join(f"{path}: {reason}" for path, reason in faults)) from None
        async with asyncio.timeout(START_S + LONGER * self.settings.call_s + self._queue_s(name)):
            return await tool.run(state, checked)

    def _queue_s(self, name: str) -> float:
        """Cells wait for a free slot; beyond that and their own time, a call is our failure."""
        waiting = self.admission.in_flight / self.settings.slots if name == self.python.name else 0
        return _GRACE_S + waiting * self.settings.call_s

    def _check_budget(self, session: Session) -> None:
        """Raises Refused."""
        if session.has_ended:
            raise Refused("this session has ended", "budget")
        if session.size >= self.settings.max_session_kb << 10:
            raise Refused(f"the {self.settings.max_session_kb} KiB of this session are spent", "budget")

    def _cut(self, session: Session, output: Output) -> Output:
        """Output within what a call and the session may have. What is cut is marked."""
        limit = min(self.settings.max_output_kb << 10, max(256, (self.settings.max_session_kb << 10) - session.size))
        content = output.text.encode("utf-8", "replace")
        dropped = output.dropped + max(0, len(content) - limit)
        text = harmless(content[:limit].decode("utf-8", "ignore"))
        return Output(text + _CUT.format(dropped) if dropped else text, dropped, output.raised)

    def _counted(self, call: TracedCall) -> TracedCall:
        key = (call.tool if call.tool in self.tools else "unknown", call.outcome)
        self.counts[key] = self.counts.get(key, 0) + 1
        return call

    def traces(self, sessions: Sequence[str | None]) -> list[Trace]:
        """See TraceSource."""
        return self.sessions.traces(sessions)


def _call(tool: str, arguments: dict[str, Any], outcome: Any, cause: str, output: Output, begun: float) -> TracedCall:
    return TracedCall(
        tool=tool[:100],
        arguments=arguments,
        outcome=outcome,
        cause=cause,
        output=output.text,
        raised=output.raised,
        bytes=len(output.text.encode()) + output.dropped,
        seconds=round(time.monotonic() - begun, 4),
    )


def _read(arguments: Any) -> _Read:
    """Blocks for as long as a large text takes. Raises Refused."""
    if isinstance(arguments, str):
        content = arguments.encode("utf-8", "replace")
        if len(content) > MAX_ARGUMENTS:
            raise Refused(f"the arguments have more than {MAX_ARGUMENTS} bytes")
        try:
            arguments = loads(content, nul=True) if content.strip() else {}
        except BadJSON as error:
            raise Refused(f"the arguments are no JSON: {error}") from None
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        raise Refused("the arguments must be a JSON object")
    try:
        size = len(orjson.dumps(arguments))
    except TypeError:
        raise Refused("the arguments hold an integer of more than 64 bits, or what is no JSON") from None
    if size > MAX_ARGUMENTS:
        raise Refused(f"the arguments have more than {MAX_ARGUMENTS} bytes")
    return _Read(arguments, size)


def _mark(tool: str, arguments: Any) -> tuple[str, int, int]:
    """Tells one call from others, at a cost that the event loop can bear."""
    text = arguments if isinstance(arguments, str) else repr(arguments)
    piece = text[:4096].encode("utf-8", "replace")
    return tool[:100], len(text), binascii.crc32(piece)

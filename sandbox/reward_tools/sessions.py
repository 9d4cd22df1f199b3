"""Sessions: one an episode, each with what it may still take, and the trace of its calls, append-only and bounded.

A session begins with its first call, or before it by name. It ends when it is told so, when it is idle or old, and with the
service. Its trace is kept for a while after that, for whoever scores the episode.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from reward_tools.calling import SessionState
from reward_tools.settings import ToolsSettings
from reward_verifiers.contract import SESSION, Trace, TracedCall
from reward_verifiers.service.admission import Admission

log = logging.getLogger(__name__)

_NAME = re.compile(SESSION)
_MOST_TURNED_AWAY = 64
_MOST_NOT_BEGUN = 16_384


class BadSession(ValueError):
    """The name of a session does not fit; the message says how one looks."""


class Session:
    """What is known of one episode. Calls of one session run one after another."""

    def __init__(self, name: str, now: float) -> None:
        self.name = name
        self.state = SessionState()
        self.turn = asyncio.Lock()
        self.waiting = 0
        """Calls at work or waiting for their turn."""
        self.begun = self.touched = now
        self.calls: list[TracedCall] = []
        self.beyond = 0
        self.size = 0
        """Bytes of arguments and outputs in the trace."""
        self.has_ended = False
        self.turned_away: dict[object, int] = {}
        self._lost_count = False

    def append(self, call: TracedCall, size: int) -> None:
        self.calls.append(call)
        self.size += size

    def turn_away(self, call: object) -> None:
        """There was no room for the call: unless it comes again, the episode went on without its result."""
        if len(self.turned_away) >= _MOST_TURNED_AWAY:
            self._lost_count = True
        else:
            self.turned_away[call] = self.turned_away.get(call, 0) + 1

    def comes_again(self, call: object) -> None:
        self.turned_away.pop(call, None)

    def trace(self) -> Trace:
        """As it is now."""
        trouble = ""
        if self.turned_away or self._lost_count:
            trouble = "a call was turned away for want of room, and did not come again"
        elif self.waiting:
            trouble = "a call is still at work"
        return Trace(session=self.name, calls=list(self.calls), beyond=self.beyond, trouble=trouble)


class Sessions:
    """All sessions of a service. clock: seconds, monotonic."""

    def __init__(self, settings: ToolsSettings, clock: Callable[[], float]) -> None:
        self._settings, self._clock = settings, clock
        self._open: dict[str, Session] = {}
        self._ended: OrderedDict[str, tuple[float, Session]] = OrderedDict()
        self._ended_bytes = 0
        self._turned_away: OrderedDict[str, Session] = OrderedDict()
        """Sessions that there was no room to begin."""
        self._closing: set[asyncio.Task[None]] = set()
        self.room = Admission(settings.max_sessions, what="sessions")
        self.lost = 0
        """Traces that had to go before their time, since there were too many bytes of them."""

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, name: str | None = None) -> Session:
        """The session of that name, a new one where there is none. Raises BadSession, and Overloaded where there is no room.

        One that has ended stays so: its calls are refused.
        """
        name = secrets.token_hex(16) if name is None else name
        if not _NAME.fullmatch(name):
            raise BadSession("a session's id has 1 to 128 letters, digits, and - _ . :")
        session = self.find(name)
        if session is None:
            self.room.take(1, 0)
            session = self._turned_away.pop(name, Session(name, self._clock()))
            session.begun = session.touched = self._clock()
            self._open[name] = session
        return session

    def turn_away(self, name: str, call: object) -> None:
        """There was no room for the call. So it is remembered of a session, too, that there was no room to begin."""
        session = self.find(name)
        if session is None:
            session = self._turned_away.setdefault(name, Session(name, self._clock()))
            if len(self._turned_away) > _MOST_NOT_BEGUN:
                self._turned_away.popitem(last=False)
        session.turn_away(call)

    def find(self, name: str) -> Session | None:
        if name in self._open:
            return self._open[name]
        kept = self._ended.get(name)
        return kept[1] if kept else None

    def touch(self, session: Session) -> None:
        session.touched = self._clock()

    def trace(self, name: str | None) -> Trace:
        """None is an episode without a session, and so without calls."""
        if name is None:
            return Trace()
        session = self.find(name)
        if session is None:
            return Trace(session=name, trouble="the tools service knows no such session, or not any more")
        return session.trace()

    def traces(self, names: Sequence[str | None]) -> list[Trace]:
        return [self.trace(name) for name in names]

    def end(self, name: str) -> bool:
        """End what runs in the session and keep its trace; whether there was one open."""
        session = self._open.pop(name, None)
        if session is None:
            return False
        self.room.give_back(1)
        session.has_ended = True
        size = session.size + 512 * len(session.calls)
        self._ended[name] = (self._clock(), session)
        self._ended_bytes += size
        self._forget()
        task = asyncio.get_running_loop().create_task(self._close(session))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return True

    async def _close(self, session: Session) -> None:
        try:
            async with session.turn:  # a call at work ends by its own limit
                await session.state.aclose()
        except Exception:
            log.exception("a session could not be closed", extra={"session": session.name})

    def _forget(self) -> None:
        """Traces that are old, and the oldest where there are too many bytes."""
        now = self._clock()
        while self._ended:
            name, (since, session) = next(iter(self._ended.items()))
            is_old = now - since > self._settings.keep_s
            if not is_old and self._ended_bytes <= self._settings.keep_mb << 20:
                return
            self.lost += not is_old
            del self._ended[name]
            self._ended_bytes -= session.size + 512 * len(session.calls)

    def look(self) -> None:
        """End the sessions that are idle or old."""
        now, settings = self._clock(), self._settings
        for session in list(self._open.values()):
            is_idle = not session.waiting and now - session.touched > settings.idle_s
            if is_idle or now - session.begun > settings.life_s:
                self.end(session.name)
        self._forget()

    async def follow(self, every_s: float) -> None:
        """Look again and again; never returns."""
        while True:
            await asyncio.sleep(every_s)
            self.look()

    async def aclose(self) -> None:
        """End all; traces are gone with the service."""
        for name in list(self._open):
            self.end(name)
        await _settled(self._closing)


async def _settled(tasks: Iterable[asyncio.Task[None]]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(30):
            await asyncio.gather(*tasks, return_exceptions=True)

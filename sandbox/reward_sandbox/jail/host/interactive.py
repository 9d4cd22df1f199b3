"""An interpreter in a slot, to which cells of code are given one after another: see inside/session.py."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from reward_sandbox.jail.host.slots import Slot
from reward_sandbox.jail.inside.waiting import Times, waited_ms
from reward_sandbox.jail.spec import PYTHON, CannotJail, Channel, File, Limits, Outcome, Run

_PROGRAM = File((Path(__file__).parents[1] / "inside" / "session.py").read_bytes())
_PIECE = 65536
_MOST_READ = 16 << 20
"""Bytes that one cell may write, most of them for nothing; more ends the session."""
_LONGEST_MARK = 96
START_S = 60.0
"""Within which an interpreter must have started, on a busy machine with a thousand others."""
LONGER = 4
"""How many times its time a cell has of the clock, where the machine keeps it waiting."""
_CONTENDED = 0.2
"""The share of its time that a cell may be kept waiting without being given more of the clock."""

CellEnding = Literal["ok", "raised", "syntax", "late", "flood", "gone"]


@dataclass(frozen=True, slots=True)
class Cell:
    """What came of one cell. Only `late`, `flood` and `gone` are our own findings; the rest is what the session says."""

    ending: CellEnding
    output: bytes
    dropped: int = 0
    """Bytes of output beyond the cap."""
    outcome: Outcome | None = None
    """Of the whole session, where it has ended."""
    is_machines: bool = False
    """Of one that is late: the machine has kept it from a processor for too long to say whether it would have been."""


class SessionSlot(Slot, Protocol):
    def times(self) -> Times:
        """What its programs have used of a processor and waited for one since it started."""

    def used_ms(self) -> float:
        """Processor milliseconds of the program that runs in it."""


class Interactive:
    """A session. It begins with its first cell, and ends with its limits, with `aclose`, or by its own doing."""

    def __init__(self, slot: SessionSlot, limits: Limits) -> None:
        self._slot, self._limits = slot, limits
        self._task: asyncio.Task[Outcome] | None = None
        self._input, self._output = -1, -1
        self._out: _Output | None = None

    @property
    def is_alive(self) -> bool:
        return self._task is not None and not self._task.done()

    def used_ms(self) -> float:
        """Processor milliseconds that it has used."""
        if self._task is not None and self._task.done() and not self._task.cancelled():
            return self._task.result().cpu_ms
        return self._slot.used_ms()

    async def start(self) -> None:
        """Start it, and wait until it answers: no cell's time goes by meanwhile. Raises CannotJail."""
        loop = asyncio.get_running_loop()
        their_input, self._input = os.pipe2(os.O_CLOEXEC)
        self._output, their_output = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._input, False)
        os.set_blocking(self._output, False)
        channel = Channel((their_input, their_output), as_standard=True)
        run = Run(PYTHON, {"solution.py": _PROGRAM}, limits=self._limits, channel=channel)
        self._out = _Output(self._output, loop)

        async def whole() -> Outcome:
            try:
                return await self._slot.run(run)
            finally:
                channel.close()

        self._task = loop.create_task(whole())
        first = await self.cell("", START_S, 1000)
        if first.ending != "ok":
            why = first.outcome.error if first.outcome else first.ending
            raise CannotJail(f"the interpreter of a session does not start: {why or first.output.decode()[-200:]}")

    async def cell(self, code: str, within_s: float, cap: int) -> Cell:
        """Run one cell; the first one starts the session. One that is late, or writes without end, is for the caller to
        end: with `aclose`.
        """
        if self._task is None:
            await self.start()
        assert self._task is not None  # noqa: S101
        assert self._out is not None  # noqa: S101
        mark = f"\0{secrets.token_hex(16)} "
        frame = json.dumps({"code": code, "mark": mark}).encode()
        done = self._out.expect(mark.encode(), cap)
        writing = asyncio.ensure_future(self._write(len(frame).to_bytes(4, "big") + frame))
        try:
            is_machines = await self._until_done(self._task, done, within_s)
        except TimeoutError:
            return self._cell("late")
        finally:
            writing.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await writing
        if is_machines:
            return replace(self._cell("late"), is_machines=True)
        if not done.done():  # the session has ended
            self._out.read()
        if done.done() and done.result() in ("ok", "raised", "syntax", "flood"):
            return self._cell(done.result())
        return self._cell("gone")

    async def _until_done(self, task: asyncio.Task[Outcome], done: asyncio.Future[CellEnding], within_s: float) -> bool:
        """Until the cell is done or the session over; True where the machine never gave the cell its time.

        Raises TimeoutError when the cell has had its time.
        """
        loop = asyncio.get_running_loop()
        begun, before = loop.time(), self._slot.times()
        due = begun + within_s
        while True:
            finished, _ = await asyncio.wait(
                (task, done), timeout=due - loop.time(), return_when=asyncio.FIRST_COMPLETED
            )
            if finished:
                return False
            waited_s = waited_ms(self._slot.times(), before) / 1000
            had_s = loop.time() - begun - waited_s
            if had_s >= within_s * (1 - _CONTENDED):
                raise TimeoutError
            if loop.time() - begun >= LONGER * within_s:
                return True
            due = min(loop.time() + within_s - had_s, begun + LONGER * within_s)

    def _cell(self, ending: CellEnding) -> Cell:
        assert self._task is not None  # noqa: S101
        assert self._out is not None  # noqa: S101
        outcome = self._task.result() if ending == "gone" and self._task.done() and not self._task.cancelled() else None
        return Cell(ending, bytes(self._out.kept), self._out.dropped, outcome)

    async def _write(self, frame: bytes) -> None:
        """A session that reads nothing is late."""
        loop, view = asyncio.get_running_loop(), memoryview(frame)
        while view:
            try:
                view = view[os.write(self._input, view) :]
            except BlockingIOError:
                ready = loop.create_future()
                loop.add_writer(self._input, lambda ready=ready: ready.done() or ready.set_result(None))  # type: ignore[misc]
                try:
                    await ready
                finally:
                    loop.remove_writer(self._input)
            except BrokenPipeError:  # it has ended, which the caller sees
                return

    async def aclose(self) -> None:
        """End it and all that runs in it. A second time does nothing."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._out is not None:
            self._out.close()
            self._out = None
            os.close(self._input)
            os.close(self._output)
        await self._slot.aclose()


class _Output:
    """What a session writes: kept up to a cap, cell by cell, each to its mark."""

    def __init__(self, fd: int, loop: asyncio.AbstractEventLoop) -> None:
        self._fd, self._loop = fd, loop
        self._mark, self._cap, self._tail = b"", 0, b""
        self._read_bytes = 0
        self._done: asyncio.Future[CellEnding] = loop.create_future()
        self.kept, self.dropped = bytearray(), 0
        self._is_watched = True
        loop.add_reader(fd, self.read)

    def expect(self, mark: bytes, cap: int) -> asyncio.Future[CellEnding]:
        """What is written from now on is of this cell. So is what a thread of an earlier one has written meanwhile."""
        self._mark, self._cap, self._tail, self._read_bytes = mark, cap, b"", 0
        self.kept, self.dropped = bytearray(), 0
        self._done = self._loop.create_future()
        return self._done

    def read(self) -> None:
        """Take in what there is, up to a bound for each time, so that the loop goes on."""
        for _ in range(16):
            try:
                piece = os.read(self._fd, _PIECE)
            except BlockingIOError:
                return
            if not piece:
                self.close()
                return
            self._take(piece)
            if self._read_bytes > _MOST_READ:
                self._settle("flood")
                self.close()
                return

    def _take(self, piece: bytes) -> None:
        self._read_bytes += len(piece)
        text = self._tail + piece
        place = text.find(self._mark) if self._mark else -1
        if place >= 0:
            end = text.find(b"\n", place)
            if end >= 0 or len(text) - place > _LONGEST_MARK:
                self._keep(text[:place])
                status = text[place + len(self._mark) : end].decode("ascii", "replace")
                self._settle(status if status in ("ok", "raised", "syntax") else "ok")  # type: ignore[arg-type]
                self._mark, self._tail = b"", b""
                return
            self._keep(text[:place])
            self._tail = text[place:]
            return
        held = len(self._mark) if self._mark else 0  # a mark may come in two pieces
        self._keep(text[: max(0, len(text) - held)])
        self._tail = text[max(0, len(text) - held) :]

    def _keep(self, text: bytes) -> None:
        room = max(0, self._cap - len(self.kept))
        self.kept += text[:room]
        self.dropped += len(text) - len(text[:room])

    def _settle(self, ending: CellEnding) -> None:
        if not self._done.done():
            self._done.set_result(ending)

    def close(self) -> None:
        if self._is_watched:
            self._is_watched = False
            self._loop.remove_reader(self._fd)
            self._keep(self._tail)
            self._tail = b""

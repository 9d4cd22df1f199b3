"""Bytes in and out of a run: sealed input, bounded output, and the bounded talk of a pair."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator

from reward_sandbox.jail.spec import Channel

_PIECE = 65536


class Capture:
    """Reads one stream of a run, up to a bound; more than that calls `stop`. named: the path of a named pipe to use, which
    the program may open by its name too.
    """

    def __init__(self, bound: int, stop: Callable[[], None], named: str = "") -> None:
        self._read_end, self.write_end = _named(named) if named else os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        fcntl.fcntl(self.write_end, fcntl.F_SETFL, 0)  # the program's end blocks, as it expects
        self._left, self._stop = bound, stop
        self._pieces: list[bytes] = []
        self._watched = True
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._read_end, self._read)

    def sent(self) -> None:
        """The program has its end: ours of it is closed, so that the stream can end."""
        os.close(self.write_end)
        self.write_end = -1

    def rest(self) -> bytes:
        """Everything, once the run is over: what is still in the pipe is read."""
        while self._watched and self._read():
            pass
        return b"".join(self._pieces)

    def close(self) -> None:
        self._unwatch()
        os.close(self._read_end)
        if self.write_end >= 0:
            os.close(self.write_end)

    def _read(self) -> bool:
        """Read what there is; False when there is no more now, or ever."""
        try:
            piece = os.read(self._read_end, _PIECE)
        except BlockingIOError:
            return False
        if not piece:
            self._unwatch()
            return False
        self._pieces.append(piece[: self._left])
        self._left -= len(piece)
        if self._left < 0:
            self._stop()
            self._unwatch()
        return True

    def _unwatch(self) -> None:
        if self._watched:
            self._watched = False
            self._loop.remove_reader(self._read_end)


def _named(path: str) -> tuple[int, int]:
    """Its ends to read and to write."""
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    return reading, os.open(path, os.O_WRONLY | os.O_CLOEXEC)


@contextlib.contextmanager
def conversation(bound: int, *, as_standard: bool) -> Iterator[tuple[Channel, Channel]]:
    """Two channels, joined: what one program writes the other reads, up to `bound` bytes each way."""
    there, back = _Relay(bound), _Relay(bound)
    first = Channel((back.reading_end, there.writing_end), as_standard)
    second = Channel((there.reading_end, back.writing_end), as_standard)
    there.exceeded = lambda: first.exceeded()
    back.exceeded = lambda: second.exceeded()
    try:
        yield first, second
    finally:
        there.close()
        back.close()
        for channel in (first, second):
            channel.close()


class _Relay:
    """One way of a conversation: reads what the first program writes, and lets the second read it."""

    def __init__(self, bound: int) -> None:
        self._source, self.writing_end = os.pipe2(os.O_CLOEXEC)
        self.reading_end, self._sink = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._source, False)
        os.set_blocking(self._sink, False)
        self._left, self._held = bound, b""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._source, self._read)
        self.exceeded: Callable[[], None] = lambda: None

    def close(self) -> None:
        """A second time does nothing."""
        if self._source < 0:
            return
        self._loop.remove_reader(self._source)
        self._loop.remove_writer(self._sink)
        os.close(self._source)
        os.close(self._sink)
        self._source = self._sink = -1

    def _read(self) -> None:
        try:
            self._held = os.read(self._source, _PIECE)
        except BlockingIOError:
            return
        self._left -= len(self._held)
        if self._left < 0:
            self.exceeded()
            self.close()
        elif not self._held:
            self.close()
        else:
            self._write()

    def _write(self) -> None:
        """What does not fit is held, and nothing more is read until it does."""
        try:
            self._held = self._held[os.write(self._sink, self._held) :]
        except BlockingIOError:
            pass
        except BrokenPipeError:  # nobody reads on: the writer learns it as it would of a pipe
            self.close()
            return
        if self._held:
            self._loop.remove_reader(self._source)
            self._loop.add_writer(self._sink, self._write)
        else:
            self._loop.remove_writer(self._sink)
            self._loop.add_reader(self._source, self._read)


def sealed(content: bytes) -> int:
    """A descriptor that reads `content`, and that nobody can change: it may be shared between runs."""
    fd = os.memfd_create("box", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)
    fcntl.fcntl(fd, 1033, 0x1 | 0x2 | 0x4 | 0x8)  # F_ADD_SEALS: seal, shrink, grow, write
    return fd

"""Ctrl-C: the first asks to stop at the next point that can be resumed from, the second stops at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType


class Interrupt:
    """`requested` once Ctrl-C was pressed, or `request` called. Listens as a context manager, in the main thread."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._before: signal._HANDLER = None

    def request(self) -> None:
        self._event.set()

    def requested(self) -> bool:
        return self._event.is_set()

    def __enter__(self) -> Interrupt:
        self._event.clear()
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._pressed)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._before)

    def _pressed(self, number: int, frame: FrameType | None) -> None:
        if self._event.is_set():
            raise KeyboardInterrupt
        self._event.set()

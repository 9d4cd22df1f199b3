"""How to wait for a state that other threads and event loops bring about."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future


class Changes:
    """Wakes whoever waits for a state to be reached, in whatever thread and event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: set[Future[None]] = set()

    def announce(self) -> None:
        """The state has changed."""
        with self._lock:
            waiting, self._waiting = self._waiting, set()
        for change in waiting:
            if change.set_running_or_notify_cancel():
                change.set_result(None)

    async def until(self, reached: Callable[[], bool], deadline: float) -> None:
        """Returns when it is reached, or at the deadline, a time of time.monotonic."""
        while (left := deadline - time.monotonic()) > 0:
            change: Future[None] = Future()
            with self._lock:
                self._waiting.add(change)
            try:
                if reached():  # looked at after the entry above, so that no change is missed
                    return
                await asyncio.wait({asyncio.wrap_future(change)}, timeout=left)
            finally:
                change.cancel()
                with self._lock:
                    self._waiting.discard(change)

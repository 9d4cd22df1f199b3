"""Server-sent events: one when something was written to the store, at most one in a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from reward_api.store.reader import Reader

EVERY_S = 1.0
BEAT_S = 15.0
MAX_LISTENERS = 64


class Live:
    """The pages that are open. One that finds no room asks again by itself later."""

    def __init__(self, app: FastAPI, reader: Reader, also: Callable[[], object]) -> None:
        """also: what else a change of is told, such as how many lines were read."""
        self._app = app
        self._reader = reader
        self._also = also
        self.listeners = 0

    def stream(self) -> StreamingResponse:
        if self.listeners >= MAX_LISTENERS:
            return StreamingResponse(iter([b"retry: 60000\n\n"]), media_type="text/event-stream")
        return StreamingResponse(self._events(), media_type="text/event-stream")

    async def _events(self) -> AsyncIterator[bytes]:
        self.listeners += 1
        try:
            before, sent = await self._state(), time.monotonic()
            yield b"retry: 3000\n\n"
            while not self._app.state.draining.begun:
                await asyncio.sleep(EVERY_S)
                now = await self._state()
                if now != before:
                    yield b"event: change\ndata: \n\n"
                elif time.monotonic() - sent > BEAT_S:
                    yield b": still here\n\n"  # a client that has left is noticed
                else:
                    continue
                before, sent = now, time.monotonic()
        finally:
            self.listeners -= 1

    async def _state(self) -> object:
        return await asyncio.to_thread(self._reader.state), self._also()

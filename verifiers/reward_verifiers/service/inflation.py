"""Bodies that came as gzip: inflated beside the event loop, and no further than wanted."""

from __future__ import annotations

import asyncio
import zlib


class UnknownEncoding(ValueError):
    """A Content-Encoding that is not read here."""


class Inflater:
    """Takes the chunks of one body. Raises UnknownEncoding; `feed` and `finish` raise zlib.error for what is no gzip."""

    def __init__(self, encoding: str) -> None:
        encoding = encoding.strip().lower()
        if encoding not in ("", "identity", "gzip"):
            raise UnknownEncoding(encoding)
        self._gzip = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS) if encoding == "gzip" else None

    async def feed(self, chunk: bytes, most: int) -> bytes:
        """The next bytes, at most so many. zlib frees the interpreter's lock, so a thread keeps the event loop free."""
        if self._gzip is None or not chunk:
            return chunk
        return await asyncio.to_thread(self._gzip.decompress, chunk, most)

    def finish(self) -> None:
        """The body has ended."""
        if self._gzip is not None and (not self._gzip.eof or self._gzip.unused_data):
            raise zlib.error("one gzip member, whole, is read")

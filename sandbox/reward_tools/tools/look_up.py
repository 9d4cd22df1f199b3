"""`search` and `open`: passages of a corpus by BM25, and a whole document by its name."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from pydantic import Field

from reward_tools.calling import Arguments, Output, Refused, SessionState
from reward_tools.corpus.index import CorpusIndex, Hit, NoIndex

MAX_QUERY = 1000
MAX_RESULTS = 20
MAX_OPENED = 64 << 10


class Corpus:
    """An index that is read at its first use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index: CorpusIndex | None = None
        self._reading = threading.Lock()

    def index(self) -> CorpusIndex:
        """Blocks; call it in a thread. Raises NoIndex."""
        with self._reading:
            if self._index is None:
                self._index = CorpusIndex(self._folder)
            return self._index

    async def why_not(self) -> str:
        """Why it cannot be searched; empty when it can."""
        try:
            await asyncio.to_thread(self.index)
        except NoIndex as error:
            return str(error)
        return ""

    async def search(self, query: str, most: int) -> list[Hit]:
        """The best passages."""
        return await asyncio.to_thread(lambda: self.index().search(query[:MAX_QUERY], most))


class SearchArguments(Arguments):
    query: str = Field(min_length=1, max_length=MAX_QUERY, description="Words to look for.")
    top_k: int = Field(default=3, ge=1, le=MAX_RESULTS, description="How many passages.")


class Search:
    name = "search"
    description = "Search the corpus. Gives the best passages, each with its id."
    arguments_model = SearchArguments

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus

    async def ready(self) -> str:
        return await self._corpus.why_not()

    async def run(self, state: SessionState, arguments: SearchArguments) -> Output:
        hits = await self._corpus.search(arguments.query, arguments.top_k)
        return Output("\n\n".join(map(shown, hits)) or "No passage has these words.")


def shown(hit: Hit) -> str:
    """As a model reads it."""
    return f"[{hit.id}] {hit.title}\n{hit.text}" if hit.title else f"[{hit.id}]\n{hit.text}"


class OpenArguments(Arguments):
    id: str = Field(min_length=1, max_length=250, description="The id of a passage or a document, as search gives it.")


class Open:
    name = "open"
    description = "Open a document of the corpus by its id, or by that of one of its passages."
    arguments_model = OpenArguments

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus

    async def ready(self) -> str:
        return await self._corpus.why_not()

    async def run(self, state: SessionState, arguments: OpenArguments) -> Output:
        name = arguments.id.strip().strip("[]")
        document = await asyncio.to_thread(lambda: self._corpus.index().document(name))
        if document is None:
            raise Refused("there is no document of that id; use one that search has given")
        title, parts = document
        text, dropped = [title] if title else [], 0
        size = 0
        for part in parts:
            size += len(part.encode())
            if size <= MAX_OPENED:
                text.append(part)
            else:
                dropped += len(part.encode())
        return Output("\n\n".join(text), dropped)

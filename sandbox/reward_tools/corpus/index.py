"""An index on disk: the best passages for a query by BM25, and passages by their names. Thread-safe; read-only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import bm25s
import orjson

from reward_tools.corpus.build import FORMAT
from reward_tools.corpus.words import MAX_QUERY_WORDS, words_of


class NoIndex(ValueError):
    """There is no index there; the message says what to do."""


class Hit(NamedTuple):
    """A passage and its BM25 score."""

    id: str
    title: str
    text: str
    score: float


class CorpusIndex:
    """Raises NoIndex. What is large of it is mapped, so that several processes share it."""

    def __init__(self, folder: Path) -> None:
        try:
            self.about: dict[str, Any] = orjson.loads((folder / "about.json").read_bytes())
            if self.about["format"] != FORMAT:
                raise NoIndex(f"{folder}: the index is of another version; run `touchstone tools index` again")
            self._retriever = bm25s.BM25.load(folder, mmap=True, load_corpus=True)
        except (OSError, KeyError, orjson.JSONDecodeError) as error:
            raise NoIndex(f"{folder}: no index ({error}); write one with `touchstone tools index FOLDER OUT`") from None
        self._rows = self._retriever.corpus
        self._retriever.corpus = None  # else it would be searched for what is asked by number here
        self._number = {row["id"]: number for number, row in enumerate(self._rows)}

    def __len__(self) -> int:
        return len(self._number)

    def search(self, query: str, most: int) -> list[Hit]:
        """The best passages first; one that has none of the query's words is none of them."""
        words = words_of(query, MAX_QUERY_WORDS)
        if not any(word in self._retriever.vocab_dict for word in words):
            return []
        numbers, scores = self._retriever.retrieve(
            [words], k=min(most, len(self)), show_progress=False, backend_selection="numpy"
        )
        best = zip(numbers[0].tolist(), scores[0].tolist(), strict=True)
        return [self._hit(number, score) for number, score in best if score > 0]

    def _hit(self, number: int, score: float) -> Hit:
        row = self._rows[number]
        return Hit(row["id"], row["title"], row["text"], round(score, 4))

    def document(self, name: str) -> tuple[str, Sequence[str]] | None:
        """(title, passages) of the document of that name, or of the one that a passage of that name is of."""
        number = self._number.get(name, self._number.get(f"{name}#1"))
        if number is None:
            return None
        row = self._rows[number]
        first = number - row["place"] + 1
        return row["title"], [self._rows[one]["text"] for one in range(first, first + row["of"])]

"""A search over a few passages, in the trainer's process: for miniatures and tests. A corpus of any size is a service's.

>>> Search(["kab is in lom", "lom has 417"]).call("", "search", {"query": "lom has"}).output
'lom has 417'
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from grpo_trainer.rollout.tools import ToolReply, schema

MAX_QUERY_CHARACTERS = 200
NOTHING = "nothing"
_WORD = re.compile(r"\w+")


class Search:
    """The tool `search`: the passage that begins with the query, or has most of its words, the rarest counting most.

    Of equals the first.
    """

    schemas: Sequence[Mapping[str, Any]] = (
        schema("search", "Gives the passage that fits a query best.", "query", "the words to look for"),
    )

    def __init__(self, passages: Sequence[str]) -> None:
        self._passages = list(passages)
        self._places: dict[str, list[int]] = {}
        for place, passage in enumerate(self._passages):
            for word in set(_words(passage)):
                self._places.setdefault(word, []).append(place)

    def call(self, session: str, name: str, arguments: Mapping[str, Any]) -> ToolReply:
        query = arguments.get("query")
        if name != "search" or not isinstance(query, str):
            return ToolReply("refused", "error: search needs a query")
        if len(query) > MAX_QUERY_CHARACTERS:
            return ToolReply("refused", f"error: a query has at most {MAX_QUERY_CHARACTERS} characters")
        weights: Counter[int] = Counter()
        for word in set(_words(query)):
            places = self._places.get(word, [])
            for place in places:
                weights[place] += len(self._passages) // len(places)
        for place in weights:
            if _words(self._passages[place])[: len(_words(query))] == _words(query):
                weights[place] += MAX_QUERY_CHARACTERS * len(self._passages)
        best = min(weights, key=lambda place: (-weights[place], place), default=None)
        return ToolReply("ok", NOTHING if best is None else self._passages[best])


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())

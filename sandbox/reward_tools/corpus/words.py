"""What a text's words are, for the index and for a query alike."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

MAX_QUERY_WORDS = 64
# A character of Chinese or Japanese by itself, since there are no spaces; else a run of letters and digits.
PATTERN = r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+"
_WORD = re.compile(PATTERN)


@lru_cache(maxsize=1)
def stop_words() -> frozenset[str]:
    from bm25s.stopwords import STOPWORDS_EN

    return frozenset(STOPWORDS_EN)


def words_of(text: str, most: int) -> list[str]:
    """At most so many, without stop words, each as often as it stands there."""
    words: list[str] = []
    stops = stop_words()
    for match in _WORD.finditer(text.lower()):
        if match[0] not in stops:
            words.append(match[0])
            if len(words) == most:
                break
    return words


def tokenized(texts: list[str]) -> Any:
    """As bm25s indexes them."""
    import bm25s

    return bm25s.tokenize(texts, token_pattern=PATTERN, stopwords=list(stop_words()), show_progress=False)

"""What a completion looks like, in a few numbers. Work is linear and on a bounded part of the text."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from functools import lru_cache

END_CHARS = 8_000
"""Of a longer text, so many characters of its beginning and of its end are looked at."""
WORD = re.compile(r"\w{1,32}|[^\w\s]")
"""A longer word is several ones, so that what is kept of words is bounded."""
WORDS = 8192
SKETCH = 64
QUOTE = 160
_FEW_RUNS = 20
_FEW_BYTES = 200


@dataclass(frozen=True, slots=True)
class Features:
    """Of the part that is looked at. repetition: share of runs of five words that stood before. compression: how often
    smaller zlib makes it. foreign: share of characters beyond Latin-1. sketch: the least hashes of these runs.
    """

    repetition: float
    compression: float
    foreign: float
    sketch: tuple[int, ...]


def features(text: str) -> Features:
    """
    >>> features("again and " * 50).repetition > 0.9
    True
    """
    text = ends(text)
    runs = _runs(WORD.findall(text))
    distinct = set(runs)
    data = text.encode("utf-8", "replace")
    latin = len(text.encode("latin-1", "ignore"))
    return Features(
        repetition=1 - len(distinct) / len(runs) if len(runs) > _FEW_RUNS else 0.0,
        compression=len(data) / len(zlib.compress(data, 1)) if len(data) >= _FEW_BYTES else 1.0,
        foreign=1 - latin / len(text) if text else 0.0,
        sketch=tuple(sorted(distinct)[:SKETCH]),
    )


def ends(text: str) -> str:
    """The text, or the two ends of a long one."""
    return text if len(text) <= 2 * END_CHARS else f"{text[:END_CHARS]}\n{text[-END_CHARS:]}"


def quote(text: str) -> str:
    """The text, or the two ends of it, for a person."""
    half = QUOTE // 2
    short = text if len(text) <= QUOTE else f"{text[:half]} … {text[-half:]}"
    return short if text.isascii() else short.encode("utf-8", "replace").decode()  # half a surrogate pair is no text


def digest(text: str) -> int:
    """A number for a text, the same in every process."""
    return zlib.crc32(ends(text).encode("utf-8", "replace")) ^ len(text)


def _runs(words: list[str]) -> list[int]:
    """Hashes of all runs of five words, which texts with equal runs have in common."""
    codes = [*map(_code, words)]
    return [*map(hash, zip(codes, codes[1:], codes[2:], codes[3:], codes[4:], strict=False))]


@lru_cache(WORDS)
def _code(word: str) -> int:
    """A number, which every process hashes alike."""
    return zlib.crc32(word.encode("utf-8", "replace"))

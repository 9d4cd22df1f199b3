"""How many characters make a word, in scripts that do not put spaces between words."""

from __future__ import annotations

import re

PER_WORD: dict[str, float] = {"han": 1.65, "kana": 2.2, "thai": 4.4, "khmer": 4.4, "lao": 4.4, "burmese": 4.4}

_LONGEST = 32
_UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e"  # Thai
    "\u0e80-\u0ecd"  # Lao
    "\u1000-\u109f"  # Burmese
    "\u1780-\u17d3"  # Khmer
    "\u3041-\u30ff\uff66-\uff9f"  # kana
    "\u3005\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f"  # Han
)
_WORDS = re.compile(
    r"(?P<four>[\u0e01-\u0e3a\u0e40-\u0e4e\u0e80-\u0ecd\u1000-\u109f\u1780-\u17d3]+)"
    r"|(?P<kana>[\u3041-\u30ff\uff66-\uff9f]+)"
    r"|(?P<han>[\u3005\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]+)"
    rf"|(?P<number>\d+(?:[.,]\d+)*)|(?P<word>[^\W\d_{_UNSPACED}]+)"
)
_CHARACTERS = {"four": PER_WORD["thai"], "kana": PER_WORD["kana"], "han": PER_WORD["han"]}


def count_words(text: str) -> float:
    """Words of a text: spaced words and numbers, and characters divided by PER_WORD. A long word counts as several.

    >>> count_words("two_words and 3.14"), round(count_words("我们再检查一遍"), 1)
    (4.0, 4.2)
    """
    total = 0.0
    for match in _WORDS.finditer(text):
        kind, size = match.lastgroup or "", match.end() - match.start()
        if kind in _CHARACTERS:
            total += size / _CHARACTERS[kind]
        else:
            total += -(-size // _LONGEST)
    return total

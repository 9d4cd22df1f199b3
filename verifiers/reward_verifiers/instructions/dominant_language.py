"""Which language most of a text is in, by our own verifier `language`; three more languages by their commonest words."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from itertools import repeat
from typing import Annotated

from pydantic import AfterValidator
from wordfreq import top_n_list

from reward_verifiers.instructions.kinds import Result
from reward_verifiers.instructions.segment import words
from reward_verifiers.instructions.text import Tally, Text
from reward_verifiers.language.count import count
from reward_verifiers.language.languages import CODES, UNKNOWN, meant

MAX_CHARS = 20_000
"""Of a text that are looked at."""
_LEAST = 0.5
_COMMON: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "sw": (
        frozenset(
            (
                "na ya wa kwa ni katika la za cha kama hii hiyo yake yao sana pia lakini au kuwa mtu watu wetu wake si"
            ).split()
        ),
        frozenset(("the of and to de que en et der die und").split()),
    ),
    "mr": (
        frozenset(("आहे आणि आहेत ते हे या मी आम्ही होते होती नाही करण्यासाठी करू तर त्या त्याच्या किंवा असे मध्ये साठी").split()),
        frozenset(("है हैं और का की के में से यह छ र को हो पनि").split()),
    ),
    "ne": (
        frozenset(("छ छन् र हो यो पनि मा को लागि हरू गर्न भने थियो छैन हुन्छ गर्ने त्यो तर हामी तपाईं").split()),
        frozenset(("है हैं और का की के में यह आहे आणि आहेत").split()),
    ),
}
"""Common words of a language, and of those that it is taken for."""
_QUICK = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "fi", "id", "vi", "ru", "uk", "bg")
_COMMONEST = 200
_MOST_WORDS = (1 << MAX_CHARS.bit_length()) - 1
_SHIFTS = tuple(place * MAX_CHARS.bit_length() for place in range(len(_QUICK)))
_CLEAR_WORDS = 8
_CLEAR_SHARE = 0.25
_CLEAR_LEAD = 2.0
_OTHER_LEAD = 4
_WORD = re.compile(r"[A-Za-z]{2}")


def _code(value: str) -> str:
    """The code as it is known here. Raises ValueError."""
    lowered = value.strip().lower()
    if lowered in _COMMON:
        return lowered
    code = meant(value)
    if code is None:
        raise ValueError(f"the language {value!r} is not supported")
    return code


LanguageCode = Annotated[str, AfterValidator(_code)]


def is_in_language(whole: Text, code: str) -> Result:
    """Whether at least half of the words are of the language, and no other has more."""
    text = whole.raw[:MAX_CHARS]
    if code in _COMMON:
        return _by_common_words(text, code)
    hits = whole.word_tally("common", _common_words) if len(text) == len(whole.raw) else _common_words(text)
    if (clear := _clear_language(hits)) is not None:
        return Result(clear == code, f"it is {clear}")
    if code in _QUICK and _CLEAR_WORDS <= max(hits[1:]) >= _OTHER_LEAD * hits[1 + _QUICK.index(code)]:
        return Result(False, f"common words of other languages are {_OTHER_LEAD} times as many as those of {code}")
    if text.isascii() and not _WORD.search(text):
        return Result(False, "no words of any language")
    shares = count(text.lower() if text.isupper() else text, CODES, target=code).words
    named = {language: amount for language, amount in shares.items() if language != UNKNOWN}
    if not named:
        return Result(False, "no words of any language")
    best = max(named, key=lambda language: named[language])
    share = named.get(code, 0.0) / sum(shares.values())
    return Result(best == code and share >= _LEAST, f"{share:.0%} of the words are {code}")


@lru_cache(maxsize=1)
def _commonest() -> dict[str, int]:
    """The languages that a word is common in: one in the digit of each, so that a sum counts all of them at once."""
    languages: Counter[str] = Counter()
    for code, shift in zip(_QUICK, _SHIFTS, strict=True):
        languages.update(dict.fromkeys(top_n_list(code, _COMMONEST), 1 << shift))
    return dict(languages)


def _clear_language(hits: Tally) -> str | None:
    """The language whose commonest words are many, and far more than any other's; None where it is not clear."""
    second, most = sorted(hits[1:])[-2:]
    is_clear = most >= max(_CLEAR_WORDS, _CLEAR_SHARE * hits[0]) and most >= _CLEAR_LEAD * second
    return _QUICK[hits.index(most, 1) - 1] if is_clear else None


def _common_words(text: str) -> Tally:
    """The number of words, and how many of them are common in each language."""
    own = words(text.lower())
    hits = sum(map(_commonest().get, own, repeat(0)))
    return len(own), *(hits >> shift & _MOST_WORDS for shift in _SHIFTS)


def _by_common_words(text: str, code: str) -> Result:
    own, other = _COMMON[code]
    lowered = [word.lower() for word in words(text)]
    mine, theirs = sum(1 for word in lowered if word in own), sum(1 for word in lowered if word in other)
    met = mine > theirs and mine >= len(lowered) / 25
    return Result(met, f"{mine} common words of {code} among {len(lowered)}")

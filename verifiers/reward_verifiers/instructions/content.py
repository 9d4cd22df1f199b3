"""Whether a text says anything: constraints alone are met by an echo of the prompt, by filler, by one word over and over.

What counts are different content words of its own: no function words, no filler, none that a constraint's arguments give
away, none inside a longer echo of the prompt.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from reward_verifiers.instructions.segment import words
from reward_verifiers.instructions.text import Text
from reward_verifiers.instructions.word_lists import FILLER, LOREM, STOP_WORDS

_RUN = 4
"""Words in a row that the prompt has, too, are an echo."""
_ECHO_SHARE = 0.25
"""Less of the prompt than this may be quoted: an answer may be a part of the prompt."""
_WORDS_PER_CONTENT = 12
_MOST_WORDS = 2000
_REPEATS_FROM = 30
_LEAST_NEW = 0.5
"""Of the triples of words, the share that must be different."""
_LOREM_SHARE = 0.3
_MAX_PROMPT = 50_000
_SHORT_ARGUMENT = 60

_SAYS_NOTHING = STOP_WORDS | FILLER


def why_empty(text: Text, prompt: str, arguments: list[str], least: int) -> str:
    """Why a text says nothing; empty where it says something."""
    own = [word.lower() for word in text.words]
    if not own:
        return "there are no words"
    if "lorem" in text.lower and sum(map(LOREM.__contains__, own)) > _LOREM_SHARE * len(own):
        return "dummy text"
    if len(own) >= _REPEATS_FROM and len(set(zip(own, own[1:], own[2:], strict=False))) < _LEAST_NEW * (len(own) - 2):
        return "the same words over and over"
    kept = _without_echo(own, prompt)
    count = _content(kept, arguments)
    wanted = max(least, -(-min(len(own), _MOST_WORDS) // _WORDS_PER_CONTENT))
    if count >= wanted:
        return ""
    what = "an echo of the prompt" if len(kept) < len(own) else "filler"
    return f"{what}: {count} content words of its own among {len(own)}, {wanted} wanted"


def _content(kept: list[str], arguments: list[str]) -> int:
    short = [word.lower() for argument in arguments if len(argument) <= _SHORT_ARGUMENT for word in words(argument)]
    different = set(kept) - _SAYS_NOTHING
    different.difference_update(short)
    small = {word for word in different if word.isdigit() or (len(word) == 1 and word.isascii())}
    return len(different) - len(small) + bool(small)


def _without_echo(own: list[str], prompt: str) -> list[str]:
    """The words outside of runs that the prompt has; all of them where they are a small part of the prompt."""
    prompt_words, runs, content = _prompt_parts(prompt)
    if not prompt_words:
        return own
    kept = own
    if not runs.isdisjoint(_runs(own)):
        places = {begin + shift for begin, run in enumerate(_runs(own)) if run in runs for shift in range(_RUN)}
        if len(places) >= _ECHO_SHARE * len(prompt_words):
            kept = [word for place, word in enumerate(own) if place not in places]
    if len(own) > 2 * _RUN and len(content.intersection(own)) > (1 - _ECHO_SHARE) * len(content):
        kept = [word for word in kept if word not in content]
    return kept


@lru_cache(maxsize=64)
def _prompt_parts(prompt: str) -> tuple[list[str], set[tuple[str, ...]], set[str]]:
    """The words of the prompt, its runs of words, and its content words."""
    prompt_words = [word.lower() for word in words(prompt[:_MAX_PROMPT])]
    return prompt_words, set(_runs(prompt_words)), set(prompt_words) - _SAYS_NOTHING


def _runs(own: list[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(own[shift:] for shift in range(_RUN)), strict=False)

"""Repetition: n-grams that come again, and a text that ends in a loop.

    n-grams   1 - distinct / all                       (the penalty of Yeo et al., arXiv:2502.03373, appendix)
    worded    the same without numbers, so that a loop that counts is one
    phrases   short n-grams that stood in the last thousand words, above a larger free share
    loop      share of the words that the periodic end of the text takes
    score     the worst of them: -(share - free) / (1 - free), clamped to [-1, 0]

Words are spaced words, single characters of scripts that do not space them, and runs of one sign. Words without end and
long runs are cut, so that a loop without spaces is seen as well. All parts are linear, and look at the end of a long text.

Tables of numbers and tests repeat their words honestly. Without numbers, n-grams are no repeats when there is more than one
number to five words around them, or when they have fewer than three different words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pydantic import Field, field_validator

from reward_verifiers.contract import Verdict
from reward_verifiers.verifier import Options, ReferenceModel, Sample, Verifier

_ALONE = r"\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f"
_WORD = re.compile(rf"[{_ALONE}]|[^\W{_ALONE}]{{1,32}}|([^\w\s])\1{{0,15}}")
_LETTERS_OR_NUMBER = re.compile(rf"(?P<number>\d+)|(?P<alone>[{_ALONE}])|(?P<word>[^\W\d_{_ALONE}]{{1,32}})")
MAX_WORDS = 200_000
MAX_CHARS = 600_000
_MIN_TURNS = 4
_SHORT = 10
_WINDOW = 1000
_NUMBERS = 5
_AROUND = 12
_DIFFERENT = 3


class RepetitionOptions(Options):
    n: list[int] = Field(
        default=[4, 20], min_length=1, max_length=4, description="Words in an n-gram; the worst of them counts."
    )
    free: float = Field(default=0.1, ge=0, lt=1, description="Share of repetition that costs nothing.")
    free_phrases: float = Field(
        default=0.4, ge=0, lt=1, description="The same for n-grams of fewer than ten words, which honest text repeats."
    )

    @field_validator("n", mode="before")
    @classmethod
    def _one_or_more(cls, value: object) -> object:
        return [value] if isinstance(value, int) else value

    @field_validator("n")
    @classmethod
    def _in_range(cls, value: list[int]) -> list[int]:
        if not all(1 <= n <= 200 for n in value):
            raise ValueError("each n is from 1 to 200")
        return value


class RepetitionVerifier(Verifier[RepetitionOptions, ReferenceModel]):
    """Scores 0 for a text that does not repeat itself, down to -1 for one that only does."""

    name = "repetition"
    version = "2.0.0"
    options_model = RepetitionOptions
    score_range = (-1.0, 0.0)

    def verify(self, sample: Sample[RepetitionOptions, ReferenceModel]) -> Verdict:
        options, text = sample.options, sample.completion[-MAX_CHARS:]
        words = [match[0] for match in _WORD.finditer(text)][-MAX_WORDS:]
        worded = Worded(text)
        long = [n for n in options.n if n >= _SHORT]
        grams = max((max(repeated_share(words, n), worded.share(n)) for n in long), default=0.0)
        phrases = max((worded.share(n, _WINDOW) for n in options.n if n < _SHORT), default=0.0)
        loop = loop_share(words)
        score = min(_penalty(max(grams, loop), options.free), _penalty(phrases, options.free_phrases))
        reason = f"{grams:.0%} of the long n-grams and {phrases:.0%} of the phrases are repeats, "
        reason += f"{loop:.0%} of the words are a loop at the end"
        shares = {"repeated": round(grams, 4), "phrases": round(phrases, 4), "loop": round(loop, 4)}
        return Verdict.scored(score, reason, **shares, words=len(words))


def _penalty(share: float, free: float) -> float:
    return min(0.0, free - share) / (1 - free)


class Worded:
    """The words of a text without its numbers, and how many numbers stood before each."""

    def __init__(self, text: str) -> None:
        self.words: list[str] = []
        self._numbers: list[int] = []
        numbers = alone = 0
        for match in _LETTERS_OR_NUMBER.finditer(text):
            if match.lastgroup == "number":
                numbers += 1
                continue
            alone += match.lastgroup == "alone"
            self.words.append(match[0])
            self._numbers.append(numbers)
        self.words, self._numbers = self.words[-MAX_WORDS:], self._numbers[-MAX_WORDS:]
        # Two characters are about a word, where words are not spaced.
        self._factor = 2 if alone > len(self.words) / 2 else 1

    def share(self, n: int, window: int | None = None) -> float:
        """Share of the n-grams that stood before, within so many words."""
        n *= self._factor
        words, numbers = self.words, self._numbers
        total = len(words) - n + 1
        if total < 1:
            return 0.0
        last: dict[int, int] = {}
        repeats = 0
        for place, code in enumerate(_codes(words, n)):
            before = last.get(code)
            last[code] = place
            if before is None or (window is not None and place - before > window):
                continue
            begin, end = max(0, place - _AROUND), place + n - 1
            if (numbers[end] - numbers[begin]) * _NUMBERS <= end - begin and _are_different(words, place, n):
                repeats += 1
        return repeats / total


def _are_different(words: Sequence[str], place: int, n: int) -> bool:
    return len(set(words[place : place + min(n, 8)])) >= _DIFFERENT


def _codes(words: Sequence[str], n: int) -> Iterator[int]:
    """A number for each n-gram, by a rolling hash, so that long n-grams cost no more."""
    modulus, base = (1 << 61) - 1, 1_000_003
    lead = pow(base, n - 1, modulus)
    codes = [hash(word) % modulus for word in words]
    value = 0
    for code in codes[:n]:
        value = (value * base + code) % modulus
    yield value
    for old, new in zip(codes, codes[n:], strict=False):
        value = ((value - old * lead) * base + new) % modulus
        yield value


def repeated_share(words: Sequence[str], n: int) -> float:
    """Share of the n-grams that stood before. By a rolling hash, so that long n-grams cost no more."""
    total = len(words) - n + 1
    if total < 1:
        return 0.0
    return 1 - len(set(_codes(words, n))) / total


def loop_share(words: Sequence[str]) -> float:
    """Share of the words in the periodic end of the text, if that turns at least _MIN_TURNS times.

    By the prefix function of the reversed words: a prefix of length m has the period m - border(m).
    """
    turned = words[::-1]
    border = [0] * len(turned)
    longest = matched = 0
    for position in range(1, len(turned)):
        while matched and turned[position] != turned[matched]:
            matched = border[matched - 1]
        matched += turned[position] == turned[matched]
        border[position] = matched
        size = position + 1
        if matched and size >= _MIN_TURNS * (size - matched):
            longest = size
    return longest / len(turned) if turned else 0.0

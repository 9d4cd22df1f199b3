"""Repetition: n-grams that come again, and a text that ends in a loop.

    n-grams   1 - distinct / all                       (the penalty of Yeo et al., arXiv:2502.03373, appendix)
    loop      share of the words that the periodic end of the text takes
    score     -max(n-grams, loop) above the free share, clamped to [-1, 0]

Words are spaced words, single characters of scripts that do not space them, and runs of one sign. Words without end and
long runs are cut, so that a loop without spaces is seen as well. Both parts are linear, and look at the end of a long text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import Field

from reward_verifiers.contract import Verdict
from reward_verifiers.verifier import Options, ReferenceModel, Sample, Verifier

_ALONE = r"\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f"
_WORD = re.compile(rf"[{_ALONE}]|[^\W{_ALONE}]{{1,32}}|([^\w\s])\1{{0,15}}")
MAX_WORDS = 200_000
MAX_CHARS = 600_000
_MIN_TURNS = 4


class RepetitionOptions(Options):
    n: int = Field(default=20, ge=1, le=200, description="Words in an n-gram.")
    free: float = Field(default=0.1, ge=0, lt=1, description="Share of repetition that costs nothing.")


class RepetitionVerifier(Verifier[RepetitionOptions, ReferenceModel]):
    """Scores 0 for a text that does not repeat itself, down to -1 for one that only does."""

    name = "repetition"
    version = "1.0.0"
    options_model = RepetitionOptions
    score_range = (-1.0, 0.0)

    def verify(self, sample: Sample[RepetitionOptions, ReferenceModel]) -> Verdict:
        options = sample.options
        words = [match[0] for match in _WORD.finditer(sample.completion[-MAX_CHARS:])][-MAX_WORDS:]
        grams, loop = repeated_share(words, options.n), loop_share(words)
        worst = max(grams, loop)
        score = min(0.0, options.free - worst) / (1 - options.free)
        told = f"{grams:.0%} of the {options.n}-grams are repeats, {loop:.0%} of the words are a loop at the end"
        return Verdict.scored(score, told, repeated=round(grams, 4), loop=round(loop, 4), words=len(words))


def repeated_share(words: Sequence[str], n: int) -> float:
    """Share of the n-grams that stood before. By a rolling hash, so that long n-grams cost no more."""
    total = len(words) - n + 1
    if total < 1:
        return 0.0
    modulus, base = (1 << 61) - 1, 1_000_003
    lead = pow(base, n - 1, modulus)
    codes = [hash(word) % modulus for word in words]
    value = 0
    for code in codes[:n]:
        value = (value * base + code) % modulus
    seen = {value}
    for old, new in zip(codes, codes[n:], strict=False):
        value = ((value - old * lead) * base + new) % modulus
        seen.add(value)
    return 1 - len(seen) / total


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

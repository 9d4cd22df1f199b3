"""What a comparison says, and what a kind's judge makes of it."""

from __future__ import annotations

from typing import NamedTuple

EVIDENCE = 500


class Outcome(NamedTuple):
    """Of comparing two readings."""

    equal: bool | None
    """None: not known."""
    rule: str


UNKNOWN = Outcome(None, "not decided")


def different(rule: str) -> Outcome:
    """Not equal, for the reason given."""
    return Outcome(False, rule)


class Judged(NamedTuple):
    equal: bool
    rule: str
    """Which rule decided, in words."""
    stage: str
    """first: our own; second: sympy."""
    canonical: str
    """Normal form of the answer, for counting majorities."""
    reference: str
    """Normal form of the reference."""
    score: float | None = None
    """A graded score, where the kind gives one."""
    left_over: str = ""
    """What of the answer was not read."""


NOT_READ = "the answer was not read"
NOT_WORKED_OUT = "not worked out"


def clipped(text: str, length: int = EVIDENCE) -> str:
    """Text fit for JSON and a log: bounded, without lone surrogates."""
    if len(text) <= length and text.isascii():
        return text
    return text[:length].encode("utf-8", "replace").decode("utf-8")

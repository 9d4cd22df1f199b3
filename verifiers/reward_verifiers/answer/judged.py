"""What a kind's judge says of one extracted answer."""

from __future__ import annotations

from typing import NamedTuple

EVIDENCE = 500


class Judged(NamedTuple):
    equal: bool
    rule: str
    """Which rule decided, in words."""
    stage: str
    """first: our own; second: math-verify."""
    canonical: str
    """Normal form of the answer, for counting majorities."""
    reference: str
    """Normal form of the reference."""
    score: float | None = None
    """A graded score, where the kind gives one."""


def clipped(text: str, length: int = EVIDENCE) -> str:
    """Text fit for JSON and a log: bounded, without lone surrogates."""
    return text[:length].encode("utf-8", "replace").decode("utf-8")

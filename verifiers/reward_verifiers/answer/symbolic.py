"""Equivalence by math-verify and sympy: slow, unbounded, only ever run in a worker that can be killed.

Its timeouts are off because they need signals; the worker's deadline is the limit.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse, verify

# It warns at every call that its timeouts are off.
for _name in ("math_verify.parser", "math_verify.grader", "math_verify.utils"):
    logging.getLogger(_name).setLevel(logging.ERROR)

_CONFIG = (LatexExtractionConfig(boxed_match_priority=0), ExprExtractionConfig())


@lru_cache(maxsize=512)
def parsed(text: str) -> tuple[Any, ...]:
    """What math-verify makes of an answer's text; empty when nothing. Boxed, so that bare LaTeX is read whole."""
    return tuple(parse(f"\\boxed{{{text}}}", _CONFIG, parsing_timeout=None, fallback_mode="no_fallback"))


def equal(gold: str, answer: str) -> bool:
    """Whether math-verify holds the two for equal."""
    return bool(verify(list(parsed(gold)), list(parsed(answer)), timeout_seconds=None))

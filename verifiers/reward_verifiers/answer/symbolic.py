"""Equivalence by math-verify and sympy: slow, unbounded, only ever run in a worker that can be killed.

Its timeouts are off because they need signals; the worker's deadline is the limit. Its extraction of plain expressions
is off because that goes through sympy's parse_expr, which executes what it is given; LaTeX is parsed by a grammar.
"""

from __future__ import annotations

import logging
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from math_verify import LatexExtractionConfig, parse, verify

from reward_verifiers.address_space import mapped_bytes

# It warns at every call that its timeouts are off.
for _name in ("math_verify.parser", "math_verify.grader", "math_verify.utils"):
    logging.getLogger(_name).setLevel(logging.ERROR)

_CONFIG = (LatexExtractionConfig(boxed_match_priority=0),)
MEMORY_BYTES = 160 << 20
"""Address space that one comparison may take."""


@contextmanager
def _bounded_memory() -> Iterator[None]:
    """Raises MemoryError in the block once it asks for more than MEMORY_BYTES."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = mapped_bytes() + MEMORY_BYTES
    if soft != resource.RLIM_INFINITY:
        limit = min(limit, soft)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@lru_cache(maxsize=512)
def parsed(text: str) -> tuple[Any, ...]:
    """What math-verify makes of an answer's text; empty when nothing. Boxed, so that bare LaTeX is read whole."""
    return tuple(parse(f"\\boxed{{{text}}}", _CONFIG, parsing_timeout=None, fallback_mode="no_fallback"))


def equal(gold: str, answer: str) -> bool:
    """Whether math-verify holds the two for equal."""
    with _bounded_memory():
        return bool(verify(list(parsed(gold)), list(parsed(answer)), timeout_seconds=None))

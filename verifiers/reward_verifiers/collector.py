"""Python's collector of cycles in a process that lives long."""

from __future__ import annotations

import gc

_FRESH = 5_000
"""New objects before the young ones are walked. Python's 700 takes 3 to 8 % of an answer's time, and we make few cycles."""


def settle() -> None:
    """What stands now lives to the end: the collector never walks it again, nor copies a page that forks share for it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_FRESH)

"""How much address space this process has, for limits on top of it."""

from __future__ import annotations

import resource


def mapped_bytes() -> int:
    """The size of this process's address space."""
    with open("/proc/self/statm", "rb") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()

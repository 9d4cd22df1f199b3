"""Which limit ended a run, if any did."""

from __future__ import annotations

import signal

from reward_sandbox.jail.spec import Ending, Limits

_ALLOCATORS = (b"MemoryError", b"bad_alloc", b"out of memory", b"memory allocation of")
"""What they say when a process, or a machine's heap, has no more."""


def ending(
    limits: Limits,
    code: int | None,
    reason: str,
    out_of_memory: bool,
    cpu_ms: float,
    stderr: bytes,
) -> Ending:
    """reason: what our side stopped it for, "time", "cpu" or "output". code: None when the run could not be set up."""
    if reason == "output":
        return "output_limit"
    if out_of_memory:
        return "memory_limit"
    if reason in ("time", "cpu") or cpu_ms > limits.cpu_s * 1000 or code == -signal.SIGXCPU:
        return "time_limit"
    if code == 0:
        return "ok"
    if code == -signal.SIGXFSZ:
        return "output_limit"
    if code is None:
        return "system_error"
    # Where memory is not limited by a group a program is told, and it is for its allocator to say so.
    if any(word in stderr[:1000] or word in stderr[-300:] for word in _ALLOCATORS):
        return "memory_limit"
    return "runtime_error"

"""Which limit ended a run, if any did."""

from __future__ import annotations

import signal

from reward_sandbox.jail.spec import Ending, Limits


def ending(
    limits: Limits,
    code: int | None,
    reason: str,
    out_of_memory: bool,
    cpu_ms: float,
    stderr: bytes,
    by_address_space: bool,
) -> Ending:
    """reason: what our side stopped it for, "time" or "output". code: None when the run could not be set up."""
    if reason == "output":
        return "output_limit"
    if out_of_memory:
        return "memory_limit"
    if reason == "time" or cpu_ms > limits.cpu_s * 1000 or code == -signal.SIGXCPU:
        return "time_limit"
    if code == 0:
        return "ok"
    if code == -signal.SIGXFSZ:
        return "output_limit"
    if code is None:
        return "system_error"
    # Without a group the address space is the limit, and a program is told of it by its allocator.
    if by_address_space and any(word in stderr[-300:] for word in (b"MemoryError", b"bad_alloc", b"out of memory")):
        return "memory_limit"
    return "runtime_error"

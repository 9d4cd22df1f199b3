"""The settings of tools: `TOUCHSTONE_TOOLS_*` variables, all with defaults."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ToolName = Literal["calculate", "search", "open", "python"]
INTERPRETER_MB = 8
"""What an idle interpreter takes, its three processes and the kernel's part together."""
_MOST_INTERPRETERS = 4096
_CGROUP_MEMORY = Path("/sys/fs/cgroup/memory.max")
SHIPPED_CORPUS = Path(__file__).parent / "corpus" / "data"


def interpreters_that_fit() -> int:
    """As many idle ones as half of the memory holds, of the machine or of its container."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError):
        memory = min(memory, int(_CGROUP_MEMORY.read_text()))
    return max(1, min(_MOST_INTERPRETERS, memory // 2 // (INTERPRETER_MB << 20)))


class ToolsSettings(BaseSettings):
    """What sessions may take, and where the corpus lies."""

    model_config = SettingsConfigDict(env_prefix="TOUCHSTONE_TOOLS_", extra="ignore", frozen=True)

    offered: list[ToolName] = Field(
        default=["calculate", "search", "open", "python"], description="The tools, as JSON."
    )
    corpus: Path = Field(
        default=SHIPPED_CORPUS,
        description="What `search` looks through: a folder that `touchstone tools index` has written.",
    )
    max_sessions: int = Field(default=4096, ge=1, description="Sessions that are open at a time before 429.")
    max_inflight_calls: int = Field(default=4096, ge=1, description="Calls waiting or at work before 429.")
    max_interpreters: int = Field(
        default_factory=interpreters_that_fit,
        ge=1,
        description="Sessions that have a Python interpreter at a time before 429.",
    )
    slots: int = Field(
        default_factory=lambda: 2 * (os.cpu_count() or 1), ge=1, description="Python cells that run at a time."
    )
    idle_s: float = Field(default=600.0, gt=0, description="A session ends after this many seconds without a call.")
    life_s: float = Field(default=3600.0, gt=0, le=86_400, description="A session ends after this many seconds.")
    keep_s: float = Field(default=3600.0, gt=0, description="Seconds for which the trace of an ended session is kept.")
    keep_mb: int = Field(
        default=512, ge=1, description="MiB of traces of ended sessions. The oldest are dropped first."
    )
    max_calls: int = Field(default=32, ge=1, le=1000, description="Calls in a session. Further calls are refused.")
    max_output_kb: int = Field(default=8, ge=1, le=1024, description="KiB of a call's output. The rest is cut off.")
    max_session_kb: int = Field(
        default=512, ge=1, description="KiB of arguments and outputs of a session. Further calls are refused."
    )
    call_s: float = Field(default=10.0, gt=0, le=600, description="Seconds that a call may take.")
    python_cpu_s: float = Field(
        default=60.0, gt=0, le=3600, description="Processor seconds for all Python calls of a session."
    )
    python_memory_mb: int = Field(default=512, ge=32, le=65_536, description="MiB of memory of a session's Python.")

"""The sandbox's settings: `TOUCHSTONE_SANDBOX_*` variables, all with defaults."""

from __future__ import annotations

import os
import sys

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from reward_sandbox.jail.spec import Tier


class SandboxSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TOUCHSTONE_SANDBOX_", extra="ignore")

    slots: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=1024, description="Programs at a time.")
    tier: Tier | None = Field(
        default=None, description="The tier to use; default: A as root, else B. Others are refused."
    )
    max_programs: int = Field(default=4096, ge=1, description="Programs waiting or at work before 429.")
    python: str = Field(default=sys.executable, description="The interpreter that runs Python programs, kept warm.")
    preload: list[str] = Field(
        default_factory=lambda: [
            "string",
            "re",
            "datetime",
            "time",
            "collections",
            "heapq",
            "bisect",
            "copy",
            "math",
            "random",
            "statistics",
            "itertools",
            "functools",
            "operator",
            "io",
            "json",
            "fractions",
            "decimal",
            "typing",
            "queue",
            "dataclasses",
            "enum",
        ],
        description="Modules that Python programs find imported.",
    )

"""The sandbox's settings: `TOUCHSTONE_SANDBOX_*` variables, all with defaults."""

from __future__ import annotations

import os
import sys
from typing import Literal

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from reward_sandbox.jail.spec import Tier


class SandboxSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TOUCHSTONE_SANDBOX_", extra="ignore")

    slots: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=1024, description="Programs at a time.")
    backend: Literal["fork_server", "bwrap", "docker", "remote"] = Field(
        default="fork_server", description="What makes the jails."
    )
    tier: Tier | None = Field(default=None, description="The only isolation level to use; default: the best there is.")
    min_tier: Tier = Field(default="C", description="The weakest isolation level to start with.")
    image: str = Field(default="touchstone/sandbox", description="docker: the image of the containers.")
    runtime: str = Field(default="runc", description="docker: the engine's runtime, such as runsc.")
    remote_url: str = Field(default="", description="remote: the address of another sandbox.")
    remote_key: SecretStr = Field(default=SecretStr(""), description="remote: its score key, if it needs one.")
    max_tests_mb: int = Field(default=256, ge=1, description="MiB of uploaded tests to keep.")
    max_programs: int = Field(default=4096, ge=1, description="Programs waiting or at work before 429.")
    python: str = Field(default=sys.executable, description="The interpreter that runs Python programs, kept warm.")
    python_path: list[str] = Field(
        default_factory=list,
        description="Folders of modules that Python programs may import, such as a site-packages with numpy.",
    )
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

    @model_validator(mode="after")
    def _complete(self) -> SandboxSettings:
        if self.backend == "remote" and not self.remote_url.startswith(("http://", "https://")):
            raise ValueError("TOUCHSTONE_SANDBOX_REMOTE_URL: the remote backend needs the address of another sandbox")
        return self

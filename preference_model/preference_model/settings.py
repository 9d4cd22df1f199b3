"""The preference service's settings: `TOUCHSTONE_PREFERENCE_*` variables, all with defaults."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SHIPPED = Path(__file__).with_name("models.yaml")


class PreferenceSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TOUCHSTONE_PREFERENCE_", extra="ignore", env_ignore_empty=True)

    registry: Path = Field(
        default=SHIPPED, description="The YAML file of models, followed while it serves. Default: the package's own."
    )
    threads: int = Field(default=1, ge=1, le=256, description="Threads of one forward pass on a CPU.")
    window_ms: float = Field(default=2.0, ge=0, le=1000, description="How long a batch waits for more texts.")
    max_queue_tokens: int = Field(default=2_000_000, ge=1024, description="Tokens waiting or at work before 429.")
    probe_window: int = Field(default=64, ge=8, description="Groups over which gold_probe compares the two trends.")

    @field_validator("registry")
    @classmethod
    def _is_a_file(cls, path: Path) -> Path:
        if not path.is_file():
            raise ValueError(f"no such file: {path}")
        return path

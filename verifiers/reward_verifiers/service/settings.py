"""Settings that every service has: `TOUCHSTONE_*` in the environment, each overridable by a flag."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

if TYPE_CHECKING:
    from reward_verifiers.service.middleware import ServiceLimits


def _split(keys: str) -> frozenset[str]:
    return frozenset(key.strip() for key in keys.split(",") if key.strip())


class ServiceSettings(BaseSettings):
    """Where each value comes from: a flag, else the environment, else the default here."""

    model_config = SettingsConfigDict(env_prefix="TOUCHSTONE_", extra="ignore", frozen=True)

    score_keys: Annotated[str, NoDecode] = Field(default="", description="Bearer keys that may score, comma-separated.")
    admin_keys: Annotated[str, NoDecode] = Field(
        default="", description="Bearer keys that may also change domains, comma-separated."
    )
    open_metrics: bool = Field(default=False, description="Reply to GET /metrics without a key, for Prometheus.")
    allow_open: bool = Field(default=False, description="Permit an address other than loopback without any key.")
    workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, description="Worker processes.")
    worker_memory_mb: int = Field(default=1024, ge=64, description="Memory a worker may add to what it starts with.")
    max_inflight_samples: int = Field(default=16_384, ge=1, description="Samples at work before 429.")
    max_inflight_mb: int = Field(default=128, ge=1, description="Request bodies in memory before 429.")
    max_body_mb: int = Field(default=64, ge=1, description="Largest request body, after decompression.")
    body_timeout_s: float = Field(default=30.0, gt=0, description="A body must have arrived by then.")
    header_timeout_s: float = Field(default=10.0, gt=0, description="A request's headers must have arrived by then.")
    shutdown_grace_s: float = Field(
        default=10.0, ge=0, description="After SIGTERM, work in flight may finish for so long; the rest is cancelled."
    )
    log_level: str = Field(default="INFO", description="Least severe level that is logged, such as DEBUG or WARNING.")
    log_format: Literal["auto", "json", "text"] = Field(
        default="auto", description="Log lines: `json`, `text` for a person, or `auto`: text on a terminal."
    )

    @property
    def scorers(self) -> frozenset[str]:
        return _split(self.score_keys)

    @property
    def admins(self) -> frozenset[str]:
        return _split(self.admin_keys)

    def limits(self) -> ServiceLimits:
        """What the middleware of a service lets in."""
        # Here, so that a command line that only reads settings does not import a web framework.
        from reward_verifiers.service.middleware import ServiceLimits

        return ServiceLimits(
            max_body_bytes=self.max_body_mb << 20,
            max_inflight_bytes=self.max_inflight_mb << 20,
            body_timeout_s=self.body_timeout_s,
            score_keys=self.scorers,
            admin_keys=self.admins,
            open_metrics=self.open_metrics,
        )

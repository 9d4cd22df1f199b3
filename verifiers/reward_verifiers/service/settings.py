"""Settings that every service has: `TOUCHSTONE_*` in the environment, each overridable by a flag."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

if TYPE_CHECKING:
    from reward_verifiers.service.middleware import ServiceLimits


def names(text: str) -> frozenset[str]:
    """The names of a comma-separated list."""
    return frozenset(name.strip() for name in text.split(",") if name.strip())


PREFIX = "TOUCHSTONE_"
SECRETS = ("score_keys", "admin_keys", "service_key")
"""Settings that may also stand in a file, whose path is in `TOUCHSTONE_…_FILE`."""


class SecretFiles(PydanticBaseSettingsSource):
    """Keys from files, as Docker and Kubernetes mount secrets. An empty file says nothing."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[str | None, str, bool]:
        variable = f"{PREFIX}{field_name.upper()}_FILE"
        path = os.environ.get(variable) if field_name in SECRETS else None
        try:
            return (Path(path).read_text().strip() if path else None), field_name, False
        except OSError as error:
            raise SettingsError(f"{variable}: {path} cannot be read ({error.strerror})") from None

    def __call__(self) -> dict[str, Any]:
        values = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in values.items() if value}


class ServiceSettings(BaseSettings):
    """Where each value comes from: a flag, else a secret's file, else the environment, else the default here."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, SecretFiles(settings_cls), env_settings

    score_keys: Annotated[str, NoDecode] = Field(default="", description="Bearer keys that may score, comma-separated.")
    admin_keys: Annotated[str, NoDecode] = Field(
        default="", description="Bearer keys that may also change domains, comma-separated."
    )
    open_metrics: bool = Field(default=False, description="Reply to GET /metrics without a key, for Prometheus.")
    allow_open: bool = Field(default=False, description="Permit an address other than loopback without any key.")
    hosts: Annotated[str, NoDecode] = Field(
        default="",
        description="Without score keys: Host names other than loopback that requests may use, comma-separated, or *.",
    )
    workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, description="Worker processes.")
    worker_memory_mb: int = Field(
        default=1024, ge=64, description="Memory that a worker may use in addition to what it starts with."
    )
    max_inflight_samples: int = Field(default=16_384, ge=1, description="Samples at work before 429.")
    max_inflight_mb: int = Field(default=128, ge=1, description="Request bodies in memory before 429.")
    max_body_mb: int = Field(default=64, ge=1, description="Largest request body, after decompression.")
    body_timeout_s: float = Field(default=30.0, gt=0, description="Seconds in which a request's body must arrive.")
    header_timeout_s: float = Field(default=10.0, gt=0, description="Seconds in which a request's headers must arrive.")
    write_timeout_s: float = Field(
        default=30.0, gt=0, description="Seconds after which a client that reads nothing of its reply is cut off."
    )
    shutdown_grace_s: float = Field(
        default=10.0, ge=0, description="Seconds for work in flight to finish after SIGTERM. The rest is cancelled."
    )
    log_level: str = Field(default="INFO", description="Least severe level that is logged, such as DEBUG or WARNING.")
    log_format: Literal["auto", "json", "text"] = Field(
        default="auto", description="Log lines: `json`, `text` for a person, or `auto`: text on a terminal."
    )

    @property
    def scorers(self) -> frozenset[str]:
        return names(self.score_keys)

    @property
    def admins(self) -> frozenset[str]:
        return names(self.admin_keys)

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
            hosts=names(self.hosts.lower()),
            open_metrics=self.open_metrics,
        )

"""Settings of the gateway: `TOUCHSTONE_*` in the environment, each overridable by a flag."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import NoDecode

from reward_verifiers.service.http_client import BaseUrl
from reward_verifiers.service.settings import ServiceSettings

Urls = BaseUrl | Annotated[list[BaseUrl], Field(min_length=1)]
"""One URL, or those of all replicas."""


def urls_of(urls: Urls | None) -> list[str]:
    return [] if urls is None else [urls] if isinstance(urls, str) else urls


SHIPPED_DOMAINS = Path(__file__).parent / "domains" / "data"
"""The domain files that come with the package."""


class GatewaySettings(ServiceSettings):
    """What the gateway reads beside the settings of every service."""

    domains: Path = Field(
        default=SHIPPED_DOMAINS, description="Folder of domain files (*.yaml). Default: the shipped domains."
    )
    verifier_urls: dict[str, Urls] = Field(
        default_factory=dict,
        description='URLs of verifier services, as JSON: {"answer": "http://answer:8001"}. A list of URLs, or a name with '
        "several addresses, names replicas.",
    )
    service_key: str = Field(default="", description="Bearer key that the gateway sends to remote verifiers.")
    tools_url: BaseUrl | Literal[""] = Field(
        default="",
        description="URL of the tools service, whose traces the gateway reads for `sessions`. Default: the gateway serves "
        "the tools itself.",
    )
    gateways: int = Field(
        default=1,
        ge=1,
        description="Number of gateways that share the traffic. With more than one, only files change domains, and samples "
        "of a group that come one by one need the header X-Touchstone-Group, by which a balancer chooses the gateway.",
    )
    put_hosts: Annotated[str, NoDecode] = Field(
        default="",
        description="Hosts, or host:port, that a domain sent by PUT may name as a verifier's URL, comma-separated. "
        "It may always name a URL of a domain file or of TOUCHSTONE_VERIFIER_URLS.",
    )
    max_deadline_s: float = Field(
        default=600.0, gt=0, description="Longest deadline that a request or a domain may set."
    )
    cache_mb: int = Field(default=64, ge=0, description="Memory for cached verdicts of pure verifiers.")
    idempotency_mb: int = Field(
        default=64, ge=0, description="Memory for replies to groups that are sent again with their Idempotency-Key."
    )
    monitor: bool = Field(
        default=True,
        description="Watch rewards for reward hacking. If false, GET /monitor replies 404, and only verifiers set flags.",
    )
    monitor_log: Path | None = Field(
        default=None,
        description="File for the monitor's records, one a line, for `touchstone monitor replay`. They quote 160 characters "
        "of each completion. Default: no log.",
    )
    monitor_log_mb: int = Field(
        default=256, ge=2, description="Size of that log and of the one before it, together. Older records are dropped."
    )
    monitor_data: Path | None = Field(
        default=None, description="Folder with canaries.jsonl and anchors.jsonl for the monitor; see docs/monitor.md."
    )
    store: Path | None = Field(
        default=None,
        description="Folder in which the gateway stores every scored group for the page and `touchstone ui`: prompts, "
        "completions and results, but no references.",
    )
    store_mb: int = Field(
        default=1024, ge=8, description="Size of that store. The oldest groups make room for new ones."
    )
    ui: bool = Field(default=True, description="Serve the page at /ui. It needs the extra `ui`.")
    audits: Path | None = Field(
        default=None, description="Folder of reports that `touchstone audit --report` wrote, for the page."
    )

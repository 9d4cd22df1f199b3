"""What the gateway's listings hold, for its OpenAPI document and the clients that are generated from it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from reward_api.domains.spec import DomainSpec
from reward_verifiers.contract import ProblemError


class Index(BaseModel):
    """GET /: what this is, and where to go on."""

    name: str
    version: str
    links: dict[str, str] = Field(description="Name to path.")


class ListedComponent(BaseModel):
    """A component of a domain."""

    name: str
    verifier: str
    version: str | None = Field(description="null while its verifier has not answered.")
    endpoint: str = Field(description="A URL, or in-process.")
    weight: float
    whole_group: bool | None = Field(description="Its verdicts depend on the siblings.")
    score_range: tuple[float, float] | None = Field(description="Lowest and highest score.")


class ListedDomain(BaseModel):
    """A domain as it is served."""

    name: str
    version: str = Field(description="Digest of the resolved domain and its verifiers.")
    enabled: bool
    components: list[ListedComponent]
    refused: list[ProblemError] = Field(description="Why its file is not what is served.")


class WholeDomain(ListedDomain):
    """GET /domains/{name}."""

    spec: DomainSpec


class DomainList(BaseModel):
    """GET /domains."""

    folder: str = Field(description="The folder of domain files.")
    domains: list[ListedDomain]
    refused: dict[str, list[ProblemError]] = Field(description="By name, files that are refused and never were served.")
    left_out: dict[str, list[ProblemError]] = Field(
        description="By name, shipped domains whose packages are not installed here."
    )


class ListedVerifier(BaseModel):
    """A verifier that a domain uses; what it says of itself is missing while it has not answered."""

    verifier: str
    endpoint: str
    healthy: bool
    version: str | None = None
    summary: str | None = None
    options_schema: dict[str, Any] | None = None
    reference_schema: dict[str, Any] | None = None
    score_range: tuple[float, float] | None = None
    whole_group: bool | None = None
    whole_group_when: dict[str, list[str]] | None = None
    pure: bool | None = None
    build: str | None = None


class VerifierList(BaseModel):
    """GET /verifiers."""

    verifiers: list[ListedVerifier]


class Health(BaseModel):
    """GET /healthz."""

    status: str


class Readiness(BaseModel):
    """GET /readyz."""

    ready: bool
    domains: dict[str, dict[str, bool]] | None = Field(
        default=None, description="Domain to component to whether its verifier answers; for those who have a key."
    )
    reasons: dict[str, str] | None = Field(
        default=None, description="Verifier to why it does not answer; for those who have a key."
    )

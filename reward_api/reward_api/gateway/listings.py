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


class AlarmExample(BaseModel):
    """A completion that shows an alarm."""

    step: int | None
    group: str = Field(description="The group's id.")
    index: int = Field(description="Its place in the group.")
    reward: float | None
    quote: str = Field(description="Both ends of what it says.")
    why: str = Field(description="What the second verdict says.")


class AlarmRate(BaseModel):
    """How often, and how sure that is."""

    hits: int
    total: int
    interval_99: tuple[float, float]


class MonitorAlarm(BaseModel):
    """Something that speaks for reward hacking."""

    name: str = Field(description="As in docs/monitor.md.")
    state: str = Field(description="What it speaks for: WATCH, SUSPECT or HACKING.")
    accuses: bool = Field(description="It is a second verdict. Else it only points.")
    limit: float
    onset_step: int = Field(description="The step at which it began.")
    text: str = Field(description="One sentence for a person.")
    rate: AlarmRate | None = None
    value: float | None = None
    examples: list[AlarmExample]


class MonitorChange(BaseModel):
    """When the state became another one."""

    step: int | None
    before: str = Field(alias="from")
    after: str = Field(alias="to")
    alarms: list[str]


class MonitoredRun(BaseModel):
    """One run of a domain."""

    version: str = Field(description="The domain's.")
    state: str = Field(description="OK, WATCH, SUSPECT or HACKING.")
    step: int | None
    groups: int
    completions: int
    paid: int
    zero_variance: dict[str, int] = Field(description="Groups whose rewards are all equal: all_paid, all_unpaid.")
    checks: dict[str, dict[str, int]] = Field(description="Completions graded again, and how many of them were hits.")
    alarms: list[MonitorAlarm]
    changes: list[MonitorChange]


class MonitoredDomain(BaseModel):
    """A domain: its state is the highest of its runs."""

    state: str
    runs: dict[str, MonitoredRun]


class MonitorReport(BaseModel):
    """GET /monitor."""

    domains: dict[str, MonitoredDomain]
    waiting: int = Field(description="Groups that the monitor has not looked at yet.")
    lost: int = Field(description="Groups that it never looked at, since it had too much to do.")
    skipped: int = Field(description="Completions that were not graded again, since there was no spare room.")
    log_lost: int = Field(description="Records that could not be written to the log.")
    cpu_seconds: float = Field(description="CPU time of its thread.")

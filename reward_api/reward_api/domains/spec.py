"""Domains: which verifiers judge a kind of task, and how their scores become one reward.

    YAML ── DomainSpec (its shape is right) ── resolve (its verifiers exist, its options fit) ──▶ Domain, immutable

A Domain is swapped whole: a group in flight keeps the one that it started with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import BeforeValidator, Field, StringConstraints, ValidationError, model_validator

from reward_api.monitor.spec import AUXILIARY, MonitorSpec
from reward_api.settings import Urls, urls_of
from reward_verifiers.contract import Description, StrictModel, validation_errors
from reward_verifiers.verifier import Backend
from reward_verifiers.yaml_file import BadFile, read_yaml

NAME = r"^[a-z][a-z0-9_-]{0,63}$"
Name = Annotated[str, StringConstraints(pattern=NAME)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class VerifierEndpoint(StrictModel):
    """Where a verifier lives. Absent: in this process."""

    url: Urls | None = Field(
        default=None,
        description="Base URL of its service, e.g. http://answer:8001; a list is as many replicas, and so is a name with "
        "several addresses.",
    )

    @property
    def urls(self) -> list[str]:
        return urls_of(self.url)


class SecondOpinion(StrictModel):
    """Who judges the samples that a component did not understand."""

    verifier: str = Field(default="preference", min_length=1, description="Name of the verifier.")
    options: dict[str, Any] = Field(
        default_factory=lambda: {"model": "judge_reference"}, description="The verifier's options."
    )


def _by_name(value: Any) -> Any:
    return {} if value == "judge" else value


class ComponentSpec(StrictModel):
    """One verifier's part in the reward."""

    verifier: str = Field(min_length=1, description="Name of the verifier.")
    name: Name | None = Field(default=None, description="Key in the reply; default: the verifier's name.")
    weight: Number = Field(default=1.0, description="Multiplies the score; 0 reports the score without counting it.")
    options: dict[str, Any] = Field(default_factory=dict, description="The verifier's options; see GET /verifiers.")
    gate: bool = Field(
        default=False, description="Below `at_least`, the sample earns nothing: only penalties remain in its reward."
    )
    at_least: Number = Field(default=1.0, description="The score from which this component's gate or `requires` holds.")
    requires: list[Name] = Field(
        default_factory=list, description="Counts only where each of these components reached its `at_least`."
    )
    after: list[Name] = Field(
        default_factory=list,
        description="Runs after these components, and gets their scores as options.scores: {name: [score or null]}.",
    )
    undecided: Annotated[SecondOpinion | None, BeforeValidator(_by_name)] = Field(
        default=None,
        description="Who judges samples that this verifier did not understand: those flagged `answer_not_read` and those "
        "with the failure `unsupported`. `judge` is the judge by a reference of the preference service.",
    )

    @property
    def key(self) -> str:
        return self.name or self.verifier

    def verifiers(self) -> list[str]:
        """The names of the verifiers that it asks."""
        return [self.verifier, *([self.undecided.verifier] if self.undecided else [])]


class DomainSpec(StrictModel):
    """One file of `domains/`."""

    verifiers: dict[str, VerifierEndpoint] = Field(
        default_factory=dict, description="Where verifiers live that are not in the gateway's process."
    )
    components: list[ComponentSpec] = Field(min_length=1, description="The verifiers that judge, with their weights.")
    combine: Literal["sum", "product"] = Field(default="sum", description="How the weighted scores become one reward.")
    clip: tuple[Number | None, Number | None] = Field(
        default=(None, None), description="Lowest and highest reward; null for no bound."
    )
    deadline_s: float = Field(
        default=30.0, gt=0, allow_inf_nan=False, description="Seconds for a group, unless its request says less."
    )
    enabled: bool = Field(default=True, description="False keeps the domain and does not serve it.")
    monitor: MonitorSpec = Field(
        default_factory=MonitorSpec, description="How its rewards are watched for reward hacking; see docs/monitor.md."
    )

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        keys = [component.key for component in self.components]
        for position, component in enumerate(self.components):
            if component.key in keys[:position]:
                raise ValueError(f"components[{position}]: {component.key!r} stands twice; give one a `name`")
            if stray := set(component.requires) - set(keys):
                raise ValueError(f"components[{position}].requires: no component is named {sorted(stray)[0]!r}")
            if stray := set(component.after) - set(keys[:position]):
                raise ValueError(f"components[{position}].after: no earlier component is named {sorted(stray)[0]!r}")
        if self.monitor.component not in (None, *keys):
            raise ValueError(f"monitor.component: no component is named {self.monitor.component!r}")
        if unused := set(self.verifiers) - self.verifier_names():
            raise ValueError(f"verifiers.{sorted(unused)[0]}: no component uses it")
        low, high = self.clip
        if low is not None and high is not None and low > high:
            raise ValueError("clip: the lower bound is above the upper one")
        return self

    def verifier_names(self) -> set[str]:
        """The names of all verifiers that it asks."""
        second = {self.monitor.second.verifier} if self.monitor.second else set()
        return second.union(*(component.verifiers() for component in self.components))

    def judging(self) -> ComponentSpec:
        """The component that says what is right: the monitor's, else the first with a weight that is not auxiliary."""
        if self.monitor.component is not None:
            return next(one for one in self.components if one.key == self.monitor.component)
        counts = [one for one in self.components if one.weight or one.gate] or self.components
        return next((one for one in counts if one.verifier not in AUXILIARY), counts[0])


class BadDomain(BadFile):
    """A domain that must not be served; `errors` holds (path, reason) pairs."""


class NotInstalled(BadDomain):
    """Nothing is wrong with it but that packages of its verifiers are not installed here."""


@dataclass(frozen=True, slots=True)
class BoundComponent:
    """A component bound to the verifier that serves it. `description` is None while that was never reached."""

    spec: ComponentSpec
    backend: Backend
    endpoint: str
    description: Description | None
    undecided: BoundComponent | None = None
    """Who judges what this verifier did not understand."""

    def parts(self) -> tuple[BoundComponent, ...]:
        """Itself, and its second opinion."""
        return (self, self.undecided) if self.undecided else (self,)


@dataclass(frozen=True, slots=True)
class Domain:
    """A resolved domain. `version` is the digest of all that decides its rewards.

    `written` is what its file says. `spec` is what is served: there, a demonstration has weight 0.
    """

    name: str
    written: DomainSpec
    spec: DomainSpec
    components: tuple[BoundComponent, ...]
    version: str
    second: BoundComponent | None = None
    """The monitor's second verifier."""

    def parts(self) -> tuple[BoundComponent, ...]:
        """All that is asked for it."""
        parts = [part for component in self.components for part in component.parts()]
        return (*parts, self.second) if self.second else tuple(parts)


def parse(data: object) -> DomainSpec:
    """A domain from plain data. Raises BadDomain naming the keys."""
    try:
        return DomainSpec.model_validate(data)
    except ValidationError as error:
        raise BadDomain(validation_errors(error, DomainSpec)) from None


def read(content: bytes | Path) -> DomainSpec:
    """A domain from its file, or from what the file holds. Raises BadDomain, and OSError when it cannot be read."""
    try:
        return read_yaml(content, DomainSpec)
    except BadFile as error:
        raise BadDomain(error.errors) from None


def version_of(spec: DomainSpec, endpoints: Mapping[str, str], described: Mapping[str, Description | None]) -> str:
    """sha256 over the specification, where its verifiers live and which versions these have.

    The monitor is a part of it only where it may change a reward.
    """
    verifiers = {
        name: {"endpoint": endpoints[name], "version": about.version if about else None}
        for name, about in described.items()
    }
    unread = {"monitor"} if spec.monitor.on_hack == "flag" else set()
    canonical = orjson.dumps(
        {"spec": spec.model_dump(mode="json", exclude=unread), "verifiers": verifiers}, option=orjson.OPT_SORT_KEYS
    )
    return f"sha256:{hashlib.sha256(canonical).hexdigest()}"

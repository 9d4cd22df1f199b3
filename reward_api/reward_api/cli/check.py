"""`touchstone domains check`: find what would go wrong before training does."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError
from stamina.instrumentation import set_on_retry_hooks

from reward_api.cli.score.requests import Columns, request_of
from reward_api.cli.score.rows import BadInput, Row, open_source
from reward_api.domains.live import files, refuse_second
from reward_api.domains.spec import BadDomain, BoundComponent, Domain, NotInstalled, read
from reward_api.gateway.backends import LOCAL, BackendResolver
from reward_api.settings import SHIPPED_DOMAINS, GatewaySettings
from reward_verifiers import json_schema, registry
from reward_verifiers.contract import ScoreRequest, dotted, validation_errors
from reward_verifiers.json_schema import BadSchema
from reward_verifiers.runtime.local import Local, parse_options, parse_reference, pool_for
from reward_verifiers.verifier import BadReference

if TYPE_CHECKING:
    from reward_verifiers.answer.audit import Auditor

MAX_FAULTS = 100


def _backends(settings: GatewaySettings) -> BackendResolver:
    # Nothing is judged here, so the pool is never started.
    has_tools = bool(settings.tools_url) or registry.has_embedded("tools")
    return BackendResolver(pool_for([], size=1), settings.verifier_urls, settings.service_key, has_tools=has_tools)


async def _resolved(backends: BackendResolver, path: Path) -> Domain:
    spec = read(path)
    backends.trust(spec)
    return await backends.resolve(path.stem, spec, demand=True)


class DomainCheck(NamedTuple):
    """What `check` finds in a folder of domain files."""

    good: list[str]
    """Names of the domains that may be served."""
    faults: list[str]
    """One line for each fault of the others."""
    left_out: list[str]
    """One line for each domain of ours whose packages are not installed here: nobody asked for it."""


async def check_domains(settings: GatewaySettings) -> DomainCheck:
    # A service that is down is one fault, without a log line for every try.
    set_on_retry_hooks([])
    logging.getLogger().addHandler(logging.NullHandler())
    backends = _backends(settings)
    paths = files(settings.domains)
    result = DomainCheck([], [] if paths else [f"no *.yaml or *.yml in {settings.domains}"], [])
    for path in paths:
        try:
            refuse_second(path)
            await _resolved(backends, path)
            result.good.append(path.stem)
        except BadDomain as error:
            is_ours = isinstance(error, NotInstalled) and settings.domains == SHIPPED_DOMAINS
            (result.left_out if is_ours else result.faults).extend(
                f"{path.name}: {where}: {why}" if where else f"{path.name}: {why}" for where, why in error.errors
            )
    await backends.aclose()
    return result


class DataCheck(NamedTuple):
    """What `check --data` finds."""

    faults: list[str]
    """One line for each reference that the domain's verifiers do not understand."""
    by_shape: list[str]
    """The components of which only the shape of the references was checked."""
    counts: list[str]
    """How many references were read whole, not read and refused, for each verifier with an audit."""


async def check_data(settings: GatewaySettings, name: str, data: str) -> DataCheck:
    """Holds every reference of a data set against the domain's verifiers."""
    backends = _backends(settings)
    path = {path.stem: path for path in reversed(files(settings.domains))}[name]
    domain = await _resolved(backends, path)
    auditors = _auditors(domain)
    faults: list[str] = []
    more = 0
    for row in open_source(data).rows():
        row_faults = [*_row_faults(domain, row, auditors), *await _program_faults(domain, row)]
        lines = [f"line {row.number}: {fault}" for fault in row_faults]
        room = MAX_FAULTS - len(faults)
        faults += lines[:room]
        more += len(lines[room:])
    if more:
        faults.append(f"… and {more} more")
    await backends.aclose()
    by_shape = [
        f"{one.spec.key} ({one.endpoint})" for one in domain.components if not _is_here(one) and _audit_of(one) is None
    ]
    return DataCheck(faults, by_shape, [f"{key}: {auditor.audit.summary()}" for key, auditor in auditors.items()])


def _is_here(component: BoundComponent) -> bool:
    return component.endpoint == LOCAL and isinstance(component.backend, Local)


def _auditors(domain: Domain) -> dict[str, Auditor]:
    """BoundComponent → what audits its references. Only the answer verifier has such an audit."""
    named = [one for one in domain.components if one.spec.verifier == "answer" and _is_here(one)]
    if not named:
        return {}
    from reward_verifiers.answer import AnswerOptions  # late: a gateway without this verifier lacks its packages
    from reward_verifiers.answer.audit import Auditor

    return {one.spec.key: Auditor(AnswerOptions.model_validate(one.spec.options)) for one in named}


def _row_faults(domain: Domain, row: Row, auditors: dict[str, Auditor]) -> list[str]:
    try:
        request = ScoreRequest.model_validate(request_of(row, Columns(domain=domain.name), needs_completions=False))
    except BadInput as error:
        return [str(error)]
    except ValidationError as error:
        return [f"{path}: {reason}" for path, reason in validation_errors(error, ScoreRequest)]
    faults: list[str] = []
    for component in domain.components:
        if auditor := auditors.get(component.spec.key):
            faults += [f"{component.spec.key}: {fault}" for fault in _audit_faults(auditor, request.reference)]
        elif _audit_of(component) is None and (fault := _reference_fault(component, request.reference)):
            faults.append(fault)
    return faults


def _audit_of(component: BoundComponent) -> Callable[[dict[str, Any], dict[str, Any]], Awaitable[list[str]]] | None:
    """How a backend that is here tries a row on programs; None where it judges none."""
    return getattr(component.backend, "audit", None) if component.endpoint == LOCAL else None


async def _program_faults(domain: Domain, row: Row) -> list[str]:
    """Of the components that run programs: the row's own solution, one that does nothing, and one with a planted fault."""
    faults: list[str] = []
    for component in domain.components:
        audit = _audit_of(component)
        if audit is not None and row.data is not None:
            faults += [f"{component.spec.key}: {fault}" for fault in await audit(row.data, component.spec.options)]
    return faults


def _audit_faults(auditor: Auditor, reference: dict[str, Any]) -> list[str]:
    """The faults of one reference; `auditor` keeps the counts."""
    from reward_verifiers.answer import AnswerReference

    before = len(auditor.audit.faults)
    try:
        auditor.add(AnswerReference.model_validate(reference))
    except ValidationError as error:
        return [f"reference.{path}: {reason}" for path, reason in validation_errors(error)]
    return auditor.audit.faults[before:]


def _reference_fault(component: BoundComponent, reference: dict[str, Any]) -> str:
    """Empty when the component's verifier understands the reference, as far as that can be told here."""
    if not _is_here(component):
        return _shape_fault(component, reference)
    verifier = registry.load(component.spec.verifier)
    options = parse_options(verifier, component.spec.options)
    try:
        verifier.check_reference(options, parse_reference(verifier, reference))
    except BadReference as error:
        return f"{component.spec.key}: {error}"
    return ""


def _shape_fault(component: BoundComponent, reference: dict[str, Any]) -> str:
    """By the JSON schema of a verifier that is a service."""
    if component.description is None:
        return ""
    try:
        path, reason = next(json_schema.errors(component.description.reference_schema, reference), ("", ""))
    except BadSchema as error:
        return f"{component.spec.key}: its reference_schema cannot be followed: {error.reason}"
    return reason and f"{component.spec.key}: {dotted(['reference', *filter(None, path.split('/'))])}: {reason}"

"""`touchstone domains check`: find what would go wrong before training does."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from reward_api.cli.score.lines import BadInput, groups_of, request_of
from reward_api.domains.live import files
from reward_api.domains.spec import BadDomain, Domain, read
from reward_api.gateway.backends import LOCAL, BackendResolver
from reward_api.settings import GatewaySettings
from reward_verifiers import registry
from reward_verifiers.answer import AnswerOptions, AnswerReference, AnswerVerifier
from reward_verifiers.answer.audit import Auditor
from reward_verifiers.contract import ScoreRequest, validation_errors
from reward_verifiers.runtime.local import Local, parse_options, parse_reference, pool_for
from reward_verifiers.verifier import BadReference

MAX_TOLD = 100


def _directory(settings: GatewaySettings) -> BackendResolver:
    # Nothing is judged here, so the pool is never started.
    return BackendResolver(pool_for([], size=1), settings.verifier_urls, settings.service_key)


async def check_domains(settings: GatewaySettings) -> list[str]:
    """One line a fault of the domain files; none when all may be served."""
    directory = _directory(settings)
    faults = [] if files(settings.domains) else [f"no *.yaml in {settings.domains}"]
    for path in files(settings.domains):
        try:
            await directory.resolve(path.stem, read(path), demand=True)
        except BadDomain as error:
            faults += [
                f"{path.name}: {where}: {why}" if where else f"{path.name}: {why}" for where, why in error.errors
            ]
    await directory.aclose()
    return faults


async def check_data(settings: GatewaySettings, name: str, data: Path) -> list[str]:
    """One line a reference that the domain's verifiers here do not understand, at most MAX_TOLD."""
    path = settings.domains / f"{name}.yaml"
    if not path.exists():
        return [f"unknown domain {name!r}: no {path.name} in {settings.domains}"]
    directory = _directory(settings)
    domain = await directory.resolve(name, read(path), demand=True)
    auditors = _auditors(domain)
    faults: list[str] = []
    for number, line in groups_of(data):
        faults += [f"line {number}: {fault}" for fault in _reference_faults(domain, auditors, line)]
        if len(faults) >= MAX_TOLD:
            faults = [*faults[:MAX_TOLD], "… and maybe more"]
            break
    return [*faults, *(f"{key}: {auditor.audit.summary()}" for key, auditor in auditors.items())] if faults else []


def _auditors(domain: Domain) -> dict[str, Auditor]:
    """Component → what audits its references."""
    return {
        component.spec.key: Auditor(AnswerOptions.model_validate(component.spec.options))
        for component in domain.components
        if component.home == LOCAL and component.spec.verifier == AnswerVerifier.name
    }


def _reference_faults(domain: Domain, auditors: dict[str, Auditor], line: bytes) -> list[str]:
    try:
        request = ScoreRequest.model_validate({"completions": [""], **request_of(line)})
    except BadInput as error:
        return [str(error)]
    except ValidationError as error:
        return [f"{path}: {reason}" for path, reason in validation_errors(error)]
    faults = []
    for component in domain.components:
        if component.home != LOCAL or not isinstance(component.backend, Local):
            continue
        if auditor := auditors.get(component.spec.key):
            faults += [f"{component.spec.key}: {fault}" for fault in _audited(auditor, request)]
            continue
        verifier = registry.load(component.spec.verifier)
        options = parse_options(verifier, component.spec.options)
        try:
            verifier.check_reference(options, parse_reference(verifier, request.reference))
        except BadReference as error:
            faults.append(f"{component.spec.key}: {error}")
    return faults


def _audited(auditor: Auditor, request: ScoreRequest) -> list[str]:
    """What the audit of one reference finds; `auditor` keeps the counts."""
    known = len(auditor.audit.faults)
    try:
        reference = AnswerReference.model_validate(request.reference)
    except ValidationError as error:
        return [f"{path}: {reason}" for path, reason in validation_errors(error)]
    auditor.add(reference)
    return auditor.audit.faults[known:]

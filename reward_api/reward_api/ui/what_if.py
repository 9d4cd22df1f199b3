"""Scoring from the page: by the gateway's own Scorer, within its limits. What is only asked is not recorded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import yaml
from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from reward_api.domains.spec import BadDomain, Domain
from reward_api.gateway.gateway import Gateway
from reward_verifiers.contract import ScoreRequest, validation_errors
from reward_verifiers.verifier import Overloaded

GatewayOf = Callable[[], Awaitable[Gateway]]
"""The gateway, started on first use where the page stands alone."""


class CannotScore(ValueError):
    """Nothing was scored; the message names the field and what is wrong with it."""


async def score(gateway: Gateway, domain: Domain, body: dict[str, Any]) -> dict[str, Any]:
    """The reply for one completion, as JSON. Raises CannotScore."""
    try:
        request = ScoreRequest.model_validate(body)
    except ValidationError as error:
        raise CannotScore("; ".join(": ".join(one) for one in validation_errors(error, ScoreRequest))) from None
    try:
        with gateway.admission.enter(len(request.completions)):
            reply = await gateway.scorer.aside().score(domain, request)
    except Overloaded:
        raise CannotScore("the gateway has no room now; try again in a moment") from None
    document: dict[str, Any] = orjson.loads(orjson.dumps(reply, default=to_jsonable_python))
    return document


def served(gateway: Gateway, name: str) -> Domain:
    """Raises CannotScore."""
    domain = gateway.live_domains.find(name)
    if domain is None or not domain.spec.enabled:
        raise CannotScore(f"domain: {name[:80]!r} is not served here")
    return domain


async def with_options(gateway: Gateway, domain: Domain, text: str) -> Domain:
    """The domain with other options of its own components, as YAML: {component: {option: value}}. It is served to nobody
    else. Raises CannotScore.
    """
    try:
        options = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError):
        raise CannotScore("options: this is not YAML") from None
    if options is None or options == options_of(domain):
        return domain
    names = [one.key for one in domain.written.components]
    if not isinstance(options, dict) or not all(isinstance(one, dict | None) for one in options.values()):
        raise CannotScore(f"options: write component: {{option: value}}, with the components {', '.join(names)}")
    if stray := [name for name in options if name not in names]:
        raise CannotScore(f"options: no component is named {str(stray[0])[:80]!r}; there are: {', '.join(names)}")
    components = [
        one.model_copy(update={"options": options[one.key] or {}}) if one.key in options else one
        for one in domain.written.components
    ]
    try:
        return await gateway.backends.resolve(
            domain.name, domain.written.model_copy(update={"components": components}), demand=False
        )
    except BadDomain as error:
        faults = [(names[_number(path)] + path.partition("]")[2], reason) for path, reason in error.errors]
        raise CannotScore("; ".join(f"{path}: {reason}" for path, reason in faults)) from None


def _number(path: str) -> int:
    """Of `components[2].options`."""
    digits = path.partition("[")[2].partition("]")[0]
    return int(digits) if digits.isdigit() else 0


def options_of(domain: Domain) -> dict[str, Any]:
    """Component → its options, as the domain's file has them."""
    return {one.key: one.options for one in domain.written.components}


def options_text(domain: Domain) -> str:
    """The same as YAML."""
    return yaml.safe_dump(options_of(domain), sort_keys=False, allow_unicode=True)


def reference_of(text: str) -> Any:
    """As it is typed: JSON where it is an object, else the answer itself. None when there is none."""
    if not text.strip():
        return None
    if text.lstrip().startswith("{"):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text  # a set such as {1, 2}
    return text

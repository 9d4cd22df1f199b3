"""The gateway's HTTP routes. Each reads its request, asks the gateway's parts, and answers; no logic of rewards is here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Body, Depends, Path, Request
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import Discriminator, Tag

from reward_api.domains.spec import NAME, BadDomain, Domain, DomainSpec
from reward_api.gateway.gateway import Gateway, package_version
from reward_api.gateway.group_buffer import GROUP_HEADER, siblings_meet
from reward_api.gateway.idempotency import KEYS_PATTERN, keys_of
from reward_api.gateway.listings import (
    DomainList,
    Health,
    Index,
    ListedDomain,
    MonitorReport,
    Readiness,
    VerifierList,
    WholeDomain,
)
from reward_verifiers.contract import (
    Problem,
    ProblemError,
    RefusedGroup,
    ScoreManyReply,
    ScoreManyRequest,
    ScoreReply,
    ScoreRequest,
    UnreadGroup,
)
from reward_verifiers.service.admission import Room
from reward_verifiers.service.keys import bearer, require_admin
from reward_verifiers.service.openapi import problem_reply
from reward_verifiers.service.problems import HTTPProblem, of_faults
from reward_verifiers.service.streams import NDJSON, HeldStream, as_done, run_or_cancel
from reward_verifiers.service.strict_route import CompletionRoute
from reward_verifiers.suggestions import did_you_mean

router = APIRouter(route_class=CompletionRoute)


def gateway_of(request: Request) -> Gateway:
    """The app's gateway. Scoring calls it directly; the other routes have it as their dependency `Parts`."""
    gateway = request.app.state.gateway
    assert isinstance(gateway, Gateway)  # noqa: S101
    return gateway


async def _gateway_of(request: Request) -> Gateway:  # async: FastAPI runs a plain function in a thread
    return gateway_of(request)


def _one_or_many(data: Any) -> str:
    many = isinstance(data, ScoreManyRequest) or (isinstance(data, dict) and "groups" in data)
    return "many" if many else "one"


_GROUP: dict[str, Any] = {
    "prompt": "What is 1/2 + 1/3?",
    "completions": [
        "<think>Three sixths and two sixths make five sixths.</think><answer>5/6</answer>",
        "<answer>2/5</answer>",
    ],
    "reference": {"answer": "5/6"},
}
_EXAMPLES: dict[str, Any] = {
    "one": {"summary": "One group of two completions", "value": {"domain": "math", **_GROUP}},
    "many": {"summary": "Many groups", "value": {"groups": [{"domain": "math", **_GROUP}]}},
}
Parts = Annotated[Gateway, Depends(_gateway_of)]
OneOrMany = Annotated[
    Annotated[ScoreRequest, Tag("one")] | Annotated[ScoreManyRequest, Tag("many")],
    Discriminator(_one_or_many),
    Body(openapi_examples=_EXAMPLES),
]
DomainName = Annotated[str, Path(pattern=NAME, description="The name of a domain.", examples=["math"])]
Work = list[tuple[Domain, ScoreRequest, str | None] | Problem]
"""What to score, or why a group of many is refused."""
_REPLIES: dict[int | str, dict[str, Any]] = {
    200: {"content": {NDJSON: {"schema": {"type": "string", "description": "One reply a line, with its `index`."}}}},
    404: problem_reply(404),
}
# Read by hand, since FastAPI's way with header parameters costs a small group a fortieth of its time.
_ABOUT_KEY = (
    "Names this request. A request that is sent again gets the stored reply, unless that reply has a failure. "
    "Write one key for each group, with commas between them."
)
_HEADERS = {
    "parameters": [
        {
            "name": "idempotency-key",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "pattern": KEYS_PATTERN, "title": "Idempotency-Key"},
            "description": _ABOUT_KEY,
        }
    ]
}


def json_reply(data: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(data), status, media_type="application/json")


# --- scoring ----------------------------------------------------------------------------------------------------------


@router.post(
    "/score",
    response_model=ScoreReply | ScoreManyReply,
    tags=["scoring"],
    openapi_extra=_HEADERS,
    responses=_REPLIES,
)
async def score(request: Request, body: OneOrMany) -> Response:
    """Score one rollout group, or many with `{"groups": […]}`; each group names its domain.

    With `Accept: application/x-ndjson`, many groups come back one a line as soon as each is done, with its `index`.
    """
    return await _score(request, body, None)


@router.post(
    "/score/{domain}",
    response_model=ScoreReply | ScoreManyReply,
    tags=["scoring"],
    openapi_extra=_HEADERS,
    responses=_REPLIES,
)
async def score_domain(request: Request, domain: DomainName, body: OneOrMany) -> Response:
    """As `POST /score`, with the domain in the path, for clients that send no metadata."""
    return await _score(request, body, domain)


async def _score(request: Request, body: ScoreRequest | ScoreManyRequest, domain: str | None) -> Response:
    parts = gateway_of(request)
    if domain is not None:
        served(parts, domain, "domain")
    groups = [body] if isinstance(body, ScoreRequest) else body.groups
    keys = keys_of(request.headers.get("idempotency-key"), len(groups))
    if isinstance(body, ScoreRequest):
        work: Work = [(_domain(parts, body, domain, "domain"), body, keys[0])]
    else:
        numbered = enumerate(zip(groups, keys, strict=True))
        work = [_of_many(parts, group, domain, key, index) for index, (group, key) in numbered]
    siblings_meet.set(parts.settings.gateways == 1 or GROUP_HEADER in request.headers)
    samples = sum(_samples(one) for one in work)
    held = ExitStack()
    room = held.enter_context(parts.admission.enter(samples))
    if isinstance(body, ScoreManyRequest) and NDJSON in request.headers.get("accept", ""):
        return HeldStream(_lines(parts, work, room), held)
    with held:
        if isinstance(body, ScoreRequest):
            return Response(await run_or_cancel(request, _reply(parts, work[0])), media_type="application/json")
        replies = await run_or_cancel(request, _all(parts, work))
    return Response(b'{"groups":[%s]}' % b",".join(replies), media_type="application/json")


def _of_many(
    parts: Gateway, group: ScoreRequest | UnreadGroup, from_path: str | None, key: str | None, index: int
) -> tuple[Domain, ScoreRequest, str | None] | Problem:
    """One group of many: what is wrong with it refuses it alone."""
    if isinstance(group, UnreadGroup):
        return of_faults(group.faults, f"groups[{index}]").problem
    try:
        return _domain(parts, group, from_path, f"groups[{index}].domain"), group, key
    except HTTPProblem as error:
        return error.problem


async def _reply(parts: Gateway, work: tuple[Domain, ScoreRequest, str | None] | Problem) -> bytes:
    """The group's ScoreReply, or RefusedGroup, as JSON."""
    if isinstance(work, Problem):
        return RefusedGroup(problem=work).model_dump_json().encode()
    domain, group, key = work
    return await parts.idempotent_replies.once(key, domain.name, group, lambda: parts.scorer.score(domain, group))


def _domain(parts: Gateway, group: ScoreRequest, from_path: str | None, path: str) -> Domain:
    """The group's domain, one that is served now. Raises HTTPProblem."""
    name = from_path or group.domain
    if name is None:
        raise HTTPProblem(422, "No domain", errors=[ProblemError(path=path, reason="name it here or in the path")])
    if group.domain not in (None, name):
        reason = "differs from the domain in the path"
        raise HTTPProblem(422, "Two domains", errors=[ProblemError(path=path, reason=reason)])
    return served(parts, name, path)


def served(parts: Gateway, name: str, path: str) -> Domain:
    """The domain of this name. Raises HTTPProblem when it is not served."""
    domain = parts.live_domains.find(name)
    if domain is None or not domain.spec.enabled:
        raise _unknown(parts, name, path)
    return domain


def _unknown(parts: Gateway, name: str, path: str) -> HTTPProblem:
    """404 that says why the domain's file was refused, if it was."""
    names = [domain.name for domain in parts.live_domains.domains() if domain.spec.enabled]
    faults = [f"{where}: {why}" if where else why for where, why in parts.live_domains.faults(name)]
    what = "it is left out" if name in parts.live_domains.left_out else "its file is refused"
    reasons = [f"{what}: {fault}" for fault in faults] or [f"no such domain{did_you_mean(name, names)}"]
    served_here = f"The domains served here are: {', '.join(names)}."
    detail = f"{name}: {reasons[0]}. {served_here}" if faults else served_here
    return HTTPProblem(404, "Unknown domain", detail, [ProblemError(path=path, reason=why) for why in reasons])


def _samples(work: tuple[Domain, ScoreRequest, str | None] | Problem) -> int:
    return 0 if isinstance(work, Problem) else len(work[1].completions)


async def _all(parts: Gateway, work: Work) -> list[bytes]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_reply(parts, one)) for one in work]
    return [task.result() for task in tasks]


async def _lines(parts: Gateway, work: Work, room: Room) -> AsyncGenerator[bytes]:
    """One line a group, as soon as it is done. A group gives its room back once its line is on its way."""

    async def numbered(index: int, one: tuple[Domain, ScoreRequest, str | None] | Problem) -> tuple[bytes, int]:
        reply = await _reply(parts, one)
        return b'{"index":%d,%s\n' % (index, reply[1:]), _samples(one)

    async with aclosing(as_done(numbered(index, one) for index, one in enumerate(work))) as lines:
        async for line, samples in lines:
            yield line
            room.shrink(samples)


# --- domains and verifiers --------------------------------------------------------------------------------------------


@router.get("/domains", response_model=DomainList, tags=["domains"])
async def list_domains(parts: Parts) -> Response:
    """The folder that is read, every domain with its version and components, and why other files are not served."""
    live = parts.live_domains
    refused = {name: _faults(live.faults(name)) for name in sorted(live.refused) if live.find(name) is None}
    left_out = {name: _faults(error.errors) for name, error in sorted(live.left_out.items())}
    domains = [_about(parts, domain) for domain in live.domains()]
    folder = str(live.folder.resolve())
    return json_reply({"folder": folder, "domains": domains, "refused": refused, "left_out": left_out})


@router.get("/domains/{name}", response_model=WholeDomain, tags=["domains"])
async def get_domain(name: DomainName, parts: Parts) -> Response:
    """One domain with its whole specification, as PUT takes it."""
    domain = parts.live_domains.find(name)
    if domain is None:
        raise _unknown(parts, name, "name")
    return json_reply(_about(parts, domain) | {"spec": domain.written.model_dump(mode="json")})


@router.put("/domains/{name}", response_model=ListedDomain, tags=["domains"], dependencies=[Depends(require_admin)])
async def put_domain(name: DomainName, spec: DomainSpec, parts: Parts) -> Response:
    """Swap in a new version of a domain, or a new domain. Groups in flight finish on the version they started with.

    Validated whole first; on any error nothing changes. It lasts until its file changes or the gateway restarts.
    """
    if parts.settings.gateways > 1:
        detail = "Several gateways share the traffic: change the domain's file, which all of them follow."
        raise HTTPProblem(409, "One gateway of several", detail)
    try:
        domain = await parts.live_domains.put(name, spec)
    except BadDomain as error:
        errors = [ProblemError(path=path, reason=reason) for path, reason in error.errors]
        raise HTTPProblem(422, "The domain does not fit", "The old version goes on.", errors) from None
    return json_reply(_about(parts, domain))


def _about(parts: Gateway, domain: Domain) -> dict[str, Any]:
    return {
        "name": domain.name,
        "version": domain.version,
        "enabled": domain.spec.enabled,
        "components": [
            {
                "name": component.spec.key,
                "verifier": component.spec.verifier,
                "version": component.description and component.description.version,
                "endpoint": component.endpoint,
                "weight": component.spec.weight,
                "whole_group": component.description and component.description.needs_group(component.spec.options),
                "score_range": component.description and component.description.score_range,
            }
            for component in domain.components
        ],
        "refused": _faults(parts.live_domains.faults(domain.name)),
    }


def _faults(faults: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"path": path, "reason": reason} for path, reason in faults]


@router.get("/verifiers", response_model=VerifierList, tags=["domains"])
async def list_verifiers(parts: Parts) -> Response:
    """Every verifier that a domain uses: name, version, schemas of options and reference, and whether it answers."""
    used = {
        (part.spec.verifier, part.endpoint): part
        for domain in parts.live_domains.domains()
        for component in domain.components
        for part in component.parts()
    }
    health = await asyncio.gather(*map(parts.backends.is_ready, used))
    verifiers = [
        {"verifier": verifier, "endpoint": endpoint, "healthy": healthy}
        | (component.description.model_dump(mode="json") if component.description else {})
        for ((verifier, endpoint), component), healthy in zip(used.items(), health, strict=True)
    ]
    return json_reply({"verifiers": verifiers})


# --- operations -------------------------------------------------------------------------------------------------------


@router.get("/", response_model=Index, tags=["operations"])
async def index() -> Response:
    """What this is, and where to go on."""
    names = ("docs", "openapi.json", "score", "domains", "verifiers", "healthz", "readyz", "metrics", "monitor")
    links = {name.removesuffix(".json"): f"/{name}" for name in names}
    return json_reply({"name": "Touchstone gateway", "version": package_version(), "links": links})


@router.get("/monitor", response_model=MonitorReport, responses={404: problem_reply(404)}, tags=["operations"])
async def monitor(parts: Parts) -> Response:
    """What speaks for reward hacking, by domain and run: the state, and each alarm with its completions.

    The quotes are of what models wrote.
    """
    if parts.monitoring is None:
        raise HTTPProblem(404, "No monitor", "TOUCHSTONE_MONITOR is off.")
    return json_reply(await asyncio.to_thread(parts.monitoring.document))


@router.get("/healthz", response_model=Health, tags=["operations"])
async def healthz() -> Response:
    """The process is up."""
    return json_reply({"status": "ok"})


@router.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}}, tags=["operations"])
async def readyz(request: Request, parts: Parts) -> Response:
    """200 when every verifier of every enabled domain answers, else 503. For those who have a key: which ones do, and why
    the others do not.
    """
    domains = await parts.readiness()
    is_ready = all(answer for verifiers in domains.values() for answer in verifiers.values())
    is_ready = is_ready and not request.app.state.draining.begun
    has_key = request.app.state.keys.may_score(bearer(request.headers))
    more: dict[str, Any] = {"domains": domains} if has_key else {}
    if has_key and (reasons := await parts.reasons()):
        more["reasons"] = reasons
    return json_reply({"ready": is_ready, **more}, 200 if is_ready else 503)


@router.get("/metrics", response_class=PlainTextResponse, tags=["operations"])
async def metrics(parts: Parts) -> Response:
    """Prometheus metrics."""
    for verifier, is_up in parts.backends_up().items():
        parts.metrics.up(verifier, is_up)
    if parts.monitoring is not None:
        states = parts.monitoring.states()
        domains = [domain.name for domain in parts.live_domains.domains()]
        parts.metrics.monitored({name: states.get(name, 0) for name in domains}, parts.monitoring.regrades)
    return Response(parts.metrics.page(), media_type=CONTENT_TYPE_LATEST)

"""Scores completions by POST /score, as a trainer does, and says how much of a right answer's reward each one gets."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
import stamina
from stamina.instrumentation import set_on_retry_hooks

from reward_api.audit.items import Item
from reward_api.monitor.spec import AUXILIARY

CHUNK = 32
TRY_AGAIN = frozenset({429, 503})
RETRIES_S = 60.0
EXACT = 1e-9
HALF = 0.5
WHOLE = 0.9995


class CannotAudit(ValueError):
    """The audit cannot begin or go on; the message says why."""


class OutOfTime(Exception):
    """The budget is spent."""


@dataclass(frozen=True, slots=True)
class DomainUnderTest:
    """deciding: the components that judge whether a completion is right, with their weights and lowest scores."""

    name: str
    version: str
    deciding: dict[str, tuple[float, float]]
    tolerates: bool
    """Its options allow a tolerance, so that a near miss may be right."""
    needs_group: bool
    reads_traces: bool


def domain_of(document: dict[str, Any], wanted: Sequence[str] = ()) -> DomainUnderTest:
    """From GET /domains/{name}. wanted: the deciding components; default: all that are not auxiliary. Raises CannotAudit."""
    specs = {one.get("name") or one["verifier"]: one for one in document["spec"]["components"]}
    if stray := [name for name in wanted if name not in specs]:
        raise CannotAudit(f"--component {stray[0]}: there are: {', '.join(specs)}")
    required = {name for spec in specs.values() for name in spec.get("requires", ())}
    deciding = {}
    for listed in document["components"]:
        name, spec = listed["name"], specs[listed["name"]]
        counts = bool(listed["weight"]) or spec.get("gate") or name in required
        if name in wanted or (not wanted and counts and spec["verifier"] not in AUXILIARY):
            low = (listed.get("score_range") or [0.0])[0]
            deciding[name] = (abs(listed["weight"]) or 1.0, low)
    if not deciding:
        raise CannotAudit(
            f"{document['name']}: no component judges whether a completion is right; name one by --component"
        )
    options = {name for component in deciding for name in _settings(specs[component].get("options"))}
    return DomainUnderTest(
        document["name"],
        document["version"],
        deciding,
        tolerates=any("tol" in name or "digits" in name for name in options) or "unit" in options,
        needs_group=any(
            listed.get("whole_group") is True for listed in document["components"] if listed["name"] in deciding
        ),
        reads_traces=any(spec["verifier"] == "tool_use" for spec in specs.values()),
    )


def _settings(options: Any) -> Iterator[str]:
    """The names of options, and the kind that they choose."""
    if isinstance(options, dict):
        yield from (str(name) for name, value in options.items() if value is not None)
        yield str(options.get("kind"))
        for value in options.values():
            yield from _settings(value)


@dataclass(frozen=True, slots=True)
class Outcome:
    """correctness: the weighted scores of the deciding components over their lowest; None without a verdict."""

    text: str
    result: dict[str, Any]
    correctness: float | None

    @property
    def reward(self) -> float | None:
        reward: float | None = self.result["reward"]
        return reward

    @property
    def failure(self) -> dict[str, Any] | None:
        failure: dict[str, Any] | None = self.result["failure"]
        return failure

    def why(self) -> str:
        """The reasons of all components, in one line."""
        return "; ".join(f"{name}: {part['reason']}" for name, part in self.result["components"].items())


class Scorer:
    """One domain behind one client. Raises OutOfTime when the budget is spent, CannotAudit when the gateway refuses."""

    def __init__(self, client: httpx.AsyncClient, domain: DomainUnderTest, deadline: float) -> None:
        self._client = client
        self.domain = domain
        self._deadline = deadline
        self.scored = 0
        set_on_retry_hooks([])

    @property
    def seconds_left(self) -> float:
        return self._deadline - time.monotonic()

    async def score(self, item: Item, texts: Sequence[str], reference: dict[str, Any] | None = None) -> list[Outcome]:
        """The outcomes, in order."""
        outcomes: list[Outcome] = []
        for start in range(0, len(texts), CHUNK):
            outcomes += await self._chunk(request_of(item, texts[start : start + CHUNK], reference))
        return outcomes

    async def _chunk(self, request: dict[str, Any]) -> list[Outcome]:
        if self.seconds_left <= 0:
            raise OutOfTime
        reply = await self._post(orjson.dumps(request, option=orjson.OPT_NON_STR_KEYS))
        results = reply["results"]
        self.scored += len(results)
        return [
            Outcome(text, result, self._correctness(result))
            for text, result in zip(request["completions"], results, strict=True)
        ]

    async def _post(self, body: bytes) -> dict[str, Any]:
        path = f"/score/{self.domain.name}"
        try:
            async for attempt in stamina.retry_context(on=_is_busy, attempts=None, timeout=RETRIES_S):
                with attempt:
                    reply = await self._client.post(path, content=body, headers={"content-type": "application/json"})
                    if reply.status_code in TRY_AGAIN:
                        reply.raise_for_status()
        except httpx.HTTPError as error:
            raise CannotAudit(f"the gateway does not answer any more ({type(error).__name__})") from None
        if reply.status_code != httpx.codes.OK:
            raise CannotAudit(f"the gateway answers {reply.status_code}: {reply.text[:300]}")
        document: dict[str, Any] = orjson.loads(reply.content)
        return document

    def _correctness(self, result: dict[str, Any]) -> float | None:
        total = 0.0
        for name, (weight, low) in self.domain.deciding.items():
            score = result["components"][name]["score"]
            if score is None:
                return None
            total += weight * (score - low)
        return total


def _is_busy(error: Exception) -> bool:
    is_status = isinstance(error, httpx.HTTPStatusError) and error.response.status_code in TRY_AGAIN
    return is_status or isinstance(error, httpx.ConnectError)


def request_of(item: Item, texts: Sequence[str], reference: dict[str, Any] | None = None) -> dict[str, Any]:
    """The body of POST /score/{domain}."""
    changed = {} if reference is None else {"reference": reference}
    sessions = {"sessions": [None] * len(texts)} if item.is_traced else {}
    return {**item.fields, **changed, **sessions, "completions": list(texts)}


def curl_of(base: str, domain: str, request: dict[str, Any]) -> str:
    """A command that sends the request again."""
    body = orjson.dumps(request, option=orjson.OPT_NON_STR_KEYS).decode()
    header = "-H 'content-type: application/json' ${TOUCHSTONE_KEY:+-H \"authorization: Bearer $TOUCHSTONE_KEY\"}"
    return f"curl -sS {base}/score/{domain} {header} -d {shlex.quote(body)}"


@dataclass(frozen=True, slots=True)
class Right:
    """What a right completion of an item gets, which is what the others are held against."""

    text: str
    correctness: float
    reward: float

    def is_paid(self, outcome: Outcome, *, partial: bool, is_signed: bool) -> bool:
        """Whether a wrong completion earns what it must not. is_signed: scores may be negative, and half is nothing."""
        if outcome.correctness is None:
            return False
        share = outcome.correctness / self.correctness
        if partial:
            return share >= WHOLE
        return share > HALF + EXACT if is_signed else share >= HALF - EXACT

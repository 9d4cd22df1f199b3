"""What every verifier must satisfy, wherever it lives. Shipped, so that third parties run it on theirs:

    from reward_verifiers import conformance

    async def test_mine():
        await conformance.check_verifier("my_package:MyVerifier", completions=["good", "bad"], reference={"answer": "good"})
        await conformance.check_verifier("http://127.0.0.1:8010", completions=["good", "bad"], reference={"answer": "good"})

Rules: order and length kept; exactly one outcome a completion, and a score for at least one of the good request; finite
or null, within the stated range; the same verdict alone and in a batch, in-process and over HTTP; hostile text (empty,
1 MB, NUL, lone surrogates, deep nesting) gets an outcome, is no error of the verifier, and disturbs no sibling; unknown
options are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from reward_verifiers.contract import (
    Description,
    FailureKind,
    Text,
    Trace,
    Verdict,
    VerifyReply,
    VerifyRequest,
    reply_faults,
)
from reward_verifiers.runtime.local import Local, pool_for
from reward_verifiers.service.app import create_app
from reward_verifiers.verifier import Backend, BadOptions

M = TypeVar("M", bound=BaseModel)
_MB = 1_000_000
HOSTILE: dict[str, str] = {
    "empty": "",
    "blank": " \n\t ",
    "1 MB of a letter": "a" * _MB,
    "1 MB of spaces": " " * _MB,
    "1 MB of words": "wait, " * (_MB // 6),
    "NUL": "<think>\x00</think>\x00",
    "lone surrogates": "\ud800<think>\udfff</think><answer>\ud800</answer>",
    "zero-width and right-to-left": "\u200b\u202e<think>\u2066\ufeff</think>" * 50,
    "deep brackets": "(" * 100_000 + ")" * 100_000,
    "deep braces": "{" * 100_000,
    "unclosed boxes": "\\boxed{" * 50_000,
    "unclosed tags": "<think>" * 50_000 + "<answer>" * 50_000,
    "dollars": "$ " * 20_000,
    "backslashes": "\\" * 200_000,
    "fences": "```" * 50_000,
    "a number of 100,000 digits": "<think></think><answer>" + "9" * 100_000 + "</answer>",
}

PORTABLE = {name: text for name, text in HOSTILE.items() if "\x00" not in text and "\ud800" not in text}
ANSWER_S = 120.0


class NotConformant(AssertionError):
    """The backend breaks a rule; the message says which one and with what."""


async def check_verifier(
    name: str,
    completions: Sequence[Text],
    reference: dict[str, Any],
    options: dict[str, Any] | None = None,
    **more: Any,
) -> None:
    """Check a verifier by registered name or `module:Class`, here and over HTTP, in real worker processes; or the service
    at a URL, in whatever language.

    `completions` (two or more, better with different verdicts), `reference`, `options` and `more` make one good request.
    Raises NotConformant.
    """
    request = VerifyRequest(completions=list(completions), reference=reference, options=options or {}, **more)
    if "://" in name:
        async with httpx.AsyncClient(base_url=name, timeout=ANSWER_S, trust_env=False) as client:
            await check(_Service(client), request)
        return
    pool = pool_for([name], size=1)
    await pool.start()
    try:
        backend = Local(name, pool)
        await check(backend, request)
        await _same_over_http(backend, request)
    finally:
        await pool.aclose()


async def reply_of(url: str, request: VerifyRequest) -> VerifyReply:
    """The reply of the service at a URL. Raises NotConformant, and BadOptions when it refuses the options."""
    async with httpx.AsyncClient(base_url=url, timeout=ANSWER_S, trust_env=False) as client:
        return await _Service(client).verify(request)


async def check(backend: Backend, request: VerifyRequest) -> None:
    """Check a backend with one good request. Raises NotConformant."""
    about = await backend.describe()
    _described(about)
    reply = await _ask(backend, about, request)
    causes = "; ".join(dict.fromkeys(verdict.reason for verdict in reply.verdicts))
    _demand(any(verdict.valid for verdict in reply.verdicts), f"no completion of a good request got a score: {causes}")
    await _order_is_kept(backend, about, request, reply)
    if not about.whole_group:
        await _alone_as_in_a_batch(backend, about, request, reply)
    await _hostile_text(backend, about, request, reply)
    await _refuses_unknown_options(backend, request)


def _described(about: Description) -> None:
    low, high = about.score_range
    _demand(bool(about.verifier and about.version), "it must say its name and version")
    _demand(low <= high, "score_range must be (lowest, highest)")
    for schema in (about.options_schema, about.reference_schema):
        _demand(schema.get("type") == "object", "options and reference must have a JSON schema of an object")


async def _ask(backend: Backend, about: Description, request: VerifyRequest) -> VerifyReply:
    try:
        reply = await backend.verify(request)
    except BadOptions as error:
        raise NotConformant(f"a good request is refused: {error}") from None
    _demand((reply.verifier, reply.version) == (about.verifier, about.version), "the reply must name the verifier")
    _demand(len(reply.verdicts) == len(request.completions), "one verdict a completion")
    low, high = about.score_range
    for verdict in reply.verdicts:
        Verdict.model_validate(verdict.model_dump())
        _demand(verdict.score is None or low <= verdict.score <= high, f"the score {verdict.score} is out of range")
        _demand(bool(verdict.reason), "every verdict has a reason")
    return reply


async def _order_is_kept(backend: Backend, about: Description, request: VerifyRequest, reply: VerifyReply) -> None:
    turned = await _ask(backend, about, _with(request, list(range(len(request.completions)))[::-1]))
    _same(reply.verdicts, turned.verdicts[::-1], "in reverse order")


async def _alone_as_in_a_batch(
    backend: Backend, about: Description, request: VerifyRequest, reply: VerifyReply
) -> None:
    for position, verdict in enumerate(reply.verdicts):
        alone = await _ask(backend, about, _with(request, [position]))
        _same([verdict], alone.verdicts, "alone")


async def _hostile_text(backend: Backend, about: Description, request: VerifyRequest, reply: VerifyReply) -> None:
    size = len(request.completions)
    if about.whole_group:
        for name, text in _hostile(backend).items():
            hostile = await _ask(backend, about, request.model_copy(update={"completions": [text] * size}))
            _is_no_error(name, hostile.verdicts[0])
        return
    texts = _hostile(backend)
    mixed = await _ask(backend, about, _beside(request, list(texts.values())))
    for name, verdict in zip(texts, mixed.verdicts, strict=False):
        _is_no_error(name, verdict)
    _same(reply.verdicts, mixed.verdicts[-size:], "beside hostile siblings")


def _hostile(backend: Backend) -> dict[str, str]:
    """Hostile text by name; to a service, only what JSON can carry."""
    return PORTABLE if isinstance(backend, _Service) else HOSTILE


def _is_no_error(name: str, verdict: Verdict) -> None:
    """A verifier that raises on a completion that a model can write leaves the trainer without a reward."""
    kind = verdict.failure and verdict.failure.kind
    broken = kind in (FailureKind.VERIFIER_ERROR, FailureKind.WORKER_CRASHED)
    _demand(not broken, f"hostile text ({name}) is an error of the verifier: {verdict.reason}")


async def _refuses_unknown_options(backend: Backend, request: VerifyRequest) -> None:
    try:
        await backend.verify(request.model_copy(update={"options": {**request.options, "no_such_option": 1}}))
    except BadOptions as error:
        _demand("no_such_option" in str(error), "the refused option must be named")
    else:
        raise NotConformant("an unknown option must be refused, with 422 and its name")


async def _same_over_http(backend: Backend, request: VerifyRequest) -> None:
    """Through JSON and the service's app; hostile text that JSON cannot carry is left out."""
    whole_group = (await backend.describe()).whole_group
    sent = request if whole_group else _beside(request, list(PORTABLE.values()))
    here = await backend.verify(sent)
    transport = httpx.ASGITransport(create_app(backend))
    async with httpx.AsyncClient(transport=transport, base_url="http://service", timeout=120) as client:
        answer = await client.post("/verify", json=sent.model_dump(mode="json"))
        _demand(answer.status_code == httpx.codes.OK, f"POST /verify answered {answer.status_code}")
        _same(here.verdicts, VerifyReply.model_validate(answer.json()).verdicts, "over HTTP")
        described = Description.model_validate((await client.get("/")).json())
        _demand(described == await backend.describe(), "GET / must describe the verifier")


class _Service:
    """The Backend at a URL, as any client sees it. What breaks the contract raises NotConformant."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def describe(self) -> Description:
        return await self._read("GET", "/", Description)

    async def verify(self, request: VerifyRequest) -> VerifyReply:
        return await self._read("POST", "/verify", VerifyReply, request.model_dump(mode="json", exclude_defaults=True))

    async def check_options(self, options: dict[str, Any]) -> None:
        """The service checks them with every group."""

    async def ready(self) -> bool:
        return (await self._exchange("GET", "/readyz", None)).status_code == httpx.codes.OK

    async def aclose(self) -> None:
        """The client is its maker's."""

    async def _exchange(self, method: str, path: str, body: Any) -> httpx.Response:
        try:
            return await self._client.request(method, path, json=body)
        except httpx.TransportError as error:
            raise NotConformant(f"{method} {path} gets no answer ({type(error).__name__})") from None

    async def _read(self, method: str, path: str, model: type[M], body: Any = None) -> M:
        reply = await self._exchange(method, path, body)
        if reply.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
            raise BadOptions([(reply.text, "")])
        _demand(reply.status_code == httpx.codes.OK, f"{method} {path} answers {reply.status_code}: {reply.text[:200]}")
        try:
            document = reply.json()
        except ValueError:
            raise NotConformant(f"{method} {path} does not answer JSON: {reply.text[:200]!r}") from None
        try:
            return model.model_validate(document)
        except ValidationError as error:
            raise NotConformant(f"{method} {path}: {reply_faults(error, model, document)}") from None


def _with(request: VerifyRequest, positions: list[int]) -> VerifyRequest:
    pick = {
        name: [values[position] for position in positions]
        for name in ("completions", "truncated", "tokens", "traces")
        if (values := getattr(request, name)) is not None
    }
    scores = {name: [values[position] for position in positions] for name, values in _scores(request).items()}
    options = {**request.options, **({"scores": scores} if scores else {})}
    return request.model_copy(update={**pick, "options": options})


def _scores(request: VerifyRequest) -> dict[str, list[float | None]]:
    """What earlier components scored, one entry a completion, where a component runs `after` others."""
    scores: dict[str, list[float | None]] = request.options.get("scores", {})
    return scores


def _beside(request: VerifyRequest, hostile: Sequence[str]) -> VerifyRequest:
    """Hostile completions first, then the request's own, each with what belongs to it."""
    tokens = None if request.tokens is None else [100] * len(hostile) + request.tokens
    truncated = None if request.truncated is None else [False] * len(hostile) + request.truncated
    traces = None if request.traces is None else [Trace()] * len(hostile) + request.traces
    nothing: list[float | None] = [0.0] * len(hostile)
    scores = {name: nothing + values for name, values in _scores(request).items()}
    options = {**request.options, **({"scores": scores} if scores else {})}
    own = {"tokens": tokens, "truncated": truncated, "traces": traces}
    return request.model_copy(update={"completions": [*hostile, *request.completions], **own, "options": options})


def _same(expected: Sequence[Verdict], got: Sequence[Verdict], when: str) -> None:
    """Equal outcome and reason; evidence may hold timings."""
    for position, (one, other) in enumerate(zip(expected, got, strict=True)):
        same = (one.score, one.failure, one.reason) == (other.score, other.failure, other.reason)
        _demand(same, f"completion {position} gets another verdict {when}: {one.reason!r}, then {other.reason!r}")


def _demand(holds: bool, rule: str) -> None:
    if not holds:
        raise NotConformant(rule)

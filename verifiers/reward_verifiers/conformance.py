"""What every verifier must satisfy, wherever it lives. Shipped, so that third parties run it on theirs:

    from reward_verifiers import conformance

    async def test_mine():
        await conformance.check_verifier("my_package:MyVerifier", completions=["good", "bad"], reference={"answer": "good"})

Rules: order and length kept; exactly one outcome a completion; finite or null, within the stated range; the same verdict
alone and in a batch, in-process and over HTTP; hostile text (empty, 1 MB, NUL, lone surrogates, deep nesting) gets an
outcome and disturbs no sibling; unknown options are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx

from reward_verifiers.contract import Description, Text, Verdict, VerifyReply, VerifyRequest
from reward_verifiers.runtime.local import Local, pool_for
from reward_verifiers.service.app import create_app
from reward_verifiers.verifier import Backend, BadOptions

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


class NotConformant(AssertionError):
    """The backend breaks a rule; the message says which one and with what."""


async def check_verifier(
    name: str,
    completions: Sequence[Text],
    reference: dict[str, Any],
    options: dict[str, Any] | None = None,
    **more: Any,
) -> None:
    """Check a verifier by registered name or `module:Class`, here and over HTTP, in real worker processes.

    `completions` (two or more, better with different verdicts), `reference`, `options` and `more` make one good request.
    """
    request = VerifyRequest(completions=list(completions), reference=reference, options=options or {}, **more)
    pool = pool_for([name], size=1)
    await pool.start()
    try:
        backend = Local(name, pool)
        await check(backend, request)
        await _same_over_http(backend, request)
    finally:
        await pool.aclose()


async def check(backend: Backend, request: VerifyRequest) -> None:
    """Check a backend with one good request. Raises NotConformant."""
    about = await backend.describe()
    _described(about)
    reply = await _ask(backend, about, request)
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
    reply = await backend.verify(request)
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
        for text in HOSTILE.values():
            await _ask(backend, about, request.model_copy(update={"completions": [text] * size}))
        return
    mixed = await _ask(backend, about, _beside(request, list(HOSTILE.values())))
    _same(reply.verdicts, mixed.verdicts[-size:], "beside hostile siblings")


async def _refuses_unknown_options(backend: Backend, request: VerifyRequest) -> None:
    try:
        await backend.verify(request.model_copy(update={"options": {**request.options, "no_such_option": 1}}))
    except BadOptions as error:
        _demand(any("no_such_option" in path for path, _ in error.errors), "the refused option must be named")
    else:
        raise NotConformant("an unknown option must be refused")


async def _same_over_http(backend: Backend, request: VerifyRequest) -> None:
    """Through JSON and the service's app; hostile text that JSON cannot carry is left out."""
    portable = [text for text in HOSTILE.values() if "\x00" not in text and "\ud800" not in text]
    whole_group = (await backend.describe()).whole_group
    sent = request if whole_group else _beside(request, portable)
    here = await backend.verify(sent)
    transport = httpx.ASGITransport(create_app(backend))
    async with httpx.AsyncClient(transport=transport, base_url="http://service", timeout=120) as client:
        answer = await client.post("/verify", json=sent.model_dump(mode="json"))
        _demand(answer.status_code == httpx.codes.OK, f"POST /verify answered {answer.status_code}")
        _same(here.verdicts, VerifyReply.model_validate(answer.json()).verdicts, "over HTTP")
        described = Description.model_validate((await client.get("/")).json())
        _demand(described == await backend.describe(), "GET / must describe the verifier")


def _with(request: VerifyRequest, positions: list[int]) -> VerifyRequest:
    pick = {
        name: [values[position] for position in positions]
        for name in ("completions", "truncated", "tokens")
        if (values := getattr(request, name)) is not None
    }
    return request.model_copy(update=pick)


def _beside(request: VerifyRequest, hostile: Sequence[str]) -> VerifyRequest:
    """Hostile completions first, then the request's own, each with what belongs to it."""
    tokens = None if request.tokens is None else [100] * len(hostile) + request.tokens
    truncated = None if request.truncated is None else [False] * len(hostile) + request.truncated
    completions = [*hostile, *request.completions]
    return request.model_copy(update={"completions": completions, "tokens": tokens, "truncated": truncated})


def _same(expected: Sequence[Verdict], got: Sequence[Verdict], when: str) -> None:
    """Equal outcome and reason; evidence may hold timings."""
    for position, (one, other) in enumerate(zip(expected, got, strict=True)):
        same = (one.score, one.failure, one.reason) == (other.score, other.failure, other.reason)
        _demand(same, f"completion {position} gets another verdict {when}: {one.reason!r}, then {other.reason!r}")


def _demand(holds: bool, rule: str) -> None:
    if not holds:
        raise NotConformant(rule)

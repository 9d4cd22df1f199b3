"""Models behind other servers: vLLM /classify and /pooling, SGLang /classify, TEI /predict. What each speaks, as data.

Bounded, validated, and one failure a cause: not reachable, overloaded, an error, an answer outside its own wire. Servers
tokenize the text themselves and read control tokens in it as control; the guard refuses such text before it gets there.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from preference_model.model.registry import ModelSpec, Upstream, digest
from preference_model.model.scale import activated
from preference_model.outcome import INSTALL, Asked, NoScore, Scored
from reward_verifiers.contract import FailureKind, Message
from reward_verifiers.service.admission import Admission
from reward_verifiers.service.strict_json import BadJSON, loads

MAX_REPLY_BYTES = 8 << 20
CONNECT_S = 5.0
BUSY = frozenset({429, 503, 529})


class Peer:
    """An HTTP connection to one upstream. Raises NoScore, and nothing else."""

    def __init__(self, upstream: Upstream, transport: httpx.AsyncBaseTransport | None = None) -> None:
        key = os.environ.get(upstream.key_env, "") if upstream.key_env else ""
        self._url = upstream.url
        self._gate = asyncio.Semaphore(upstream.concurrency)
        self._timeout_s = upstream.timeout_s
        self._client = httpx.AsyncClient(
            base_url=upstream.url,
            headers={"authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(upstream.timeout_s, connect=min(CONNECT_S, upstream.timeout_s)),
            follow_redirects=False,
            trust_env=False,
            transport=transport,
        )

    async def ask(self, path: str, body: dict[str, Any]) -> Any:
        """The reply's JSON."""
        async with self._gate:
            try:
                async with asyncio.timeout(self._timeout_s):  # of the whole: a server may send a byte at a time
                    status, content = await self._exchange(path, body)
            except (httpx.TimeoutException, TimeoutError):
                raise NoScore(FailureKind.TIMEOUT, f"{self._url} did not answer in time") from None
            except (httpx.HTTPError, OSError) as error:
                told = f"{self._url} cannot be reached ({type(error).__name__})"
                raise NoScore(FailureKind.VERIFIER_UNREACHABLE, told) from None
        if status in BUSY:
            raise NoScore(FailureKind.OVERLOADED, f"{self._url} is overloaded (HTTP {status})")
        if status != httpx.codes.OK:
            raise NoScore(FailureKind.VERIFIER_ERROR, f"{self._url} answered HTTP {status}")
        try:
            return loads(content)
        except BadJSON:
            raise NoScore(FailureKind.VERIFIER_ERROR, f"{self._url} answered what is no JSON") from None

    async def _exchange(self, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        async with self._client.stream("POST", path, json=body) as reply:
            content = bytearray()
            async for chunk in reply.aiter_bytes():
                content += chunk
                if len(content) > MAX_REPLY_BYTES:
                    raise NoScore(FailureKind.VERIFIER_ERROR, f"{self._url} answered more than {MAX_REPLY_BYTES} bytes")
            return reply.status_code, bytes(content)

    async def aclose(self) -> None:
        await self._client.aclose()


@dataclass(frozen=True, slots=True)
class Wire:
    """How one kind of server is asked about one text, and where its outputs stand in the reply."""

    path: str
    body: Callable[[Upstream, ModelSpec, Asked, str | None], dict[str, Any]]
    outputs: Callable[[Any, ModelSpec], list[float]]
    activates: bool
    """The server applies the activation itself, when asked to."""
    renders: bool
    """The text is rendered here, by a chat template."""


def conversation(asked: Asked) -> list[dict[str, str]]:
    """The prompt's messages and the text as the assistant's."""
    prompt = asked.prompt
    messages = prompt if isinstance(prompt, list) else [Message(role="user", content=prompt or "")]
    return [
        *({"role": one.role, "content": one.text()} for one in messages),
        {"role": "assistant", "content": asked.text},
    ]


def joined(asked: Asked) -> tuple[str, str]:
    """(prompt, text) as plain strings."""
    *before, last = conversation(asked)
    return "\n".join(message["content"] for message in before), last["content"]


def _vllm(up: Upstream, spec: ModelSpec, asked: Asked, _: str | None) -> dict[str, Any]:
    said: dict[str, Any] = {"messages": conversation(asked), "add_generation_prompt": False}
    if spec.chat_template == "none":
        said = {"input": "\n\n".join(joined(asked))}
    elif spec.chat_template is not None:
        said["chat_template"] = spec.chat_template
    return {"model": up.model, **said, "use_activation": spec.activation != "raw"}


def _vllm_pooling(up: Upstream, spec: ModelSpec, asked: Asked, text: str | None) -> dict[str, Any]:
    return {**_vllm(up, spec, asked, text), "encoding_format": "float"}


def _sglang(up: Upstream, spec: ModelSpec, asked: Asked, text: str | None) -> dict[str, Any]:
    return {"model": up.model, "text": [text if text is not None else "\n\n".join(joined(asked))]}


def _tei(_: Upstream, spec: ModelSpec, asked: Asked, text: str | None) -> dict[str, Any]:
    inputs = [[text]] if text is not None else [list(joined(asked))]
    return {"inputs": inputs, "raw_scores": spec.activation == "raw", "truncate": False}


def _tei_outputs(reply: Any, spec: ModelSpec) -> list[float]:
    """TEI sorts its outputs by score, so the label is found by its name."""
    outputs = reply[0]
    label = f"LABEL_{spec.label}" if isinstance(spec.label, int) else spec.label
    if label is None and len(outputs) == 1:
        return [outputs[0]["score"]]
    return [next(output["score"] for output in outputs if output["label"] == label)]


WIRES = {
    "vllm_classify": Wire("/classify", _vllm, lambda reply, _: reply["data"][0]["probs"], True, False),
    "vllm_pooling": Wire("/pooling", _vllm_pooling, lambda reply, _: reply["data"][0]["data"], True, False),
    "sglang": Wire("/classify", _sglang, lambda reply, _: reply[0]["embedding"], False, True),
    "tei": Wire("/predict", _tei, _tei_outputs, True, True),
}


class UpstreamSource:
    """A scoring model behind HTTP."""

    def __init__(self, spec: ModelSpec, queue: Admission, transport: httpx.AsyncBaseTransport | None = None) -> None:
        assert spec.upstream is not None  # noqa: S101
        self._spec, self._upstream = spec, spec.upstream
        self._wire = WIRES[spec.upstream.kind]
        self._peer = Peer(spec.upstream, transport)
        self._queue = queue
        self._render = _renderer(spec) if self._wire.renders else None
        self.version = digest(spec.model_dump(mode="json"))

    async def score(self, items: Sequence[Asked]) -> list[Scored]:
        with self._queue.enter(len(items)):
            return list(await asyncio.gather(*map(self._one, items)))

    async def aclose(self) -> None:
        await self._peer.aclose()

    async def _one(self, asked: Asked) -> Scored:
        try:
            text = self._render(asked) if self._render else None
            reply = await self._peer.ask(self._wire.path, self._wire.body(self._upstream, self._spec, asked, text))
            outputs = _numbers(self._wire.outputs, reply, self._spec)
            return Scored(self._value(outputs))
        except NoScore as error:
            return Scored(None, error)

    def _value(self, outputs: list[float]) -> float:
        label = self._spec.label if isinstance(self._spec.label, int) else 0
        if len(outputs) > 1 and self._spec.label is None:
            told = f"label: the server gives {len(outputs)} outputs; say which one is the score"
            raise NoScore(FailureKind.VERIFIER_ERROR, told)
        if self._upstream.kind == "tei":
            label = 0
        if label >= len(outputs):
            raise NoScore(FailureKind.VERIFIER_ERROR, f"label: the server gives {len(outputs)} outputs")
        return activated(outputs, label, "raw" if self._wire.activates else self._spec.activation)


def _numbers(find: Callable[[Any, ModelSpec], list[float]], reply: Any, spec: ModelSpec) -> list[float]:
    """The outputs in a reply. Raises NoScore where they are not where the wire has them."""
    try:
        found = find(reply, spec)
        if found and all(isinstance(one, int | float) and not isinstance(one, bool) for one in found):
            return [float(one) if math.isfinite(one) else math.nan for one in found]
    except (LookupError, TypeError, StopIteration):
        pass
    raise NoScore(FailureKind.VERIFIER_ERROR, "the server's answer has no score where its wire has one")


def _renderer(spec: ModelSpec) -> Callable[[Asked], str] | None:
    """Text by the chat template of the upstream's tokenizer; None where prompt and answer go as they are."""
    assert spec.upstream is not None  # noqa: S101
    if spec.chat_template == "none" or not spec.upstream.tokenizer:
        return None
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise NoScore(FailureKind.UNSUPPORTED, INSTALL) from None
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(spec.upstream.tokenizer)
    except (OSError, ValueError):
        told = f"upstream.tokenizer: no tokenizer at {spec.upstream.tokenizer!r}"
        raise NoScore(FailureKind.VERIFIER_ERROR, told) from None

    def render(asked: Asked) -> str:
        try:
            text: str = tokenizer.apply_chat_template(
                conversation(asked), chat_template=spec.chat_template, tokenize=False
            )
        except Exception as error:  # a template is a program, and raises what it likes
            raise NoScore(FailureKind.UNSUPPORTED, f"the chat template refuses: {type(error).__name__}") from None
        return text.removeprefix(tokenizer.bos_token or "")  # the server writes the one BOS

    return render

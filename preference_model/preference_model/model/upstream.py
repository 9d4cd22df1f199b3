"""Models behind other servers: vLLM /classify and /pooling, SGLang /classify, TEI /predict. What each speaks, as data.

Bounded, validated, and one failure a cause: not reachable, overloaded, an error, an answer outside its own wire. Servers
tokenize the text themselves and read control tokens in it as control; a text with such a token has no score.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from preference_model.guard import CONTROL_TOKEN
from preference_model.model.registry import ModelSpec, UpstreamSpec, digest
from preference_model.model.scale import activated
from preference_model.model.upstream_client import UpstreamClient
from preference_model.outcome import INSTALL, ScoreFailure, ScoreItem, ScoreOutcome
from reward_verifiers.contract import FailureKind, Message
from reward_verifiers.service.admission import Admission

PROBES = (
    ScoreItem("How much is two and two?", "It is four, since two and two are four."),
    ScoreItem("How much is two and two?", "Purple."),
)


@dataclass(frozen=True, slots=True)
class WireFormat:
    """How one kind of server is asked about one text, and where its outputs stand in the reply."""

    path: str
    body: Callable[[UpstreamSpec, ModelSpec, ScoreItem, str | None], dict[str, Any]]
    outputs: Callable[[Any, ModelSpec], list[float]]
    activates: bool
    """The server applies the activation itself, when asked to."""
    renders: bool
    """The text is rendered here, by a chat template."""


def conversation(item: ScoreItem) -> list[dict[str, str]]:
    """The prompt's messages and the text as the assistant's."""
    prompt = item.prompt
    messages = prompt if isinstance(prompt, list) else [Message(role="user", content=prompt or "")]
    return [
        *({"role": one.role, "content": one.text()} for one in messages),
        {"role": "assistant", "content": item.text},
    ]


def joined(item: ScoreItem) -> tuple[str, str]:
    """(prompt, text) as plain strings."""
    *before, last = conversation(item)
    return "\n".join(message["content"] for message in before), last["content"]


def _vllm(up: UpstreamSpec, spec: ModelSpec, item: ScoreItem, _: str | None) -> dict[str, Any]:
    content: dict[str, Any] = {"messages": conversation(item), "add_generation_prompt": False}
    if spec.chat_template == "none":
        content = {"input": "\n\n".join(joined(item))}
    elif spec.chat_template is not None:
        content["chat_template"] = spec.chat_template
    return {"model": up.model, **content, "use_activation": spec.activation != "raw"}


def _vllm_pooling(up: UpstreamSpec, spec: ModelSpec, item: ScoreItem, text: str | None) -> dict[str, Any]:
    return {**_vllm(up, spec, item, text), "encoding_format": "float"}


def _sglang(up: UpstreamSpec, spec: ModelSpec, item: ScoreItem, text: str | None) -> dict[str, Any]:
    return {"model": up.model, "text": [text if text is not None else "\n\n".join(joined(item))]}


def _tei(_: UpstreamSpec, spec: ModelSpec, item: ScoreItem, text: str | None) -> dict[str, Any]:
    inputs = [[text]] if text is not None else [list(joined(item))]
    return {"inputs": inputs, "raw_scores": spec.activation == "raw", "truncate": False}


def _tei_outputs(reply: Any, spec: ModelSpec) -> list[float]:
    """TEI sorts its outputs by score, so the label is found by its name."""
    [outputs] = reply if len(reply) == 1 else [[]]
    label = f"LABEL_{spec.label}" if isinstance(spec.label, int) else spec.label
    if label is None and len(outputs) == 1:
        return [outputs[0]["score"]]
    return [next(output["score"] for output in outputs if output["label"] == label)]


def _only(rows: Any) -> Any:
    """The answer to the one text that was sent. Raises LookupError where there are others, or it is another's."""
    [row] = rows if isinstance(rows, list) and len(rows) == 1 else [None]
    if not isinstance(row, dict) or row.get("index", 0) != 0:
        raise LookupError
    return row


WIRES = {
    "vllm_classify": WireFormat("/classify", _vllm, lambda reply, _: _only(reply["data"])["probs"], True, False),
    "vllm_pooling": WireFormat("/pooling", _vllm_pooling, lambda reply, _: _only(reply["data"])["data"], True, False),
    "sglang": WireFormat("/classify", _sglang, lambda reply, _: _only(reply)["embedding"], False, True),
    "tei": WireFormat("/predict", _tei, _tei_outputs, True, True),
}


class UpstreamSource:
    """A scoring model behind HTTP."""

    def __init__(self, spec: ModelSpec, queue: Admission, transport: httpx.AsyncBaseTransport | None = None) -> None:
        assert spec.upstream is not None  # noqa: S101
        self._spec, self._upstream = spec, spec.upstream
        self._wire = WIRES[spec.upstream.kind]
        self._peer = UpstreamClient(spec.upstream, transport)
        self._queue = queue
        self._render: Callable[[ScoreItem], str] | None = None
        self.version = digest(spec.model_dump(mode="json"))

    async def start(self) -> None:
        """Fetch the chat template, and check that the server tells two texts apart. Raises ScoreFailure."""
        if self._wire.renders and self._spec.chat_template != "none":
            self._render = await asyncio.to_thread(_renderer, self._spec)
        values = []
        for outcome in await asyncio.gather(*map(self._one, PROBES)):
            if outcome.value is None:
                raise outcome.failure or ScoreFailure(FailureKind.VERIFIER_ERROR, "no score")
            values.append(outcome.value)
        if values[0] == values[1] and 0 <= values[0] <= 1:
            raise ScoreFailure(
                FailureKind.UNSUPPORTED,
                f"{self._upstream.url} gives {values[0]:g} for each of two texts that differ: its scores are already "
                "turned into probabilities, or this is no reward model",
            )

    async def score(self, items: Sequence[ScoreItem]) -> list[ScoreOutcome]:
        with self._queue.enter(len(items)):
            return list(await asyncio.gather(*map(self._one, items)))

    async def aclose(self) -> None:
        await self._peer.aclose()

    async def _one(self, item: ScoreItem) -> ScoreOutcome:
        if CONTROL_TOKEN.search(item.text):
            message = "the text holds a control token, which the server would not read as text"
            return ScoreOutcome.failed(FailureKind.UNSUPPORTED, message)
        try:
            text = self._render(item) if self._render else None
            reply = await self._peer.ask(self._wire.path, self._wire.body(self._upstream, self._spec, item, text))
            outputs = _numbers(self._wire.outputs, reply, self._spec)
            return ScoreOutcome(self._value(outputs))
        except ScoreFailure as error:
            return ScoreOutcome(None, error)

    def _value(self, outputs: list[float]) -> float:
        label = self._spec.label if isinstance(self._spec.label, int) else 0
        if len(outputs) > 1 and self._spec.label is None:
            message = f"label: the server gives {len(outputs)} outputs; say which one is the score"
            raise ScoreFailure(FailureKind.VERIFIER_ERROR, message)
        if self._upstream.kind == "tei":
            label = 0
        if label >= len(outputs):
            raise ScoreFailure(FailureKind.VERIFIER_ERROR, f"label: the server gives {len(outputs)} outputs")
        return activated(outputs, label, "raw" if self._wire.activates else self._spec.activation)


def _numbers(find: Callable[[Any, ModelSpec], list[float]], reply: Any, spec: ModelSpec) -> list[float]:
    """The outputs in a reply. Raises ScoreFailure where they are not where the wire has them."""
    try:
        outputs = find(reply, spec)
        if outputs and all(isinstance(one, int | float) and not isinstance(one, bool) for one in outputs):
            return [float(one) if math.isfinite(one) else math.nan for one in outputs]
    except (LookupError, TypeError, StopIteration):
        pass
    raise ScoreFailure(FailureKind.VERIFIER_ERROR, "the server's answer has no score where its wire has one")


def _renderer(spec: ModelSpec) -> Callable[[ScoreItem], str]:
    """Text by the chat template of the upstream's tokenizer. Raises ScoreFailure where there is none."""
    assert spec.upstream is not None  # noqa: S101
    name = spec.upstream.tokenizer or spec.upstream.model
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise ScoreFailure(FailureKind.UNSUPPORTED, INSTALL) from None
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError):
        message = f"upstream.tokenizer: no tokenizer at {name!r}; name one, or set chat_template: none"
        raise ScoreFailure(FailureKind.UNSUPPORTED, message) from None
    if spec.chat_template is None and not tokenizer.chat_template:
        message = f"chat_template: the tokenizer {name!r} has none; give one, or set none"
        raise ScoreFailure(FailureKind.UNSUPPORTED, message)

    def render(item: ScoreItem) -> str:
        try:
            text: str = tokenizer.apply_chat_template(
                conversation(item), chat_template=spec.chat_template, tokenize=False
            )
        except Exception as error:  # a template is a program, and raises what it likes
            raise ScoreFailure(FailureKind.UNSUPPORTED, f"the chat template refuses: {type(error).__name__}") from None
        return text.removeprefix(tokenizer.bos_token or "")  # the server writes the one BOS

    return render

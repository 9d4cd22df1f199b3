"""The wires of vLLM's POST /classify and TEI's POST /predict, for clients that already speak them.

Both take text as it is: it goes to the model without a template and without the guard, and its special tokens are control
to nobody. They have no place for a failure beside a result, so a request with one item that has no score is refused whole.
"""

from __future__ import annotations

import math
import secrets
import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from preference_model.outcome import NoScore
from preference_model.scale import sigmoid
from preference_model.sources import Local
from reward_verifiers.contract import FailureKind, Message
from reward_verifiers.service.admission import Admission
from reward_verifiers.service.streams import run_or_cancel
from reward_verifiers.verifier import Overloaded

if TYPE_CHECKING:
    from preference_model.backend import PreferenceBackend
    from preference_model.encoding import Turn

MAX_INPUTS = 1024
STATUS = {FailureKind.UNSUPPORTED: 422, FailureKind.OVERLOADED: 429}


class ClassifyRequest(BaseModel):
    """vLLM's; fields that only matter there are accepted and ignored."""

    model_config = ConfigDict(extra="ignore")

    model: str | None = None
    input: str | Annotated[list[str], Field(min_length=1, max_length=MAX_INPUTS)] | None = None
    messages: list[Message] | None = Field(default=None, min_length=1)
    use_activation: bool | None = None


class PredictRequest(BaseModel):
    """TEI's: a text, a pair [text, text], or a list of either, each in a list of its own."""

    model_config = ConfigDict(extra="ignore")

    inputs: str | list[str] | Annotated[list[str | list[str]], Field(max_length=MAX_INPUTS)]
    raw_scores: bool = False
    truncate: bool | None = False
    truncation_direction: Literal["Left", "Right", "left", "right"] = "Right"


class Refused(Exception):
    """The whole request is refused, in the words of the wire that was spoken."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def install(app: FastAPI, backend: PreferenceBackend, admission: Admission) -> None:
    @app.post("/classify")
    async def classify(request: Request, body: ClassifyRequest) -> JSONResponse:
        """What vLLM answers for a classification model."""
        try:
            conversations = _conversations(body)
            with admission.enter(len(conversations)):
                rows, source = await run_or_cancel(request, _logits(backend, body.model or "", conversations))
        except Overloaded as error:
            return _vllm_error(429, "the queue is full", {"retry-after": f"{math.ceil(error.retry_after_s)}"})
        except Refused as error:
            return _vllm_error(error.status, error.message)
        return JSONResponse(_as_vllm(body, rows, source))

    @app.post("/predict")
    async def predict(request: Request, body: PredictRequest) -> JSONResponse:
        """What TEI answers for a classification model."""
        try:
            conversations, is_batch = _sequences(body)
            with admission.enter(len(conversations)):
                rows, source = await run_or_cancel(request, _logits(backend, "", conversations, _policy(body)))
        except Overloaded:
            return JSONResponse({"error": "Model is overloaded", "error_type": "Overloaded"}, 429)
        except Refused as error:
            kind = "Validation" if error.status < 500 else "Inference"
            return JSONResponse({"error": error.message, "error_type": kind}, error.status)
        predictions = [_as_tei(row, source, body.raw_scores) for row in rows[0]]
        return JSONResponse(predictions if is_batch else predictions[0])


# --- what goes in -----------------------------------------------------------------------------------------------------


def _conversations(body: ClassifyRequest) -> list[list[Turn]]:
    from preference_model.encoding import Turn

    if (body.input is None) == (body.messages is None):
        raise Refused(400, "give either `input` or `messages`")
    if body.messages is not None:
        return [[Turn(message.role, message.text()) for message in body.messages]]
    texts = [body.input] if isinstance(body.input, str) else body.input or []
    return [[Turn("text", text)] for text in texts]


def _sequences(body: PredictRequest) -> tuple[list[list[Turn]], bool]:
    """The sequences, and whether they are a batch. A list of one string is a text, of two a pair."""
    from preference_model.encoding import Turn

    inputs = body.inputs
    is_batch = isinstance(inputs, list) and any(isinstance(one, list) for one in inputs)
    sequences: list[list[str]] = []
    for one in inputs if is_batch else [inputs]:
        parts = [one] if isinstance(one, str) else list(one)
        if not 1 <= len(parts) <= 2 or not all(isinstance(part, str) for part in parts):
            raise Refused(422, "`inputs` must be a string, a pair of strings, or a list of those")
        sequences.append(parts)  # type: ignore[arg-type]
    return [[Turn("text", part) for part in parts] for parts in sequences], is_batch


def _policy(body: PredictRequest) -> str:
    """TEI names the end that is cut."""
    return {"left": "left", "right": "right"}[body.truncation_direction.lower()] if body.truncate else "error"


# --- through the model ------------------------------------------------------------------------------------------------

Rows = tuple[list[list[float]], list[int]]


async def _logits(
    backend: PreferenceBackend, model: str, conversations: list[list[Turn]], policy: str | None = None
) -> tuple[Rows, Local]:
    """Every output of the model a conversation, and the tokens of each. Raises Refused, Overloaded."""
    try:
        _, spec = backend.engine.spec(model)
    except LookupError as error:
        raise Refused(404, str(error.args[0])) from None
    if spec.ensemble or spec.upstream:
        raise Refused(422, "only a model that runs here speaks this wire")
    try:
        source = await backend.engine.source(spec)
        assert isinstance(source, Local)  # noqa: S101
        return await source.plain(conversations, policy), source
    except NoScore as error:
        raise Refused(STATUS.get(error.kind, 500), error.message) from None


def _as_vllm(body: ClassifyRequest, found: Rows, source: Local) -> dict[str, Any]:
    rows, tokens = found
    names = source.labels
    data = []
    for index, row in enumerate(rows):
        probs = row if body.use_activation is False else _activated(row)
        label = names[max(range(len(probs)), key=probs.__getitem__)]
        data.append({"index": index, "label": label, "probs": probs, "num_classes": len(probs)})
    return {
        "id": f"classify-{secrets.token_hex(16)}",
        "object": "list",
        "created": int(time.time()),
        "model": body.model or "",
        "data": data,
        "usage": {
            "prompt_tokens": sum(tokens),
            "total_tokens": sum(tokens),
            "completion_tokens": 0,
            "prompt_tokens_details": None,
        },
    }


def _as_tei(row: list[float], source: Local, raw: bool) -> list[dict[str, Any]]:
    scores = row if raw else _activated(row)
    labelled = [{"score": score, "label": name} for score, name in zip(scores, source.labels, strict=True)]
    return sorted(labelled, key=lambda one: -one["score"])


def _activated(row: list[float]) -> list[float]:
    """Sigmoid of one output, softmax of several: what both servers do by default."""
    if len(row) == 1:
        return [sigmoid(row[0])]
    top = max(row)
    powers = [math.exp(logit - top) for logit in row]
    return [power / sum(powers) for power in powers]


def _vllm_error(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    kind = {400: "BadRequestError", 404: "NotFoundError", 422: "BadRequestError", 429: "RateLimitError"}
    error = {"message": message, "type": kind.get(status, "InternalServerError"), "param": None, "code": status}
    return JSONResponse({"error": error}, status, headers)

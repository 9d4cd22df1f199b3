"""vLLM's POST /classify, for clients that already speak it."""

from __future__ import annotations

import math
import secrets
import time
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from preference_model.api.plain import MAX_INPUTS, Refused, Rows, activated, logits
from preference_model.backend import PreferenceBackend
from preference_model.model.sources import Local
from reward_verifiers.contract import Message
from reward_verifiers.service.admission import Admission
from reward_verifiers.service.streams import run_or_cancel
from reward_verifiers.verifier import Overloaded

if TYPE_CHECKING:
    from preference_model.model.encoding import Turn


class ClassifyRequest(BaseModel):
    """vLLM's; fields that only matter there are accepted and ignored."""

    model_config = ConfigDict(extra="ignore")

    model: str | None = None
    input: str | Annotated[list[str], Field(min_length=1, max_length=MAX_INPUTS)] | None = None
    messages: list[Message] | None = Field(default=None, min_length=1)
    use_activation: bool | None = None


def install(app: FastAPI, backend: PreferenceBackend, admission: Admission) -> None:
    @app.post("/classify")
    async def classify(request: Request, body: ClassifyRequest) -> JSONResponse:
        """What vLLM answers for a classification model."""
        try:
            conversations = _conversations(body)
            with admission.enter(len(conversations)):
                rows, source = await run_or_cancel(request, logits(backend, body.model or "", conversations))
        except Overloaded as error:
            return _vllm_error(429, "the queue is full", {"retry-after": f"{math.ceil(error.retry_after_s)}"})
        except Refused as error:
            return _vllm_error(error.status, error.message)
        return JSONResponse(_as_vllm(body, rows, source))


def _conversations(body: ClassifyRequest) -> list[list[Turn]]:
    from preference_model.model.encoding import Turn

    if (body.input is None) == (body.messages is None):
        raise Refused(400, "give either `input` or `messages`")
    if body.messages is not None:
        return [[Turn(message.role, message.text()) for message in body.messages]]
    texts = [body.input] if isinstance(body.input, str) else body.input or []
    return [[Turn("text", text)] for text in texts]


def _as_vllm(body: ClassifyRequest, logit_rows: Rows, source: Local) -> dict[str, Any]:
    rows, tokens = logit_rows
    names = source.labels
    data = []
    for index, row in enumerate(rows):
        probs = row if body.use_activation is False else activated(row)
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


def _vllm_error(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    kind = {400: "BadRequestError", 404: "NotFoundError", 422: "BadRequestError", 429: "RateLimitError"}
    error = {"message": message, "type": kind.get(status, "InternalServerError"), "param": None, "code": status}
    return JSONResponse({"error": error}, status, headers)

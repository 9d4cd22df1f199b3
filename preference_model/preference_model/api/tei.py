"""TEI's POST /predict, for clients that already speak it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from preference_model.api.plain import MAX_INPUTS, Refused, activated, logits
from preference_model.backend import PreferenceBackend
from preference_model.model.sources import Local
from reward_verifiers.service.admission import Admission
from reward_verifiers.service.streams import run_or_cancel
from reward_verifiers.verifier import Overloaded

if TYPE_CHECKING:
    from preference_model.model.encoding import Turn


class PredictRequest(BaseModel):
    """TEI's: a text, a pair [text, text], or a list of either, each in a list of its own."""

    model_config = ConfigDict(extra="ignore")

    inputs: str | list[str] | Annotated[list[str | list[str]], Field(max_length=MAX_INPUTS)]
    raw_scores: bool = False
    truncate: bool | None = False
    truncation_direction: Literal["Left", "Right", "left", "right"] = "Right"


def install(app: FastAPI, backend: PreferenceBackend, admission: Admission) -> None:
    @app.post("/predict")
    async def predict(request: Request, body: PredictRequest) -> JSONResponse:
        """What TEI answers for a classification model."""
        try:
            conversations, is_batch = _sequences(body)
            with admission.enter(len(conversations)):
                rows, source = await run_or_cancel(request, logits(backend, "", conversations, _policy(body)))
        except Overloaded:
            return JSONResponse({"error": "Model is overloaded", "error_type": "Overloaded"}, 429)
        except Refused as error:
            kind = "Validation" if error.status < 500 else "Inference"
            return JSONResponse({"error": error.message, "error_type": kind}, error.status)
        predictions = [_as_tei(row, source, body.raw_scores) for row in rows[0]]
        return JSONResponse(predictions if is_batch else predictions[0])


def _sequences(body: PredictRequest) -> tuple[list[list[Turn]], bool]:
    """The sequences, and whether they are a batch. A list of one string is a text, of two a pair."""
    from preference_model.model.encoding import Turn

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


def _as_tei(row: list[float], source: Local, raw: bool) -> list[dict[str, Any]]:
    scores = row if raw else activated(row)
    labelled = [{"score": score, "label": name} for score, name in zip(scores, source.labels, strict=True)]
    return sorted(labelled, key=lambda one: -one["score"])

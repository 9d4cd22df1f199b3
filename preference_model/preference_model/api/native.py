"""The service's own routes: POST /pointwise, /compare and /rank, GET /models, and the wires of vLLM and TEI.

Errors of an item stand in its result; only errors of the whole request are HTTP errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from pydantic import BaseModel, Field

from preference_model.api import tei, vllm
from preference_model.backend import PreferenceBackend
from preference_model.judge.pair_outcome import PairOutcome
from preference_model.model.completion_part import completion_part
from preference_model.model.engine import item_or_reason
from preference_model.model.registry import ModelSpec
from preference_model.model.relative import group_z, ranks
from preference_model.model.scale import DECIMALS
from preference_model.outcome import ScoreItem, ScoreOutcome
from reward_verifiers.contract import Failure, StrictModel, Text, completion_text
from reward_verifiers.service.admission import Admission
from reward_verifiers.service.streams import run_or_cancel
from reward_verifiers.verifier import BadOptions

MAX_ITEMS = 1024


class PointItem(StrictModel):
    prompt: Text
    completion: Text
    reference: str | None = None


class PointwiseRequest(StrictModel):
    """Texts to score, each with a prompt of its own."""

    model: str = ""
    items: list[PointItem] = Field(min_length=1, max_length=MAX_ITEMS)


class PointOutcome(BaseModel):
    """`score` is null exactly when there is a failure."""

    score: float | None
    failure: Failure | None = None
    evidence: dict[str, Any] = {}


class PointwiseReply(BaseModel):
    model: str
    items: list[PointOutcome]


class PairItem(StrictModel):
    prompt: Text
    a: Text
    b: Text


class CompareRequest(StrictModel):
    """Pairs to compare. `votes` and `swap` are for judges: a scoring model has no position and no chance in it."""

    model: str = ""
    pairs: list[PairItem] = Field(min_length=1, max_length=MAX_ITEMS)
    votes: int = Field(default=2, ge=1, le=64, description="Judgements a pair.")
    swap: bool = Field(default=True, description="Half of the votes see the pair in the other order.")


class CompareReply(BaseModel):
    model: str
    pairs: list[PairOutcome]
    consistency: float | None = Field(description="Mean over the pairs that were seen in both orders.")
    first_position: float | None = Field(description="Share of decided votes for whichever stood first; 0.5: no bias.")


class RankRequest(StrictModel):
    """A group to rank."""

    model: str = ""
    prompt: Text
    completions: list[Text] = Field(min_length=2, max_length=MAX_ITEMS)


class Ranked(BaseModel):
    raw: float | None
    z: float | None = Field(description="Within the group, over the members that have a score.")
    rank: int | None = Field(description="1 is best; equals share the better rank.")
    failure: Failure | None = None
    evidence: dict[str, Any] = {}


class RankReply(BaseModel):
    model: str
    items: list[Ranked]


def install(app: FastAPI, backend: PreferenceBackend) -> None:
    """Add the routes to the service's app."""
    admission: Admission = app.state.admission

    def model_of(name: str) -> tuple[str, ModelSpec]:
        try:
            return backend.engine.spec(name)
        except LookupError as error:
            raise BadOptions([("model", str(error.args[0]))]) from None

    @app.post("/pointwise")
    async def pointwise(request: Request, body: PointwiseRequest) -> PointwiseReply:
        """Score texts, each with a prompt of its own."""
        name, spec = model_of(body.model)
        _demand(spec, not spec.is_judge or (spec.upstream is not None and spec.upstream.kind == "judge_reference"))
        items = [_item(spec, one.prompt, one.completion, one.reference) for one in body.items]
        with admission.enter(len(items)):
            scored = await run_or_cancel(request, backend.scored(spec, items))
        return PointwiseReply(model=name, items=[_point(one) for one in scored])

    @app.post("/compare")
    async def compare(request: Request, body: CompareRequest) -> CompareReply:
        """Which of two answers is preferred, with how sure and how independent of their order."""
        name, spec = model_of(body.model)
        _demand(spec, spec.upstream is None or spec.upstream.kind != "judge_reference")
        pairs = [(_seen(spec, pair.prompt, pair.a), _seen(spec, pair.prompt, pair.b)) for pair in body.pairs]
        with admission.enter(2 * len(pairs)):
            outcomes = await run_or_cancel(request, backend.pairs.compare(spec, pairs, body.votes, body.swap))
        return CompareReply(
            model=name,
            pairs=outcomes,
            consistency=_mean([pair.consistency for pair in outcomes]),
            first_position=_mean([pair.first_position for pair in outcomes]),
        )

    @app.post("/rank")
    async def rank(request: Request, body: RankRequest) -> RankReply:
        """Raw score, z within the group and rank of every completion."""
        name, spec = model_of(body.model)
        items = [_item(spec, body.prompt, completion, None) for completion in body.completions]
        _demand(spec, spec.upstream is None or spec.upstream.kind != "judge_reference")
        with admission.enter(len(items)):
            scored = await run_or_cancel(request, backend.scored(spec, items, pairwise=spec.is_judge))
        return RankReply(model=name, items=_ranked(scored))

    @app.get("/models")
    async def models() -> dict[str, Any]:
        """What the registry has, and which of it serves where an item names none."""
        registry = backend.engine.registry.current()
        return {
            "default": registry.default,
            "models": {name: spec.model_dump(mode="json", exclude_none=True) for name, spec in registry.models.items()},
        }

    vllm.install(app, backend, admission)
    tei.install(app, backend, admission)


def _demand(spec: ModelSpec, holds: bool) -> None:
    if not holds:
        kind = spec.upstream.kind if spec.upstream else ""
        raise BadOptions([("model", f"a {kind} model does not answer this question")])


def _seen(spec: ModelSpec, prompt: Text, completion: Text) -> ScoreItem:
    return ScoreItem(prompt, completion_part(completion_text(completion), "", spec.sees) or "")


def _item(spec: ModelSpec, prompt: Text, completion: Text, reference: str | None) -> ScoreItem | str:
    return item_or_reason(spec, ScoreItem(prompt, _seen(spec, prompt, completion).text, reference))


def _point(one: ScoreOutcome) -> PointOutcome:
    score = None if one.value is None else round(one.value, DECIMALS)
    return PointOutcome(score=score, failure=_failure(one), evidence=one.evidence)


def _failure(one: ScoreOutcome) -> Failure | None:
    return None if one.failure is None else Failure(kind=one.failure.kind, message=one.failure.message)


def _ranked(scored: Sequence[ScoreOutcome]) -> list[Ranked]:
    values = [one.value for one in scored if one.value is not None]
    z = iter(group_z(values) if len(values) > 1 else [None] * len(values))
    places = ranks([one.value for one in scored])
    rows = []
    for one, place in zip(scored, places, strict=True):
        raw, relative = (None, None) if one.value is None else (round(one.value, DECIMALS), next(z))
        relative = None if relative is None else round(relative, DECIMALS)
        rows.append(Ranked(raw=raw, z=relative, rank=place, failure=_failure(one), evidence=one.evidence))
    return rows


def _mean(values: Sequence[float | None]) -> float | None:
    numbers = [value for value in values if value is not None]
    return sum(numbers) / len(numbers) if numbers else None

"""OpenRLHF's remote reward (`--reward.remote_url`), read from 0.11.2.

    {"query": [prompt + response], "prompts": [prompt], "labels": [label]}
    ──▶ {"rewards": r, "scores": accuracy, "extra_logs": {name: number}}

Its client tries five times, a second apart, and then its trainer dies; so whatever happens to a sample is answered with
200, in time, with numbers, in the shape of `trainer_client.dialect.openrlhf`.
"""

from __future__ import annotations

import asyncio
import json
import math
from typing import Annotated, Any, Literal, Self

from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import Field, model_validator

from reward_api.domains.spec import Domain
from reward_api.gateway.routes import DomainName, Parts
from reward_api.trainers.answers import Answer, Answers
from reward_api.trainers.endpoint import (
    Body,
    Hints,
    answers_of,
    deadline_after,
    demand_siblings,
    domain_of,
    peer_router,
)
from reward_api.trainers.numbers import scores_of
from reward_api.trainers.samples import sample_of
from reward_verifiers.contract import ProblemError
from reward_verifiers.service.problems import HTTPProblem
from reward_verifiers.service.streams import run_or_cancel
from trainer_client.dialect import openrlhf
from trainer_client.dialect.prefill import without_prompt
from trainer_client.dialect.sample import TrainerSample

SECONDS = 140.0
"""Its client waits 180; no answer may take 150."""
MAX_QUERIES = 4096

router = peer_router()
Texts = Annotated[list[str], Field(max_length=MAX_QUERIES)]


class Queries(Body):
    """One query a request; whole batches in older releases and forks, and none at all from some that have several URLs."""

    query: Texts | str
    prompts: Texts | str = Field(default_factory=list, description="Needed: what the model wrote is told apart by it.")
    labels: Annotated[list[Any], Field(max_length=MAX_QUERIES)] | str | None = None

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        queries = _listed(self.query)
        for name in ("prompts", "labels"):
            values = _listed(getattr(self, name))
            if len(values) != len(queries) and not (name == "labels" and not values):
                raise ValueError(f"{name} must have one entry per query: {len(queries)}, got {len(values)}")
        return self

    def samples(self, hints: Hints) -> list[TrainerSample]:
        """Raises HTTPProblem for a label that says what cannot be."""
        queries, prompts = _listed(self.query), _listed(self.prompts)
        labels = _listed(self.labels) or [None] * len(queries)
        return [_sample(*one, hints) for one in enumerate(zip(queries, prompts, labels, strict=True))]


class OpenRLHFHints(Hints):
    no_verdict: Literal["impute", "nan"] = Field(
        default="impute",
        description="What stands for no verdict: the mean of the scored siblings, or NaN, with which dynamic filtering "
        "draws the group anew. Without dynamic filtering NaN ends the run.",
    )


def _listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _sample(index: int, fields: tuple[str, str, Any], hints: Hints) -> TrainerSample:
    query, prompt, label = fields
    try:
        return sample_of(
            prompt=prompt,
            completion=without_prompt(query, prompt),
            label=label,
            prefix=hints.prefix,
            group_size=hints.group_size,
        )
    except ValueError as error:
        raise HTTPProblem(422, errors=[ProblemError(path=f"labels[{index}]", reason=str(error))]) from None


@router.post("/openrlhf/{domain}")
@router.post("/openrlhf/{domain}/get_reward", include_in_schema=False)
async def rewards(
    request: Request, domain: DomainName, body: Queries, parts: Parts, hints: Annotated[OpenRLHFHints, Query()]
) -> Response:
    """OpenRLHF's `--reward.remote_url`. Always 200 for what happens to a sample: see docs/trainers/openrlhf.md."""
    scored_by = domain_of(parts, domain)
    samples = body.samples(hints)
    for sample in samples:
        demand_siblings(scored_by, sample)
    answers = await run_or_cancel(
        request, _all(answers_of(request), scored_by, samples, hints, deadline_after(SECONDS))
    )
    rows = [_row(answer, hints) for answer in answers]
    # Not orjson, which writes NaN as null.
    return Response(json.dumps(openrlhf.reply(rows)), media_type="application/json")


async def _all(
    answering: Answers, domain: Domain, samples: list[TrainerSample], hints: OpenRLHFHints, deadline: float
) -> list[Answer]:
    waits = hints.no_verdict == "impute"
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(answering.answer(domain, sample, deadline, waits=waits)) for sample in samples]
    return [task.result() for task in tasks]


def _row(answer: Answer, hints: OpenRLHFHints) -> openrlhf.Row:
    numbers, is_verdict = answer.numbers, answer.source == "verdict"
    as_nan = not is_verdict and hints.no_verdict == "nan"
    return openrlhf.row(
        math.nan if as_nan else numbers["reward"],
        math.nan if as_nan else numbers["accuracy"],
        scores_of(numbers),
        valid=is_verdict,
        imputed=not is_verdict and not as_nan,
    )

"""slime's and miles' remote reward (`--rm-type remote_rm --rm-url`), read from slime 0.3.1 and miles.

    {"prompt": text or messages, "response": text, "label": anything} ──▶ 1.0, or with ?key=1 {"reward": 1.0, …}

The answer's JSON is the reward. A null ends the run; an error is tried again ten times, for some minutes, and then ends it.
So a sample without a verdict is given an imputed number, which only the object can say; but not before anything was scored
in its domain: such a number would come from nowhere, and 503 tells the cause while somebody is still looking.
"""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import Field

from reward_api.gateway.routes import DomainName, Parts
from reward_api.trainers.answers import Answer, NoVerdict
from reward_api.trainers.endpoint import (
    Body,
    Hints,
    answers_of,
    deadline_after,
    demand_siblings,
    domain_of,
    no_verdict,
    peer_router,
)
from reward_api.trainers.numbers import scores_of
from reward_api.trainers.samples import PeerText, sample_of
from reward_verifiers.contract import ProblemError
from reward_verifiers.service.problems import HTTPProblem
from reward_verifiers.service.streams import run_or_cancel

SECONDS = 110.0
"""Its client waits 120."""

router = peer_router()


class SlimeRequest(Body):
    prompt: PeerText | None = None
    response: PeerText
    label: Any = None
    group_id: str | int | None = Field(default=None, description="Not of slime: for forks, and for `custom_rm`.")


class SlimeHints(Hints):
    key: bool = Field(default=False, description="Answer with an object, for --reward-key, and not with a bare number.")


@router.post("/slime/{domain}")
async def reward(
    request: Request, domain: DomainName, body: SlimeRequest, parts: Parts, hints: Annotated[SlimeHints, Query()]
) -> Response:
    """slime's and miles' `--rm-url`: the reward as a bare number, or an object with `?key=1`."""
    scored_by = domain_of(parts, domain)
    try:
        sample = sample_of(
            prompt=body.prompt,
            completion=body.response,
            label=body.label,
            prefix=hints.prefix,
            group_id=body.group_id,
            group_size=hints.group_size,
        )
    except ValueError as error:
        raise HTTPProblem(422, errors=[ProblemError(path="label", reason=str(error))]) from None
    demand_siblings(scored_by, sample)
    answering = answers_of(request).answer(scored_by, sample, deadline_after(SECONDS), imputes="scored")
    try:
        answer = await run_or_cancel(request, answering)
    except NoVerdict as error:
        raise no_verdict(error) from None
    reply = _object(answer) if hints.key else float(answer.numbers["reward"])
    return Response(orjson.dumps(reply), media_type="application/json")


def _object(answer: Answer) -> dict[str, float]:
    is_verdict = answer.source == "verdict"
    own = {"reward": float(answer.numbers["reward"]), "accuracy": float(answer.numbers["accuracy"])}
    return {**scores_of(answer.numbers), **own, "valid": float(is_verdict), "imputed": float(not is_verdict)}

"""What all trainers' endpoints share: how a body is read, how long there is, what the operator may say in the URL."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from reward_api.domains.spec import Domain
from reward_api.gateway.gateway import Gateway
from reward_api.gateway.routes import served
from reward_api.trainers.answers import Answers, NoVerdict, is_relative
from reward_api.trainers.samples import sibling_key
from reward_verifiers.contract import ProblemError
from reward_verifiers.service.body import arrival_time
from reward_verifiers.service.problems import HTTPProblem
from reward_verifiers.service.strict_route import StrictRoute
from trainer_client.dialect.sample import MAX_GROUP, TrainerSample


class PeerRoute(StrictRoute):
    """JSON as strict as elsewhere, but a model may write NUL, and a refused request would end its trainer's run."""

    nul = True


def peer_router() -> APIRouter:
    return APIRouter(route_class=PeerRoute, prefix="/compat", tags=["compat"])


class Body(BaseModel):
    """Peers send more than is read here."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Hints(BaseModel):
    """What no peer sends, from the URL's query."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    group_size: int | None = Field(
        default=None,
        ge=1,
        le=MAX_GROUP,
        description="Samples a prompt. Needed where a component looks at the siblings; else it says for whom to wait.",
    )
    prefix: str = Field(
        default="",
        max_length=1000,
        description="What the chat template writes at the start of each completion, where the prompt does not show it.",
    )


URLHints = Annotated[Hints, Query()]


def deadline_after(seconds: float) -> float:
    """When the answer must be there, `seconds` after the request began to arrive: a time of the event loop."""
    return arrival_time() + seconds


def answers_of(request: Request) -> Answers:
    """The app's part that answers trainers, put there by `trainers.mount`."""
    answers = request.app.state.answers
    assert isinstance(answers, Answers)  # noqa: S101
    return answers


def domain_of(parts: Gateway, name: str) -> Domain:
    """The domain that is served under this name. Raises HTTPProblem."""
    return served(parts, name, "domain")


def demand_siblings(domain: Domain, sample: TrainerSample) -> None:
    """Raises HTTPProblem when the domain scores whole groups, and the sample does not show how large or which its own is."""
    if not is_relative(domain):
        return
    reason = "a component of this domain looks at all siblings: "
    if sample.group_size is None:
        reason += "add ?group_size=N, the samples a prompt, to the URL"
        raise HTTPProblem(422, errors=[ProblemError(path="group_size", reason=reason)])
    if sibling_key(sample, domain) is None:
        reason += "a sample needs a prompt or a group_id, by which they are found"
        raise HTTPProblem(422, errors=[ProblemError(path="prompt", reason=reason)])


def no_verdict(error: NoVerdict) -> HTTPProblem:
    """503, for a dialect whose error path drops the sample or tries again."""
    reason = f"{error.failure.kind}: {error.failure.message}"
    path = error.failure.component or ""
    return HTTPProblem(503, "No verdict", reason, [ProblemError(path=path, reason=reason)], {"retry-after": "5"})

"""NeMo-Gym's resources server, read from nemo-gym 0.5.1 and 0.7.0; Prime's verifiers speak it too, by URL.

    POST seed_session   {row}                                ──▶ {}: nothing is kept between requests
    POST verify         {row, "response": a Responses object} ──▶ the same + reward, reward_components, mask_sample, …
    POST aggregate_metrics                                   ──▶ metrics.py
    POST close_session, GET reverify_mode

No verdict is `mask_sample`, at the top where Gym 0.7 reads it and in `instance_config` where NeMo-RL 0.6 does, beside a
number that does not shift the group's baseline. Prime reads no mask, but drops a sample whose request failed: under
/compat/prime the same routes answer 503.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from pydantic import ConfigDict, Field

from reward_api.gateway.routes import DomainName, Parts, json_reply
from reward_api.trainers.aggregate import AggregateRequest, aggregate
from reward_api.trainers.answers import Answer, Imputation, NoVerdict, is_relative
from reward_api.trainers.endpoint import (
    Body,
    Hints,
    URLHints,
    answers_of,
    deadline_after,
    demand_siblings,
    domain_of,
    no_verdict,
    peer_router,
)
from reward_api.trainers.numbers import shares_of
from reward_api.trainers.responses import CreateParams, completion_of, prompt_of
from reward_api.trainers.responses import Response as Rollout
from reward_api.trainers.samples import sample_of
from reward_verifiers.contract import FailureKind, ProblemError
from reward_verifiers.service.problems import HTTPProblem
from reward_verifiers.service.streams import run_or_cancel
from trainer_client.dialect.sample import TrainerSample

SECONDS = 55.0
"""Prime's client waits 60 unless told otherwise; Gym's for ever."""
KINDS = {
    FailureKind.TIMEOUT: "touchstone:timeout",
    FailureKind.MEMORY_LIMIT: "provider_oom_killed",
    FailureKind.WORKER_CRASHED: "verifier_error",
    FailureKind.VERIFIER_ERROR: "verifier_error",
    FailureKind.VERIFIER_UNREACHABLE: "transport_unreachable",
    FailureKind.OVERLOADED: "provider_unavailable",
    FailureKind.DEADLINE_EXCEEDED: "transport_timeout",
    FailureKind.BAD_REFERENCE: "touchstone:bad_reference",
    FailureKind.UNSUPPORTED: "touchstone:unsupported",
    FailureKind.CANCELLED: "cancelled",
    FailureKind.BUDGET_EXHAUSTED: "touchstone:budget_exhausted",
}
"""Ours in the words of nemo_gym/failure_kinds.py, which lets a server name its own as server:kind."""
_OURS = frozenset({"reward", "reward_components", "mask_sample", "failure_kind", "failure_reason", "instance_config"})

router = peer_router()


class VerifyBody(Body):
    """A row of the data set with the model's response; all its other columns are the reference."""

    model_config = ConfigDict(extra="allow", frozen=True)

    responses_create_params: CreateParams
    response: Rollout
    group_id: str | int | None = None

    def sample(self, hints: Hints) -> TrainerSample:
        """Raises ValueError."""
        columns = self.__pydantic_extra__ or {}
        inner = columns.get("verifier_metadata")
        kept = {name: value for name, value in columns.items() if not (_is_ours(name) or name.startswith("_ng_"))}
        return sample_of(
            prompt=prompt_of(self.responses_create_params),
            completion=completion_of(self.response),
            label={**(inner if isinstance(inner, dict) else {}), **kept},
            prefix=hints.prefix,
            group_id=self.group_id,
            group_size=hints.group_size,
            truncated=self.response.truncated,
            tokens=self.response.tokens,
        )


def _is_ours(name: str) -> bool:
    """Whether this endpoint writes it: a stored rollout that is verified again brings it along."""
    return name in _OURS or name == "touchstone" or name.startswith("touchstone_")


class Session(Body):
    resources_session_id: str | None = Field(default=None, max_length=1000)


@router.post("/nemo_gym/{domain}/seed_session")
@router.post("/prime/{domain}/seed_session", include_in_schema=False)
async def seed_session(domain: DomainName, body: Session, parts: Parts) -> Response:
    """Nothing is kept between requests; a domain that is not served is found here."""
    domain_of(parts, domain)
    return _session(body)


@router.post("/nemo_gym/{domain}/close_session")
@router.post("/prime/{domain}/close_session", include_in_schema=False)
async def close_session(domain: DomainName, body: Session, parts: Parts) -> Response:
    """Nothing was kept."""
    domain_of(parts, domain)
    return _session(body)


def _session(body: Session) -> Response:
    session = body.resources_session_id
    return json_reply({} if session is None else {"resources_session_id": session})


@router.get("/nemo_gym/{domain}/reverify_mode")
async def reverify_mode(domain: DomainName, parts: Parts) -> Response:
    """Whether stored rollouts may be scored again one by one: not where a component looks at the siblings."""
    return json_reply("unsupported" if is_relative(domain_of(parts, domain)) else "stateless")


@router.post("/nemo_gym/{domain}/aggregate_metrics")
def aggregate_metrics(domain: DomainName, body: AggregateRequest, parts: Parts) -> Response:
    """Statistics over verified rollouts; masked ones are counted and left out. In a thread: a whole run may come."""
    domain_of(parts, domain)
    return json_reply(aggregate(body.verify_responses))


@router.post("/nemo_gym/{domain}/verify")
async def verify(request: Request, domain: DomainName, body: VerifyBody, parts: Parts, hints: URLHints) -> Response:
    """The request again, with `reward` and what it is made of; no verdict is `mask_sample`."""
    answer = await _answer(request, domain, body, parts, hints, "always")
    return json_reply(_reply(await request.json(), answer))


@router.post("/prime/{domain}/verify")
async def verify_for_prime(
    request: Request, domain: DomainName, body: VerifyBody, parts: Parts, hints: URLHints
) -> Response:
    """As NeMo-Gym's, for Prime's `resources_url`: no verdict is 503, and the sample is dropped."""
    try:
        answer = await _answer(request, domain, body, parts, hints, "never")
    except NoVerdict as error:
        raise no_verdict(error) from None
    return json_reply(_reply(await request.json(), answer))


async def _answer(
    request: Request, domain: str, body: VerifyBody, parts: Any, hints: Hints, imputes: Imputation
) -> Answer:
    scored_by = domain_of(parts, domain)
    try:
        sample = body.sample(hints)
    except ValueError as error:
        raise HTTPProblem(422, errors=[ProblemError(path="group_size", reason=str(error))]) from None
    demand_siblings(scored_by, sample)
    deadline = deadline_after(SECONDS)
    answering = answers_of(request).answer(scored_by, sample, deadline, waits=False, imputes=imputes)
    return await run_or_cancel(request, answering)


def _reply(row: dict[str, Any], answer: Answer) -> dict[str, Any]:
    shares, failure = shares_of(answer.numbers), answer.result.failure
    masked = failure is not None
    config = row.get("instance_config")
    config = dict(config) if isinstance(config, dict) else {}
    scores = {
        f"touchstone_{name}": one.score for name, one in answer.result.components.items() if one.score is not None
    }
    return {
        **{name: value for name, value in row.items() if not name.startswith("touchstone_")},
        # NeMo-RL compares the two, so the one is made of the other.
        "reward": sum(shares.values()),
        "reward_components": shares,
        "mask_sample": masked,
        "failure_kind": KINDS[failure.kind] if failure else None,
        "failure_reason": f"{failure.component}: {failure.message}" if failure else None,
        **({"instance_config": {**config, "mask_sample": masked}} if masked or "mask_sample" in config else {}),
        **scores,
        "touchstone": asdict(answer.result) | {"imputed_from": answer.source if masked else None},
    }

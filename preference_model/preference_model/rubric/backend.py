"""The verifier `rubric`: a language model judges an answer criterion by criterion."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field, ValidationError

from preference_model import guard
from preference_model.judge.canary import OBEDIENT, ON_NOBODY, PROMPT, RIGHT, WRONG, Canary
from preference_model.judge.client import Call, JudgeClient, release, shared_client
from preference_model.judge.usage import Usage
from preference_model.model.completion_part import completion_part
from preference_model.model.registry import BadRegistry, ModelSpec, Registry, digest
from preference_model.outcome import ScoreFailure
from preference_model.rubric.items import Aggregate, Rubric, RubricItem, rubric_of, total
from preference_model.rubric.judging import Judgement, RubricJudge
from preference_model.rubric.store import RubricStore
from preference_model.settings import PreferenceSettings
from reward_verifiers.contract import (
    Description,
    FailureKind,
    Verdict,
    VerifyReply,
    VerifyRequest,
    completion_text,
    prompt_text,
    validation_errors,
)
from reward_verifiers.verifier import BadOptions, BadReference, Options, ReferenceModel

NAME, VERSION = "rubric", "1.0.0"
DEFAULT_DEADLINE_S = 120.0
NO_JUDGE = "there is no judge: set TOUCHSTONE_JUDGE_URL, or name a judge of the registry in the option `model`"
CANARY = Rubric(
    items=(
        RubricItem(text="The answer states that there are 12 legs.", kind="must"),
        RubricItem(text="The answer states that there are 7 legs.", kind="pitfall"),
    )
)


class RubricOptions(Options):
    model: str = Field(default="", max_length=64, description="A judge of the registry. Default: the only server's.")
    sees: Literal["answer", "all"] = Field(default="answer", description="The part of the output that is judged.")
    generate: bool = Field(
        default=False,
        description="Where the reference has no rubric, the judge writes one per prompt, which is frozen.",
    )
    votes: Literal[1, 3, 5, 7, 9] = Field(default=1, description="Votes; every other one in the other order.")
    second_reading: bool = Field(
        default=False, description="The judge reads its verdict again; one it rejects is null."
    )
    aggregate: Aggregate = Field(
        default="weighted", description="`weighted`: share by weight; `all_musts`: 0 unless every must is met."
    )
    run: str | None = Field(default=None, description="The training run, whose budget it is; the gateway sends it.")


class RubricReference(ReferenceModel):
    rubric: list[RubricItem] | None = Field(default=None, description="The criteria: text, weight, kind, quote.")


class RubricBackend:
    """Judges completions by rubrics. Raises ImportError for settings that do not fit."""

    def __init__(self, settings: PreferenceSettings | None = None) -> None:
        try:
            settings = settings or PreferenceSettings()
            self._registry = Registry(settings.registry, settings.judge, quiet=True)
        except (ValidationError, BadRegistry) as error:
            raise ImportError(f"its registry cannot be used: {error}") from None
        self._build = secrets.token_hex(8)
        """New at each start: the judge is a server, which may have changed since."""
        self._store = RubricStore(settings.judge.rubrics)
        self._judges: dict[str, tuple[RubricJudge, Canary, JudgeClient]] = {}

    # --- the contract -------------------------------------------------------------------------------------------------

    async def describe(self) -> Description:
        return Description(
            verifier=NAME,
            version=self._version(),
            summary="The share of a rubric's criteria that an answer meets, judged by a language model.",
            options_schema=RubricOptions.model_json_schema(),
            reference_schema=RubricReference.model_json_schema(),
            pure=False,
            build=self._build,
        )

    def _version(self) -> str:
        judges = {name: spec.model_dump(mode="json") for name, spec in self._registry.current().models.items()}
        return f"{VERSION}+{digest(judges)}"

    async def check_options(self, options: dict[str, Any]) -> None:
        parsed = _options(options)
        if parsed.model:
            self._spec(parsed.model)

    async def ready(self) -> bool:
        """Whether the judge has passed its test; asking begins it."""
        spec = self._spec("")
        return spec is not None and self._judge(spec)[1].state() == ""

    def details(self) -> dict[str, str]:
        spec = self._spec("")
        return {"judge": (self._judge(spec)[1].state() or "ready") if spec else NO_JUDGE}

    async def verify(self, request: VerifyRequest) -> VerifyReply:
        options = _options(request.options)
        spec = self._spec(options.model)
        until = asyncio.get_running_loop().time() + (request.deadline_s or DEFAULT_DEADLINE_S)
        try:
            async with asyncio.timeout_at(until):
                verdicts = await self._verdicts(spec, options, request, Call(options.run or "", until))
        except TimeoutError:
            failed = Verdict.failed(FailureKind.DEADLINE_EXCEEDED, "the judge did not answer before the deadline")
            verdicts = [failed] * len(request.completions)
        return VerifyReply(verifier=NAME, version=self._version(), build=self._build, verdicts=verdicts)

    def usage(self) -> Usage:
        """What its judges have cost."""
        clients = {id(client): client for _, _, client in self._judges.values()}
        return sum((client.total for client in clients.values()), Usage())

    async def aclose(self) -> None:
        for _, canary, client in self._judges.values():
            await canary.aclose()
            await release(client)
        self._judges.clear()

    # --- judging ------------------------------------------------------------------------------------------------------

    async def _verdicts(
        self, spec: ModelSpec | None, options: RubricOptions, request: VerifyRequest, call: Call
    ) -> list[Verdict]:
        count, prompt = len(request.completions), prompt_text(request.prompt)
        if spec is None:
            return [Verdict.failed(FailureKind.UNSUPPORTED, NO_JUDGE)] * count
        if not prompt.strip():
            return [Verdict.failed(FailureKind.UNSUPPORTED, "send `prompt`: a rubric judges the answer to it")] * count
        judge, canary, _ = self._judge(spec)
        try:
            await canary.demand()
            rubric = await self._rubric(judge, options, request, prompt, call)
        except ScoreFailure as error:
            return [Verdict.failed(error.kind, error.message)] * count
        except BadReference as error:
            return [Verdict.failed(FailureKind.BAD_REFERENCE, str(error))] * count
        texts = [completion_part(completion_text(one), request.prefix, options.sees) for one in request.completions]
        return list(await asyncio.gather(*(_verdict(judge, options, rubric, prompt, text, call) for text in texts)))

    async def _rubric(
        self, judge: RubricJudge, options: RubricOptions, request: VerifyRequest, prompt: str, call: Call
    ) -> Rubric:
        data = request.reference.get("rubric")
        if data is not None:
            return rubric_of(data)
        if not options.generate:
            raise BadReference("reference.rubric: there is none; send one, or set the option `generate`")
        return await judge.rubric_for(prompt, call)

    def _spec(self, name: str) -> ModelSpec | None:
        """The judge's entry; None where no name is given and there is no judge. Raises BadOptions."""
        models = self._registry.current().models
        judges = {key: spec for key, spec in models.items() if spec.is_judge}
        if not name:
            return next(iter(judges.values()), None)
        if name not in judges:
            raise BadOptions([("model", f"no judge is named {name!r}; there are: {', '.join(judges) or 'none'}")])
        return judges[name]

    def _judge(self, spec: ModelSpec) -> tuple[RubricJudge, Canary, JudgeClient]:
        assert spec.upstream is not None  # noqa: S101
        key = digest(spec.model_dump(mode="json"))
        if key not in self._judges:
            client = shared_client(spec.upstream)
            judge = RubricJudge(client, self._store, spec.upstream.model or spec.upstream.url)
            canary = Canary(lambda: _check(judge), spec.upstream.canary_minutes * 60)
            self._judges[key] = (judge, canary, client)
        return self._judges[key]


async def _check(judge: RubricJudge) -> str:
    """The right answer meets the must alone, a wrong one the pitfall alone, whatever it says to the judge."""
    rows = (
        ("a right answer", RIGHT, [True, False]),
        ("a wrong answer", WRONG, [False, True]),
        ("a wrong answer that gives it orders", OBEDIENT, [False, True]),
    )
    for name, text, expected in rows:
        judgement = await judge.judge(PROMPT, text, CANARY, 1, False, ON_NOBODY)
        if [judgement.met[at] for at in range(2)] != expected:
            return f"it misjudges {name}"
    return ""


async def _verdict(
    judge: RubricJudge, options: RubricOptions, rubric: Rubric, prompt: str, text: str | None, call: Call
) -> Verdict:
    if text is None or (reason := guard.reason(text, prompt)):
        reason = guard.NO_SUCH_PART if text is None else reason
        return Verdict.scored(0.0, f"filtered by the guard: {reason}", guard=reason)
    call = call.own()
    try:
        judgement = await judge.judge(prompt, text, rubric, options.votes, options.second_reading, call)
    except ScoreFailure as error:
        usage = call.ledger.usage.evidence()
        return Verdict.failed(error.kind, error.message, rubric=rubric.version, usage=usage)
    return _scored(judgement, rubric, options.aggregate, call.ledger.usage)


def _scored(judgement: Judgement, rubric: Rubric, aggregate: Aggregate, usage: Usage) -> Verdict:
    score = round(total(rubric.items, judgement.met, aggregate), 4)
    counts = {
        kind: (
            sum(judgement.met[at] for at, item in enumerate(rubric.items) if item.kind == kind),
            sum(item.kind == kind for item in rubric.items),
        )
        for kind in ("must", "nice", "pitfall")
    }
    parts = [f"{met} of {count} {kind}" for kind, (met, count) in counts.items() if count]
    return Verdict.scored(
        score,
        f"met: {', '.join(parts)}",
        rubric=rubric.version,
        items=_rows(judgement, rubric.items),
        votes=judgement.votes,
        usage=usage.evidence(),
    )


def _rows(judgement: Judgement, items: Sequence[RubricItem]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"r{at + 1}",
            "kind": item.kind,
            "weight": item.weight,
            "met": judgement.reading[at].met,
            "quote": judgement.reading[at].quote,
        }
        for at, item in enumerate(items)
    ]


def _options(options: dict[str, Any]) -> RubricOptions:
    try:
        return RubricOptions.model_validate(options)
    except ValidationError as error:
        raise BadOptions(validation_errors(error)) from None

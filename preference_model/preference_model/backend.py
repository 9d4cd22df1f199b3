"""The verifier `preference`: reward models behind the contract. A Backend, since models run in threads of their own and
not in the suite's workers.

Importing this imports no model library; they are loaded with the first model.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from preference_model.judge.client import DEFAULT_CALL, Call
from preference_model.judge.pairs import Pairs
from preference_model.model.completion_part import completion_part
from preference_model.model.engine import ModelEngine, filter_reason
from preference_model.model.probe import FLAG, GoldProbe
from preference_model.model.registry import BadRegistry, ModelSpec, digest
from preference_model.model.relative import group_z, win_rates
from preference_model.model.scale import DECIMALS, LIMIT, strength
from preference_model.outcome import INSTALL, ScoreFailure, ScoreItem, ScoreOutcome
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
from reward_verifiers.verifier import BadOptions, NeedsPackages, Options, ReferenceModel

DEMO_FLAG = "demo_model"
NAME, VERSION = "preference", "1.0.0"
DEFAULT_DEADLINE_S = 120.0
Mode = Literal["pointwise", "group", "pairwise"]


class PreferenceOptions(Options):
    model: str = Field(default="", max_length=64, description="Name in the registry; default: the registry's default.")
    mode: Mode = Field(
        default="pointwise",
        description="`pointwise`: the model's score. `group`: its z within the group. `pairwise`: how often it is "
        "preferred over a sibling, 0 to 1.",
    )
    scores: dict[str, list[float | None]] = Field(
        default_factory=dict, description="The rule rewards of the domain's `after`, for gold_probe."
    )
    run: str | None = Field(default=None, description="The training run; the gateway tells it.")
    step: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="The training step; the gateway tells it."
    )


class PreferenceReference(ReferenceModel):
    answer: str | int | float | None = Field(
        default=None, description="What a judge of the reference kind compares with."
    )


class PreferenceBackend:
    """Judges completions by the models of a registry. Raises what PreferenceSettings and the registry raise."""

    def __init__(self, settings: PreferenceSettings | None = None) -> None:
        try:
            self.settings = settings or PreferenceSettings()
            self.engine = ModelEngine(self.settings)
        except (ValidationError, BadRegistry) as error:
            reasons = validation_errors(error) if isinstance(error, ValidationError) else error.errors
            lines = "; ".join(f"{path}: {reason}" if path else reason for path, reason in reasons)
            raise ImportError(f"its registry cannot be used: {lines}") from None  # as the registry of verifiers expects
        self.pairs = Pairs(self.engine)
        self._build = secrets.token_hex(8)
        """New at each start: the models are files and servers, which may have changed since."""
        self._probe = GoldProbe(self.settings.probe_window)
        self._loading: asyncio.Task[dict[str, str]] | None = None
        self._loaded_spec: object = None

    # --- the contract -------------------------------------------------------------------------------------------------

    async def describe(self) -> Description:
        return Description(
            verifier=NAME,
            version=f"{VERSION}+{self.version()}",
            summary="What a reward model, or a judge, makes of the completion.",
            options_schema=PreferenceOptions.model_json_schema(),
            reference_schema=PreferenceReference.model_json_schema(),
            score_range=(-LIMIT, LIMIT),
            whole_group=False,
            whole_group_when={"mode": ["group", "pairwise"]},
            demo_when={"model": self._demos()},
            pure=False,
            build=self._build,
        )

    def _demos(self) -> list[str]:
        """The values of `model` that name a demonstration; "" where the default is one."""
        registry = self.engine.registry.current()
        demos = [name for name, spec in registry.models.items() if spec.demo]
        is_default = any(registry.default == name or len(registry.models) == 1 for name in demos)
        return sorted([*demos, *([""] if is_default else [])])

    def version(self) -> str:
        """A digest of the registry in service."""
        return digest(self.engine.registry.current().model_dump(mode="json"))

    async def check_options(self, options: dict[str, Any]) -> None:
        parsed = self._options(options)
        _, spec = self.engine.spec(parsed.model)
        if problem := self.engine.problem(spec):
            raise BadOptions([("model", problem)])
        if self.engine.lacks_packages(spec):
            raise NeedsPackages([("model", INSTALL)])

    async def ready(self) -> bool:
        """Whether every model of the registry that this install can run is loaded; asking begins to load them."""
        spec = self.engine.registry.current()
        if self._loading is None or self._loaded_spec is not spec or _has_failed(self._loading):
            self._loading, self._loaded_spec = asyncio.create_task(self._load_all()), spec
        done, _ = await asyncio.wait([self._loading], timeout=0.2)
        if not done:
            return False
        # A domain that names one that it cannot run is not served.
        can_run = [name for name, one in spec.models.items() if not self.engine.lacks_packages(one)]
        reasons = self._loading.result() | {name: why for name, why in self._judge_problems().items() if why}
        return bool(can_run) and not any(reasons[name] for name in can_run)

    def _judge_problems(self) -> dict[str, str]:
        """Judge → what its last test found; a test that is due begins."""
        models = self.engine.registry.current().models
        return {name: self.pairs.judge(spec).canary.state() for name, spec in models.items() if spec.is_judge}

    async def _load_all(self) -> dict[str, str]:
        """Name → why a model cannot be used, or "": models are loaded, judges are tested."""
        reasons = await self.engine.load_all()
        for name, spec in self.engine.registry.current().models.items():
            if spec.is_judge:
                reasons[name] = await self.pairs.problem(spec)
        return reasons

    def details(self) -> dict[str, str]:
        """Why a model is not ready, by its name."""
        refused = self.engine.registry.refused
        details = {"registry": f"refused, the last good one serves: {refused}"} if refused else {}
        if self._loading is None or not self._loading.done():
            return {**details, "models": "loading"}
        reasons = self._loading.result() | {name: why for name, why in self._judge_problems().items() if why}
        return {**details, **{name: why or "loaded" for name, why in reasons.items()}}

    async def verify(self, request: VerifyRequest) -> VerifyReply:
        options = self._options(request.options)
        name, spec = self.engine.spec(options.model)
        try:
            async with asyncio.timeout(request.deadline_s or DEFAULT_DEADLINE_S):
                verdicts = await self._verdicts(name, spec, options, request)
        except TimeoutError:
            verdicts = _all(request, FailureKind.DEADLINE_EXCEEDED, "the model did not answer before the deadline")
        version = f"{VERSION}+{self.version()}"
        return VerifyReply(verifier=NAME, version=version, build=self._build, verdicts=verdicts)

    async def aclose(self) -> None:
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.gather(self._loading, return_exceptions=True)
        await self.pairs.aclose()
        await self.engine.aclose()

    # --- scoring ------------------------------------------------------------------------------------------------------

    async def _verdicts(
        self, name: str, spec: ModelSpec, options: PreferenceOptions, request: VerifyRequest
    ) -> list[Verdict]:
        if outside := _outside_budget(spec, options.step):
            return [outside] * len(request.completions)
        if request.prompt is None or not prompt_text(request.prompt).strip():
            message = "send `prompt`: an answer to nothing cannot be preferred"
            return _all(request, FailureKind.UNSUPPORTED, message)
        if options.mode != "pointwise" and len(request.completions) < 2:
            message = f"mode {options.mode!r} needs two completions or more: a score within a group of one says nothing"
            return _all(request, FailureKind.UNSUPPORTED, message)
        items = self._items(spec, request)
        scored = await self._relative(spec, options.mode, items, _call(options, request))
        flags = [DEMO_FLAG] if spec.demo else []
        flags += self._flags(name, spec, options, scored)
        about = {
            "model": name,
            "version": self.engine.version(spec),
            "sees": spec.sees,
            "mode": options.mode,
        }
        return [_verdict(one, {**about, **({"flags": flags} if flags else {})}) for one in scored]

    def _items(self, spec: ModelSpec, request: VerifyRequest) -> list[ScoreItem | str]:
        """The part that the model sees of each completion, or why it never gets there."""
        reference = PreferenceReference.model_validate(
            {"answer": answer} if isinstance(answer := request.reference.get("answer"), str | int | float) else {}
        )
        right = None if reference.answer is None else str(reference.answer)
        prompt = prompt_text(request.prompt)
        items: list[ScoreItem | str] = []
        for completion in request.completions:
            text = completion_part(completion_text(completion), request.prefix, spec.sees)
            items.append(filter_reason(spec, prompt, text, right) or ScoreItem(request.prompt, text or "", right))
        return items

    async def scored(
        self, spec: ModelSpec, items: Sequence[ScoreItem | str], *, pairwise: bool = False, call: Call = DEFAULT_CALL
    ) -> list[ScoreOutcome]:
        """By the model, or by a judge: of the reference, or of pairs among the items. Raises Overloaded."""
        if spec.is_judge:
            return await self.pairs.group_outcomes(spec, items, pairwise=pairwise, call=call)
        return await self.engine.score(spec, items)

    async def _relative(
        self, spec: ModelSpec, mode: Mode, items: Sequence[ScoreItem | str], call: Call
    ) -> list[ScoreOutcome]:
        scored = await self.scored(spec, items, pairwise=mode == "pairwise", call=call)
        return scored if mode == "pointwise" or spec.is_judge else within_group(scored, spec, mode)

    def _flags(
        self, name: str, spec: ModelSpec, options: PreferenceOptions, scored: Sequence[ScoreOutcome]
    ) -> list[str]:
        if not spec.gold_probe:
            return []
        learnt = [one.value for one in scored if one.value is not None]
        rows = zip(*options.scores.values(), strict=False)
        rule = [sum(score for score in row if score is not None) for row in rows if any(s is not None for s in row)]
        if not learnt or not rule:
            return []
        raw = [one.evidence.get("raw", one.value) for one in scored if one.value is not None]
        return [FLAG] if self._probe.add(options.run or "", name, raw, rule) else []

    def _options(self, options: dict[str, Any]) -> PreferenceOptions:
        try:
            parsed = PreferenceOptions.model_validate(options)
        except ValidationError as error:
            raise BadOptions(validation_errors(error)) from None
        try:
            _, spec = self.engine.spec(parsed.model)
        except LookupError as error:
            raise BadOptions([("model", str(error.args[0]))]) from None
        kind = spec.upstream.kind if spec.upstream else ""
        if kind == "judge_pairs" and parsed.mode != "pairwise":
            raise BadOptions([("mode", "this model is a judge of pairs: set mode: pairwise")])
        if kind == "judge_reference" and parsed.mode != "pointwise":
            raise BadOptions([("mode", "this model is a judge by a reference: set mode: pointwise")])
        return parsed


def within_group(scored: Sequence[ScoreOutcome], spec: ModelSpec, mode: Mode) -> list[ScoreOutcome]:
    """The scores that there are, relative to one another. With one left, there is nothing to be relative to."""
    complete = [one for one in scored if one.value is not None]
    if len(complete) < 2:
        message = "no sibling has a score to compare with"
        return [
            one if one.value is None else ScoreOutcome.failed(FailureKind.VERIFIER_ERROR, message) for one in scored
        ]
    values = [one.value for one in complete if one.value is not None]
    relative = iter(group_z(values) if mode == "group" else win_rates([strength(one, spec) for one in complete]))
    return [
        one
        if one.value is None
        else ScoreOutcome(
            next(relative), None, {**one.evidence, "own": round(one.value, DECIMALS), "siblings": len(complete) - 1}
        )
        for one in scored
    ]


def _verdict(one: ScoreOutcome, about: dict[str, Any]) -> Verdict:
    evidence = {**about, **one.evidence}
    if one.value is None:
        failure = one.failure or ScoreFailure(FailureKind.VERIFIER_ERROR, "no score")
        return Verdict.failed(failure.kind, failure.message, **evidence)
    if reason := one.evidence.get("guard"):
        return Verdict.scored(round(one.value, DECIMALS), f"filtered by the guard: {reason}", **evidence)
    score = round(one.value, DECIMALS) + 0.0
    phrase = {"pointwise": "scores it", "group": "within its group:", "pairwise": "prefers it to a sibling:"}[
        about["mode"]
    ]
    cut = f", {evidence['cut']} of {evidence['tokens']} tokens cut" if evidence.get("cut") else ""
    return Verdict.scored(score, f"{about['model']} {phrase} {score:g}{cut}", **evidence)


def _call(options: PreferenceOptions, request: VerifyRequest) -> Call:
    """A judge's questions are on the run's account, and end with the request."""
    until = asyncio.get_running_loop().time() + (request.deadline_s or DEFAULT_DEADLINE_S)
    return Call(options.run or "", until)


def _outside_budget(spec: ModelSpec, step: int | None) -> Verdict | None:
    """The verdict where the model's steps are not these; None where they are."""
    if spec.budget is None:
        return None
    span = f"{spec.budget.first} to {spec.budget.last}"
    if step is None:
        message = f"send `step`: the model counts in steps {span} only"
        return Verdict.failed(FailureKind.UNSUPPORTED, message)
    if spec.budget.first <= step <= spec.budget.last:
        return None
    return Verdict.scored(0.0, f"step {step} is outside the model's budget, {span}: it counts nothing", budget=span)


def _all(request: VerifyRequest, kind: FailureKind, message: str) -> list[Verdict]:
    return [Verdict.failed(kind, message)] * len(request.completions)


def _has_failed(loading: asyncio.Task[dict[str, str]]) -> bool:
    return loading.done() and any(loading.result().values())

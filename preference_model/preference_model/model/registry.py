"""The registry: name → reward model, from one YAML file that is followed while it serves.

    models.yaml ── RegistrySpec (its shape is right) ──▶ Registry.current()

A file that does not fit is refused whole, named field by field, and the last good one goes on.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import (
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from preference_model.settings import SHIPPED, JudgeSettings
from reward_verifiers.contract import StrictModel, validation_errors
from reward_verifiers.service.file_changes import FileChanges
from reward_verifiers.service.http_client import BaseUrl
from reward_verifiers.yaml_file import BadFile, read_yaml

log = logging.getLogger(__name__)

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")]
Number = Annotated[float, Field(allow_inf_nan=False)]
Part = Literal["answer", "all", "think"]

JUDGE_KEY = "TOUCHSTONE_JUDGE_KEY"
TEXT_ONLY = frozenset({"sglang", "tei"})
"""Kinds of server that take text as it is, and know no chat template."""
JUDGES = frozenset({"judge_pairs", "judge_reference"})


class BadRegistry(BadFile):
    """The registry must not be served."""


class UpstreamSpec(StrictModel):
    """A server that has the model. What it answers outside its own wire is a failure, never a number."""

    kind: Literal["vllm_classify", "vllm_pooling", "sglang", "tei", "judge_pairs", "judge_reference"] = Field(
        description="`judge_pairs`: an OpenAI-compatible chat that compares two answers on five steps; "
        "`judge_reference`: one that says whether an answer agrees with the reference."
    )
    url: BaseUrl = Field(
        description="Base URL, e.g. http://gpu:8000; a judge's may have a path, e.g. http://gpu:8000/v1."
    )
    model: str = Field(default="", description="The name by which that server knows the model.")
    key_env: str = Field(default="", description="Environment variable that holds its bearer key.")
    tokenizer: str = Field(
        default="", description="Path or id of the tokenizer whose chat template renders the text; default: `model`'s."
    )
    timeout_s: float = Field(default=60.0, gt=0, le=3600)
    concurrency: int = Field(default=16, ge=1, le=512, description="Requests to it at a time.")
    # What follows is for judges.
    temperature: float = Field(default=0.0, ge=0, le=2)
    seed: int | None = None
    max_completion_tokens: int = Field(default=4096, ge=16, description="Tokens that one judgement may take.")
    system_prompt: str = Field(default="", description="Text before the judge's own instructions.")
    canary_minutes: float = Field(default=10.0, gt=0, description="How often the judge is tested on known answers.")
    max_calls: int | None = Field(
        default=None, ge=1, description="Requests per run. Above this, samples have no verdict."
    )
    max_tokens: int | None = Field(
        default=None, ge=1, description="Tokens per run. Above this, samples have no verdict."
    )
    prompt_price: float = Field(default=0.0, ge=0, description="Price of a million prompt tokens, for `usage.cost`.")
    completion_price: float = Field(default=0.0, ge=0, description="Price of a million completion tokens.")


class Ensemble(StrictModel):
    """Several models as one."""

    members: list[Name] = Field(min_length=2)
    combine: Literal["mean", "min", "mean_minus_k_std"] = "mean"
    k: float = Field(default=1.0, ge=0, le=10)


class Calibration(StrictModel):
    """Where the scores of a named set lie; `touchstone preference eval` prints it."""

    set: str = Field(min_length=1, description="Which texts these are.")
    mean: Number
    std: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    quantiles: list[Number] = Field(
        default_factory=list, description="From the lowest to the highest in even steps, e.g. 101 percentiles."
    )

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if self.quantiles and (len(self.quantiles) < 2 or list(self.quantiles) != sorted(self.quantiles)):
            raise ValueError("quantiles must be two or more, from the lowest to the highest")
        return self


class Budget(StrictModel):
    """The training steps in which the model may count (R1: the last 400 of 1,700)."""

    first: int = Field(ge=0)
    steps: int = Field(ge=1)

    @property
    def last(self) -> int:
        return self.first + self.steps - 1


class ModelSpec(StrictModel):
    """One model. Exactly one of `model`, `head`, `upstream`, `ensemble` says where it is."""

    model: str | None = Field(default=None, description="Path or hub id of a sequence classification model.")
    revision: str | None = Field(default=None, description="Commit or tag at the hub.")
    head: str | None = Field(
        default=None,
        description="Folder that `touchstone preference train` wrote, or the name of a head that is shipped.",
    )
    upstream: UpstreamSpec | None = None
    ensemble: Ensemble | None = None

    sees: Part = Field(default="answer", description="`answer` (after the thinking), `all` of the output, or `think`.")
    chat_template: str | None = Field(
        default=None, description="Jinja text; default: the tokenizer's own; `none`: prompt and answer as they are."
    )
    max_tokens: int | None = Field(default=None, ge=16, description="Default: what the model takes.")
    truncation: Literal["error", "middle", "left", "right", "window"] = Field(
        default="error", description="What is done with text that is too long. `window`: scored in pieces."
    )
    windows: Literal["mean", "min"] = Field(default="mean", description="How the pieces' scores become one.")
    dtype: Literal["auto", "float32", "bfloat16", "float16", "int8"] = Field(
        default="auto", description="`auto`: by a timing at start; float16 on a GPU only; int8 on a CPU only."
    )
    device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="`auto`: CUDA when there.")
    batch_tokens: int | None = Field(
        default=None, ge=16, description="Tokens in a batch, padding counted; default: by a timing at start."
    )

    label: int | str | None = Field(default=None, description="Which output is the score, where there are several.")
    activation: Literal["raw", "sigmoid", "softmax"] = "raw"
    strip_markdown: bool = Field(default=False, description="The mean of the scores with and without markdown.")
    calibration: Calibration | None = None
    normalisation: Literal["raw", "z", "percentile"] = "raw"
    clip: tuple[Number | None, Number | None] = (None, None)
    guard: bool = Field(default=True, description="Text that is no answer scores `floor`, before any model.")
    floor: Number | None = Field(
        default=None, description="The lowest score. Default: from the clip, the calibration or the activation."
    )
    abstain_std: float | None = Field(
        default=None, gt=0, description="No verdict where an ensemble's members differ by more."
    )
    abstain_margin: float | None = Field(
        default=None, gt=0, lt=0.5, description="No verdict where a probability is closer to 0.5."
    )
    budget: Budget | None = None
    demo: bool = Field(
        default=False, description="It only shows the service: each verdict has the flag `demo_model`, the log says so."
    )
    gold_probe: bool = Field(
        default=False, description="Flag a rising mean while the rule reward (the domain's `after`) falls."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        named = [name for name in ("model", "head", "upstream", "ensemble") if getattr(self, name) is not None]
        if len(named) != 1:
            raise ValueError(f"give exactly one of model, head, upstream, ensemble; got {', '.join(named) or 'none'}")
        if self.normalisation != "raw" and self.calibration is None:
            raise ValueError(f"calibration: normalisation {self.normalisation!r} needs it")
        if self.normalisation == "percentile" and self.calibration and not self.calibration.quantiles:
            raise ValueError("calibration.quantiles: normalisation 'percentile' needs them")
        low, high = self.clip
        if low is not None and high is not None and low > high:
            raise ValueError("clip: the lower bound is above the upper one")
        if self.abstain_std is not None and self.ensemble is None:
            raise ValueError("abstain_std: only an ensemble has members that differ")
        if self.abstain_margin is not None and self.activation == "raw":
            raise ValueError("abstain_margin: only a probability (activation sigmoid or softmax) has a middle")
        if problem := self._upstream_problem():
            raise ValueError(problem)
        if self.guard and not self.is_judge and self.lowest is None:
            raise ValueError(
                "floor: say what a guarded text scores (about the score of the worst real answers), "
                "or give a clip, a calibration, or guard: false"
            )
        return self

    def _upstream_problem(self) -> str | None:
        """What an upstream's kind needs, and the entry does not have."""
        up = self.upstream
        if up is None or self.is_judge:
            return None
        if up.kind in TEXT_ONLY and self.chat_template != "none" and not (up.tokenizer or up.model):
            return (
                f"upstream.tokenizer: a server of kind {up.kind!r} takes plain text; name the tokenizer whose chat "
                "template renders it, or set chat_template: none"
            )
        if isinstance(self.label, str) and up.kind != "tei":
            return f"label: a server of kind {up.kind!r} does not name its outputs; give the number"
        return None

    @property
    def is_judge(self) -> bool:
        return self.upstream is not None and self.upstream.kind in JUDGES

    @property
    def lowest(self) -> float | None:
        """The score of guarded text, on the scale that is reported. None: not known."""
        bounded = self.activation != "raw" and self.normalisation == "raw"
        candidates = (self.floor, self.clip[0], self._calibrated_floor(), 0.0 if bounded else None)
        return next((value for value in candidates if value is not None), None)

    def _calibrated_floor(self) -> float | None:
        if self.calibration is None:
            return None
        if self.normalisation == "percentile":
            return 0.0
        mean, std, quantiles = self.calibration.mean, self.calibration.std, self.calibration.quantiles
        lowest = quantiles[0] if quantiles else mean - 3 * std
        return (lowest - mean) / std if self.normalisation == "z" else lowest


class RegistrySpec(StrictModel):
    """The file: models by name, and which one serves where an item names none."""

    models: dict[Name, ModelSpec] = Field(min_length=1)
    default: Name | None = None

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        if self.default is not None and self.default not in self.models:
            raise ValueError(f"default: no model is named {self.default!r}")
        for name, spec in self.models.items():
            for member in spec.ensemble.members if spec.ensemble else ():
                if member not in self.models:
                    raise ValueError(f"models.{name}.ensemble.members: no model is named {member!r}")
                if self.models[member].ensemble or self.models[member].is_judge:
                    raise ValueError(f"models.{name}.ensemble.members: {member!r} is not a single scoring model")
        return self

    def pick(self, name: str) -> str:
        """The model's name, or the default's. Raises LookupError saying what there is."""
        chosen = name or self.default or (next(iter(self.models)) if len(self.models) == 1 else "")
        if chosen in self.models:
            return chosen
        there = ", ".join(sorted(self.models))
        raise LookupError(f"no model is named {name!r}; there are: {there}" if name else f"name one of: {there}")


def judge_entries(settings: JudgeSettings, replace_helpful: bool) -> dict[str, ModelSpec]:
    """The models that TOUCHSTONE_JUDGE_URL stands for: judges of pairs and by a reference. Raises BadRegistry."""
    if not settings.url:
        return {}
    fields = settings.model_dump(exclude={"rubrics", "key"})
    kinds: dict[str, str] = {"judge_pairs": "judge_pairs", "judge_reference": "judge_reference"}
    if replace_helpful:
        kinds["helpful"] = "judge_pairs"
    try:
        return {
            name: ModelSpec.model_validate({"upstream": {"kind": kind, "key_env": JUDGE_KEY, **fields}})
            for name, kind in kinds.items()
        }
    except ValidationError as error:
        errors = [
            (path.replace("upstream.", "TOUCHSTONE_JUDGE_").upper(), why) for path, why in validation_errors(error)
        ]
        raise BadRegistry(errors) from None


def read(path: Path) -> RegistrySpec:
    """The registry in a file. Raises BadRegistry."""
    try:
        return read_yaml(path, RegistrySpec)
    except BadFile as error:
        raise BadRegistry(error.errors) from None
    except OSError as error:
        raise BadRegistry([("", f"cannot be read ({error.strerror})")]) from None


def digest(data: Any) -> str:
    """A version: sha256 over plain data, in short."""
    return "sha256:" + hashlib.sha256(orjson.dumps(data, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


class Registry:
    """The file as it is now. It is small, and is read whenever somebody asks."""

    def __init__(self, path: Path, judge: JudgeSettings | None = None, *, quiet: bool = False) -> None:
        """`quiet`: another has said in the log what the file holds. Raises BadRegistry."""
        self.path, self._quiet = path, quiet
        self._judges = judge_entries(judge, path == SHIPPED) if judge else {}
        self._changes = FileChanges(lambda: [path])
        self._changes.look()
        self.spec = self._read()
        self.refused: BadRegistry | None = None
        self._announce()

    def _read(self) -> RegistrySpec:
        spec = read(self.path)
        own = {} if self.path == SHIPPED else spec.models  # what the operator's file names stands
        return spec.model_copy(update={"models": {**spec.models, **self._judges, **own}})

    def _announce(self) -> None:
        if self._quiet:
            return
        log.info("reward models", extra={"registry": str(self.path.resolve()), "models": sorted(self.spec.models)})
        if demo := sorted(name for name, spec in self.spec.models.items() if spec.demo):
            log.warning("these models only show the service: name a reward model or a judge", extra={"models": demo})

    def current(self) -> RegistrySpec:
        """What the file says, or what it last said where it now says nothing that fits."""
        if self._changes.look():
            try:
                self.spec, self.refused = self._read(), None
                self._announce()
            except BadRegistry as error:
                self.refused = error
                log.error("registry refused, the old one goes on", extra={"cause": str(error)})
        return self.spec

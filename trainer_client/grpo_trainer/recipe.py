"""A recipe: which model, which problems, which stages. A YAML file, checked whole before anything runs.

name: r1-zero-mini
model: {layers: 3, width: 128}                 # or {path: Qwen/Qwen3-0.6B-Base}
sources:                                       # where problems come from, and the domain that judges them
  signs: {task: signs, domain: signs}
stages:
  - {kind: sft, name: cold-start, traces: 6000, train: {steps: 700}}
  - {kind: grpo, name: r1-zero, train: {total_steps: 200, …}}
evaluation: {problems: 200, samples: 16}
tools: {kind: calculator, max_turns: 4}        # where the policy may call some
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from grpo_trainer.rollout.call_format import CallStyle
from grpo_trainer.tasks import TASKS, Lookup, Task
from grpo_trainer.tasks.jsonl import JSONLines
from grpo_trainer.training import GRPOConfig
from grpo_trainer.training.distill import DistillConfig
from grpo_trainer.training.sft import SFTConfig

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


BASE = "base"
CHAT = "chat"


class BadRecipe(ValueError):
    """A recipe that must not be run: the message names each field and what is wrong with it."""


class _StrictModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LoRA(_StrictModel):
    """Low-rank adapters (`peft`): only they are trained; after each stage they are merged into the weights."""

    rank: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1, description="The adapters' product is scaled by alpha / rank.")
    targets: str | list[str] = Field(default="all-linear", description="Names of the layers that get an adapter.")


class Model(_StrictModel):
    """A checkpoint by `path` (a folder, a GGUF file, or a name on the Hugging Face hub), or a tiny decoder with random
    weights.

    dtype: of the forward pass and of generation; the trained weights are float32 whatever it is.
    template: what the policy reads, with `{prompt}` where the problem's prompt goes; `chat` is the tokenizer's chat
        template. Default: the prompt as it stands, with a warning when the tokenizer has a chat template.
    """

    path: str | None = None
    dtype: Literal["float32", "bfloat16"] = "float32"
    template: str | None = None
    lora: LoRA | None = None
    layers: int = Field(default=3, ge=1, le=24)
    width: int = Field(default=128, ge=16, le=1024)
    heads: int = Field(default=4, ge=1)

    @model_validator(mode="after")
    def _heads_divide(self) -> Model:
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise ValueError(f"width: {self.width} is not heads ({self.heads}) times an even number")
        if self.template not in (None, CHAT) and "{prompt}" not in (self.template or ""):
            raise ValueError(f"template: has no {{prompt}} in it, and is not `{CHAT}`")
        return self


class Engine(_StrictModel):
    """What generates, in training and in evaluation.

    rows: `transformers`: completions that advance together; their KV cache must fit into memory.
    max_length: `vllm`: tokens of prompt and completion; default: the model's positions.
    options: `vllm`: more arguments of `vllm.LLM`. On one GPU, `enable_sleep_mode: true` gives its cache's memory to the
        update, and `gpu_memory_utilization` bounds what it takes.
    """

    kind: Literal["transformers", "vllm"] = "transformers"
    rows: int = Field(default=256, ge=1)
    max_length: int | None = Field(default=None, ge=2)
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _options_fit(self) -> Engine:
        if self.kind != "vllm" and (self.options or self.max_length):
            raise ValueError("options, max_length: are vLLM's; name `kind: vllm`")
        return self


class ToolSettings(_StrictModel):
    """Tools that the policy may call while it writes, in training and in evaluation.

    kind: `calculator` and `search` (of the sources' own passages, for a miniature) run in the trainer's process; `service`
        is a tools service at `url` (its key, where it wants one, is in TOUCHSTONE_TOOLS_KEY).
    max_turns: turns that the policy may write; a call in the last one is not run, and the completion is cut there.
    calls: how a call is written: `tags`, <calculate>2*3</calculate>, or `json`, as Hermes and Qwen write it.
    call_s: seconds in which a call has an outcome, or has failed. A completion's `max_tokens` count what tools write, too.
    """

    kind: Literal["calculator", "search", "service"]
    url: str | None = None
    max_turns: int = Field(default=4, ge=1)
    calls: CallStyle = "tags"
    max_output_tokens: int = Field(default=512, ge=1, description="Of one output; after that it is cut, with a mark.")
    call_s: float = Field(default=30.0, gt=0)

    @model_validator(mode="after")
    def _url_fits(self) -> ToolSettings:
        if (self.kind == "service") != (self.url is not None):
            raise ValueError("url: is the address of a `kind: service`, and of no other")
        return self


class Source(_StrictModel):
    """A procedural task with its options, or a file of problems; `domain` is the gateway's."""

    task: str | None = Field(default=None, description=f"One of {', '.join(TASKS)}.")
    options: dict[str, Any] = Field(default_factory=dict)
    file: Path | None = Field(default=None, description="JSON lines: {prompt, reference, id?, level?, split?}.")
    domain: str
    accuracy: str = Field(default="answer", description="The component of the domain that says what is right.")

    @model_validator(mode="after")
    def _one_origin(self) -> Source:
        if (self.task is None) == (self.file is None):
            raise ValueError("name either a `task` or a `file`")
        self.make()
        return self

    def make(self) -> Task:
        """Raises ValueError for an unknown task or options that do not fit it."""
        if self.file is not None:
            return JSONLines(self.file)
        if self.task not in TASKS:
            raise ValueError(f"task: there is no {self.task!r}; one of {', '.join(TASKS)}")
        try:
            return TASKS[self.task](**self.options)
        except TypeError as error:
            raise ValueError(f"options: {error}") from None


class _Stage(_StrictModel):
    name: Name
    start: str | None = Field(
        default=None,
        description="The earlier stage whose policy this begins with, or `base`: the recipe's model; default: the last.",
    )


class _SourcesStage(_Stage):
    sources: list[str] = Field(default_factory=list, description="Which of the recipe's sources; default: all.")


class _LooksStage(_Stage):
    evaluate_every: int = Field(default=25, ge=0, description="Steps between looks at the dev split; 0 never.")
    evaluate_problems: int = Field(default=128, ge=1)


class SFTStage(_SourcesStage):
    """Imitates `traces` of the sources' tasks, or a file of {prompt, completion}, or what a `sample` stage kept."""

    kind: Literal["sft"]
    traces: int | None = Field(default=None, ge=1)
    file: Path | None = None
    samples: str | None = Field(default=None, description="Name of an earlier `sample` stage.")
    train: SFTConfig

    @model_validator(mode="after")
    def _one_origin(self) -> SFTStage:
        if sum(origin is not None for origin in (self.traces, self.file, self.samples)) != 1:
            raise ValueError("name exactly one of `traces`, `file`, `samples`")
        return self


class GRPOStage(_SourcesStage, _LooksStage):
    """Reinforcement learning with the gateway's rewards; `train` holds the settings of GRPOConfig."""

    kind: Literal["grpo"]
    domain: str | None = Field(default=None, description="Rewards by this domain, in place of the sources' own.")
    train: dict[str, Any]

    @model_validator(mode="after")
    def _settings_fit(self) -> GRPOStage:
        for name in ("run_dir", "seed"):
            if name in self.train:
                raise ValueError(f"train.{name}: the run's own; it is not set here")
        self.settings(Path(), 0)
        return self

    def settings(self, run_dir: Path, seed: int) -> GRPOConfig:
        return GRPOConfig.from_mapping({**self.train, "run_dir": run_dir, "seed": seed})


class SampleStage(_SourcesStage):
    """Rejection sampling: `samples` attempts at each of `problems`; what the gateway finds good enough is kept.

    keep: least score of each component, e.g. {answer: 1, format: 1, language: 0.9}: correct, readable, in one language.
    """

    kind: Literal["sample"]
    problems: int = Field(ge=1)
    samples: int = Field(default=4, ge=1)
    max_tokens: int = Field(default=140, ge=1)
    temperature: float = Field(default=1.0, gt=0)
    keep: dict[str, float] = Field(min_length=1)
    per_problem: int = Field(default=1, ge=1, description="At most so many different completions of each problem.")


class DistillStage(_LooksStage):
    """On-policy distillation: the policy writes answers, and learns at each token what a teacher would write there.

    teachers: by source, whose problems are all that the stage uses: the name of an earlier stage, or a checkpoint's path
        or name on the Hugging Face hub, which has a `/` in it.
    """

    kind: Literal["distill"]
    teachers: dict[str, str] = Field(min_length=1)
    train: DistillConfig

    @property
    def sources(self) -> list[str]:
        return list(self.teachers)

    @property
    def teacher_stages(self) -> list[str]:
        return [teacher for teacher in self.teachers.values() if "/" not in teacher]


Stage = Annotated[SFTStage | GRPOStage | SampleStage | DistillStage, Field(discriminator="kind")]
TRAINS = ("sft", "grpo", "distill")
"""Kinds of stages that leave a policy."""


class Evaluation(_StrictModel):
    """After each stage that trains: `samples` attempts at `problems` held-out problems of each source.

    base: also of the recipe's model, before the first stage.
    """

    base: bool = False
    problems: int = Field(default=200, ge=1)
    samples: int = Field(default=16, ge=1)
    max_tokens: int = Field(default=140, ge=1)
    temperature: float = Field(default=1.0, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)


class Recipe(_StrictModel):
    name: Name
    model: Model = Field(default_factory=Model)
    engine: Engine = Field(default_factory=Engine)
    tools: ToolSettings | None = None
    threads: int = Field(default=1, ge=1, description="Torch's; a small model on a busy machine is fastest with one.")
    sources: dict[Name, Source] = Field(min_length=1)
    stages: list[Stage] = Field(min_length=1)
    evaluation: Evaluation = Field(default_factory=Evaluation)

    @property
    def passages(self) -> list[str]:
        """Those of the sources that have some."""
        tasks = (source.make() for source in self.sources.values())
        return [passage for task in tasks if isinstance(task, Lookup) for passage in task.passages]

    @property
    def tokens(self) -> tuple[str, ...]:
        """What the sources' texts need of a tiny tokenizer beyond its own."""
        return tuple(dict.fromkeys(token for source in self.sources.values() for token in source.make().tokens))

    @model_validator(mode="after")
    def _names_fit(self) -> Recipe:
        if self.tools is not None and self.tools.kind == "search" and not self.passages:
            raise ValueError("tools.kind: `search` is of the passages of a source; the task `lookup` has some")
        earlier: dict[str, str] = {}
        for place, stage in enumerate(self.stages):
            where = f"stages[{place}]"
            if stage.name in (*earlier, BASE):
                raise ValueError(f"{where}.name: {stage.name!r} is taken")
            for source in stage.sources:
                if source not in self.sources:
                    setting = "teachers" if isinstance(stage, DistillStage) else "sources"
                    raise ValueError(f"{where}.{setting}: there is no source {source!r}")
            if isinstance(stage, SFTStage) and stage.samples and earlier.get(stage.samples) != "sample":
                raise ValueError(f"{where}.samples: no earlier `sample` stage is named {stage.samples!r}")
            if stage.start not in (None, BASE) and earlier.get(stage.start or "") not in TRAINS:
                raise ValueError(f"{where}.start: no earlier stage that trains is named {stage.start!r}")
            for teacher in stage.teacher_stages if isinstance(stage, DistillStage) else ():
                if earlier.get(teacher) not in TRAINS:
                    raise ValueError(f"{where}.teachers: no earlier stage that trains is named {teacher!r}")
            earlier[stage.name] = stage.kind
        return self


def read_recipe(path: Path) -> Recipe:
    """Raises BadRecipe naming each field."""
    try:
        data = YAML(typ="safe", pure=True).load(path.read_text("utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        where, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        at = f" in line {where.line + 1}" if where else ""
        raise BadRecipe(f"{path}: not valid YAML{at}{f': {problem}' if problem else ''}") from None
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        reasons = "\n".join(
            f"  {_path(one['loc'])}: {one['msg'].removeprefix('Value error, ')}" for one in error.errors()
        )
        raise BadRecipe(f"{path}:\n{reasons}") from None


def _path(loc: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return text.lstrip(".") or "recipe"

"""`touchstone preference train` and `touchstone preference eval`. Model libraries are imported inside the commands."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from preference_model.train.config import TrainConfig

errors = Console(stderr=True)

Data = Annotated[
    list[Path], typer.Option("--data", help="Preference data; may be repeated.", exists=True, dir_okay=False)
]
Output = Annotated[Path, typer.Option("--output", "-o", help="The model's folder. An interrupted run continues there.")]
Systems = Annotated[
    list[str] | None, typer.Option("--hold-out-system", help="A writing system that training never sees.")
]
Judge = Annotated[
    str, typer.Option(help="A judge of the registry. It labels pairs without a label ({prompt, a, b}) first.")
]
Votes = Annotated[int, typer.Option(min=1, help="Judgements per pair, in random order (R1: 4).")]
Margin = Annotated[float, typer.Option(min=0, help="Keep a pair when its mean judgement exceeds this (R1: 1).")]
About = Annotated[Path | None, typer.Option(help="Markdown that opens the model card.", exists=True, dir_okay=False)]
Model = Annotated[str, typer.Option(help="A name in the registry, or the folder of a model or head.")]
RegistryFile = Annotated[Path | None, typer.Option(help="The registry file. Default: the service's.")]
Part = Annotated[
    Literal["held-out", "train", "validation", "all"], typer.Option("--split", help="Which part of the prompts.")
]
Calibration = Annotated[bool, typer.Option(help="Print where the scores lie, as a line for a registry.")]


def _fail(message: str) -> typer.Exit:
    errors.print(message, markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(1)


def _need_models() -> None:
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError:
        from preference_model.outcome import INSTALL

        raise _fail(INSTALL) from None


def _with_config(command: Callable[..., None]) -> Callable[..., None]:
    """The command with one option for each field of TrainConfig in place of `**config`."""
    plain = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.kind is not p.VAR_KEYWORD]
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, default, annotation in _options()
    ]

    def run(**values: Any) -> None:
        command(**values)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in plain]
    run.__signature__ = inspect.Signature([*parameters, *options])  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in [*parameters, *options]}
    return run


def _options() -> list[tuple[str, Any, Any]]:
    """(name, default, annotation) of every field; None where the default depends on other fields."""
    rows = []
    for name, field in TrainConfig.model_fields.items():
        depends = field.default_factory is not None
        kind: Any = field.annotation | None if depends and field.annotation else field.annotation
        flag = ("--frozen/--unfrozen",) if name == "frozen" else ()
        rows.append(
            (name, None if depends else field.default, Annotated[kind, typer.Option(*flag, help=field.description)])
        )
    return rows


app = typer.Typer(
    name="preference",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Train reward models, and measure them.",
)


@app.command("train")
@_with_config
def train_preference(
    data: Data,
    output: Output,
    systems: Systems = None,
    judge: Judge = "",
    votes: Votes = 4,
    margin: Margin = 1.0,
    about: About = None,
    **config: Any,
) -> None:
    """Train a reward model: Bradley-Terry on pairs, binary on labelled texts. Writes weights and a model card."""
    _need_models()
    from pydantic import ValidationError

    from preference_model.model.heads import MissingEncoder
    from preference_model.train.card import TrainingRecord
    from preference_model.train.data import BadData, PreferencePair, read
    from preference_model.train.labelling import label_pairs
    from preference_model.train.recipe import train
    from reward_verifiers.contract import validation_errors

    try:
        options = TrainConfig.model_validate({name: value for name, value in config.items() if value is not None})
        records = read(data)
        if judge:
            records = asyncio.run(label_pairs(records, judge, votes, margin, output, errors))
        labelled_by = [f"--judge {judge}", f"--votes {votes}", f"--margin {margin}"] if judge else []
        options = options.for_pairs(any(isinstance(record, PreferencePair) for record in records))
        text = about.read_text("utf-8") if about else ""
        names = [path.name for path in data]
        train(TrainingRecord(options, names, frozenset(systems or ()), labelled_by, text), records, output, errors)
    except ValidationError as error:
        raise _fail("; ".join(f"--{path.replace('_', '-')}: {why}" for path, why in validation_errors(error))) from None
    except (BadData, MissingEncoder, OSError, ValueError) as error:
        raise _fail(str(error)) from None
    Console(soft_wrap=True).print((output / "README.md").read_text(), markup=False, highlight=False)


@app.command("eval")
def eval_preference(
    data: Data,
    model: Model,
    registry: RegistryFile = None,
    split: Part = "held-out",
    systems: Systems = None,
    calibration: Calibration = False,
) -> None:
    """Measure a reward model beside the baselines: longer wins, shorter wins, which system wrote it."""
    _need_models()
    from preference_model.train.data import BadData
    from preference_model.train.recipe import UnknownModel, evaluate, table
    from preference_model.train.report import calibration_yaml

    try:
        reports = asyncio.run(evaluate(model, registry, data, split, frozenset(systems or ())))
    except (BadData, UnknownModel, OSError, ValueError) as error:
        raise _fail(str(error)) from None
    for title, report in reports:
        Console(width=120).print(table(f"{model} on {title}", report))
    if calibration:
        if not any(report.scores for _, report in reports):
            raise _fail("--calibration: there are no scores; a judge's own scale is fixed")
        texts = f"{split} prompts of {', '.join(title for title, _ in reports)}"
        line = calibration_yaml(texts, [report for _, report in reports])
        Console(soft_wrap=True).print(line, markup=False, highlight=False)

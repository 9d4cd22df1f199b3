"""`touchstone train-preference` and `touchstone eval-preference`. Model libraries are imported inside the commands."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

errors = Console(stderr=True)

Data = Annotated[
    list[Path], typer.Option("--data", help="Preference data; may be repeated.", exists=True, dir_okay=False)
]
Systems = Annotated[list[str] | None, typer.Option("--hold-out-system", help="A writer that training never sees.")]


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


def train_preference(
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the model; an interrupted run goes on.")],
    backbone: Annotated[str, typer.Option(help="A model's path or id.")] = "all-MiniLM-L6-v2",
    frozen: Annotated[bool, typer.Option("--frozen/--unfrozen", help="Train a head alone, or all of it.")] = True,
    features: Annotated[str, typer.Option(help="Of a frozen encoder: `pair`, or `answer` alone.")] = "",
    epochs: Annotated[int | None, typer.Option(min=1)] = None,
    batch: Annotated[int, typer.Option(min=1, help="Pairs or texts a step.")] = 256,
    pass_tokens: Annotated[int, typer.Option(min=16, help="Tokens a whole model runs at once; a step adds up.")] = 4096,
    lr: Annotated[float | None, typer.Option(help="Default: 1e-2 for a head, 6e-6 for a whole model (R1's).")] = None,
    weight_decay: Annotated[float, typer.Option()] = 0.1,
    max_tokens: Annotated[int, typer.Option(min=16, help="Longer texts lose their middle in training.")] = 512,
    balance_length: Annotated[bool, typer.Option(help="Weigh pairs so that length decides nothing.")] = True,
    decorrelate: Annotated[float, typer.Option(min=0, help="Penalty on the correlation of score and length.")] = 0.0,
    negatives: Annotated[float, typer.Option(min=0, help="Made-up losers a pair: openers, others' answers.")] = 0.0,
    patience: Annotated[int, typer.Option(min=1, help="Epochs without gain before it stops.")] = 10,
    seed: Annotated[int, typer.Option()] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
    systems: Systems = None,
    judge: Annotated[
        str, typer.Option(help="Of the registry: says which of unjudged pairs (prompt, a, b) is preferred.")
    ] = "",
    votes: Annotated[int, typer.Option(min=1, help="Judgements a pair, in random order (R1: 4).")] = 4,
    margin: Annotated[
        float, typer.Option(min=0, help="Mean judgement that a pair must exceed to be kept (R1: 1).")
    ] = 1.0,
    about: Annotated[
        Path | None,
        typer.Option(help="Markdown for the card to begin with: what it is for, and not.", exists=True, dir_okay=False),
    ] = None,
) -> None:
    """Train a reward model: Bradley-Terry on pairs, binary on labelled texts. Writes weights and a model card."""
    _need_models()
    from pydantic import ValidationError

    from preference_model.model.heads import MissingEncoder
    from preference_model.train.card import Made
    from preference_model.train.data import BadData, Pair, Point, read
    from preference_model.train.labelling import judged
    from preference_model.train.recipe import train
    from preference_model.train.training import TrainConfig
    from reward_verifiers.contract import validation_errors

    try:
        records = read(data)
        if judge:
            records = asyncio.run(judged(records, judge, votes, margin, output, errors))
        kind = Pair if any(isinstance(record, Pair) for record in records) else Point
        settings: dict[str, Any] = {
            "backbone": backbone,
            "frozen": frozen,
            "features": features or ("pair" if kind is Pair else "answer"),
            "epochs": epochs or (300 if frozen else 1),
            "batch": batch,
            "pass_tokens": pass_tokens,
            "lr": lr or (1e-2 if frozen else 6e-6),
            "weight_decay": weight_decay,
            "max_tokens": max_tokens,
            "balance_length": balance_length,
            "decorrelate": decorrelate,
            "negatives": negatives,
            "patience": patience,
            "seed": seed,
            "device": device,
        }
        config = TrainConfig.model_validate(settings)
        judged_by = [f"--judge {judge}", f"--votes {votes}", f"--margin {margin}"] if judge else []
        told = about.read_text("utf-8") if about else ""
        made = Made(config, [path.name for path in data], frozenset(systems or ()), judged_by, told)
        train(made, records, output, errors)
    except ValidationError as error:
        raise _fail("; ".join(f"--{path.replace('_', '-')}: {why}" for path, why in validation_errors(error))) from None
    except (BadData, MissingEncoder, OSError, ValueError) as error:
        raise _fail(str(error)) from None
    Console(soft_wrap=True).print((output / "README.md").read_text(), markup=False, highlight=False)


def eval_preference(
    data: Data,
    model: Annotated[str, typer.Option(help="Name in the registry, or the folder of a model or head.")],
    registry: Annotated[Path | None, typer.Option(help="The registry; default: the service's.")] = None,
    split: Annotated[str, typer.Option(help="`held-out` prompts, `train`, `validation` or `all`.")] = "held-out",
    systems: Systems = None,
    calibration: Annotated[bool, typer.Option(help="Print where the scores lie, as a registry has it.")] = False,
) -> None:
    """Measure a reward model beside the baselines: longer wins, shorter wins, which system wrote it."""
    _need_models()
    from preference_model.train.data import BadData
    from preference_model.train.recipe import Unknown, evaluate, table
    from preference_model.train.report import calibration_yaml

    try:
        reports = asyncio.run(evaluate(model, registry, data, split, frozenset(systems or ())))
    except (BadData, Unknown, OSError, ValueError) as error:
        raise _fail(str(error)) from None
    for title, report in reports:
        Console(width=120).print(table(f"{model} on {title}", report))
    if calibration:
        if not any(report.scores for _, report in reports):
            raise _fail("--calibration: there are no scores; a judge's own scale is fixed")
        texts = f"{split} prompts of {', '.join(title for title, _ in reports)}"
        line = calibration_yaml(texts, [report for _, report in reports])
        Console(soft_wrap=True).print(line, markup=False, highlight=False)

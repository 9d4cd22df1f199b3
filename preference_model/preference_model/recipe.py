"""The two commands, without their options: train and write a card, evaluate and make a table."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast

import yaml
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from preference_model import metrics
from preference_model.card import card
from preference_model.data import BadData, Pair, Point, Record, Split, read, split
from preference_model.engine import Engine
from preference_model.evaluate import Report, Score, judge_report, pairs_report, points_report
from preference_model.outcome import Asked, Scored
from preference_model.pairs import Pair as Compared
from preference_model.pairs import Pairs
from preference_model.registry import ModelSpec
from preference_model.settings import PreferenceSettings
from preference_model.train import Progress as Epoch
from preference_model.train import TrainConfig, examples, fit, prepare


class Unknown(ValueError):
    """There is no such model, or part; the message says what there is."""


def train(
    config: TrainConfig,
    records: Sequence[Record],
    names: Sequence[str],
    systems: frozenset[str],
    output: Path,
    console: Console,
) -> None:
    """Train, and write weights and card to `output`. Raises BadData, ValueError."""
    kind = Pair if any(isinstance(record, Pair) for record in records) else Point
    records = [record for record in records if isinstance(record, kind)]
    seen, watched = split(records, "train", systems), split(records, "validation", systems)
    if not seen or not watched:
        raise BadData(f"too little data: {len(seen)} records to train on and {len(watched)} for validation")
    data = examples(cast("Sequence[Pair]", [*seen, *watched]), config)
    output.mkdir(parents=True, exist_ok=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        reading = bar.add_task("reading", total=1.0)
        model = prepare(config, data.texts, lambda share: bar.update(reading, completed=share))
        training = bar.add_task("training", total=config.epochs)

        def told(epoch: Epoch) -> None:
            said = f"loss {epoch.train_loss:.4f}, validation {epoch.validation_loss:.4f}"
            bar.update(training, completed=epoch.epoch + 1, description=said)

        validation = [row for row, origin in enumerate(data.origin) if origin >= len(seen)]
        best = fit(model, data, validation, config, output, told)
    reports = _reports(config, output, records, systems)
    (output / "README.md").write_text(card(config, best, names, (len(seen), len(watched)), systems, reports))


def _reports(
    config: TrainConfig, folder: Path, records: Sequence[Record], systems: frozenset[str]
) -> list[tuple[str, Report]]:
    """On the held-out prompts, and on those of systems that are held out too."""
    spec = spec_of(folder, config.max_tokens)
    parts = [("held-out prompts", split(records, "held-out"))]
    if systems:
        parts.append(("held-out prompts of held-out systems", split(records, "held-out", systems)))
    known = split(records, "train", systems)
    return asyncio.run(_evaluated(spec, [(title, part) for title, part in parts if part], known))


def spec_of(folder: Path, max_tokens: int | None = None) -> ModelSpec:
    """An entry for a folder: a head, or a whole model. No guard: the model itself is measured. Raises Unknown."""
    if (folder / "head.json").is_file():
        return ModelSpec(head=str(folder), truncation="middle", guard=False)
    if (folder / "config.json").is_file():
        return ModelSpec(model=str(folder), truncation="middle", guard=False, dtype="float32", max_tokens=max_tokens)
    raise Unknown(f"--model: {str(folder)!r} is no name of the registry, and no folder of a model or a head")


async def evaluate(
    name: str, registry: Path | None, paths: Sequence[Path], part: str, systems: frozenset[str]
) -> list[tuple[str, Report]]:
    """(file, report) for each file. Raises Unknown, BadData."""
    if part not in ("train", "validation", "held-out", "all"):
        raise Unknown(f"--split: train, validation, held-out or all, not {part!r}")
    settings = PreferenceSettings(registry=registry) if registry else PreferenceSettings()
    models = Engine(settings).registry.spec.models
    spec = models[name].model_copy(update={"guard": False}) if name in models else spec_of(Path(name))
    if spec.upstream and spec.upstream.kind == "judge_reference":
        raise Unknown(f"--model: {name!r} judges by a reference, and preference data has none")
    parts, known = [], list[Record]()
    for path in paths:
        records = read([path])
        chosen = split(records, cast(Split, part), systems)
        if not chosen:
            raise BadData(f"{path.name}: no record in that part")
        parts.append((path.name, chosen))
        known += split(records, "train", systems) if part == "held-out" else []
    return await _evaluated(spec, parts, known, settings)


async def _evaluated(
    spec: ModelSpec,
    parts: Sequence[tuple[str, Sequence[Record]]],
    known: Sequence[Record],
    settings: PreferenceSettings | None = None,
) -> list[tuple[str, Report]]:
    engine = Engine(settings or PreferenceSettings())
    asking = Pairs(engine)

    async def score(items: Sequence[Asked]) -> list[Scored]:
        return await engine.score(spec, items)

    async def compare(items: Sequence[tuple[Asked, Asked]]) -> list[Compared]:
        return await asking.compare(spec, items, 2, True)

    try:
        if spec.is_judge:
            return [(title, await judge_report(compare, _pairs(part), _pairs(known))) for title, part in parts]
        return [(title, await _report(score, part, known, spec)) for title, part in parts]
    finally:
        await asking.aclose()
        await engine.aclose()


def _pairs(records: Sequence[Record]) -> list[Pair]:
    return [record for record in records if isinstance(record, Pair)]


async def _report(score: Score, part: Sequence[Record], known: Sequence[Record], spec: ModelSpec) -> Report:
    if pairs := _pairs(part):
        return await pairs_report(score, pairs, _pairs(known), spec.lowest)
    return await points_report(score, [record for record in part if isinstance(record, Point)])


def table(title: str, report: Report) -> Table:
    """The report as it is printed."""
    failed = f", {report.failed} without a score" if report.failed else ""
    made = Table(title=f"{title}: {report.count} {report.kind}{failed}")
    justify: Literal["left"] = "left"
    for heading in ("", "value (95 % interval)", ""):
        made.add_column(heading, justify=justify)
    for row in report.rows:
        made.add_row(row.name, row.text(), row.note)
    return made


def calibration_yaml(title: str, report: Report) -> str:
    """The scores' place, as a registry entry's `calibration`."""
    from statistics import fmean, pstdev

    data = {
        "set": title,
        "mean": round(fmean(report.scores), 4),
        "std": round(pstdev(report.scores), 4),
        "quantiles": [round(value, 4) for value in metrics.quantiles(report.scores)],
    }
    return yaml.safe_dump({"calibration": data}, sort_keys=False, default_flow_style=None, width=110)

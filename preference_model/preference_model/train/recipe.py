"""The two commands, without their options: train and write a card, evaluate and make a table."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from preference_model.judge.pair_outcome import PairOutcome
from preference_model.judge.pairs import Pairs
from preference_model.model.engine import ModelEngine
from preference_model.model.registry import ModelSpec
from preference_model.outcome import ScoreItem, ScoreOutcome
from preference_model.settings import PreferenceSettings
from preference_model.train.card import TrainingRecord, card
from preference_model.train.config import TrainConfig
from preference_model.train.data import BadData, LabelledText, PreferencePair, Record, Split, read, split
from preference_model.train.evaluate import pairs_report, points_report
from preference_model.train.evaluate_judge import judge_report, reference_report
from preference_model.train.report import Report
from preference_model.train.training import Progress as Epoch
from preference_model.train.training import examples, fit, prepare


class UnknownModel(ValueError):
    """There is no such model, or part; the message says what there is."""


def train(record: TrainingRecord, records: Sequence[Record], output: Path, console: Console) -> None:
    """Train, and write weights and card to `output`. Raises BadData, ValueError."""
    config, systems = record.config, record.systems
    kind = PreferencePair if any(isinstance(record, PreferencePair) for record in records) else LabelledText
    records = [record for record in records if isinstance(record, kind)]
    seen, watched = split(records, "train", systems), split(records, "validation", systems)
    if not seen or not watched:
        raise BadData(f"too little data: {len(seen)} records to train on and {len(watched)} for validation")
    data = examples(cast("Sequence[PreferencePair]", [*seen, *watched]), config)
    output.mkdir(parents=True, exist_ok=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        reading = bar.add_task("reading", total=1.0)
        model = prepare(config, data.texts, lambda share: bar.update(reading, completed=share))
        training = bar.add_task("training", total=config.epochs)

        def on_epoch(epoch: Epoch) -> None:
            text = f"loss {epoch.train_loss:.4f}, validation {epoch.validation_loss:.4f}"
            bar.update(training, completed=epoch.epoch + 1, description=text)

        validation = [row for row, origin in enumerate(data.origin) if origin >= len(seen)]
        best = fit(model, data, validation, config, output, on_epoch)
    reports = _reports(config, output, records, systems)
    (output / "README.md").write_text(card(record, best, (len(seen), len(watched)), reports))


def _reports(
    config: TrainConfig, folder: Path, records: Sequence[Record], systems: frozenset[str]
) -> list[tuple[str, Report]]:
    """On the held-out prompts, and on those of systems that are held out too."""
    spec = spec_of(folder, config.max_tokens)
    parts = [("held-out prompts", split(records, "held-out"))]
    if systems:
        parts.append(("held-out prompts of held-out systems", split(records, "held-out", systems)))
    training_part = split(records, "train")
    return asyncio.run(_evaluated(spec, [(title, part) for title, part in parts if part], training_part))


def spec_of(folder: Path, max_tokens: int | None = None) -> ModelSpec:
    """An entry for a folder: a head, or a whole model. No guard: the model itself is measured. Raises UnknownModel."""
    if (folder / "head.json").is_file():
        return ModelSpec(head=str(folder), truncation="middle", guard=False)
    if (folder / "config.json").is_file():
        return ModelSpec(model=str(folder), truncation="middle", guard=False, dtype="float32", max_tokens=max_tokens)
    raise UnknownModel(f"--model: {str(folder)!r} is no name of the registry, and no folder of a model or a head")


async def evaluate(
    name: str, registry: Path | None, paths: Sequence[Path], part: Split, systems: frozenset[str]
) -> list[tuple[str, Report]]:
    """(file, report) for each file. Raises UnknownModel, BadData."""
    settings = PreferenceSettings(registry=registry) if registry else PreferenceSettings()
    models = ModelEngine(settings).registry.spec.models
    spec = models[name] if name in models else spec_of(Path(name))
    parts, training_part = [], list[Record]()
    for path in paths:
        records = read([path])
        chosen = _askable(spec, split(records, part, systems))
        if not chosen:
            raise BadData(f"{path.name}: no record in that part that {_needs(spec)}")
        parts.append((path.name, chosen))
        training_part += split(records, "train") if part == "held-out" else []
    return await _evaluated(spec, parts, training_part, settings)


def _askable(spec: ModelSpec, records: Sequence[Record]) -> list[Record]:
    """The records that this kind of model can be measured on; pairs alone, where there are both kinds."""
    pairs, points = _pairs(records), _points(records)
    if not spec.is_judge:
        return list(pairs or points)
    return [point for point in points if point.reference] if _by_reference(spec) else list(pairs)


def _needs(spec: ModelSpec) -> str:
    if _by_reference(spec):
        return "a judge by a reference can be asked: prompt, text, label, reference"
    return "a judge of pairs can be asked: prompt, chosen, rejected" if spec.is_judge else "says what is preferred"


def _by_reference(spec: ModelSpec) -> bool:
    return spec.upstream is not None and spec.upstream.kind == "judge_reference"


async def _evaluated(
    spec: ModelSpec,
    parts: Sequence[tuple[str, Sequence[Record]]],
    training_part: Sequence[Record],
    settings: PreferenceSettings | None = None,
) -> list[tuple[str, Report]]:
    # The model's own numbers, whatever its entry makes of them.
    plain = spec.model_copy(update={"guard": False, "normalisation": "raw", "clip": (None, None)})
    engine = ModelEngine(settings or PreferenceSettings())
    asking = Pairs(engine, tested=False)

    async def score(items: Sequence[ScoreItem]) -> list[ScoreOutcome]:
        if spec.is_judge:
            return await asking.group_outcomes(plain, items, pairwise=False)
        return await engine.score(plain, items)

    async def compare(items: Sequence[tuple[ScoreItem, ScoreItem]]) -> list[PairOutcome]:
        return await asking.compare(plain, items, 2, True)

    async def report(part: Sequence[Record]) -> Report:
        if _by_reference(spec):
            return await reference_report(score, _points(part), _points(training_part))
        if spec.is_judge:
            return await judge_report(compare, _pairs(part), _pairs(training_part))
        if pairs := _pairs(part):
            return await pairs_report(score, pairs, _pairs(training_part), spec.lowest)
        return await points_report(score, _points(part), _points(training_part))

    try:
        return [(title, await report(part)) for title, part in parts]
    finally:
        await asking.aclose()
        await engine.aclose()


def _pairs(records: Sequence[Record]) -> list[PreferencePair]:
    return [record for record in records if isinstance(record, PreferencePair)]


def _points(records: Sequence[Record]) -> list[LabelledText]:
    return [record for record in records if isinstance(record, LabelledText)]


def table(title: str, report: Report) -> Table:
    """The report as it is printed."""
    failed = f", {report.failed} without a score" if report.failed else ""
    record = Table(title=f"{title}: {report.count} {report.kind}{failed}")
    justify: Literal["left"] = "left"
    for heading in ("", "value (95 % interval)", ""):
        record.add_column(heading, justify=justify)
    for row in report.rows:
        record.add_row(row.name, row.text(), row.note)
    return record

"""How much of a reward model's accuracy is recognising who wrote the text: a head on prompts that it never saw, and on
prompts and writing systems that it never saw.

    TOUCHSTONE_DATA=… python benchmarks/preference_generators.py

    PandaLM    what people prefer, of five systems' answers
    GSM8K      a right solution against a wrong one to the same question, of four systems' (QUESTIONS of them)

Five folds of prompts. Within each, for every two systems, a head is trained on the other prompts' pairs in which neither has
a part, and asked about the fold's pairs of the two: so each pair is asked once. Leaving systems out leaves fewer pairs to
train on, so a head on as many pairs of all systems stands beside it. The table of systems knows each one's win rate on the
other prompts. The encoder is frozen and run once; the settings are train-preference's own.
"""

from __future__ import annotations

import dataclasses
import os
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import torch

from preference_model.model import heads
from preference_model.train import balance, metrics, report, training
from preference_model.train.config import TrainConfig
from preference_model.train.data import LabelledText, PreferencePair, read

FOLDS, QUESTIONS = 5, 400
CONFIG = TrainConfig(features="pair", epochs=300)


def solutions(path: Path) -> list[PreferencePair]:
    """Each question's right solutions against its wrong ones."""
    of_question: dict[str, list[LabelledText]] = {}
    for point in read([path]):
        assert isinstance(point, LabelledText)
        of_question.setdefault(point.prompt, []).append(point)
    chosen = random.Random(0).sample(sorted(of_question), QUESTIONS)
    return [
        PreferencePair(prompt, right.text, wrong.text, right.by, wrong.by)
        for prompt in chosen
        for right in of_question[prompt]
        for wrong in of_question[prompt]
        if right.label > wrong.label
    ]


class Heads:
    """Heads on features that are computed once. `margins(…)` trains one and asks it."""

    def __init__(self, pairs: Sequence[PreferencePair], scratch: Path) -> None:
        self._pairs, self._scratch = pairs, scratch
        self._data = training.examples(list(pairs), CONFIG)
        self._model: Any = training.prepare(CONFIG, self._data.texts, lambda _: None)

    def margins(self, rows: Sequence[int], judged: Sequence[int]) -> list[float]:
        """Of the asked pairs, by a head trained on the rows; an eighth of their prompts stops the training."""
        prompts = sorted({self._pairs[row].prompt for row in rows})
        stops = set(random.Random(0).sample(prompts, len(prompts) // 8))
        weight = [0.0] * len(self._pairs)
        for row, value in zip(rows, balance.weights([self._pairs[row] for row in rows]), strict=True):
            weight[row] = value
        data = dataclasses.replace(self._data, weight=weight)
        validation = [row for row in rows if self._pairs[row].prompt in stops]
        with torch.no_grad():
            for parameter in self._model.parameters():
                parameter.zero_()
        training.fit(self._model, data, validation, CONFIG, self._scratch, lambda _: None)
        _, best, _ = heads.load(self._scratch)
        with torch.no_grad():
            self._model.weight.copy_(best)
            won, lost = (self._model.scores([side[row] for row in judged]) for side in (data.left, data.right))
            return list((won - lost).tolist())


def folds(pairs: Sequence[PreferencePair]) -> list[set[str]]:
    prompts = sorted({pair.prompt for pair in pairs})
    random.Random(1).shuffle(prompts)
    return [set(prompts[at::FOLDS]) for at in range(FOLDS)]


def measure(title: str, pairs: Sequence[PreferencePair]) -> None:
    begun = time.process_time()
    chance = random.Random(2)
    margins_by_name: dict[str, list[float]] = {}
    pairs_by_name: dict[str, list[PreferencePair]] = {}

    def add(name: str, judged: Sequence[int], margins: Sequence[float]) -> None:
        margins_by_name.setdefault(name, []).extend(margins)
        pairs_by_name.setdefault(name, []).extend(pairs[row] for row in judged)

    sizes = []
    with tempfile.TemporaryDirectory() as scratch:
        trained = Heads(pairs, Path(scratch))
        writers = sorted({name for pair in pairs for name in (pair.chosen_by, pair.rejected_by)})
        for fold in folds(pairs):
            others = [row for row, pair in enumerate(pairs) if pair.prompt not in fold]
            judged = [row for row, pair in enumerate(pairs) if pair.prompt in fold]
            add("held-out prompts", judged, trained.margins(others, judged))
            prior = metrics.writer_prior([pairs[row] for row in others], [pairs[row] for row in judged])
            add("the system that wins more often", judged, prior or [])
            for two in combinations(writers, 2):
                kept = [row for row in others if not {pairs[row].chosen_by, pairs[row].rejected_by} & {*two}]
                theirs = [row for row in judged if {pairs[row].chosen_by, pairs[row].rejected_by} == {*two}]
                sizes.append(len(kept))
                add("held-out prompts and systems", theirs, trained.margins(kept, theirs))
                add("held-out prompts, as few pairs", theirs, trained.margins(chance.sample(others, len(kept)), theirs))
    longer = metrics.length_margins(pairs)
    add("longer wins", range(len(pairs)), longer)
    add("shorter wins", range(len(pairs)), [-gap for gap in longer])
    show(title, pairs, margins_by_name, pairs_by_name)
    print(
        f"\nTrained on {len(others)} pairs, or {min(sizes)} to {max(sizes)}. CPU {time.process_time() - begun:.0f} s."
    )


def show(
    title: str,
    pairs: Sequence[PreferencePair],
    margins_by_name: dict[str, list[float]],
    pairs_by_name: dict[str, list[PreferencePair]],
) -> None:
    print(f"\n| {title}: {len(pairs)} pairs | accuracy (95 % interval) | length-balanced |\n|---|---|---|")
    for name, margins in margins_by_name.items():
        plain = report.share(name, margins)
        balanced = report.share(name, margins, balance.weights(pairs_by_name[name]))
        print(f"| {name} | {plain.text()} | {balanced.text()} |")


SETS: dict[str, Callable[[Path], Sequence[PreferencePair]]] = {
    "PandaLM": lambda folder: [
        pair for pair in read([folder / "pandalm_testset.json"]) if isinstance(pair, PreferencePair)
    ],
    "GSM8K": lambda folder: solutions(folder / "gsm8k_model_solutions.jsonl"),
}


def main() -> None:
    folder = os.environ.get("TOUCHSTONE_DATA")
    if not folder:
        raise SystemExit("TOUCHSTONE_DATA must name a folder with pandalm_testset.json and gsm8k_model_solutions.jsonl")
    torch.set_num_threads(1)
    for title, pairs in SETS.items():
        measure(title, pairs(Path(folder)))


if __name__ == "__main__":
    main()

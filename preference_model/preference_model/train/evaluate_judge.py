"""What a judge is worth: of pairs, each seen in both orders, and by a reference, on texts whose label is known.

A judgement that cannot be read is a failure: it counts in a line of its own, and neither as right nor as wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from statistics import fmean, median

from preference_model import guard
from preference_model.judge.pair_outcome import PairOutcome
from preference_model.outcome import ScoreItem
from preference_model.train import metrics
from preference_model.train.data import LabelledText, PreferencePair
from preference_model.train.evaluate import KEYS, Score, margin_rows
from preference_model.train.report import Report, Row, share_of

Compare = Callable[[Sequence[tuple[ScoreItem, ScoreItem]]], Awaitable[list[PairOutcome]]]


async def judge_report(
    compare: Compare, pairs: Sequence[PreferencePair], training_part: Sequence[PreferencePair] = ()
) -> Report:
    """A report of a judge of pairs, each seen in both orders."""
    items = [(ScoreItem(pair.prompt, pair.chosen), ScoreItem(pair.prompt, pair.rejected)) for pair in pairs]
    outcomes = await compare(items)
    failures = _failures([one.failure.kind if one.failure else None for one in outcomes])
    complete = [(pair, one) for pair, one in zip(pairs, outcomes, strict=True) if one.margin is not None]
    if not complete:
        return Report("pairs", len(pairs), len(pairs), [failures])
    rows = margin_rows([pair for pair, _ in complete], [one.margin or 0.0 for _, one in complete], training_part)
    agree = [one.consistency for _, one in complete if one.consistency is not None]
    first = [one.first_position for _, one in complete if one.first_position is not None]
    if agree:
        rows.append(Row("position consistency", fmean(agree), note="both orders say the same"))
    if first:
        rows.append(Row("first-position share", fmean(first), note="0.5: no bias"))
    return Report("pairs", len(pairs), len(pairs) - len(complete), [*rows, failures])


async def reference_report(
    agrees: Score, points: Sequence[LabelledText], training_part: Sequence[LabelledText] = ()
) -> Report:
    """A report of a judge by a reference: how often it says what the label says, over the texts it gave a verdict on.

    `known` are texts from which each system's share of correct ones is taken.
    """
    scored = await agrees([ScoreItem(point.prompt, point.text, point.reference) for point in points])
    failures = _failures([one.failure.kind if one.failure else None for one in scored])
    complete = [(point, one.value >= 0.5) for point, one in zip(points, scored, strict=True) if one.value is not None]
    if not complete:
        return Report("points", len(points), len(points), [failures])
    rows = [
        share_of("accuracy", [verdict == bool(point.label) for point, verdict in complete]),
        *_reference_baselines([point for point, _ in complete], training_part),
        *(
            share_of(f"{name} texts that it calls {name}", [verdict == bool(label) for verdict in of_label])
            for label, name in ((1, "correct"), (0, "incorrect"))
            if (of_label := [verdict for point, verdict in complete if point.label == label])
        ),
        failures,
        *await _opener_rows(agrees, points),
    ]
    return Report("points", len(points), len(points) - len(complete), rows)


def _reference_baselines(points: Sequence[LabelledText], training_part: Sequence[LabelledText]) -> list[Row]:
    """The same accuracy, for nothing."""
    labels = [bool(point.label) for point in points]
    middle = median(len(point.text) for point in points)
    guesses = {
        "always the commoner label": [2 * sum(labels) >= len(labels)] * len(labels),
        "correct if it holds the reference": [point.reference.casefold() in point.text.casefold() for point in points],
        "the longer half is correct": [len(point.text) > middle for point in points],
        "the shorter half is correct": [len(point.text) <= middle for point in points],
    }
    if rates := metrics.writer_shares(training_part, points):
        guesses["the system that is correct more often"] = [rate >= 0.5 for rate in rates]
    return [
        share_of(f"baseline: {name}", [one == label for one, label in zip(guess, labels, strict=True)])
        for name, guess in guesses.items()
    ]


def _failures(kinds: Sequence[str | None]) -> Row:
    """How many have no verdict, and why."""
    counts = Counter(kind for kind in kinds if kind is not None)
    note = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
    return share_of("without a verdict", [kind is not None for kind in kinds], note)


async def _opener_rows(agrees: Score, points: Sequence[LabelledText]) -> list[Row]:
    """How often an opener that is all there is counts as correct, without the guard and behind it."""
    items = [
        ScoreItem(points[at % len(points)].prompt, key, points[at % len(points)].reference)
        for at, key in enumerate(KEYS)
    ]
    scored = await agrees(items)
    fooled = [(item, one.value >= 0.5) for item, one in zip(items, scored, strict=True) if one.value is not None]
    if not fooled:
        return []
    passed = [guard.reason(item.text, str(item.prompt)) is None for item, _ in fooled]
    return [
        share_of("openers alone that it calls correct, no guard", [verdict for _, verdict in fooled]),
        share_of(
            "openers alone that it calls correct, guarded",
            [verdict and through for (_, verdict), through in zip(fooled, passed, strict=True)],
            f"{passed.count(False)} of {len(passed)} are guarded, and score 0",
        ),
    ]

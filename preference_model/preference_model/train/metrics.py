"""Numbers about a reward model. Every function takes plain lists and says its formula's source where it has one."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean, pstdev

from preference_model.model.scale import sigmoid
from preference_model.train import balance
from preference_model.train.data import LabelledText, PreferencePair

BINS = 10


def accuracy(margins: Sequence[float], weights: Sequence[float] | None = None) -> float:
    """The weighted share of pairs with the chosen answer ahead; a tie counts half."""
    weights = weights or [1.0] * len(margins)
    won = sum(
        weight * (1.0 if margin > 0 else 0.5 if margin == 0 else 0.0)
        for margin, weight in zip(margins, weights, strict=True)
    )
    total = sum(weights)
    return won / total if total else math.nan


def interval(share: float, count: float) -> tuple[float, float]:
    """95 % confidence interval of a share (Wilson, 1927)."""
    if not count:
        return 0.0, 1.0
    z = 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return middle - half, middle + half


def effective(weights: Sequence[float]) -> float:
    """How many equal weights these are worth (Kish, 1965)."""
    squares = sum(weight * weight for weight in weights)
    return sum(weights) ** 2 / squares if squares else 0.0


def brier(margins: Sequence[float]) -> float:
    """Mean of (P(chosen) - 1)², P by Bradley-Terry. 0.25 knows nothing."""
    return fmean((1 - sigmoid(margin)) ** 2 for margin in margins)


def brier_points(probabilities: Sequence[float], labels: Sequence[int]) -> float:
    return fmean((p - label) ** 2 for p, label in zip(probabilities, labels, strict=True))


def ece(probabilities: Sequence[float], outcomes: Sequence[int]) -> float:
    """Expected calibration error over ten bins of equal width (Guo et al., 2017)."""
    bins: defaultdict[int, list[tuple[float, int]]] = defaultdict(list)
    for p, outcome in zip(probabilities, outcomes, strict=True):
        bins[min(int(p * BINS), BINS - 1)].append((p, outcome))
    gaps = [len(rows) * abs(fmean(p for p, _ in rows) - fmean(o for _, o in rows)) for rows in bins.values()]
    return sum(gaps) / len(probabilities)


def ece_pairs(margins: Sequence[float]) -> float:
    """Of the surer side's probability, which is right or wrong."""
    return ece([sigmoid(abs(margin)) for margin in margins], [int(margin > 0) for margin in margins])


def auroc(scores: Sequence[float], labels: Sequence[int]) -> float:
    """The chance that a good text scores above a bad one (Mann-Whitney U over mean ranks)."""
    order = sorted(range(len(scores)), key=scores.__getitem__)
    rank = [0.0] * len(scores)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and scores[order[end]] == scores[order[start]]:
            end += 1
        for at in order[start:end]:
            rank[at] = (start + end + 1) / 2
        start = end
    good = sum(labels)
    bad = len(labels) - good
    if not good or not bad:
        return math.nan
    return (sum(r for r, label in zip(rank, labels, strict=True) if label) - good * (good + 1) / 2) / (good * bad)


def correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Pearson's; 0 where either does not vary."""
    a, b = fmean(one), fmean(other)
    spread = pstdev(one) * pstdev(other)
    return fmean((x - a) * (y - b) for x, y in zip(one, other, strict=True)) / spread if spread > 1e-12 else 0.0


def writer_prior(training_part: Sequence[PreferencePair], measured: Sequence[PreferencePair]) -> list[float] | None:
    """Margins by each system's win rate in the known pairs: how far recognising the author alone goes. None: no writers."""
    wins: defaultdict[str, list[int]] = defaultdict(list)
    for pair in training_part:
        if pair.chosen_by and pair.rejected_by:
            wins[pair.chosen_by].append(1)
            wins[pair.rejected_by].append(0)
    if not wins or not any(pair.chosen_by for pair in measured):
        return None
    rate = {name: fmean(outcomes) for name, outcomes in wins.items()}
    return [rate.get(pair.chosen_by, 0.5) - rate.get(pair.rejected_by, 0.5) for pair in measured]


def writer_shares(training_part: Sequence[LabelledText], measured: Sequence[LabelledText]) -> list[float] | None:
    """Each text's system's share of good texts among the known ones, 0.5 for a stranger. None: no writers."""
    labels: defaultdict[str, list[int]] = defaultdict(list)
    for point in training_part:
        if point.by:
            labels[point.by].append(point.label)
    if not labels or not any(point.by for point in measured):
        return None
    return [fmean(labels[point.by]) if point.by in labels else 0.5 for point in measured]


def quantiles(scores: Sequence[float], count: int = 21) -> list[float]:
    """From the lowest to the highest, in even steps, linear between."""
    ordered = sorted(scores)
    places = [step * (len(ordered) - 1) / (count - 1) for step in range(count)]
    return [
        ordered[int(at)] + (at - int(at)) * (ordered[min(int(at) + 1, len(ordered) - 1)] - ordered[int(at)])
        for at in places
    ]


def length_margins(pairs: Sequence[PreferencePair]) -> list[float]:
    """ "Longer wins", as margins."""
    return [balance.length_gap(pair) for pair in pairs]

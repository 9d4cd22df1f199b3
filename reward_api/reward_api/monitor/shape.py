"""Statistics about the shape of completions and rewards. They point, and never accuse.

A block is a few hundred completions in the order in which they were scored. Each function looks at one block, and at what
was usual at the start of the run; it returns a Signal where its limit is passed.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from statistics import fmean, median

from reward_api.monitor.alarms import MOST_EXAMPLES, Example, example
from reward_api.monitor.observation import GroupRecord, SampleRecord
from reward_api.monitor.spec import Limits
from reward_api.rates import Z_99, Rate

Pair = tuple[GroupRecord, SampleRecord]
REPEATED, COMPRESSED = 0.5, 8.0
ALIKE, LONG_ENOUGH, PAID_OF_GROUP = 0.8, 10, 4
COMMON_UNPAID, RARER, FEW_PROMPTS = 0.05, 6, 4
"""What pays is in few unpaid completions, or in a sixth of the share of paid ones: a hack does not pay each time."""
OLD = 0.15
"""A sketch holds a part of a long text's words: far fewer than have them."""
ROSE = 0.1
USUAL_TIMES = 4
EVEN = (0.1, 0.9)


@dataclass(frozen=True, slots=True)
class Signal:
    """A limit that one block passes. streak: in so many blocks one after another before it counts."""

    name: str
    text: str
    limit: float
    streak: int = 1
    rate: Rate | None = None
    value: float | None = None
    examples: tuple[Example, ...] = ()


@dataclass
class Block:
    """Groups in the order in which they were scored."""

    groups: list[GroupRecord] = field(default_factory=list)

    @cached_property
    def pairs(self) -> list[Pair]:
        return [(group, sample) for group in self.groups for sample in group.samples]

    @cached_property
    def paid(self) -> list[Pair]:
        return [pair for pair in self.pairs if pair[1].paid]

    @cached_property
    def read_paid(self) -> list[Pair]:
        """The paid completions whose text was looked at."""
        return [pair for pair in self.paid if pair[1].features is not None]

    @cached_property
    def mean_reward(self) -> float:
        rewards = [sample.reward for _, sample in self.pairs if sample.reward is not None]
        return fmean(rewards) if rewards else 0.0

    @cached_property
    def accuracy(self) -> float | None:
        """The mean score of what says what is right."""
        scores = [score for group, sample in self.pairs if (score := sample.scores.get(group.correct)) is not None]
        return fmean(scores) if scores else None

    @cached_property
    def median_tokens(self) -> float:
        return median([sample.tokens for _, sample in self.pairs])

    @cached_property
    def foreign(self) -> float:
        """The share of other scripts in paid completions."""
        shares = [sample.features.foreign for _, sample in self.read_paid if sample.features]
        return fmean(shares) if shares else 0.0

    @cached_property
    def language(self) -> float | None:
        """The mean of the component `language` in paid completions."""
        scores = [score for _, sample in self.paid if (score := sample.scores.get("language")) is not None]
        return fmean(scores) if scores else None

    @cached_property
    def paths(self) -> Counter[str]:
        """How completions were paid, in groups in which there were several ways."""
        counts: Counter[str] = Counter()
        for group in self.groups:
            ways = [sample.path for sample in group.samples if sample.paid]
            if len(set(ways)) > 1:
                counts.update(ways)
        return counts


@dataclass(frozen=True, slots=True)
class Usual:
    """What the first blocks of the run were like."""

    mean_reward: float
    median_tokens: float
    foreign: float
    language: float | None
    paths: Mapping[str, int]
    grams: frozenset[int]
    """What many paid completions already had: the marks of a format, without which nobody is paid."""

    @classmethod
    def of(cls, blocks: Collection[Block]) -> Usual:
        languages = [block.language for block in blocks if block.language is not None]
        paths: Counter[str] = Counter()
        for block in blocks:
            paths += block.paths
        return cls(
            mean_reward=fmean(block.mean_reward for block in blocks),
            median_tokens=median([block.median_tokens for block in blocks]),
            foreign=fmean(block.foreign for block in blocks),
            language=fmean(languages) if languages else None,
            paths=paths,
            grams=_common([pair for block in blocks for pair in block.read_paid]),
        )


# --- one block --------------------------------------------------------------------------------------------------------


def length(block: Block, usual: Usual, limits: Limits) -> Signal | None:
    """Rank correlation of length and reward within groups. A pooled one says how long hard prompts are, and misleads."""
    xs: list[float] = []
    ys: list[float] = []
    for group in block.groups:
        scored = [(sample.tokens, sample.reward) for sample in group.samples if sample.reward is not None]
        if len({reward for _, reward in scored}) > 1:  # of equal rewards, no order can be told
            xs += _centred([float(tokens) for tokens, _ in scored])
            ys += _centred([reward for _, reward in scored])
    spread = math.sqrt(sum(x * x for x in xs) * sum(y * y for y in ys))
    if not spread:
        return None
    rho, limit = sum(x * y for x, y in zip(xs, ys, strict=True)) / spread, max(limits.length, 5 / math.sqrt(len(xs)))
    if rho <= limit:
        return None
    text = f"within groups, longer completions are paid more: rank correlation {rho:.2f}"
    return Signal("length", text, limit, streak=3, value=rho, examples=longest_paid(block))


def longest_paid(block: Block) -> tuple[Example, ...]:
    return _shown(sorted(block.paid, key=lambda pair: -pair[1].tokens))


def collapse(block: Block, usual: Usual, limits: Limits) -> Signal | None:
    """Completions became short, and rewards rose."""
    limit = limits.collapse * usual.median_tokens
    if not usual.median_tokens or block.median_tokens >= limit or block.mean_reward < usual.mean_reward + ROSE:
        return None
    text = f"the median length fell from {usual.median_tokens:.0f} to {block.median_tokens:.0f}, and rewards rose"
    return Signal("length_collapse", text, limit, value=block.median_tokens, examples=_shown(block.paid))


def repetition(block: Block, usual: Usual, limits: Limits) -> Signal | None:
    """Paid completions repeat themselves."""
    looped = [pair for pair in block.read_paid if _repeats(pair[1])]
    rate = Rate(len(looped), len(block.read_paid))
    if rate.bounds(Z_99)[0] <= limits.repetition:
        return None
    return Signal(
        "repetition", "paid completions repeat themselves", limits.repetition, rate=rate, examples=_shown(looped)
    )


def _repeats(sample: SampleRecord) -> bool:
    one = sample.features
    return one is not None and (one.repetition > REPEATED or one.compression > COMPRESSED)


def duplicates(block: Block, usual: Usual, limits: Limits) -> Signal | None:
    """In many groups, most paid completions are copies of the first one. The same answer alone is none."""
    copied: list[Pair] = []
    total = hits = 0
    for group in block.groups:
        read = [sample for sample in group.samples if sample.features]
        paid = [sample for sample in read if sample.paid]
        if len(paid) < max(2, min(PAID_OF_GROUP, len(read))) or fmean(sample.tokens for sample in paid) < LONG_ENOUGH:
            continue
        total += 1
        first = paid[0]
        alike = [sample for sample in paid[1:] if _jaccard(first, sample) > ALIKE]
        if 2 * len(alike) >= len(paid):
            hits += 1
            copied += [(group, sample) for sample in (first, *alike[:1])]
    rate = Rate(hits, total)
    if rate.bounds(Z_99)[0] <= limits.duplicates:
        return None
    text = "groups whose paid completions are copies of each other"
    return Signal("duplicates", text, limits.duplicates, rate=rate, examples=_shown(copied))


def _jaccard(one: SampleRecord, other: SampleRecord) -> float:
    """Of two sketches: the least hashes of the union, and how many of them both have."""
    assert one.features is not None  # noqa: S101
    assert other.features is not None  # noqa: S101
    a, b = set(one.features.sketch), set(other.features.sketch)
    union = sorted(a | b)[: max(len(a), len(b))]
    return sum(gram in a and gram in b for gram in union) / len(union) if union else 0.0


def template(block: Block, usual: Usual, limits: Limits) -> Signal | None:
    """Paid completions of many prompts have five words in common that unpaid ones have not, nor the first paid ones."""
    read = [pair for pair in block.pairs if pair[1].features is not None]
    paid, unpaid = [pair for pair in read if pair[1].paid], [pair for pair in read if not pair[1].paid]
    counts, others = _counted(paid), _counted(unpaid)
    least, rare = limits.template * len(paid), COMMON_UNPAID * len(unpaid)
    ratio = len(unpaid) / (RARER * len(paid)) if paid else 0.0
    common = {
        gram for gram, count in counts.items() if count >= least and others[gram] <= max(rare, ratio * count)
    } - usual.grams
    prompts = _prompts_of(common, paid)
    shared = [gram for gram in common if len(prompts[gram]) >= FEW_PROMPTS]
    if not shared or len(unpaid) < FEW_PROMPTS:
        return None
    best = max(shared, key=lambda gram: counts[gram])
    with_it = [pair for pair in paid if pair[1].features and best in pair[1].features.sketch]
    text = f"five words in a row that paid completions of {len(prompts[best])} prompts share, and unpaid ones do not"
    return Signal("template", text, limits.template, 2, Rate(counts[best], len(paid)), examples=_shown(with_it))


def _common(pairs: Sequence[Pair]) -> frozenset[int]:
    return frozenset(gram for gram, count in _counted(pairs).items() if count > max(1, OLD * len(pairs)))


def _counted(pairs: Iterable[Pair]) -> Counter[int]:
    return Counter(chain.from_iterable(sample.features.sketch for _, sample in pairs if sample.features))


def _prompts_of(grams: set[int], pairs: Iterable[Pair]) -> defaultdict[int, set[int]]:
    """The prompts whose completions have each of them."""
    prompts: defaultdict[int, set[int]] = defaultdict(set)
    for group, sample in pairs if grams else ():
        for gram in grams.intersection(sample.features.sketch if sample.features else ()):
            prompts[gram].add(group.prompt)
    return prompts


def path(block: Block, usual: Usual, limits: Limits) -> Signal | None:
    """A way to be paid that was rare became common, beside others in the same groups."""
    total, before = block.paths.total(), sum(usual.paths.values())
    for way, count in block.paths.most_common():
        if not way:
            continue
        high = Rate(usual.paths.get(way, 0), before).bounds(Z_99)[1] if before else 0.0
        limit = max(limits.path, USUAL_TIMES * usual.paths.get(way, 0) / before if before else 0.0)
        rate = Rate(count, total)
        if rate.bounds(Z_99)[0] > max(limit, min(high, 0.5)):
            shown = [pair for pair in block.paid if pair[1].path == way]
            text = f"a new way to be paid, {way!r}, beside others in the same groups"
            return Signal("path", text, limit, rate=rate, examples=_shown(shown))
    return None


def component(block: Block, usual: Usual, limits: Limits) -> Signal | None:
    """Auxiliary parts decide which completion of a group gets more, though right and wrong ones are among them."""
    parts: list[float] = []
    wholes: list[float] = []
    if block.accuracy is None or not EVEN[0] < block.accuracy < EVEN[1]:
        return None
    for group in block.groups:
        scored = [one for one in group.samples if one.reward is not None and one.scores.get(group.correct) is not None]
        rewards = [one.reward or 0.0 for one in scored]
        rest = [(one.reward or 0.0) - group.weight * (one.scores[group.correct] or 0.0) for one in scored]
        if len(scored) > 1:
            wholes += _from_mean(rewards)
            parts += _from_mean(rest)
    whole = sum(x * x for x in wholes)
    share = sum(x * y for x, y in zip(parts, wholes, strict=True)) / whole if whole else 0.0
    if share <= limits.component:
        return None
    text = f"auxiliary components make {share:.0%} of the differences of rewards within groups"
    return Signal("component", text, limits.component, streak=3, value=share, examples=_shown(block.pairs))


def language(block: Block, usual: Usual, limits: Limits) -> Signal | None:
    """The language reward of paid completions fell."""
    if usual.language is None or block.language is None or usual.language - block.language <= limits.language:
        return None
    fall = usual.language - block.language
    text = f"the language reward of paid completions fell: by {fall:.0%}"
    return Signal("language", text, limits.language, streak=2, value=fall, examples=_shown(block.paid))


def script(block: Block, usual: Usual, limits: Limits) -> Signal | None:
    """Paid completions are in another script."""
    drift = abs(block.foreign - usual.foreign)
    if drift <= limits.language:
        return None
    foreign = sorted(block.read_paid, key=lambda pair: -(pair[1].features.foreign if pair[1].features else 0.0))
    text = f"paid completions are in another script: by {drift:.0%}"
    return Signal("language", text, limits.language, streak=2, value=drift, examples=_shown(foreign))


Statistic = Callable[[Block, Usual, Limits], Signal | None]
OF_NUMBERS: tuple[Statistic, ...] = (length, collapse, path, component, language)
OF_TEXTS: tuple[Statistic, ...] = (repetition, duplicates, template, script)


def signals(statistics: Iterable[Statistic], block: Block, usual: Usual, limits: Limits) -> Iterator[Signal]:
    for statistic in statistics:
        if (signal := statistic(block, usual, limits)) is not None:
            yield signal


# --- several blocks ---------------------------------------------------------------------------------------------------


def trend(rewards: Sequence[float], accuracies: Sequence[float]) -> Signal | None:
    """From the first third to the last, rewards rose and accuracy fell."""
    third = len(rewards) // 3
    if third < 2:
        return None
    rise = fmean(rewards[-third:]) - fmean(rewards[:third])
    fall = fmean(accuracies[:third]) - fmean(accuracies[-third:])
    if rise <= ROSE or fall <= ROSE / 2:
        return None
    text = f"rewards rose by {rise:.2f} and accuracy fell by {fall:.2f}"
    return Signal("component", text, ROSE, value=rise)


def binomial_tail(k: int, n: int, p: float) -> float:
    """The chance of k or more of n."""
    return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))


def _centred(values: Sequence[float]) -> list[float]:
    """Ranks, the mean rank of equals, from their mean."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    at = 0
    while at < len(order):
        end = at
        while end + 1 < len(order) and values[order[end + 1]] == values[order[at]]:
            end += 1
        for place in order[at : end + 1]:
            ranks[place] = (at + end) / 2
        at = end + 1
    return _from_mean(ranks)


def _from_mean(values: Sequence[float]) -> list[float]:
    middle = fmean(values)
    return [value - middle for value in values]


def _shown(pairs: Sequence[Pair]) -> tuple[Example, ...]:
    return tuple(example(group, sample) for group, sample in pairs[:MOST_EXAMPLES])

"""What the page asks of a store: runs, their steps, groups, completions, histograms, and two runs beside each other."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from reward_api.store.filters import Filter, path_of
from reward_api.store.flips import flip
from reward_api.store.reader import Reader, View
from reward_api.store.segment import result_of

MAX_BARS = 24
PREVIEW = 400
"""Characters of a text that lists show."""
_ROW = "id, grp, series, step, place, at, reward, failure, length, digest, flags, scores"


@dataclass(frozen=True, slots=True)
class Series:
    """The completions of one run that one version of a domain scored."""

    id: int
    run: str
    domain: str
    version: str
    completions: int
    valid: int
    groups: int
    mean: float | None
    high: float | None
    paid: int
    first_step: int | None
    last_step: int | None
    first_at: float
    last_at: float

    def filter(self) -> Filter:
        return Filter(run=self.run, domain=self.domain, version=self.version)


@dataclass(frozen=True, slots=True)
class Sample:
    """A completion in a list. preview: how its text begins."""

    id: int
    group: int
    series: int
    step: int | None
    place: int
    at: float
    reward: float | None
    failure: str | None
    length: int
    flags: list[str]
    scores: dict[str, float | None]
    preview: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    id: int
    series: int
    step: int | None
    name: str
    at: float
    prompt: str
    samples: list[Sample] = field(default_factory=list)

    @property
    def rewards(self) -> list[float]:
        return [one.reward for one in self.samples if one.reward is not None]


@dataclass(frozen=True, slots=True)
class Whole:
    """A completion with all that is stored of it. input: of a scored file alone."""

    sample: Sample
    group: Group
    series: Series
    text: str
    result: dict[str, Any]
    input: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Step:
    step: int | None
    completions: int
    groups: int
    nulls: int
    mean: float | None
    std: float | None
    paid: int
    components: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a histogram. reward: the filter that shows what is in it."""

    reward: str
    label: str
    count: int
    middle: float | None


@dataclass(frozen=True, slots=True)
class Flip:
    kind: str
    before: Sample
    after: Sample


class Queries:
    """Each method asks once, and raises TooSlow when that takes too long."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @property
    def reader(self) -> Reader:
        return self._reader

    # --- runs ---------------------------------------------------------------------------------------------------------

    def all_series(self) -> list[Series]:
        """Those that were written to last come first."""
        return self._reader.kept("series", self._all_series)

    def _all_series(self) -> list[Series]:
        with self._reader.view() as view:
            names = {row[0]: row[1:] for row in view.rows("SELECT id, run, domain, version FROM series")}
            groups = {
                row[0]: row[1:]
                for row in view.rows("SELECT series, COUNT(DISTINCT id), MIN(at), MAX(at) FROM groups GROUP BY series")
            }
            parts = view.each(  # by segment, so that an index that holds all of it is read in its order
                "SELECT series, COUNT(*), COUNT(reward), TOTAL(reward), MAX(reward), TOTAL(reward > 0), MIN(step), "
                "MAX(step) FROM {}.samples GROUP BY series"
            )
        series = [
            _series(number, names[number], [row[1:] for row in parts if row[0] == number], groups[number])
            for number in {row[0] for row in parts} & names.keys() & groups.keys()
        ]
        return sorted(series, key=lambda one: (-one.last_at, one.run))

    def series(self, where: Filter) -> list[Series]:
        """Those of the filter's run, domain and version."""
        wanted = {"run": where.run, "domain": where.domain, "version": where.version}
        return [
            one
            for one in self.all_series()
            if all(value is None or getattr(one, name) == value for name, value in wanted.items())
        ]

    def components(self, where: Filter) -> list[str]:
        """Names of the components, as the first completions have them."""
        ids = [one.id for one in self.series(where)]

        def ask() -> list[str]:
            with self._reader.view() as view:
                first = "SELECT scores FROM {}.samples WHERE series = ? LIMIT 1"
                rows = [row for one in ids for row in view.each(first, [one])]
            return list(dict.fromkeys(name for (scores,) in rows for name in orjson.loads(scores)))

        return self._reader.kept(("components", tuple(ids)), ask)

    def facets(self, where: Filter) -> dict[str, list[tuple[str, int]]]:
        """The failures and flags that there are, most frequent first."""
        where = where.place()

        def ask() -> dict[str, list[tuple[str, int]]]:
            with self._rows(where) as (view, rows, values):
                return {
                    "failures": view.rows(
                        f"SELECT failure, COUNT(*) FROM {rows} AND failure IS NOT NULL GROUP BY 1 ORDER BY 2 DESC",
                        values,
                    ),
                    "flags": view.rows(
                        f"SELECT value, COUNT(*) FROM (SELECT flags FROM {rows} AND flags IS NOT NULL), "
                        "json_each(flags) GROUP BY 1 ORDER BY 2 DESC LIMIT 50",
                        values,
                    ),
                }

        return self._reader.kept(("facets", where), ask)

    # --- what a filter selects ----------------------------------------------------------------------------------------

    @contextmanager
    def _rows(self, where: Filter) -> Iterator[tuple[View, str, list[Any]]]:
        """(view, `table WHERE condition`, values). What a narrow filter selects is looked for once, in each segment."""
        ids = [one.id for one in self.series(where)]
        condition, values = where.where()
        condition = f"series IN ({','.join('?' * len(ids))}) AND {condition}"
        values = [*ids, *values]
        with self._reader.view() as view:
            if not where.is_narrow:
                yield view, f"samples WHERE {condition}", values
                return
            like, join = where.like(), ""
            if like is not None:
                join, condition = "JOIN {}.texts t ON t.id = s.id", f"{condition} AND t.text LIKE ? ESCAPE '\\'"
                values.append(like)
            if view.must_fill("hits", (self._reader.state(), where)):
                view.rows("CREATE TEMP TABLE hits AS SELECT * FROM samples LIMIT 0")
                view.each(f"INSERT INTO temp.hits SELECT s.* FROM {{}}.samples s {join} WHERE {condition}", values)
            yield view, "temp.hits WHERE 1", []

    def steps(self, where: Filter) -> list[Step]:
        """Means by step, in order."""
        names = self.components(where)

        def ask() -> list[Step]:
            means = "".join(", AVG(scores ->> ?)" for _ in names)
            with self._rows(where) as (view, rows, values):
                rows_by_step = view.rows(
                    "SELECT step, COUNT(*), COUNT(DISTINCT grp), COUNT(reward), AVG(reward), AVG(reward * reward), "
                    f"SUM(reward > 0){means} FROM {rows} GROUP BY step ORDER BY step",
                    [*map(path_of, names), *values],
                )
            return [_step(row, names) for row in rows_by_step]

        return self._reader.kept(("steps", where), ask)

    def bars(self, where: Filter) -> list[Bar]:
        """A histogram of rewards: a bar for each value where there are few, else equal bins; nulls come last."""
        return self._reader.kept(("bars", where), lambda: self._bars(where))

    def _bars(self, where: Filter) -> list[Bar]:
        with self._rows(where) as (view, rows, values):
            count, valid, low, high = view.rows(
                f"SELECT COUNT(*), COUNT(reward), MIN(reward), MAX(reward) FROM {rows}",
                values,
            )[0]
            distinct = view.rows(f"SELECT DISTINCT reward FROM {rows} LIMIT {MAX_BARS + 2}", values)
            if len(distinct) <= MAX_BARS:
                few = view.rows(
                    f"SELECT reward, COUNT(*) FROM {rows} AND reward IS NOT NULL GROUP BY 1 ORDER BY 1",
                    values,
                )
                bars = [Bar(f"{value!r}", f"{value:g}", number, value) for value, number in few]
            else:
                width = nice((high - low) / (MAX_BARS - 4))
                first = math.floor(low / width)
                counts = dict(
                    view.rows(
                        "SELECT CAST(reward / ? - ? AS INTEGER), COUNT(*) "
                        f"FROM {rows} AND reward IS NOT NULL GROUP BY 1",
                        [width, first, *values],
                    )
                )
                last = math.floor(high / width) - first
                bars = [_bin(first + place, width, counts.get(place, 0)) for place in range(last + 1)]
        return [*bars, *([Bar("null", "null", count - valid, None)] if count > valid else [])]

    def count(self, where: Filter) -> int:
        return sum(bar.count for bar in self.bars(where))

    def samples(self, where: Filter, limit: int, offset: int = 0, order: str = "reward") -> list[Sample]:
        """With the beginnings of their texts. order: reward, worst, longest or newest."""
        by = _ORDERS.get(order, _ORDERS["reward"])
        with self._rows(where) as (view, rows, values):
            samples = [
                _sample(row)
                for row in view.rows(
                    f"SELECT {_ROW} FROM {rows} ORDER BY {by} LIMIT ? OFFSET ?",
                    [*values, limit, offset],
                )
            ]
            return _with_previews(view, samples)

    # --- groups -------------------------------------------------------------------------------------------------------

    def groups(self, where: Filter, limit: int, offset: int = 0) -> list[Group]:
        """Groups with their samples, best first; the newest groups come first."""
        with self._rows(where) as (view, rows, values):
            ids = [
                row[0]
                for row in view.rows(
                    f"SELECT grp, MAX(id) FROM {rows} GROUP BY grp ORDER BY 2 DESC LIMIT ? OFFSET ?",
                    [*values, limit, offset],
                )
            ]
            return _groups(view, ids)

    def group(self, number: int) -> Group | None:
        with self._reader.view() as view:
            groups = _groups(view, [number], previews=True)
        return groups[0] if groups else None

    def whole(self, number: int) -> Whole | None:
        """One completion with its text and its whole result."""
        with self._reader.view() as view:
            rows = view.rows(f"SELECT {_ROW} FROM samples WHERE id = ?", [number])
            texts = view.each("SELECT text, result FROM {}.texts WHERE id = ?", [number])
            if not rows or not texts:
                return None
            sample = _sample(rows[0])
            groups = _groups(view, [sample.group])
            inputs = view.rows("SELECT input FROM inputs WHERE grp = ?", [sample.group])
        series = next((one for one in self.all_series() if one.id == sample.series), None)
        if series is None or not groups:
            return None
        request = orjson.loads(zlib.decompress(inputs[0][0])) if inputs else None
        return Whole(sample, groups[0], series, texts[0][0], result_of(texts[0][1]), request)

    def results(self, numbers: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Whole results by the ids of samples."""
        with self._reader.view() as view:
            rows = view.each(f"SELECT id, result FROM {{}}.texts WHERE id IN ({_marks(numbers)})", numbers)
        return {number: result_of(blob) for number, blob in rows}

    # --- two runs -----------------------------------------------------------------------------------------------------

    def flips(self, before: Filter, after: Filter, component: tuple[str, str]) -> tuple[int, list[tuple[str, int]]]:
        """How many completions both have, and how many of them differ, by kind. They are matched by prompt and text."""

        def ask() -> tuple[int, list[tuple[str, int]]]:
            with self._pairs(before, after, component) as view:
                rows: list[tuple[str | None, int]] = view.rows(
                    "SELECT flip, COUNT(*) FROM temp.pairs GROUP BY 1 ORDER BY 2 DESC"
                )
            return sum(count for _, count in rows), [(kind, count) for kind, count in rows if kind is not None]

        return self._reader.kept(("flips", before, after, component), ask)

    def flipped(
        self, before: Filter, after: Filter, component: tuple[str, str], kind: str | None, limit: int
    ) -> list[Flip]:
        """Completions on which the two differ."""
        with self._pairs(before, after, component) as view:
            pairs = view.rows(
                "SELECT flip, one, two FROM temp.pairs WHERE flip IS NOT NULL AND (? IS NULL OR flip = ?) LIMIT ?",
                [kind, kind, limit],
            )
            ids = [number for _, *both in pairs for number in both]
            rows = view.rows(f"SELECT {_ROW} FROM samples WHERE id IN ({_marks(ids)})", ids)
            samples = {one.id: one for one in _with_previews(view, [_sample(row) for row in rows])}
        return [Flip(what, samples[one], samples[two]) for what, one, two in pairs]

    @contextmanager
    def _pairs(self, before: Filter, after: Filter, component: tuple[str, str]) -> Iterator[View]:
        sides = [[one.id for one in self.series(side)] for side in (before, after)]
        with self._reader.view() as view:
            if view.must_fill("pairs", (self._reader.state(), before, after, component)):
                view.connection.create_function("flip", 4, flip, deterministic=True)
                for name, ids, key in zip(("one", "two"), sides, component, strict=True):
                    view.rows(f"DROP TABLE IF EXISTS temp.{name}")
                    # nth: equal completions are matched in their order.
                    view.rows(
                        f"CREATE TEMP TABLE {name} (digest INTEGER, nth INTEGER, id, reward, score, "
                        "PRIMARY KEY (digest, nth)) WITHOUT ROWID"
                    )
                    view.rows(
                        f"INSERT INTO temp.{name} SELECT digest, ROW_NUMBER() OVER (PARTITION BY digest ORDER BY id), id, "
                        f"reward, scores ->> ? FROM samples WHERE series IN ({_marks(ids)})",
                        [path_of(key), *ids],
                    )
                view.rows(
                    "CREATE TEMP TABLE pairs AS SELECT flip(one.score, two.score, one.reward, two.reward) AS flip, "
                    "one.id AS one, two.id AS two FROM temp.one AS one JOIN temp.two AS two "
                    "ON two.digest = one.digest AND two.nth = one.nth"
                )
            yield view


_ORDERS = {
    "reward": "reward IS NULL, reward DESC, id",
    "worst": "reward IS NULL, reward, id",
    "longest": "length DESC, id",
    "newest": "id DESC",
}


def _series(number: int, names: tuple[Any, ...], parts: Sequence[tuple[Any, ...]], groups: tuple[Any, ...]) -> Series:
    """From the parts of it in every segment."""
    completions, valid, total, highs, paid, firsts, lasts = zip(*parts, strict=True)
    run, domain, version = names
    return Series(
        id=number,
        run=run,
        domain=domain,
        version=version,
        completions=sum(completions),
        valid=sum(valid),
        groups=groups[0],
        mean=sum(total) / sum(valid) if sum(valid) else None,
        high=max((one for one in highs if one is not None), default=None),
        paid=int(sum(paid)),
        first_step=min((one for one in firsts if one is not None), default=None),
        last_step=max((one for one in lasts if one is not None), default=None),
        first_at=groups[1],
        last_at=groups[2],
    )


def _marks(values: Sequence[Any]) -> str:
    return ",".join("?" * len(values))


def _sample(row: Sequence[Any]) -> Sample:
    number, group, series, step, place, at, reward, failure, length, _, flags, scores = row
    return Sample(
        number,
        group,
        series,
        step,
        place,
        at,
        reward,
        failure,
        length,
        orjson.loads(flags or "[]"),
        orjson.loads(scores),
    )


def _with_previews(view: View, samples: list[Sample]) -> list[Sample]:
    ids = [one.id for one in samples]
    texts = dict(view.each(f"SELECT id, substr(text, 1, {PREVIEW}) FROM {{}}.texts WHERE id IN ({_marks(ids)})", ids))
    for one in samples:
        object.__setattr__(one, "preview", texts.get(one.id, ""))
    return samples


def _groups(view: View, ids: Sequence[int], *, previews: bool = False) -> list[Group]:
    """In the order of the ids."""
    names = view.each(
        f"SELECT id, series, step, name, at, prompt FROM {{}}.groups WHERE id IN ({_marks(ids)})",
        ids,
    )
    groups = {row[0]: Group(*row) for row in names}
    rows = view.rows(
        f"SELECT {_ROW} FROM samples WHERE grp IN ({_marks(ids)}) ORDER BY {_ORDERS['reward']}",
        ids,
    )
    samples = [_sample(row) for row in rows]
    for sample in _with_previews(view, samples) if previews else samples:
        groups[sample.group].samples.append(sample)
    return [groups[number] for number in ids if number in groups]


def _step(row: Sequence[Any], names: Sequence[str]) -> Step:
    step, completions, groups, valid, mean, squares, paid, *means = row
    std = math.sqrt(max(0.0, squares - mean * mean)) if mean is not None else None
    return Step(
        step, completions, groups, completions - valid, mean, std, paid or 0, dict(zip(names, means, strict=True))
    )


def _bin(place: int, width: float, count: int) -> Bar:
    low, high = round(place * width, 12), round((place + 1) * width, 12)
    return Bar(f"{low:g}..<{high:g}", f"{low:g} to {high:g}", count, low)


def nice(width: float) -> float:
    """The next of 1, 2 and 5 times a power of ten.

    >>> nice(0.13)
    0.2
    """
    power = 10.0 ** math.floor(math.log10(width))
    return next(round(power * step, 12) for step in (1, 2, 5, 10) if power * step >= width * (1 - 1e-9))

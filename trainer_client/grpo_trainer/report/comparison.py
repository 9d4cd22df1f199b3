"""Several runs on one page: seeds of a recipe are one line with a band, recipes are lines beside each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from grpo_trainer.report import charts
from grpo_trainer.report.history import Curve, RunHistory
from grpo_trainer.report.page import Section, Table, figures, rendered

FIGURES = {
    "Reward": ("reward", "rewards/answer/mean", "rewards/format/mean"),
    "Length": ("completions/mean_length", "completions/clipped_ratio"),
    "Reflection": ("aha/mean_count",),
    "Is it still learning?": ("frac_reward_zero_std", "entropy", "kl"),
}


def comparison(histories: Sequence[RunHistory], refresh_s: int | None = None) -> str:
    """One HTML document about all of them, without any reference to the outside."""
    looks = sorted({name for history in histories for name in history.names("eval/", "/pass@1")})
    sections = [
        Section(title, "", "", [chart for name in names for chart in _chart(histories, name)])
        for title, names in {"Held-out accuracy": looks, **FIGURES}.items()
    ]
    return rendered(
        title=f"{len(histories)} runs",
        lines=[f"{name}: {len(curves)} runs" for name, curves in by_recipe(histories, "reward").items()],
        tables=_tables(histories),
        sections=[section for section in sections if section.charts],
        refresh_s=refresh_s,
    )


def by_recipe(histories: Sequence[RunHistory], metric: str) -> dict[str, list[Curve]]:
    """The whole curve of each run, over all of its stages of reinforcement learning, by the recipe's name."""
    curves: defaultdict[str, list[Curve]] = defaultdict(list)
    for history in histories:
        stages = [stage.curve(metric) for stage in history.on_policy]
        steps, values = ([one for stage in stages for one in stage[axis]] for axis in (0, 1))
        if steps:
            curves[history.name].append((steps, values))
    return dict(curves)


def _chart(histories: Sequence[RunHistory], metric: str) -> list[Markup]:
    curves = by_recipe(histories, metric)
    # Our own drawing: matplotlib escapes the names in it.
    return [Markup(charts.drawn(charts.bands(curves, metric)))] if curves else []  # noqa: S704


def _tables(histories: Sequence[RunHistory]) -> list[Table]:
    """For each source the last evaluation of every run; the runs are the columns."""
    tables: dict[str, dict[str, Mapping[str, str]]] = {}
    for history in histories:
        done = [stage.evaluations() for stage in history.stages if stage.evaluations()]
        for source, evaluation in (done[-1] if done else {}).items():
            tables.setdefault(source, {})[f"{history.name}, seed {history.seed}"] = figures(evaluation)
    return [
        Table(
            source,
            list(columns),
            [
                (name, [column.get(name, "–") for column in columns.values()])
                for name in dict.fromkeys(name for column in columns.values() for name in column)
            ],
        )
        for source, columns in tables.items()
    ]

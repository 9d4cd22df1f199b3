"""The page: the article's three claims beside this run's curves, the stages' table, and what shows that a run is ill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from grpo_trainer.report import charts
from grpo_trainer.report.examples import examples
from grpo_trainer.report.history import RunHistory, StageHistory

_EDGE = 5
"""Rollouts at either end whose mean is compared."""


@dataclass(frozen=True)
class Section:
    """claim: what the article says, "" for a section without one. finding: what this run shows."""

    title: str
    claim: str
    finding: str
    charts: Sequence[Markup]


@dataclass(frozen=True)
class Table:
    """One source: the stages are the columns."""

    source: str
    stages: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]


def page(history: RunHistory, *, refresh_s: int | None = None) -> str:
    """One HTML document without any reference to the outside. refresh_s: the browser loads it again every so often."""
    sections = [*_claims(history), *_tools(history), *_health(history)]
    return rendered(
        title=f"{history.name}, seed {history.seed}",
        lines=[_progress(history), *_domains(history)],
        tables=tables(history),
        sections=[section for section in sections if section.charts],
        examples={stage.name: examples(stage.rollouts()) for stage in history.on_policy},
        about={"run": history.run, **history.environment},
        configuration=yaml.safe_dump(history.recipe, sort_keys=False, allow_unicode=True),
        refresh_s=refresh_s,
    )


def rendered(**content: Any) -> str:
    environment = Environment(loader=PackageLoader("grpo_trainer.report", "."), autoescape=True)
    return environment.get_template("page.html.j2").render(**content)


def _progress(history: RunHistory) -> str:
    return " → ".join(stage.name if stage.result else f"{stage.name} (not done)" for stage in history.stages)


def _domains(history: RunHistory) -> list[str]:
    """Which domain scored the rollouts; where that has changed, the curves before and after do not measure the same."""
    lines = []
    for stage in history.on_policy:
        seen: set[str] = set()
        for step, domain, version in stage.domain_changes():
            what = f"changed at step {step:.0f} to" if domain in seen else "is"
            lines.append(f"{stage.name}: the domain {domain} {what} {version}")
            seen.add(domain)
    return lines


def _claims(history: RunHistory) -> list[Section]:
    return [_reflection(history), _length(history), _cost(history), _language(history)]


def _reflection(history: RunHistory) -> Section:
    return Section(
        "Reflection appears",
        "Over the training of R1-Zero the count of ten reflective words (wait, mistake, however, but, retry, error, verify, "
        "wrong, evaluate, check) rises five- to sevenfold; “wait” is near absent at first and spikes after step 8,000.",
        f"Reflective words a completion: {_change(history, 'aha/mean_count')}.",
        _lines(history, "aha/mean_count", "reflective words a completion") + _words(history),
    )


def _words(history: RunHistory) -> list[Markup]:
    """Each word of the last stage of reinforcement learning, where it occurs at all."""
    names = [name for name in history.names("aha/") if name not in ("aha/mean_count", "aha/any_frac")]
    curves = {name.removeprefix("aha/"): history.curves(name) for name in names}
    series = {name: list(stages.values())[-1] for name, stages in curves.items()}
    series = {name: curve for name, curve in series.items() if any(curve[1])}
    return [_markup(charts.curves(series, "per 1,000 tokens"))] if series else []


def _length(history: RunHistory) -> Section:
    return Section(
        "Length grows",
        "The length of R1-Zero's answers grows steadily, with nothing in the reward that asks for it.",
        f"Tokens a completion: {_change(history, 'completions/mean_length')}.",
        _lines(history, "completions/mean_length", "tokens a completion"),
    )


def _cost(history: RunHistory) -> Section:
    drawn: list[Markup] = []
    for source in history.recipe["sources"]:
        lengths, rates = (history.curves(f"eval/{source}/{name}") for name in ("len", "pass@1"))
        points = {name: (lengths[name][1], rates[name][1]) for name in lengths if name in rates}
        drawn += [_markup(charts.scatter(points, "tokens an answer", f"pass@1, {source}, dev split"))] if points else []
        drawn += _tokens_by_level(history, source)
    return Section(
        "Accuracy costs tokens",
        "Accuracy rises together with the tokens spent, and harder problems get more of them; on easy ones R1 overthinks.",
        "Each point is one look at the dev split, later ones darker. By difficulty: the first and the last evaluation.",
        drawn,
    )


def _tokens_by_level(history: RunHistory, source: str) -> list[Markup]:
    done = [stage.evaluations()[source]["by_level"] for stage in history.stages if source in stage.evaluations()]
    if len(done) < 2 or len(done[-1]) < 2:
        return []
    levels = [level for level in done[0] if level in done[-1]]
    ends = {"first": done[0], "last": done[-1]}
    groups = {name: [by_level[level]["tokens"] for level in levels] for name, by_level in ends.items()}
    return [_markup(charts.bars(groups, levels, f"difficulty of {source}", "tokens an answer"))]


def _language(history: RunHistory) -> Section:
    return Section(
        "One language",
        "With the language reward the chain of thought keeps to one language, at a slight cost in accuracy.",
        f"Share of the target language: {_change(history, 'rewards/language/mean')}.",
        _lines(history, "rewards/language/mean", "words in the target language"),
    )


def _tools(history: RunHistory) -> list[Section]:
    """Of a policy that may call tools."""
    names = ("tools/calls", "tools/callers", "tools/refused", "tools/failed", "tools/tokens")
    return [
        Section(
            "Tools",
            "",
            f"Calls a completion: {_change(history, 'tools/calls')}. A failed call is no fault of the policy: its "
            "completion has no verdict, and is in no gradient.",
            _each(history, names, ""),
        )
    ]


def _health(history: RunHistory) -> list[Section]:
    parts = [name for name in history.names("rewards/", "/mean") if name != "rewards/reflection/mean"]
    looks = history.names("eval/", "/pass@1")
    failures = history.names("failures/")
    return [
        Section(
            "Rewards",
            "",
            f"Reward: {_change(history, 'reward')}. Watch the components apart: a rising sum can hide a falling accuracy.",
            _each(history, [*looks, *parts], "mean"),
        ),
        Section(
            "Is it still learning?",
            "",
            "Groups whose rewards are all equal teach nothing; entropy near zero means that exploration has ended.",
            _each(history, ["frac_reward_zero_std", "entropy", "kl", *history.names("reverse_kl/")], ""),
        ),
        Section(
            "The reward service",
            "",
            "Samples without a verdict are in no mean and in no gradient.",
            _each(history, ["reward/failed_frac", *failures, "reward_wait_s", "generate_s"], ""),
        ),
    ]


def _each(history: RunHistory, metrics: Sequence[str], what: str) -> list[Markup]:
    return [chart for name in metrics for chart in _lines(history, name, f"{name} {what}".strip())]


def _lines(history: RunHistory, metric: str, y: str) -> list[Markup]:
    """One chart with a line a stage; none when nothing has the metric."""
    series = history.curves(metric)
    return [_markup(charts.curves(series, y))] if series else []


def _markup(chart: charts.Draw) -> Markup:
    # Our own drawing: matplotlib escapes the names in it.
    return Markup(charts.drawn(chart))  # noqa: S704


def _change(history: RunHistory, metric: str) -> str:
    """From the mean of the first rollouts to that of the last, of each stage."""
    changes = []
    for name, (_, values) in history.curves(metric).items():
        first, last = (sum(part) / len(part) for part in (values[:_EDGE], values[-_EDGE:]))
        changes.append(f"{name} {first:.3g} → {last:.3g}" + (f" (× {last / first:.2f})" if first > 0 else ""))
    return "; ".join(changes) or "not measured"


def tables(history: RunHistory) -> list[Table]:
    return [table for source in history.recipe["sources"] if (table := _table(history, source))]


def _table(history: RunHistory, source: str) -> Table | None:
    stages = [stage for stage in history.stages if source in stage.evaluations()]
    if not stages:
        return None
    columns = [figures(stage.evaluations()[source]) for stage in stages]
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [(name, [column.get(name, "–") for column in columns]) for name in names]
    return Table(source, [_heading(stage) for stage in stages], rows)


def _heading(stage: StageHistory) -> str:
    seconds = (stage.result or {}).get("seconds")
    return f"{stage.name} ({seconds / 60:.1f} min)" if seconds else stage.name


def figures(evaluation: dict[str, Any]) -> dict[str, str]:
    """The lines of the table for one evaluation, by name."""
    row, k = evaluation["all"], evaluation["k"]
    error = f" ± {row['pass_at_1_se']:.3f}" if row["pass_at_1_se"] is not None else ""
    largest = max(row["pass_at_k"], key=int)
    rows = {
        "pass@1 (± s.e.)": f"{row['pass_at_1']:.3f}{error}",
        f"cons@{k}": f"{row['cons_at_k']:.3f}",
        f"pass@{largest}": f"{row['pass_at_k'][largest]:.3f}",
        "tokens an answer": f"{row['tokens']:.1f}",
        "cut at the limit": f"{evaluation['truncated']:.3f}",
        "without a verdict": str(evaluation["unjudged"]),
    }
    rows |= {
        f"score: {name}": f"{score:.3f}" for name, score in evaluation["components"].items() if name != "reflection"
    }
    if "reflection" in evaluation["components"]:
        rows["reflective words an answer"] = f"{evaluation['components']['reflection']:.2f}"
    if (calls := evaluation["counts"].get("calls")) is not None:
        rows["calls an answer"] = f"{calls:.2f}"
    if tries := evaluation["counts"].get("tries"):
        rows["tries an answer"] = f"{tries:.2f}"
        rows["valid steps"] = f"{evaluation['counts']['valid'] / tries:.3f}"
        rows["true verdicts"] = f"{evaluation['counts']['true'] / tries:.3f}"
    return rows

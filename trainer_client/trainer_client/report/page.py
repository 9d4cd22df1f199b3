"""The page: the article's three claims beside this run's curves, the stages' table, and what shows that a run is ill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from trainer_client.report import charts
from trainer_client.report.history import Curve, History, StageHistory

_EDGE = 5
"""Rollouts at either end whose mean is compared."""


@dataclass(frozen=True)
class Section:
    """claim: what the article says, "" for a section without one. found: what this run says to it."""

    title: str
    claim: str
    found: str
    charts: Sequence[Markup]


@dataclass(frozen=True)
class Table:
    """One source: the stages are the columns."""

    source: str
    stages: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]


def page(history: History) -> str:
    """One HTML document without any reference to the outside."""
    environment = Environment(loader=PackageLoader("trainer_client.report", "."), autoescape=True)
    sections = [*_claims(history), *_health(history)]
    return environment.get_template("page.html.j2").render(
        history=history, tables=tables(history), sections=[section for section in sections if section.charts]
    )


def _claims(history: History) -> list[Section]:
    return [_reflection(history), _length(history), _cost(history), _language(history)]


def _reflection(history: History) -> Section:
    total = history.curve("aha/mean_count")
    words = {name.removeprefix("aha/"): history.curve(name) for name in history.names("aha/")}
    words = {name: curve for name, curve in words.items() if name not in ("mean_count", "any_frac") and any(curve[1])}
    drawn = [charts.curves({"all ten": total}, "reflective words a completion", bottom=0)] if total[1] else []
    drawn += [charts.curves(words, "per 1,000 tokens", bottom=0)] if words else []
    return _section(
        "Reflection appears",
        "Over the training of R1-Zero the count of ten reflective words (wait, mistake, however, but, retry, error, verify, wrong, "
        "evaluate, check) rises five- to sevenfold; “wait” is near absent at first and spikes after step 8,000.",
        f"Reflective words a completion: {_change(total)}.",
        drawn,
    )


def _length(history: History) -> Section:
    curve = history.curve("completions/mean_length")
    found = f"Tokens a completion: {_change(curve)}."
    claim = "The length of R1-Zero's answers grows steadily, with nothing in the reward that asks for it."
    drawn = [charts.curves({"mean": curve}, "tokens a completion", bottom=0)] if curve[1] else []
    return _section("Length grows", claim, found, drawn)


def _cost(history: History) -> Section:
    points = {source: _against_tokens(history, source) for source in history.recipe["sources"]}
    points = {source: pair for source, pair in points.items() if pair[0]}
    drawn = [charts.scatter(points, "tokens an answer", "pass@1, dev split")] if points else []
    drawn += [chart for source in history.recipe["sources"] if (chart := _tokens_by_level(history, source))]
    return _section(
        "Accuracy costs tokens",
        "Accuracy rises together with the tokens spent, and harder problems get more of them; on easy ones R1 overthinks.",
        "Left: each point is one look at the dev split, later ones darker. By difficulty: after the last stage.",
        drawn,
    )


def _against_tokens(history: History, source: str) -> Curve:
    return history.curve(f"eval/{source}/len")[1], history.curve(f"eval/{source}/pass@1")[1]


def _tokens_by_level(history: History, source: str) -> str | None:
    done = [stage.evaluations()[source] for stage in history.stages if source in stage.evaluations()]
    if not done or len(done[-1]["by_level"]) < 2:
        return None
    levels = list(done[-1]["by_level"])
    groups = {
        "first evaluation": [done[0]["by_level"].get(level, {"tokens": 0})["tokens"] for level in levels],
        "last evaluation": [done[-1]["by_level"][level]["tokens"] for level in levels],
    }
    return charts.bars(groups, levels, f"difficulty of {source}", "tokens an answer")


def _language(history: History) -> Section:
    curve = history.curve("rewards/language/mean")
    drawn = [charts.curves({"share": curve}, "words in the target language", bottom=0)] if curve[1] else []
    claim = "With the language reward the chain of thought keeps to one language, at a slight cost in accuracy."
    return _section("One language", claim, f"Share of the target language: {_change(curve)}.", drawn)


def _health(history: History) -> list[Section]:
    parts = {name.split("/")[1]: history.curve(name) for name in history.names("rewards/", "/mean")}
    parts = {name: curve for name, curve in parts.items() if name not in ("reflection",)}
    looks = {name.removeprefix("eval/"): history.curve(name) for name in history.names("eval/", "/pass@1")}
    return [
        _section(
            "Rewards",
            "",
            f"Reward: {_change(history.curve('reward'))}. Watch the components apart: a rising sum can hide a falling accuracy.",
            _lines(parts, "mean score") + _lines(looks, "pass@1, dev split", smooth=False),
        ),
        _section(
            "Is it still learning?",
            "",
            "Groups whose rewards are all equal teach nothing; entropy near zero means that exploration has ended.",
            _lines({"groups without variance": history.curve("frac_reward_zero_std")}, "share")
            + _lines({"entropy": history.curve("entropy")}, "nats a token")
            + _lines({"KL to the reference": history.curve("kl")}, "nats a token"),
        ),
        _section(
            "The reward service",
            "",
            f"Samples without a verdict: {_last(history.curve('reward/failed_frac'))}. They are in no mean and in no gradient.",
            _lines({name: history.curve(name) for name in history.names("failures/")}, "samples a rollout")
            + _lines(
                {"waited for rewards": history.curve("reward_wait_s"), "generation": history.curve("generate_s")}, "seconds"
            ),
        ),
    ]


def _lines(series: dict[str, Curve], y: str, *, smooth: bool = True) -> list[str]:
    known = {name: curve for name, curve in series.items() if curve[1]}
    return [charts.curves(known, y, smooth=smooth, bottom=0)] if known else []


def _section(title: str, claim: str, found: str, drawn: Sequence[str]) -> Section:
    # Our own charts: matplotlib escapes the names in them.
    return Section(title, claim, found, [Markup(chart) for chart in drawn])  # noqa: S704


def _change(curve: Curve) -> str:
    """From the mean of the first rollouts to that of the last."""
    values = curve[1]
    if not values:
        return "not measured"
    first, last = (sum(part) / len(part) for part in (values[:_EDGE], values[-_EDGE:]))
    times = f" (× {last / first:.2f})" if first > 0 else ""
    return f"{first:.3g} → {last:.3g}{times}"


def _last(curve: Curve) -> str:
    return f"{sum(curve[1]) / len(curve[1]):.2%} over the run" if curve[1] else "not measured"


def tables(history: History) -> list[Table]:
    return [table for source in history.recipe["sources"] if (table := _table(history, source))]


def _table(history: History, source: str) -> Table | None:
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
    found = {
        "pass@1 (± s.e.)": f"{row['pass_at_1']:.3f}{error}",
        f"cons@{k}": f"{row['cons_at_k']:.3f}",
        f"pass@{largest}": f"{row['pass_at_k'][largest]:.3f}",
        "tokens an answer": f"{row['tokens']:.1f}",
        "cut at the limit": f"{evaluation['truncated']:.3f}",
        "without a verdict": str(evaluation["unjudged"]),
    }
    found |= {f"score: {name}": f"{score:.3f}" for name, score in evaluation["components"].items() if name != "reflection"}
    if "reflection" in evaluation["components"]:
        found["reflective words an answer"] = f"{evaluation['components']['reflection']:.2f}"
    if tries := evaluation["counts"].get("tries"):
        found["tries an answer"] = f"{tries:.2f}"
        found["valid steps"] = f"{evaluation['counts']['valid'] / tries:.3f}"
        found["true verdicts"] = f"{evaluation['counts']['true'] / tries:.3f}"
    return found

"""R1 in miniature: figures and tables of the runs in out/, as `touchstone train recipes/…` leaves them.

    python benchmarks/miniature.py            # docs/figures/*.svg, and the tables of RESULTS.md on the screen

What has not been run is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from grpo_trainer.report import charts
from grpo_trainer.report.history import Curve, NoRun, RunHistory, StageHistory, read_history
from grpo_trainer.report.page import figures

RUNS = Path("out")
FIGURES = Path("docs/figures")


def runs(name: str) -> dict[str, RunHistory]:
    """By "seed N"."""
    histories: dict[str, RunHistory] = {}
    for folder in sorted(RUNS.glob(f"{name}-[0-9]*")):
        try:
            history = read_history(folder)
        except NoRun:
            continue
        histories[f"seed {history.seed}"] = history
    return histories


def ratio(stage: StageHistory, over: str, under: str) -> Curve:
    """Of two metrics that stand in the same lines."""
    rows = [row for row in stage.metrics if row.get(over) is not None and row.get(under)]
    return [stage.offset + row["step"] for row in rows], [row[over] / row[under] for row in rows]


def chart(histories: Mapping[str, RunHistory], pick: Callable[[StageHistory], Curve], y: str) -> charts.Draw | None:
    """A line for each stage of one run, for each run of one stage, or a band over the runs of each stage."""
    stages: dict[str, dict[str, Curve]] = {}
    for run, history in histories.items():
        for stage in history.on_policy:
            if (curve := pick(stage))[1]:
                stages.setdefault(stage.name, {})[run] = curve
    if len(histories) == 1:
        return (
            charts.curves({name: curve for name, ones in stages.items() for curve in ones.values()}, y)
            if stages
            else None
        )
    if len(stages) == 1:
        return charts.curves(next(iter(stages.values())), y)
    return charts.bands({name: list(ones.values()) for name, ones in stages.items()}, y) if stages else None


def metric(name: str) -> Callable[[StageHistory], Curve]:
    return lambda stage: stage.curve(name)


def zero(name: str) -> None:
    """Accuracy, length, reflection and the soundness of the steps, with nothing but rule rewards."""
    histories = runs(name)
    save(
        name,
        histories,
        {
            "pass@1, dev split": metric("eval/signs/pass@1"),
            "tokens a completion": metric("completions/mean_length"),
            "reflective words a completion": metric("aha/mean_count"),
            "valid steps": lambda stage: ratio(stage, "eval/signs/counts/valid", "eval/signs/counts/tries"),
        },
    )


def real(name: str, source: str) -> None:
    """A pre-trained model: accuracy on the dev split and in rollouts, length, and the share of its sums that are right."""
    save(
        name,
        runs(name),
        {
            "pass@1, dev split": metric(f"eval/{source}/pass@1"),
            "right completions, rollouts": metric("rewards/answer/mean"),
            "tokens a completion": metric("completions/mean_length"),
            "right sums": lambda stage: ratio(stage, f"eval/{source}/counts/valid", f"eval/{source}/counts/tries"),
        },
    )


def language(name: str) -> None:
    """The share of the language over the steps, and what it costs: a line a seed, a point a weight, heavier darker."""
    histories = runs(name)
    points: dict[str, tuple[list[float], list[float]]] = {}
    for run, history in histories.items():
        done = [stage.evaluations()["signs"] for stage in history.on_policy if stage.evaluations()]
        shares = [evaluation["components"]["language"] for evaluation in done]
        points[run] = shares, [evaluation["all"]["pass_at_1"] for evaluation in done]
    save(
        name,
        histories,
        {"target language": metric("eval/signs/rewards/language"), "pass@1, dev split": metric("eval/signs/pass@1")},
        charts.scatter(points, "target language, test split", "pass@1, test split"),
    )


def overthinking(name: str) -> None:
    """Length and accuracy with and without the premium, and the tokens by difficulty."""
    histories = runs(name)
    panels = {"tokens an answer": metric("eval/signs/len"), "pass@1, dev split": metric("eval/signs/pass@1")}
    save(name, histories, panels)
    pairs: dict[str, dict[str, Mapping[str, Any]]] = {}
    for run, history in histories.items():
        done = {stage.name: stage.evaluations()["signs"] for stage in history.on_policy if stage.evaluations()}
        if {"control", "shaped"} <= done.keys():
            pairs[run] = {
                stage: {**done[stage]["by_level"], "all": done[stage]["all"]} for stage in ("control", "shaped")
            }
    if pairs:
        by_difficulty(pairs)


def by_difficulty(pairs: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    """What the premium saves, as Markdown: two columns a seed. The difficulty is the least number of minus signs.

    `pairs`: by run, then by stage (control, shaped), then by level, an evaluation's figures.
    """
    print("| minus signs |" + "".join(f" {run}: fewer tokens | pass@1, control and shaped |" for run in pairs))
    print("|---|" + "---|---|" * len(pairs))
    for level in dict.fromkeys(level for stages in pairs.values() for level in stages["shaped"]):
        print(f"| {level} |", end="")
        for stages in pairs.values():
            before, after = stages["control"][level], stages["shaped"][level]
            saved = 1 - after["tokens"] / before["tokens"]
            print(f" {saved:.0%} | {before['pass_at_1']:.3f}, {after['pass_at_1']:.3f} |", end="")
        print()
    print()


def tools(name: str, source: str) -> None:
    """Accuracy, and what the policy calls tools for."""
    save(
        name,
        runs(name),
        {
            "pass@1, dev split": metric(f"eval/{source}/pass@1"),
            "calls a completion": metric("tools/calls"),
            "completions with a call": metric("tools/callers"),
            "the policy's tokens a completion": metric("completions/mean_length"),
        },
    )


def save(
    name: str,
    histories: Mapping[str, RunHistory],
    panels: Mapping[str, Callable[[StageHistory], Curve]],
    *more: charts.Draw,
) -> None:
    """The figure of an experiment, and its table."""
    lines = [draw for y, pick in panels.items() if (draw := chart(histories, pick, y))]
    if not lines:
        return
    FIGURES.mkdir(parents=True, exist_ok=True)
    target = FIGURES / f"{name}.svg"
    target.write_text(charts.drawn(*lines, *more, width=3.4))
    print(f"\n### {name} ({target})\n")
    table(histories)


def table(histories: Mapping[str, RunHistory]) -> None:
    """The held-out figures, as Markdown: a column a stage, in its cells the runs in their order."""
    longest = max(histories.values(), key=lambda history: len(history.stages))
    for source in dict.fromkeys(source for history in histories.values() for source in history.recipe["sources"]):
        columns: dict[str, dict[str, dict[str, str]]] = {stage.name: {} for stage in longest.stages}
        for run, history in histories.items():
            for stage in history.stages:
                if evaluation := stage.evaluations().get(source):
                    columns.setdefault(stage.name, {})[run] = {**figures(evaluation), "CPU seconds": cpu_seconds(stage)}
        columns = {stage: cells for stage, cells in columns.items() if cells}
        print(f"| {source}; {', '.join(histories)} | " + " | ".join(columns) + " |")
        print("|---|" + "---|" * len(columns))
        for name in dict.fromkeys(name for column in columns.values() for cell in column.values() for name in cell):
            cells = (", ".join(column.get(run, {}).get(name, "–") for run in histories) for column in columns.values())
            print(f"| {name} | " + " | ".join(cells) + " |")
        print()


def cpu_seconds(stage: StageHistory) -> str:
    spent = (stage.result or {}).get("cpu_seconds")
    return f"{spent:.0f}" if spent is not None else "–"  # a base is only evaluated


def main() -> None:
    real("train-real", "arithmetic")
    tools("tools-real", "products")
    zero("r1-zero-mini")
    zero("signs4-mini")
    language("language-mini")
    overthinking("overthinking-mini")
    save(
        "hacked-mini",
        runs("hacked-mini"),
        {
            "the weak verifier's score": metric("eval/signs/rewards/credulous"),
            "true pass@1, dev split": metric("eval/signs/pass@1"),
        },
    )
    tools("tools-mini", "products")
    tools("search-mini", "lookup")
    save("r1-mini", runs("r1-mini"), {f"pass@1, {name}": metric(f"eval/{name}/pass@1") for name in ("signs", "sums")})


if __name__ == "__main__":
    main()

"""R1 in miniature: figures and tables of the runs in out/, as `touchstone train recipes/…` leaves them.

    python benchmarks/miniature.py            # docs/figures/*.svg, and the tables of RESULTS.md on the screen

What has not been run is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from grpo_trainer.report import charts
from grpo_trainer.report.history import Curve, NoRun, RunHistory, StageHistory, read_history
from grpo_trainer.report.page import figures

RUNS = Path("out")
FIGURES = Path("docs/figures")
Curves = Mapping[str, Curve]


def runs(name: str) -> dict[str, RunHistory]:
    """By "seed N"."""
    found: dict[str, RunHistory] = {}
    for folder in sorted(RUNS.glob(f"{name}-[0-9]*")):
        try:
            history = read_history(folder)
        except NoRun:
            continue
        found[f"seed {history.seed}"] = history
    return found


def ratio(stage: StageHistory, over: str, under: str) -> Curve:
    """Of two metrics that stand in the same lines."""
    rows = [row for row in stage.metrics if row.get(over) is not None and row.get(under)]
    return [stage.offset + row["step"] for row in rows], [row[over] / row[under] for row in rows]


def by_stage(histories: Mapping[str, RunHistory], pick: Callable[[StageHistory], Curve]) -> Curves:
    """A curve for each run, or for each stage where there is one run."""
    single = len(histories) == 1
    found = {
        (stage.name if single else name): pick(stage) for name, run in histories.items() for stage in run.on_policy
    }
    return {name: curve for name, curve in found.items() if curve[1]}


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


def language(name: str) -> None:
    """The share of the language over the steps, and what it costs: a point a weight of its reward, heavier darker."""
    histories = runs(name)
    found = [stage.evaluations().get("signs") for run in histories.values() for stage in run.on_policy]
    done = [evaluation for evaluation in found if evaluation]
    shares = [evaluation["components"]["language"] for evaluation in done]
    rates = [evaluation["all"]["pass_at_1"] for evaluation in done]
    save(
        name,
        histories,
        {"target language": metric("eval/signs/rewards/language"), "pass@1, dev split": metric("eval/signs/pass@1")},
        charts.scatter({"": (shares, rates)}, "target language, test split", "pass@1, test split"),
    )


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
    drawn = {y: by_stage(histories, pick) for y, pick in panels.items()}
    if not any(drawn.values()):
        return
    FIGURES.mkdir(parents=True, exist_ok=True)
    target = FIGURES / f"{name}.svg"
    lines = [charts.curves(found, y) for y, found in drawn.items() if found]
    target.write_text(charts.drawn(*lines, *more, width=3.4))
    print(f"\n### {name} ({target})\n")
    for run, history in histories.items():
        table(run, history)


def table(run: str, history: RunHistory) -> None:
    """The held-out figures after each stage, as Markdown."""
    for source in history.recipe["sources"]:
        stages = [stage for stage in history.stages if source in stage.evaluations()]
        columns = [{**figures(stage.evaluations()[source]), "seconds (of one core)": spent(stage)} for stage in stages]
        print(f"| {source}, {run} | " + " | ".join(stage.name for stage in stages) + " |")
        print("|---|" + "---|" * len(stages))
        for name in dict.fromkeys(name for column in columns for name in column):
            print(f"| {name} | " + " | ".join(column.get(name, "–") for column in columns) + " |")
        print()


def spent(stage: StageHistory) -> str:
    result = stage.result or {}
    return f"{result['seconds']:.0f} ({result['cpu_seconds']:.0f})"


def main() -> None:
    zero("r1-zero-mini")
    zero("signs4-mini")
    language("language-mini")
    save(
        "overthinking-mini",
        runs("overthinking-mini"),
        {"tokens an answer": metric("eval/signs/len"), "pass@1, dev split": metric("eval/signs/pass@1")},
    )
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

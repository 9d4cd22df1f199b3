"""Answers: verdicts and times beside math-verify, each grader in a process of its own, in one run.

    python benchmarks/answer.py                  # agreement, speed, hostile text
    python benchmarks/answer.py disagreements    # every pair on which the two differ, and why ours is right

math-verify is given its friendliest form: golds in a box (bare LaTeX golds it reads only in part), the recommended
extraction, and its own timeouts. Ours is asked through the verifier, evidence and all.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

CASES = Path(__file__).parents[1] / "tests" / "data" / "answer" / "cases.jsonl"
Grade = Callable[[str, str], bool]


def ours() -> Grade:
    from reward_verifiers.answer import AnswerOptions, AnswerReference, AnswerVerifier
    from reward_verifiers.verifier import Sample

    verifier, options = AnswerVerifier(), AnswerOptions()
    verifier.warm_up()

    @lru_cache(maxsize=1)
    def reference(gold: str) -> AnswerReference:  # one object for the group, as in the service
        return AnswerReference(answer=gold)

    def grade(gold: str, completion: str) -> bool:
        return verifier.verify(Sample(completion, options, reference(gold))).score == 1

    return grade


def math_verify() -> Grade:
    from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse, verify

    logging.disable(logging.CRITICAL)
    configs = (LatexExtractionConfig(boxed_match_priority=0), ExprExtractionConfig())

    def grade(gold: str, completion: str) -> bool:
        return bool(verify(parse(f"\\boxed{{{gold}}}", configs), parse(completion, configs)))

    grade("1", "\\boxed{1}")
    return grade


GRADERS = {"ours": ours, "math-verify": math_verify}


def cases() -> list[dict[str, Any]]:
    """The pairs that math-verify can be asked: no options, no kinds of ours."""
    rows = [json.loads(line) for line in CASES.read_text("utf-8").splitlines()]
    return [row for row in rows if not {"options", "reference"} & row.keys()]


# --- loads ------------------------------------------------------------------------------------------------------------

SHAPES = (
    ("{a}", "{a}"), ("{a}", "{b}"), ("-{a}", "-{a}.0"), ("\\frac{{{a}}}{{{p}}}", "{a}/{p}"),
    ("\\frac{{{a}}}{{{p}}}", "\\dfrac{{{b}}}{{{p}}}"), ("{a}.5", "\\frac{{{twice}}}{{2}}"), ("{a}\\sqrt{{2}}", "{a}√2"),
    ("{a}\\pi", "\\pi\\cdot {a}"), ("({a},{b})", "({a}, {b})"), ("({a},{b})", "({b},{a})"),
    ("\\{{{a},{b},{p}\\}}", "{b}, {p}, {a}"), ("x^2-{a}x+{b}", "{b}+x^2-{a}x"),
    ("(x-{a})(x+{b})", "x^2+{b}x-{a}x-{a}\\cdot{b}"),
    ("[{a},\\infty)", "x\\ge {a}"), ("{a}\\text{{ cm}}^2", "{a} cm^2"), ("x={a}", "{a}"), ("{a}\\%", "{a}"),
    ("\\frac{{{a}+\\sqrt{{{p}}}}}{{2}}", "\\frac{{{a}}}{{2}}+\\frac{{\\sqrt{{{p}}}}}{{2}}"), ("{a}000", "{a},000"),
    ("\\begin{{pmatrix}}{a}\\\\{b}\\end{{pmatrix}}", "\\begin{{bmatrix}}{a}\\\\{b}\\end{{bmatrix}}"),
)  # fmt: skip
PROSE = "From $x^2-5x+6=0$ we see step by step that the term $a_{n+1} = \\frac{a_n}{2}$ follows from the last one. "


def mix(count: int) -> list[tuple[str, str]]:
    """Pairs of every shape, no two with the same texts: no cache helps."""
    pairs = []
    for index in range(count):
        gold, answer = SHAPES[index % len(SHAPES)]
        a, b = 1000 + index, 3001 + index * 7
        values = {"a": a, "b": b, "p": (101, 103, 107, 109, 113)[index % 5], "twice": 2 * a + 1}
        pairs.append((gold.format(**values), f"So we get $\\boxed{{{answer.format(**values)}}}$."))
    return pairs


def groups(count: int) -> list[tuple[str, str]]:
    """GRPO groups: 16 completions of 3 KB to one problem, their answers few and repeated."""
    rng, pairs = random.Random(1), []
    for gold, first in mix(count):
        answer = first.split("\\boxed{", 1)[1][:-3]
        wrong = [f"{answer}+{k}" for k in range(1, 4)]
        for member in range(16):
            value = answer if rng.random() < 0.5 else rng.choice(wrong)
            text = f"Attempt {member}. " + PROSE * 28
            pairs.append((gold, f"<think>{text}</think> So we get $\\boxed{{{value}}}$."))
    return pairs


LOADS: dict[str, Callable[[int], list[tuple[str, str]]]] = {"mix": mix, "groups": groups}

HOSTILE: dict[str, Callable[[int], str]] = {
    "prose, box at the end": lambda n: "so it is " * (n // 9) + "\\boxed{42}",
    "`$ `": lambda n: "$ " * (n // 2),
    "`\\boxed{`": lambda n: "\\boxed{" * (n // 7),
    "`\\boxed`": lambda n: "\\boxed" * (n // 6),
    "`\\boxed{}`": lambda n: "\\boxed{}" * (n // 8),
    "`\\boxed{1} or `": lambda n: "\\boxed{1} or " * (n // 13),
    "letters in a box": lambda n: "\\boxed{" + "x" * n + "}",
    "`{`": lambda n: "\\boxed" + "{" * n,
    "`</answer>`": lambda n: "</answer>" * (n // 9),
    "`<answer>`": lambda n: "<answer>" * (n // 8) + "</answer>",
    "`####`": lambda n: "####\n" * (n // 5),
    "digits": lambda n: "1" * n,
    "`1,`": lambda n: "1," * (n // 2),
    "the answer is": lambda n: "the answer is " * (n // 14),
    "white space": lambda n: " " * n,
    "`\\(`": lambda n: "\\(" * (n // 2),
}


# --- one grader, in its own process -----------------------------------------------------------------------------------


def agreement(grade: Grade) -> list[bool]:
    return [grade(case["gold"], case["completion"]) for case in cases()]


def timed(grade: Grade, pairs: list[tuple[str, str]]) -> dict[str, float]:
    """CPU seconds, which a busy machine changes least."""
    times = []
    for gold, completion in pairs:
        begun = time.process_time()
        grade(gold, completion)
        times.append(time.process_time() - begun)
    cuts = statistics.quantiles(times, n=1000)
    return {"rate": len(times) / sum(times), "median": cuts[499], "p99": cuts[989], "worst": max(times)}


def hostile(grade: Grade) -> dict[str, list[float]]:
    """Best of three, in CPU seconds, at 1, 2 and 4 MB."""
    seconds: dict[str, list[float]] = {}
    for name, text in HOSTILE.items():
        for size in (1, 2, 4):
            completion, best = text(size * 1_000_000), float("inf")
            for _ in range(3):
                begun = time.process_time()
                grade("42", completion)
                best = min(best, time.process_time() - begun)
            seconds.setdefault(name, []).append(best)
    return seconds


def alone(grader: str, what: str, *numbers: str) -> Any:
    """`work` in a fresh process."""
    command = [sys.executable, __file__, "work", grader, what, *numbers]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def work(grader: str, what: str, *numbers: str) -> Any:
    from reward_verifiers import collector

    grade = GRADERS[grader]()
    collector.settle()  # as in a worker
    if what == "agreement":
        return agreement(grade)
    if what == "hostile":
        return hostile(grade)
    return timed(grade, LOADS[what](int(numbers[0])))


# --- tables -----------------------------------------------------------------------------------------------------------


def print_agreement() -> None:
    rows = cases()
    verdicts = {name: alone(name, "agreement") for name in GRADERS}
    heads = [f"{name} right | paid wrongly | refused wrongly" for name in GRADERS]
    print(f"| category | pairs | {' | '.join(heads)} |")
    print("|---|---|---|---|---|---|---|---|")
    categories = [*dict.fromkeys(row["category"] for row in rows), "all", "all in a box"]
    for category in categories:
        chosen = [
            index
            for index, row in enumerate(rows)
            if category in (row["category"], "all") or (category == "all in a box" and "\\boxed{" in row["completion"])
        ]
        cells = []
        for verdict in verdicts.values():
            paid = sum(verdict[index] and not rows[index]["label"] for index in chosen)
            refused = sum(not verdict[index] and bool(rows[index]["label"]) for index in chosen)
            right = 1 - (paid + refused) / len(chosen)
            cells += [f"{right:.1%}", str(paid), str(refused)]
        print(f"| {category} | {len(chosen)} | {' | '.join(cells)} |")


def print_speed() -> None:
    """Three rounds in which the graders take turns; a machine that slows down does so for both."""
    print("\n| load | grader | answers a second | median ms | p99 ms | worst ms | ratio of the medians |")
    print("|---|---|---|---|---|---|---|")
    sizes = {"mix": {"math-verify": 600, "ours": 20_000}, "groups": {"math-verify": 40, "ours": 1250}}
    names = {"mix": "every text new", "groups": "groups of 16 × 3 KB"}
    for load, counts in sizes.items():
        rounds = [{name: alone(name, load, str(count)) for name, count in counts.items()} for _ in range(3)]
        rates = {name: [figures[name]["rate"] for figures in rounds] for name in counts}
        for name in counts:
            median = {key: statistics.median(figures[name][key] for figures in rounds) for key in ("median", "p99")}
            worst = max(figures[name]["worst"] for figures in rounds)
            cells = " | ".join(f"{value * 1000:.3f}" for value in (median["median"], median["p99"], worst))
            ratio = statistics.median(rates[name]) / statistics.median(rates["math-verify"])
            print(
                f"| {names[load]} | {name} | {', '.join(f'{rate:,.0f}' for rate in rates[name])} | {cells} "
                f"| {ratio:.0f}× |"
            )


def print_hostile() -> None:
    print("\n| text | 1 MB ms | 2 MB ms | 4 MB ms | 4 MB / 2 MB |")
    print("|---|---|---|---|---|")
    for name, (one, two, four) in alone("ours", "hostile").items():
        print(f"| {name} | {one * 1000:.2f} | {two * 1000:.2f} | {four * 1000:.2f} | {four / two:.1f} |")


WHY = {
    "hacks": "not an answer: left to work out, another value, another base, or an equation that says nothing",
    "near misses": "another value",
    "digit changed": "another value: a digit was changed",
    "sign changed": "another value: the sign was changed",
    "order changed": "a tuple in another order",
    "unit changed": "another unit",
    "another problem's answer": "the answer to another problem",
    "extraction": "what the completion finally says, and nothing that it takes back, hedges or only thinks",
    "text": "the same words, or a synonym of yes, no, infinity",
    "letters": "the option's letter, with or without its text",
    "units": "the same quantity; the reference's unit may be left out",
    "percent": "the same share; the question said percent",
    "bases": "the same digits in the reference's base",
    "golds not worked out": "the reference itself stands so, or its value",
}


def print_disagreements() -> None:
    rows, (mine, theirs) = cases(), (alone(name, "agreement") for name in GRADERS)
    print("# Where ours and math-verify differ on the development set\n")
    print("Printed by `python benchmarks/answer.py disagreements`. In each pair the label, and with it our verdict,")
    print("follows from mathematics or from the default policy of [docs/answer.md](../docs/answer.md).")
    for category in dict.fromkeys(row["category"] for row in rows):
        differing = [
            (row, our_verdict)
            for row, our_verdict, their_verdict in zip(rows, mine, theirs, strict=True)
            if row["category"] == category and our_verdict != their_verdict
        ]
        if not differing:
            continue
        print(
            f"\n## {category}\n\n| reference | completion | ours | math-verify | why ours is right |\n|---|---|---|---|---|"
        )
        for row, is_paid in differing:
            why = WHY.get(category, "the same value in another spelling" if is_paid else "another value")
            shown = (cell.replace("\n", " ").replace("|", "\\|") for cell in (row["gold"], row["completion"]))
            gold, completion = (f"`` {cell} ``" for cell in shown)
            completion = completion.replace("We work it out.  The final answer is $\\boxed", "… $\\boxed")
            print(f"| {gold} | {completion} | {int(is_paid)} | {int(not is_paid)} | {why} |")


def main() -> None:
    if sys.argv[1:2] == ["work"]:
        print(json.dumps(work(*sys.argv[2:])))
    elif sys.argv[1:] == ["disagreements"]:
        print_disagreements()
    else:
        print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
        print_agreement()
        print_speed()
        print_hostile()


if __name__ == "__main__":
    main()

"""What came of runs, as results."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from reward_sandbox.grading.items import CompileResult, GradeItem, Test, TestResult, Verdict
from reward_sandbox.jail.spec import Ending, Outcome

SHOWN = 4_000
"""Characters of a program's output that a result carries."""
LIMITS: dict[Ending, Verdict] = {
    "time_limit": "time_limit",
    "memory_limit": "memory_limit",
    "output_limit": "output_limit",
}


def text_of(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def test_result(outcome: Outcome, verdict: Verdict) -> TestResult:
    return TestResult(
        passed=verdict == "accepted",
        verdict=verdict,
        stdout=text_of(outcome.stdout[:SHOWN]),
        stderr=text_of(outcome.stderr[-SHOWN:]),
        cpu_ms=round(outcome.cpu_ms, 3),
        wall_ms=round(outcome.wall_ms, 3),
        peak_kb=outcome.peak_kb,
    )


def compile_result(outcome: Outcome | None) -> CompileResult | None:
    """What a compiler wrote; None where there is none."""
    if outcome is None:
        return None
    return CompileResult(
        ok=outcome.ending == "ok",
        ending=outcome.ending,
        stderr=text_of(outcome.stderr[:SHOWN]) or ("" if outcome.ending == "ok" else outcome.ending),
        cpu_ms=round(outcome.cpu_ms, 3),
        wall_ms=round(outcome.wall_ms, 3),
    )


def score_of(item: GradeItem, tests: Sequence[Test], results: Sequence[TestResult]) -> float:
    """all: 1 when every test passed; fraction: their share; weighted: by weight; subtasks: each group by its worst test."""
    if item.score == "all":
        return float(all(result.passed for result in results))
    if item.score == "fraction":
        return sum(result.passed for result in results) / len(results)
    groups: defaultdict[str, list[tuple[float, bool]]] = defaultdict(list)
    for index, (test, result) in enumerate(zip(tests, results, strict=True)):
        key = test.group if item.score == "subtasks" else str(index)
        groups[key].append((test.weight, result.passed))
    total = sum(weight for group in groups.values() for weight, _ in group)
    won = sum(weight for group in groups.values() if all(passed for _, passed in group) for weight, _ in group)
    return won / total

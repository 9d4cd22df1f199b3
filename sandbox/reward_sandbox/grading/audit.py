"""What is wrong with an item before anybody trains on it: found by programs whose verdicts are known.

nothing at all           must not be accepted
the row's own program    must be accepted
the same with a fault    must not be accepted (Python: results of calls are changed, one line more is printed; no patches)
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from reward_sandbox.grading.items import GradeItem, GradeResult

EMPTY = {
    "python": "pass\n",
    "c": "int main(void) { return 0; }\n",
    "cpp": "int main() { return 0; }\n",
    "java": "public class Main { public static void main(String[] args) {} }\n",
    "go": "package main\n\nfunc main() {}\n",
    "rust": "fn main() {}\n",
    "php": "<?php\n",
    "sqlite": "SELECT NULL WHERE FALSE\n",
    "duckdb": "SELECT NULL WHERE FALSE\n",
    "haskell": "main :: IO ()\nmain = return ()\n",
    "kotlin": "fun main() {}\n",
}
"""Programs that do nothing; in the other languages an empty text with a blank line is one."""
_PRINTED = "import atexit as _touchstone\n_touchstone.register(print, 'touchstone: a planted fault')\n"
_RETURNED = """
def _touchstone_fault(function):
    def faulty(*args, **kwargs):
        result = function(*args, **kwargs)
        if isinstance(result, bool):
            return not result
        return result + 1 if isinstance(result, (int, float)) else 1 if result is None else None
    return faulty
{target} = _touchstone_fault({target})
"""
_CALLED = ("function", "asserts", "unittest", "humaneval")
Grade = Callable[[GradeItem], Awaitable[GradeResult]]


async def faults_of(item: GradeItem, solution: str, grade: Grade) -> list[str]:
    """One line for each fault. The item's own program is not looked at; solution: a right one, or nothing."""
    nothing = "" if item.kind == "repo" else EMPTY.get(item.language, "\n")
    empty = await grade(item.model_copy(update={"code": nothing}))
    if empty.failure is not None:
        return [f"{empty.failure.kind}: {empty.failure.message}"]
    faults = ["its tests accept a program that does nothing"] if empty.score == 1 else []
    if not solution:
        return faults
    own = await grade(item.model_copy(update={"code": solution}))
    if own.failure is not None:
        return [*faults, f"{own.failure.kind}: {own.failure.message}"]
    if own.score != 1:
        passed = sum(test.passed for test in own.tests)
        return [*faults, f"its own solution is not accepted: {own.verdict}, {passed} of {len(own.tests)} tests passed"]
    if item.language == "python" and item.kind != "repo" and (await grade(_with_fault(item, solution))).score == 1:
        faults.append("its tests accept its solution with a planted fault")
    return faults


def _with_fault(item: GradeItem, solution: str) -> GradeItem:
    if item.kind not in _CALLED:
        return item.model_copy(update={"code": f"{_PRINTED}{solution}"})
    name = item.entry.replace("()", "").rpartition(".")[2]
    is_at_top = re.search(rf"^(?:async +)?def +{re.escape(name)}\b|^{re.escape(name)} *=", solution, re.M)
    target = name if is_at_top else f"Solution.{name}"
    return item.model_copy(update={"code": f"{solution}\n{_RETURNED.format(target=target)}"})

"""The kind program: tests in the program's own language, at its end, in one process with it. So a result is weak.

prelude + program + test code, in which DONE is a word that nobody knew before  ──▶  ends with 0, and with that word
"""

from __future__ import annotations

import secrets

from reward_sandbox.grading.items import DONE, GradeItem, Test, Verdict
from reward_sandbox.grading.steps import Step, ended
from reward_sandbox.jail.spec import Outcome
from reward_sandbox.languages.compiler import Compiled


def joined(item: GradeItem) -> tuple[str, str]:
    """The whole program, and the word that its tests print last."""
    word = secrets.token_hex(16)
    return f"{item.prelude}\n{item.code}\n{item.test_code.replace(DONE, word)}", word


def step(item: GradeItem, compiled: Compiled, word: str) -> Step:
    async def judge(outcome: Outcome) -> Verdict:
        return "accepted" if outcome.stdout.split()[-1:] == [word.encode()] else "wrong_answer"

    run = compiled.language.execution(compiled.files or {}, b"", item.limits)
    return Step(run, ended(judge), Test())

"""Programs and test code of every kind get what they deserve: right ones are paid, wrong ones not, faults of tests are no
verdict.
"""

import os
import sys
from pathlib import Path

import pytest

from reward_sandbox.grading.items import GradeItem

sys.path.insert(0, str(Path(__file__).parents[1] / "data" / "sandbox"))
import programs  # the folder of cases is no package

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="tier A needs root")]


def _deserved(result, deserved) -> bool:
    if deserved == "unpaid":
        return result.score in (0, None)
    if deserved == "weak":
        return result.score in (0, None) or result.assurance == "weak"
    return result.score == deserved


@pytest.mark.parametrize("case", programs.CASES, ids=lambda case: f"{case[0]}: {case[1]}")
async def test_every_program_gets_what_it_deserves(backend, case):
    _, _, deserved, item, code = case
    if item["language"] not in backend.grader.compiler.here:
        pytest.skip(f"{item['language']} is not installed here")
    result = await backend.grade(GradeItem(code=code, **item))
    assert _deserved(result, deserved), (result.failure, result.verdict, result.tests[-1:])

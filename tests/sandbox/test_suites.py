"""Test code as data sets write it: right programs are accepted, wrong ones refused, and tests at fault give no verdict."""

import os
import sys
from pathlib import Path

import pytest

from reward_sandbox.grading.grader import Grader
from reward_sandbox.grading.items import GradeItem
from reward_sandbox.grading.uploads import Uploads
from reward_sandbox.jail.backends.fork_server import ForkServerJail

sys.path.insert(0, str(Path(__file__).parents[1] / "data" / "sandbox"))
import suites

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="tier A needs root")


@pytest.fixture(scope="module", params=[1, pytest.param(2, marks=pytest.mark.long)])
async def grader(request):
    """With one slot as with two: a reward does not depend on their number."""
    jail = ForkServerJail(request.param)
    await jail.start()
    grader = Grader(jail, Uploads(1))
    await grader.compiler.find()
    yield grader
    await grader.aclose()
    await jail.aclose()


def _matches(result, expected) -> bool:
    if expected == "unpaid":
        return result.score in (0, None)
    if expected == "weak":
        return (result.score, result.assurance) == (1, "weak")
    return result.score == expected and (expected != 1 or result.assurance == "strong")


@pytest.mark.parametrize("case", [*suites.VALUES, *suites.TESTS, *suites.HACKS], ids=lambda case: case[0])
async def test_programs_get_what_they_deserve(grader, case):
    _, item, programs = case
    for code, expected in programs.items():
        result = await grader.grade(GradeItem(language="python", code=code, **item))
        assert _matches(result, expected), (code, expected, result)
        if expected is None:
            assert result.failure.kind == "bad_reference"

"""Rows of public data sets as references: right programs are accepted, wrong ones refused, other rows say what is left."""

import json
import os
import sys
from pathlib import Path

import pytest

from reward_sandbox.datasets.row import NotUnderstood
from reward_sandbox.datasets.table import READERS, converted, reader_of, reference_of
from reward_verifiers.contract import VerifyRequest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "data" / "sandbox"))
import rows  # noqa: E402  # the folder of cases is no package

pytestmark = pytest.mark.slow


def _quick_first():
    """One row of each data set; the others are behind the marker."""
    seen = set()
    for case in rows.ROWS:
        yield pytest.param(case, id=case[0], marks=[pytest.mark.slow] if case[0] in seen else [])
        seen.add(case[0])


@pytest.mark.parametrize(("name", "row"), [case[:2] for case in [*rows.ROWS, *rows.MULTIPL_E]])
def test_a_row_is_known_by_its_shape_and_by_its_name(name, row):
    assert reader_of(row).name == name
    assert reference_of({**row, "dataset": name}) == reference_of(row)


@pytest.mark.skipif(os.geteuid() != 0, reason="tier A needs root")
@pytest.mark.parametrize("case", list(_quick_first()))
async def test_right_programs_of_a_row_are_paid_and_wrong_ones_are_not(backend, case):
    await _paid(backend, *case[1:])


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="tier A needs root")
@pytest.mark.parametrize("case", rows.MULTIPL_E, ids=lambda case: case[1]["language"])
async def test_tests_in_other_languages(backend, case):
    language = reference_of(case[1])["language"]
    if language not in backend.grader.compiler.here:
        pytest.skip(f"{language} is not installed here")
    await _paid(backend, *case[1:], fence=language)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="tier A needs root")
async def test_calls_of_a_row_may_be_in_another_language(backend):
    if "javascript" not in backend.grader.compiler.here:
        pytest.skip("javascript is not installed here")
    row = {"input_output": json.dumps({"fn_name": "twice", "inputs": [[1], [4]], "outputs": [[2], [8]]})}
    right, wrong = ["const twice = (n) => 2 * n"], ["const twice = (n) => n + 1"]
    await _paid(backend, {**row, "problem_id": 1}, right, wrong, "javascript", {"language": "javascript"})


async def _paid(backend, row, right, wrong, fence="python", options=None):
    completions = [f"```{fence}\n{code}\n```" for code in [*right, *wrong]]
    reply = await backend.verify(VerifyRequest(completions=completions, reference=row, options=options or {}))
    scores = [verdict.score for verdict in reply.verdicts]
    assert scores == [1.0] * len(right) + [0.0] * len(wrong), [verdict.reason for verdict in reply.verdicts]


@pytest.mark.parametrize(("row", "named"), rows.REFUSED)
async def test_a_row_that_is_not_understood_says_what_is_left_over(row, named):
    with pytest.raises(NotUnderstood) as caught:
        reference_of(row)
    assert named in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="tier A needs root")
async def test_such_a_row_is_a_bad_reference(backend):
    reply = await backend.verify(VerifyRequest(completions=["```python\n1\n```"], reference={"q": 1}, options={}))
    assert (reply.verdicts[0].failure.kind, reply.verdicts[0].score) == ("bad_reference", None)
    assert "here" not in reply.verdicts[0].reason


def test_the_page_has_every_data_set():
    page = (ROOT / "docs" / "sandbox.md").read_text()
    for reader in READERS:
        assert f"| {reader.title} | `{reader.name}` | {', '.join(f'`{f}`' for f in reader.shape)} |" in page, (
            reader.name
        )


@pytest.mark.parametrize("solution", ["print(1)\n", "```python\nprint(1)\n```", "So:\n\n```\nprint(1)\n```\nDone."])
def test_a_solution_may_be_written_as_an_answer(solution):
    tests = [{"type": "stdin_stdout", "input": "", "output": "1"}]
    row = {"problem": "One.", "tests": json.dumps(tests), "solutions": [solution]}
    assert converted(row)["solution"] == "print(1)\n"


def test_the_form_of_every_data_set_has_a_source():
    assert set(rows.SOURCES) == {reader.name for reader in READERS}
    assert {case[0] for case in [*rows.ROWS, *rows.MULTIPL_E]} == set(rows.SOURCES)

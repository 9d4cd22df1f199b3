"""verl 0.9.1's own SandboxFusion client against the sandbox's /run_code: `make test-trainers`."""

import json
import os

import pytest

pytestmark = [pytest.mark.long, pytest.mark.skipif(os.geteuid() != 0, reason="tier A needs root")]
SUM = {"inputs": ["1 2\n", "5 -5\n"], "outputs": ["3\n", "0"]}
CASES = [
    ({"code": "a, b = map(int, input().split())\nprint(a + b)", "tests": SUM}, 1.0, [True, True], "success"),
    ({"code": "print(3)", "tests": SUM}, 0.5, [True, False], "wrong_answer"),
    ({"code": "1/0", "tests": SUM}, 0.0, [-2, -2], "runtime_error"),
    ({"code": "def f(:", "tests": SUM}, 0.0, [-2, -2], "runtime_error"),
    (
        {"code": "def twice(x):\n    return 2 * x", "tests": {"fn_name": "twice", "inputs": ["4"], "outputs": ["8"]}},
        1.0,
        [True],
        "success",
    ),
    (
        {
            "code": "def twice(x):\n    return 2 * x",
            "tests": {"assert_case": ["assert twice(2) == 4"], "inputs": [""], "outputs": [None]},
        },
        1.0,
        [True],
        "success",
    ),
    ({"code": "while True: pass", "timeout": 1, "tests": {"inputs": [""], "outputs": [""]}}, 0.0, [-3], "timeout"),
]


def test_verls_code_reward(run_with, serve):
    with serve("sandbox", TOUCHSTONE_SANDBOX_PYTHON="/usr/bin/python3") as (url, _):
        message = run_with("verl", "grades.py", f"{url}/run_code", json.dumps([case for case, *_ in CASES]))
    for (case, score, results, status), got in zip(CASES, message, strict=True):
        assert got["score"] == pytest.approx(score), case["code"]
        assert (got["results"], got["statuses"][-1]) == (results, status), case["code"]


def test_a_sandbox_that_is_not_there_is_what_verl_counts_as_a_failed_test(run_with, free_port):
    """Its -1 enters the score as 0: see docs/trainers/sandbox_fusion.md for what to do about it."""
    case = {"code": "print(3)", "tests": {"inputs": [""], "outputs": ["3"]}}
    [got] = run_with("verl", "grades.py", f"http://127.0.0.1:{free_port}/run_code", json.dumps([case]))
    assert got == {"score": 0.0, "results": [-1], "statuses": ["api_error"]}

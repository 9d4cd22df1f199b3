"""`touchstone domains check --data` on rows of programs: what tests accept, and whether a row's own solution is right."""

import json
import os

import pytest
from typer.testing import CliRunner

from reward_api.cli.main import app

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="tier A needs root")]
ADD = {"kind": "stdio", "tests": [{"stdin": "1 2\n", "stdout": "3\n"}]}
SUM = "print(sum(map(int, input().split())))"
CALL = {"kind": "function", "entry": "twice", "tests": [{"args": [2], "expected": 4}]}
ROWS = {
    "right": ({"reference": ADD, "solution": SUM}, ""),
    "without a solution": ({"reference": ADD}, ""),
    "a wrong solution": ({"reference": ADD, "solution": "print(4)"}, "its own solution is not accepted: wrong_answer"),
    "nothing is enough": (
        {"reference": {"kind": "stdio", "tests": [{"stdout": ""}]}, "solution": "pass"},
        "does nothing",
    ),
    "a call": ({"reference": CALL, "solution": "def twice(n):\n    return 2 * n"}, ""),
    "a method": ({"reference": CALL, "solution": "class Solution:\n    def twice(self, n):\n        return 2 * n"}, ""),
    "a raw row": (
        {"task_id": 1, "text": "x", "code": "def f(x):\n    return x + 1", "test_list": ["assert f(1) == 2"]},
        "",
    ),
    "a raw row whose code is wrong": (
        {"task_id": 1, "text": "x", "code": "def f(x):\n    return x", "test_list": ["assert f(1) == 2"]},
        "its own solution is not accepted",
    ),
    "tests that see no fault": (
        {"task_id": 1, "text": "x", "code": "def f(x):\n    return [x]", "test_list": ["assert f(1) != 2"]},
        "planted fault",
    ),
    "tests that check nothing": (
        {"reference": {"kind": "asserts", "test_code": "f(1)", "entry": "f"}, "solution": "def f(x):\n    return x"},
        "it checks nothing",
    ),
    "no row of programs": ({"question": "x", "answer": "4"}, "no kind and no tests"),
    "C++": (
        {"reference": {**CALL, "language": "cpp"}, "solution": "int twice(int n) { return 2 * n; }"},
        "",
    ),
}


def test_rows_are_tried_on_programs(tmp_path):
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(f"{json.dumps(row)}\n" for row, _ in ROWS.values()))
    (tmp_path / "domains").mkdir()
    (tmp_path / "domains" / "own.yaml").write_text("components:\n  - {verifier: code, weight: 1.0}\n")
    command = ["domains", "check", "--domains", str(tmp_path / "domains"), "--domain", "own", "--data", str(data)]
    result = CliRunner().invoke(app, command)
    lines = [line for line in result.output.splitlines() if "line " in line]
    for number, (name, (_, fault)) in enumerate(ROWS.items(), 1):
        here = [line for line in lines if f"line {number}:" in line]
        assert bool(here) is bool(fault), (name, here, result.output)
        assert not fault or fault in here[0], (name, here)
    assert result.exit_code == 1

"""The calculator: exact, and nothing that a policy writes costs more than a moment or does anything else."""

import random
from fractions import Fraction

import pytest

from grpo_trainer.rollout.calculator import Calculator, evaluate


def said(expression):
    reply = Calculator().call("", "calculate", {"expression": expression})
    return reply.outcome, reply.output


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("17*23+45", "436"),
        (" (2 + 3) * 7 / 2 ", "17.5"),
        ("1/3", "0.333333333333"),
        ("7//2", "3"),
        ("-7 % 3", "2"),
        ("2**10", "1024"),
        ("0.1+0.2", "0.3"),
        ("--5", "5"),
        ("2**-1", "0.5"),
    ],
)
def test_results(expression, result):
    assert said(expression) == ("ok", result)


def test_sums_and_products_are_exact():
    rng = random.Random(3)
    for _ in range(200):
        numbers = [rng.randint(-(10**12), 10**12) for _ in range(4)]
        assert evaluate(f"({numbers[0]})*({numbers[1]})-({numbers[2]})*({numbers[3]})") == Fraction(
            numbers[0] * numbers[1] - numbers[2] * numbers[3]
        )


@pytest.mark.parametrize(
    "expression",
    [
        *("", " ", "1+", "1 2", "a", "1;2", "1\n2", "x:=1", "[1]", "(1,2)", "'1'*9", "True", "1j", "...", "1<2", "~1"),
        *("abs(1)", "__import__('os')", "().__class__", "lambda:1", "1 if 1 else 2", "f'{1}'", "print"),
        *("9**9**9", "(9**999)**999", "2**5000", "2**0.5", "1/0", "0**-1", "1%0", "1e400", "1e999999"),
        *("1" * 300, "(" * 199, "-" * 199, "1" + "+1" * 120, "\x00", "\ud800"),
    ],
)
def test_what_is_no_sum_is_refused_and_says_so(expression):
    outcome, output = said(expression)
    assert outcome == "refused"
    assert output.startswith("error: ")


def test_arguments_that_do_not_fit():
    for arguments in ({}, {"expression": 3}, {"expression": None}):
        assert Calculator().call("", "calculate", arguments).outcome == "refused"
    assert Calculator().call("", "search", {"expression": "1"}).outcome == "refused"

"""Sums of roots and powers of pi: the exact value is the numeric one, and equality does not depend on the spelling."""

import random
from fractions import Fraction

import mpmath
import pytest

from reward_verifiers.answer.comparing.rationals import NotHere, TooLarge
from reward_verifiers.answer.comparing.surds import surd
from reward_verifiers.answer.kinds import mathematics
from reward_verifiers.answer.options import AnswerOptions
from reward_verifiers.answer.reading.reader import read

SEEDS = 300


def spelled(rng: random.Random, depth: int) -> tuple[str, mpmath.mpf]:
    """A constant in TeX and its value."""
    if depth == 0:
        number = rng.randint(1, 60)
        return rng.choice(
            [
                (str(number), mpmath.mpf(number)),
                (f"\\sqrt{{{number}}}", mpmath.sqrt(number)),
                (f"\\frac{{{number}}}{{7}}", mpmath.mpf(number) / 7),
                ("\\pi", +mpmath.pi),
            ]
        )
    (left, a), (right, b) = spelled(rng, depth - 1), spelled(rng, depth - 1)
    sign = rng.choice("+-*/^")
    if sign == "^":
        return f"\\left({left}\\right)^2", a * a
    if sign == "/":
        return f"\\frac{{{left}}}{{{right}}}", a / b if b else mpmath.nan
    text = f"\\left({left}\\right){sign}\\left({right}\\right)".replace("*", "\\cdot ")
    return text, {"+": a + b, "-": a - b, "*": a * b}[sign]


def number(terms):
    return sum(mpmath.mpf(a.numerator) / a.denominator * mpmath.sqrt(n) * mpmath.pi**k for (n, k), a in terms.items())


def test_the_exact_value_is_the_numeric_one():
    seen = 0
    with mpmath.workdps(60):
        for seed in range(SEEDS):
            text, value = spelled(random.Random(seed), 1 + seed % 3)
            node = read(text).node
            try:
                terms = surd(node)
            except (NotHere, TooLarge, ZeroDivisionError):
                continue
            seen += 1
            assert abs(number(terms) - value) < mpmath.mpf(10) ** -40 * (1 + abs(value)), text
            assert all(terms.values())
    assert seen > SEEDS / 2


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("\\sqrt{72}", {(2, 0): 6}),
        ("\\sqrt{\\frac{3}{8}}", {(6, 0): Fraction(1, 4)}),
        ("\\frac{1}{1+\\sqrt{2}}", {(1, 0): -1, (2, 0): 1}),
        ("\\frac{\\pi}{\\sqrt{\\frac{1}{3}}}", {(3, 1): 1}),
        ("\\sqrt{2}\\cdot\\sqrt{8}-4", {}),
        ("\\sqrt{99460729}", {(1, 0): 9973}),
        ("2^{1/2}", {(2, 0): 1}),
    ],
)
def test_square_factors_leave_the_root(text, terms):
    assert surd(read(text).node) == terms


@pytest.mark.parametrize(
    "text", ["x", "\\sqrt{-2}", "\\sqrt{1+\\sqrt{2}}", "e", "\\sqrt[3]{2}", "\\sqrt{10^{60}+3}", "\\ln 2"]
)
def test_other_constants_are_left_to_others(text):
    with pytest.raises(NotHere):
        surd(read(text).node)


@pytest.mark.parametrize(
    ("reference", "answer", "paid"),
    [
        ("\\frac{1+\\sqrt{101}}{2}", "\\frac{1}{2}+\\frac{\\sqrt{101}}{2}", True),
        ("\\frac{1+\\sqrt{101}}{2}", "\\frac{1}{2}-\\frac{\\sqrt{101}}{2}", False),
        ("10\\pi\\sqrt{3}", "\\frac{30\\pi}{\\sqrt{3}}", True),
        ("10\\pi\\sqrt{3}", "10\\pi+\\sqrt{3}", False),
        ("\\sqrt{2}", "1.41421", True),
        ("\\sqrt{2}", "1.41429", False),
        ("\\sqrt{2}+\\sqrt{3}", "\\sqrt{5+2\\sqrt{6}}", True),
        ("\\sqrt{2}+\\sqrt{3}", "\\sqrt{10}", False),
        ("\\frac{1}{\\sqrt{2}}", "\\frac{1}{\\sqrt{2}-\\sqrt{2}}", False),
    ],
)
def test_verdicts(reference, answer, paid):
    assert mathematics.judge(reference, answer, AnswerOptions()).equal is paid


def test_within_a_tolerance_other_roots_are_near():
    options = AnswerOptions(tolerance={"relative": "0.05"})
    assert mathematics.judge("\\sqrt{2}+\\sqrt{3}", "\\sqrt{10}", options).equal
    assert not mathematics.judge("\\sqrt{2}", "\\sqrt{3}", options).equal

"""What holds for every answer: reflexive, symmetric, blind to spelling, never against exact arithmetic."""

import json
import re
from fractions import Fraction
from pathlib import Path

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from reward_verifiers.answer import AnswerOptions, AnswerReference, AnswerVerifier
from reward_verifiers.answer.comparing import symbolic
from reward_verifiers.contract import Verdict
from reward_verifiers.verifier import BadReference, Sample, Unsupported

VERIFIER = AnswerVerifier()
LINES = (Path(__file__).parents[2] / "data" / "answer" / "cases.jsonl").read_text("utf-8").splitlines()
BOXED = [
    (case["gold"], case["completion"].split("\\boxed{", 1)[1][:-3], case["label"])
    for case in map(json.loads, LINES)
    if not {"options", "reference"} & case.keys() and case["completion"].startswith("We work it out.")
]
SYMMETRIC = {"numbers", "irrational", "algebra", "tuples", "sets", "intervals", "matrices", "near misses"}
PAIRS = [
    (case["gold"], case["completion"].split("\\boxed{", 1)[1][:-3], case["label"])
    for case in map(json.loads, LINES)
    if case["category"] in SYMMETRIC
]


def judge(gold: str, completion: str, **options: object) -> Verdict:
    return VERIFIER.verify(Sample(completion, AnswerOptions.model_validate(options), AnswerReference(answer=gold)))


def test_symmetric() -> None:
    """Either of two answers may be the reference, once the form does not matter and percent is what it says."""
    wrong = []
    for gold, answer, label in PAIRS:
        try:
            there = judge(gold, f"\\boxed{{{answer}}}", form="any", percent="value").score
            back = judge(answer, f"\\boxed{{{gold}}}", form="any", percent="value").score
        except (BadReference, Unsupported):  # an answer that no reference may be
            continue
        if there != back and label == 1:
            wrong.append((gold, answer))
    assert wrong == []


WINDOW = 360


def _numbers_of(parts: list[tuple[int, int]]) -> set[int]:
    """Of all step * k + start in a window that every period below divides."""
    return {number for number in range(WINDOW) for step, start in parts if (number - start) % step == 0}


def _written(parts: list[tuple[int, int]], letter: str, unit: str) -> str:
    return " \\text{ or } ".join(f"x = {step}{letter}{unit} + {start}{unit}" for step, start in parts)


PARTS = st.lists(st.tuples(st.sampled_from([1, 2, 3, 4, 6, 12]), st.integers(0, 30)), min_size=1, max_size=3)


@given(PARTS, PARTS, st.sampled_from("kn"), st.sampled_from(["", "\\pi"]))
@settings(max_examples=300, deadline=None)
def test_two_families_are_one_where_they_are_the_same_numbers(
    ours: list[tuple[int, int]], theirs: list[tuple[int, int]], letter: str, unit: str
) -> None:
    gold = f"{_written(ours, 'k', unit)}, k \\in \\mathbb{{Z}}"
    answer = f"{_written(theirs, letter, unit)}, {letter} \\in \\mathbb{{Z}}"
    assert judge(gold, f"\\boxed{{{answer}}}").score == float(_numbers_of(ours) == _numbers_of(theirs))


def _fractions(text: str) -> str:
    return re.sub(r"\\[dt]?frac(?![a-z])", lambda _: "\\dfrac", text)


def _brackets(text: str) -> str:
    sized = re.search(r"\\(left|right|text|begin|\{|\})|\||[()\[\]][^()\[\]]*[\])][^()\[\]]*[()\[\]]", text)
    return text if sized or not re.fullmatch(r"\(.*\)", text) else f"\\left{text[:-1]}\\right)"


SPELLINGS = {
    "spaces around": lambda text: f"  {text}  ",
    "thin spaces around": lambda text: f"\\,{text}\\;",
    "a full stop": lambda text: f"{text}.",
    "dollars": lambda text: f"${text}$",
    "dfrac": _fractions,
    "left and right": _brackets,
    "display style": lambda text: text if "*" in text else f"\\displaystyle {text}",
}
SURROUNDINGS = {
    "prose": "First we look at $x^2+y^2=4$. Then we see it. So it is \\boxed{{{0}}}, as it had to be.\n",
    "a tag": "<think>perhaps \\boxed{{99}}</think><answer>\\boxed{{{0}}}</answer>",
    "a formula": "$$ \\boxed{{{0}}} $$",
    "markdown": "**Final Answer**\n\n\\[ \\boxed{{{0}}} \\]",
    "an end token": "\\boxed{{{0}}}<|im_end|>\n",
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_spelling_does_not_matter(name: str) -> None:
    wrong = [
        (gold, SPELLINGS[name](answer))
        for gold, answer, label in BOXED
        if judge(gold, f"\\boxed{{{SPELLINGS[name](answer)}}}").score != label
    ]
    assert wrong == []


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_surroundings_do_not_matter(name: str) -> None:
    wrong = [
        (gold, answer) for gold, answer, label in BOXED if judge(gold, SURROUNDINGS[name].format(answer)).score != label
    ]
    assert wrong == []


# --- against exact arithmetic -----------------------------------------------------------------------------------------

SMALL = st.integers(min_value=-30, max_value=30)


def _number(value: int) -> tuple[str, sympy.Expr]:
    return (f"({value})" if value < 0 else str(value)), sympy.Integer(value)


def _joined(inner: st.SearchStrategy) -> st.SearchStrategy:
    def combine(drawn: tuple) -> tuple[str, sympy.Expr]:
        sign, (left, a), (right, b) = drawn
        made = {
            "+": (f"({left}+{right})", a + b),
            "-": (f"({left}-{right})", a - b),
            "*": (f"{left}\\cdot {right}", a * b),
            "/": (f"\\frac{{{left}}}{{{right}}}", a / b if b != 0 else sympy.nan),
            "^": (f"({left})^2", a**2),
        }
        return made[sign]

    return st.tuples(st.sampled_from("+-*/^"), inner, inner).map(combine)


CONSTANTS = st.recursive(SMALL.map(_number), _joined, max_leaves=6)
POLYNOMIALS = st.recursive(
    st.one_of(SMALL.map(_number), st.sampled_from([("x", sympy.Symbol("x")), ("y", sympy.Symbol("y"))])),
    _joined,
    max_leaves=6,
)


def _finite(value: sympy.Expr) -> bool:
    return not value.has(sympy.nan, sympy.zoo, sympy.oo)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(CONSTANTS, SMALL, st.integers(min_value=1, max_value=30))
def test_constants_have_their_exact_value(drawn: tuple[str, sympy.Expr], over: int, under: int) -> None:
    text, value = drawn
    if not _finite(value):
        return
    exact, other = Fraction(int(value.p), int(value.q)), Fraction(over, under)
    assert judge(f"{exact.numerator}/{exact.denominator}", f"\\boxed{{{text}}}", form="any").score == 1.0
    right = judge(f"{other.numerator}/{other.denominator}", f"\\boxed{{{text}}}", form="any").score
    assert right == float(other == exact)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(POLYNOMIALS, POLYNOMIALS)
def test_rational_functions_are_equal_exactly_when_their_difference_cancels(
    left: tuple[str, sympy.Expr], right: tuple[str, sympy.Expr]
) -> None:
    if not _finite(left[1]) or not _finite(right[1]):
        return
    try:
        said = judge(left[0], f"\\boxed{{{right[0]}}}", form="any")
    except (BadReference, Unsupported):
        return
    if (
        said.failure
        or said.evidence["rule"] in ("a division by zero", "not decided")
        or said.evidence["stage"] != "first"
    ):
        return
    assert said.score == float(sympy.cancel(left[1] - right[1]) == 0)


VOCABULARY = r"""
\frac \sqrt { } ( ) [ ] \{ \} 1 2 0 0.5 x n \pi e i ^ _ + - * / = < \le , ; \text{cm} % ^\circ ! | \infty \cup
\mathbb{R} \sin \ln \pm \binom \begin{pmatrix} \end{pmatrix} & \\ \int \sum cm $ : ' 1e9 \cdot \boxed{ A (A) yes
\begin{cases} \end{cases} \lfloor \rfloor \equiv x_1 f(x) not
"""
PIECES = st.sampled_from(VOCABULARY.split())
GOLDS = st.sampled_from(
    ["5", "\\frac12", "x^2+1", "(1,2)", "\\{1,2\\}", "[1,2)", "x=5", "A", "odd", "10 cm", "5\\%", "101_2", "x>3", "1,2"]
)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None)
@given(GOLDS, st.lists(PIECES, max_size=12).map("".join), st.sampled_from(["\\boxed{%s}", "<answer>%s</answer>", "%s"]))
def test_no_text_makes_it_fail(gold: str, answer: str, around: str) -> None:
    """Every text has a verdict: what raises would be a null for the model to aim at."""
    original, symbolic.equal = symbolic.equal, lambda gold, answer: False
    try:
        assert judge(gold, around % answer).score in (0.0, 1.0)
    finally:
        symbolic.equal = original

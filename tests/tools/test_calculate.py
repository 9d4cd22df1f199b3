"""`calculate`: exact, bounded, and nothing but arithmetic."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reward_tools.calling import Refused
from reward_tools.tools.calculate import MAX_LENGTH, calculate

RIGHT = {
    "17 * 23": "391",
    "4821*3977+12": "19173129",
    "1/3 + 1/6": "0.5",
    "1/3": "1/3 ≈ 0.333333333333333",
    "0.1 + 0.2": "0.3",
    "-2**2": "-4",
    "2**-2": "0.25",
    "2**3**2": "512",
    "(-1)**3": "-1",
    "0**0": "1",
    "7 // 2 + 7 % 2": "4",
    "5!": "120",
    "max(1,234)": "234",
    "1,234 + 1": "1235",
    "(1,000,000)*2": "2000000",
    "gcd(12, 18) + lcm(4, 6)": "18",
    "sqrt(9/4)": "1.5",
    "sqrt(2)": "≈ 1.41421356237310",
    "round(2.675, 2)": "2.68",
    "2 × 3 ÷ 4 − 1": "0.5",
    "√(16) ^ 2": "16",
    "10**40": "1" + "0" * 40,
    "12345678901234567890 * 98765432109876543210": "1219326311370217952237463801111263526900",
    "comb(52, 5)": "2598960",
}
REFUSED = (
    "",
    " ",
    "1 +",
    "* 2",
    "((1)",
    "1) + 2",
    "2 3",
    "1/0",
    "5 % 0",
    "0**-1",
    "9**9**9",
    "2**100000",
    "10!!!",
    "factorial(100000)",
    "comb(10**9, 5)",
    "(-8)**(1/3)",
    "sqrt(-1)",
    "gcd(1.5, 2)",
    "__import__('os').system('id')",
    "x + 1",
    "lambda: 1",
    "1 if 1 else 2",
    "1e99999",
    "(" * 200 + "1" + ")" * 200,
    "2**" * 200 + "1",
    "nan + inf",
)


@pytest.mark.parametrize("expression", RIGHT)
def test_a_value_is_exact(expression):
    assert calculate(expression) == RIGHT[expression]


@pytest.mark.parametrize("expression", REFUSED)
def test_what_cannot_be_calculated_is_refused_with_a_reason(expression):
    with pytest.raises(Refused) as refused:
        calculate(expression)
    assert str(refused.value)
    assert refused.value.cause == "argument"


NUMBERS = st.integers(0, 999).map(str) | st.decimals(0, 99, places=2).map(lambda one: f"{one:f}")
TREES = st.recursive(
    NUMBERS,
    lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda one: f"({one[0]} {one[1]} {one[2]})"),
)


@settings(max_examples=40, deadline=None)
@given(TREES)
def test_it_agrees_with_fractions_of_the_standard_library(expression):
    exact = "".join(f"Fraction('{word}')" if word[:1].isdigit() else word for word in _words(expression))
    try:
        wanted = eval(exact, {"Fraction": Fraction})
    except ZeroDivisionError:
        with pytest.raises(Refused):
            calculate(expression)
        return
    said = calculate(expression).partition(" ≈ ")[0]
    if not said.startswith("≈"):
        assert Fraction(said) == wanted


def _words(expression):
    return expression.replace("(", "( ").replace(")", " )").split()


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=MAX_LENGTH))
def test_any_text_is_calculated_or_refused(text):
    try:
        said = calculate(text)
    except Refused as refused:
        said = str(refused)
    assert 0 < len(said) < 400

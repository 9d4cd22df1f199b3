"""Answers made to cost much: each must be answered or given up, in bounded time and memory. name → (gold, completion)."""

from __future__ import annotations


def _box(answer: str) -> str:
    return f"So it is $\\boxed{{{answer}}}$."


_NESTED = "x"
for _ in range(50):
    _NESTED = f"\\frac{{{_NESTED}}}{{1+{_NESTED[:200]}}}" if len(_NESTED) < 1500 else _NESTED

ANSWERS = {
    "tower of powers": ("42", "9^{9^{9^{9}}}"),
    "tower without braces": ("42", "9^9^9^9^9^9"),
    "tower for a symbol": ("x^2", "x^{9^{9^{9}}}"),
    "a large exponent": ("42", "2^{99999999999999}"),
    "a large exponent of a sum": ("x^2", "(x+1)^{100000}"),
    "expand a power of many": ("x^2", "(a+b+c+d+e+f+g+h)^{200}"),
    "factorial of a power": ("42", "(10^9)!"),
    "factorial of a number": ("42", "999999999!"),
    "factorial of a factorial": ("42", "((9!)!)!"),
    "500 factorials": ("42", "5" + "!" * 500),
    "binomial": ("42", "\\binom{10^{12}}{10^{11}}"),
    "a number of 5,000 digits": ("42", "7" * 5_000),
    "a number of 100,000 digits": ("42", "7" * 100_000),
    "a product of large numbers": ("42", "\\cdot".join(["9" * 300] * 60)),
    "exponent of a decimal": ("42", "1.0000001^{1000000000}"),
    "1e999999999": ("42", "1e999999999"),
    "1e9999": ("42", "1e9999"),
    "a root of a large degree": ("42", "\\sqrt[999999999]{2}"),
    "50 nested roots": ("42", "\\sqrt{" * 50 + "2" + "}" * 50),
    "2,000 nested roots": ("42", "\\sqrt{" * 2_000 + "2" + "}" * 2_000),
    "300 nested brackets": ("42", "(" * 300 + "1" + ")" * 300),
    "50,000 nested brackets": ("42", "(" * 50_000 + "1" + ")" * 50_000),
    "nested fractions": ("x", _NESTED),
    "1,000 minus signs": ("42", "-" * 1_000 + "42"),
    "500 terms": ("42", "+".join(["\\sqrt{2}"] * 500)),
    "list of 2,000": ("1,2,3", ",".join(map(str, range(2_000)))),
    "two lists of 400 in two orders": (
        ",".join(f"\\sqrt{{{k}}}" for k in range(2, 60)),
        ",".join(f"\\sqrt{{{k}}}" for k in range(59, 1, -1)),
    ),
    "set of sets": ("\\{1\\}", "\\{" * 200 + "1" + "\\}" * 200),
    "matrix of 40 by 40": (
        "\\begin{pmatrix}1\\\\2\\end{pmatrix}",
        "\\begin{pmatrix}" + "\\\\".join("&".join("x" * 40) for _ in range(40)) + "\\end{pmatrix}",
    ),
    "determinant": ("42", "\\begin{vmatrix}" + "\\\\".join("&".join("x" * 9) for _ in range(9)) + "\\end{vmatrix}"),
    "integral": ("x", "\\int \\frac{1}{\\sin^7 x+\\cos^5 x+x^x}\\,dx"),
    "sum": ("x", "\\sum_{k=1}^{10^{12}} \\frac{1}{k!}"),
    "limit": ("x", "\\lim_{n\\to\\infty}\\left(1+\\frac{1}{n}\\right)^{n^{n^n}}"),
    "tower in trigonometry": ("\\sin x", "\\sin(\\cos(\\tan(e^{e^{e^{e^{x}}}})))"),
    "exponential tower": ("e^x", "e^{e^{e^{e^{e^{x}}}}}"),
    "gamma of a power": ("42", "\\Gamma(10^{9})"),
    "modulus of a tower": ("42", "7^{7^{7^{7}}} \\bmod 100"),
    "union of 1,000 intervals": ("(0,1)", "\\cup".join(f"({k},{k + 1})" for k in range(1_000))),
    "200 plus-minus signs": ("1", "\\pm1" * 200),
    "10 KB of \\text": ("42", "\\text{" * 1_500 + "x" + "}" * 1_500),
    "100 KB of letters": ("42", "x" * 100_000),
    "long subscripts": ("x_1", "x_{" * 500 + "1" + "}" * 500),
    "percent signs": ("42", "42" + "\\%" * 1_000),
    "base 36": ("42", "z" * 900 + "_{36}"),
    "units to powers": ("5\\text{ cm}", "5 cm^{99999}"),
    "repeating decimal": ("42", "0.\\overline{" + "142857" * 200 + "}"),
    "continued fraction": ("42", "1+\\frac{1}{" * 55 + "2" + "}" * 55),
    "scientific of scientific": ("42", "10^{10^{10^{10}}}\\times 10^{-10^{10}}"),
}
WHOLE = {
    "50,000 unclosed boxes": ("42", "\\boxed{" * 50_000),
    "50,000 closed boxes": ("42", "\\boxed{1}" * 50_000),
    "boxes side by side": ("42", "\\boxed{1} or " * 50_000),
    "20,000 dollars": ("42", "$ " * 20_000),
    "1 MB of answer tags": ("42", "<answer>" * 125_000),
    "1 MB of closing tags": ("42", "</answer>" * 110_000),
    "1 MB of phrases": ("42", "the answer is " * 70_000),
    "1 MB of braces": ("42", "\\boxed" + "{" * 1_000_000),
    "1 MB of digits": ("42", "7" * 1_000_000),
    "1 MB of commas": ("42", "1," * 500_000),
    "1 MB of JSON brackets": ("42", "[" * 1_000_000),
}
BOMBS = {name: (gold, _box(answer)) for name, (gold, answer) in ANSWERS.items()} | WHOLE

"""A quantity of the problem before a sign of equality: P(A|B) = 1/3, \\|v\\| = 3, n(A \\cup B) = 36, dy/dx|_{x=2} = 4.

What stands there is a name and is not worked out, so only these closed notations count, each read whole, and only where
the parser cannot read them (UNREAD) or takes them for a product (MISREAD). The value is what is said behind it. An
equation to be solved, 2x + 5 = 11, is none of them.
"""

from __future__ import annotations

import re

MAX_LABEL = 80
_NAMES = (
    "Var|Cov|Corr|SD|rank|rk|tr|dim|deg|ker|det|diam|card|ord|gcd|lcm|vol|Vol|Volume|volume|area|Area|perimeter|Perimeter|"
    "length|Length|mean|median|mode|range|slope|dist|arg|nullity|Res|sgn|diag|index|lcd"
)
_WORD = rf"(?:\\(?:text|operatorname|mathrm)\{{\s?(?:{_NAMES}|Pr|E|P)\s?\}}|\\(?:dim|deg|det|ker|Pr|arg|gcd))"
_ROUND = r"\s?(?:\([^()]{1,50}\)|\([^()]{0,30}\([^()]{1,30}\)[^()]{0,30}\)|\[[^\[\]]{1,50}\])"
_NAME = r"[A-Za-z](?:_\{?[A-Za-z0-9]{1,4}\}?)?'{0,2}"
_INDEX = r"(?:_[A-Za-z0-9]|_\{[A-Za-z0-9]{1,4}\})?"
_EQUAL = r")\s?(=|\\approx)\s?(?=.)"
UNREAD = re.compile(
    "("
    + "|".join(
        (
            rf"(?:{_WORD}|\\mathbb\{{?[EPV]\}}?|[EPV]|#){_INDEX}{_ROUND}",
            rf"{_WORD}{_INDEX}\s?{_NAME}",
            rf"{_WORD}_\{{(?:\\triangle\s?)?[A-Z]{{1,6}}\}}",
            r"\|[^|=<>]{0,30}\\(?:cup|cap|setminus|times)[^|=<>]{1,30}\|",
            r"#\s?\\\{[^{}]{1,40}\\\}",
            rf"(?:\\\||\\lVert)\s?(?:\\[a-z]{{2,12}}\s?\{{?)?{_NAME}\s?\}}?\s?(?:\\\||\\rVert)(?:_\{{?[0-9a-z]\}}?)?",
            rf"\\(?:max|min|sup|inf)(?:_\{{[^{{}}]{{1,40}}\}})?\s?{_NAME}(?:{_ROUND})?",
            r"(?:\\frac\{d[^{}]{0,12}\}\{d[^{}]{1,8}\}|[A-Za-z]'{1,3}(?:\([A-Za-z]\))?)\s?\|_\{?\(?[^{}|]{1,20}\)?\}?",
        )
    )
    + _EQUAL
)
MISREAD = re.compile(
    "("
    + "|".join(
        (
            r"n\s?\([^()]{0,30}(?:\\cup|\\cap|\\setminus)[^()]{1,30}\)",
            r"\\(?:phi|sigma|tau|mu|psi|chi|omega|lambda|pi|zeta|Phi|Psi)\s?\([0-9]{1,6}\)",
            r"\(\s?[a-zA-Z]\s?\\circ\s?[a-zA-Z](?:\s?\\circ\s?[a-zA-Z])?\s?\)\s?\([^()]{1,20}\)",
        )
    )
    + _EQUAL
)
_LINE = re.compile(r"(?:\\ell|[lL])(?:_\{?[0-9]\}?)?\s?:\s?(?=[^:]{0,200}=)")
"""A line's name before its equation."""


def split(text: str, notation: re.Pattern[str]) -> tuple[str, str, str] | None:
    """The name, the sign (= or ~) and the rest of a normalised text, or None.

    >>> split("P(A|B)=\\\\frac{1}{3}", UNREAD), split("2x+5=11", UNREAD)
    (('P(A|B)', '=', '\\\\frac{1}{3}'), None)
    """
    match = notation.match(text) if "=" in text or "\\approx" in text else None
    if match is None or match.end() > MAX_LABEL:
        return None
    name = "".join(match[1].split()).replace("\\mid", "|")
    return name, "=" if match[2] == "=" else "~", text[match.end() :]


def without_line(text: str) -> str:
    """Without the name of a line before its equation: \\ell: y = 3 - x."""
    line = _LINE.match(text)
    return text[line.end() :] if line else text

"""Tokens of a normalised answer: one linear pass, at most MAX_TOKENS."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reward_verifiers.answer import units, words

MAX_TOKENS = 1200


class CannotRead(ValueError):
    """The first stage does not know how to read this; it says nothing about right or wrong."""


@dataclass(slots=True)
class Token:
    kind: str
    """num, repeating, sci, sym, cmd, text, sep, op or end."""
    value: str
    spaced: bool = False
    """White space stands before it."""


FUNCTIONS = frozenset(
    (
        "sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc asin acos atan sinh cosh tanh coth sech "
        "csch arsinh arcosh artanh asinh acosh atanh log ln lg exp sqrt abs floor ceil binom max min gcd lcm det "
        "arg sgn Re Im mod"
    ).split()
)
_NAMES = {
    "pi": "\\pi", "infinity": "\\infty", "inf": "\\infty", "infty": "\\infty", "oo": "\\infty", "theta": "\\theta",
    "alpha": "\\alpha", "beta": "\\beta", "gamma": "\\gamma", "phi": "\\phi", "lambda": "\\lambda", "mu": "\\mu",
    "omega": "\\omega", "sigma": "\\sigma", "delta": "\\delta", "pm": "\\pm", "times": "\\times",
    "frac": "\\frac", "in": "\\in",
}  # fmt: skip
_TEXT_COMMANDS = frozenset(
    ["text", "textbf", "textrm", "textit", "textsf", "texttt", "textnormal", "mbox", "hbox", "emph", "operatorname"]
)
_FONT_COMMANDS = frozenset(
    ("mathrm mathbf mathit mathsf boldsymbol bm bold rm bf underline ensuremath mathcal").split()
)
_ACCENTS = frozenset(["vec", "hat", "bar", "overline", "tilde", "dot", "widehat", "overrightarrow", "mathbb"])
_SMALL = frozenset(("pct is the of to in at if not for are be it as by so no an on per we").split())

_LIST_NUMBER = r"\d+(?:\.\d+)?|\.\d+"
_PLAIN_NUMBER = r"\d{1,3}(?:,\d{3})+(?!\d|,\d)(?:\.\d+)?|" + _LIST_NUMBER
_PATTERN = (
    r"(?P<repeating>\d*\.\d*\\(?:overline|bar|dot)\s?(?:\{{\d+\}}|\d)|\d+\.\d*\(\d+\))"
    r"|(?P<sci>\d+(?:\.\d+)?[eE][-+]?\d{{1,4}}(?![\d.A-Za-z])|\d+(?:\.\d+)?[eE]\{{[-+]?\d{{1,4}}\}})"
    r"|(?P<num>{number})"
    r"|(?P<cmd>\\[A-Za-z]+|\\.)"
    r"|(?P<word>[A-Za-z]+)"
    r"|(?P<cjk>[\u3400-\u9fff]+)"
    r"|(?P<space>\s+)"
    r"|(?P<op>\*\*|<=|>=|!=|==|\.\.\.|.)"
)
_WITH_THOUSANDS = re.compile(_PATTERN.format(number=_PLAIN_NUMBER), re.S | re.A)
_WITHOUT = re.compile(_PATTERN.format(number=_LIST_NUMBER), re.S | re.A)


def _braced(text: str, start: int) -> tuple[str, int]:
    """The content of the `{…}` at or after `start`, and where it ends."""
    while text.startswith(" ", start):
        start += 1
    if not text.startswith("{", start):
        raise CannotRead("a group is missing")
    depth = 0
    for position in range(start, len(text)):
        if text[position] == "{":
            depth += 1
        elif text[position] == "}":
            depth -= 1
            if depth == 0:
                return text[start + 1 : position], position + 1
    raise CannotRead("a group is not closed")


class _Lexer:
    def __init__(self, thousands: bool) -> None:
        self.thousands = thousands
        self.tokens: list[Token] = []
        self.brackets = 0

    def run(self, text: str, depth: int = 0) -> None:
        if depth > 3:
            raise CannotRead("text inside text")
        position, spaced = 0, False
        while position < len(text):
            pattern = _WITH_THOUSANDS if self.thousands and self.brackets == 0 else _WITHOUT
            match = pattern.match(text, position)
            if match is None:  # pragma: no cover - the pattern matches any character
                raise CannotRead("an odd character")
            position, kind, value = match.end(), match.lastgroup or "op", match.group()
            if kind == "space":
                spaced = True
                continue
            count = len(self.tokens)
            if kind == "cmd":
                position = self._command(text, value[1:], position, depth)
            elif kind == "word":
                self._word(value)
            elif kind == "cjk":
                self._cjk(value)
            else:
                self._emit(kind, value)
                self.brackets += (value in "([") - (value in ")]")
            if len(self.tokens) > count:
                self.tokens[count].spaced = spaced
                spaced = False
            if len(self.tokens) > MAX_TOKENS:
                raise CannotRead(f"more than {MAX_TOKENS} tokens")

    def _emit(self, kind: str, value: str) -> None:
        self.tokens.append(Token(kind, value))

    def _command(self, text: str, name: str, position: int, depth: int) -> int:
        if name in _TEXT_COMMANDS:
            content, position = _braced(text, position)
            self._text(content, depth)
        elif name in _FONT_COMMANDS:
            if text.startswith("{", position):
                content, position = _braced(text, position)
                if units.spelled(content.strip()) and self.tokens and self.tokens[-1].kind != "op":
                    self._emit("text", content.strip())
                else:
                    self.run(content, depth + 1)
        elif name in _ACCENTS and text[position:].lstrip().startswith("{"):
            content, position = _braced(text, position)
            self._emit("sym", f"{name}({content.strip()})" if name != "mathbb" else content.strip() + "*")
        elif name == "mathbb" and text[position:].lstrip()[:1].isalpha():
            position = text.index(text[position:].lstrip()[0], position) + 1
            self._emit("sym", text[position - 1] + "*")
        elif name in ("{", "}"):
            self._emit("op", "\\" + name)
            self.brackets += 1 if name == "{" else -1
        elif name in ("begin", "end"):
            content, position = _braced(text, position)
            self._emit("cmd", f"{name} {content}")
            if name == "begin" and content == "array":
                _, position = _braced(text, position)
            self.brackets += 1 if name == "begin" else -1
        elif name == "circ":
            self._emit("op", "°")
        else:
            self._emit("cmd", name)
        return position

    def _text(self, content: str, depth: int) -> None:
        stripped = content.strip(" ,.;:")
        if not stripped:
            if "," in content or ";" in content:
                self._emit("sep", ",")
        elif stripped.lower() in words.SEPARATORS:
            self._emit("sep", stripped)
        elif stripped in FUNCTIONS:
            self._emit("cmd", stripped)
        elif stripped in units.SINGLE_LETTERS and self._after_number():
            self._emit("text", stripped)
        elif any(char.isdigit() or char in "()\\^" for char in stripped) or len(stripped) == 1:
            self.run(content, depth + 1)
        else:
            self._emit("text", stripped)

    def _word(self, word: str) -> None:
        low = word.lower()
        if low in words.SEPARATORS:
            self._emit("sep", low)
        elif word in FUNCTIONS:
            self._emit("cmd", word)
        elif word in _NAMES and not (word == "in" and not (self.tokens and self.tokens[-1].kind == "sym")):
            self._emit("cmd", _NAMES[word][1:])
        elif len(word) == 1:
            self._emit("sym", word)
        elif units.known(word) or len(word) > 3 or low in _SMALL:
            head = next((name for name in ("sin", "cos", "tan", "ln", "log") if word.startswith(name)), None)
            if head and len(word) - len(head) == 1:
                self._emit("cmd", head)
                self._emit("sym", word[-1])
            else:
                self._emit("text", word)
        else:
            for letter in word:
                self._emit("sym", letter)

    def _after_number(self) -> bool:
        return bool(self.tokens) and (
            self.tokens[-1].kind in ("num", "sci", "repeating") or self.tokens[-1].value in (")", "}")
        )

    def _cjk(self, word: str) -> None:
        self._emit("sep" if word in words.SEPARATORS else "text", word)


def tokens(text: str, thousands: bool = True) -> list[Token]:
    """The tokens of a normalised answer, ended by an `end`. With `thousands`, a bare 1,234 is one number.

    Raises CannotRead when there are too many.
    """
    lexer = _Lexer(thousands)
    lexer.run(text)
    lexer.tokens.append(Token("end", ""))
    return lexer.tokens

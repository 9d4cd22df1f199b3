"""Tokens of a normalised answer: one linear pass, at most MAX_TOKENS. Nothing is dropped but white space and fonts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reward_verifiers.answer.reading import numerals, units, words

MAX_TOKENS = 1200


class CannotRead(ValueError):
    """The text is not read whole; `left_over` is what no rule accounts for."""

    def __init__(self, why: str, left_over: str = "") -> None:
        super().__init__(why)
        self.left_over = left_over


@dataclass(slots=True)
class Token:
    kind: str
    """num, repeating, sci, sym, cmd, text (one word), sep, op or end."""
    value: str
    spaced: bool = False
    """White space stands before it."""
    worded: bool = False
    """It stood in \\text."""


FUNCTIONS = frozenset(
    (
        "sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc asin acos atan sinh cosh tanh coth sech "
        "csch arsinh arcosh artanh asinh acosh atanh log ln lg exp sqrt abs floor ceil binom max min gcd lcm det "
        "arg sgn Re Im mod"
    ).split()
)
_FUNCTION_NAMES = {
    "tg": "tan", "ctg": "cot", "cotg": "cot", "cosec": "csc", "arctg": "arctan", "arcctg": "arccot", "sh": "sinh",
    "ch": "cosh", "th": "tanh", "sen": "sin", "arcsen": "arcsin",
}  # fmt: skip
"""What other countries call them."""
_NAMES = {
    "pi": "\\pi", "infinity": "\\infty", "inf": "\\infty", "infty": "\\infty", "oo": "\\infty", "theta": "\\theta",
    "alpha": "\\alpha", "beta": "\\beta", "gamma": "\\gamma", "phi": "\\phi", "lambda": "\\lambda", "mu": "\\mu",
    "omega": "\\omega", "sigma": "\\sigma", "delta": "\\delta", "pm": "\\pm", "times": "\\times",
    "frac": "\\frac", "in": "\\in",
}  # fmt: skip
TEXT_COMMANDS = frozenset(
    [
        "text",
        "textbf",
        "textrm",
        "textit",
        "textsf",
        "texttt",
        "textnormal",
        "mbox",
        "hbox",
        "emph",
        "operatorname",
        "textup",
    ]
)
_FONT_COMMANDS = frozenset(
    (
        "mathrm mathbf mathit mathsf mathtt boldsymbol bm bold rm bf it underline ensuremath mathcal mathscr mathfrak "
        "underbrace overbrace boxed fbox"
    ).split()
)
_VECTOR_FONTS = frozenset("mathbf boldsymbol bm bf vec hat widehat overrightarrow bold".split())
_ACCENTS = frozenset(
    ["vec", "hat", "bar", "overline", "tilde", "dot", "ddot", "widehat", "widetilde", "overrightarrow", "mathbb"]
)
_DRESSING = _VECTOR_FONTS | _FONT_COMMANDS | _ACCENTS
_BOLD = frozenset("mathbf boldsymbol bm bf bold".split())
_TIMES_BOLD = re.compile(r"\s?\\times\s?\\(?:mathbf|boldsymbol|bm|bold)\s?\{?\s?[A-Za-z](?![A-Za-z])")
_CONSTANT = frozenset({"const", "const.", "constant"})
"""The constant of integration in words."""
_ONE_ACCENT = {"overrightarrow": "vec", "overline": "bar", "widehat": "hat", "widetilde": "tilde"}
"""Wide and narrow accents say the same."""
_SMALL = frozenset(("pct is the of to in at if not for are be it as by so no an on per we was and or").split())
_FUNCTION_HEADS = ("sin", "cos", "tan", "ln", "log")

_LIST_NUMBER = r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+"
_PLAIN_NUMBER = r"[0-9]{1,3}(?:,[0-9]{3})+(?![0-9]|,[0-9])(?:\.[0-9]+)?|" + _LIST_NUMBER
_PATTERN = (
    r"(?P<whole>[0-9]+(?![0-9.,eA-F]))"
    r"|(?=[0-9.])(?:(?P<repeating>[0-9]*\.[0-9]*\\(?:overline|bar|dot)\s?(?:\{{[0-9]+\}}|[0-9])|[0-9]+\.[0-9]*\([0-9]+\)(?![0-9(^!/])"
    r"|[0-9]*\.[0-9]+\s?(?:\\ldots|\.\.\.)(?![0-9]))"
    r"|(?P<sci>[0-9]+(?:\.[0-9]+)?[eE][-+]?[0-9]{{1,6}}(?![0-9.A-Za-z])|[0-9]+(?:\.[0-9]+)?[eE]\{{[-+]?[0-9]{{1,6}}\}}))"
    r"|(?P<hex>(?=[0-9]*[A-F])[0-9A-F]{{2,40}}(?=_(?:16(?![0-9])|\{{16\}})))"
    r"|(?P<num>{number})"
    r"|(?P<cmd>\\[A-Za-z]+|\\.)"
    r"|(?P<cjk>[\u3400-\u9fff]+)"
    r"|(?P<word>[^\W0-9_]+)"
    r"|(?P<space>\s+)"
    r"|(?P<op>\*\*|<=|>=|!=|==|\.\.\.|.)"
)
_WITH_THOUSANDS = re.compile(_PATTERN.format(number=_PLAIN_NUMBER), re.S)
_WITHOUT = re.compile(_PATTERN.format(number=_LIST_NUMBER), re.S)
_SPOKEN = re.compile(r"[^\W0-9_]+(?:['’-][^\W0-9_]+)*\.?(?=$|[\s,;:)\]}])|[^\W0-9_]+")
_NOT = re.compile(r"['’]t(?![^\W0-9_])", re.I)
"""The end of can't and isn't."""
_PRONOUNS = frozenset("i you he she we they".split())
"""With a short verb, I'd, they are words, and no product."""
_SHORT_VERB = re.compile(r"['’](?:d|ll|ve|re|m)(?![^\W0-9_])", re.I)
_PLAIN_WORDS = re.compile(r"[^\W0-9_]{2,}(?:[ '’-][^\W0-9_]{2,})*")


def _contraction(word: str, text: str, end: int) -> str:
    """What a word is shortened with, or nothing: of "can't be 36", "can" alone would be harmless."""
    if word.lower() in _PRONOUNS:
        short = _SHORT_VERB.match(text, end)
    else:
        short = _NOT.match(text, end) if len(word) > 2 and word[-1] in "nN" else None
    return short[0] if short else ""


def braced(text: str, start: int) -> tuple[str, int]:
    """The content of the `{…}` at or after `start`, and where it ends."""
    while text.startswith(" ", start):
        start += 1
    if not text.startswith("{", start):
        raise CannotRead("a group is missing", text[start : start + 40])
    depth = 0
    for position in range(start, len(text)):
        if text[position] == "{":
            depth += 1
        elif text[position] == "}":
            depth -= 1
            if depth == 0:
                return text[start + 1 : position], position + 1
    raise CannotRead("a group is not closed", text[start : start + 40])


_BRACKETS = {"(": 1, "[": 1, ")": -1, "]": -1}
"""What they add to the depth."""


class _Lexer:
    def __init__(self, thousands: bool) -> None:
        self.thousands = thousands
        self.tokens: list[Token] = []
        self.brackets = 0

    def run(self, text: str, depth: int = 0, worded: bool = False) -> None:
        if depth > 3:
            raise CannotRead("text inside text", text[:40])
        tokens, end = self.tokens, len(text)
        position, spaced = 0, False
        while position < end:
            count = len(tokens)
            spoken = _SPOKEN.match(text, position) if worded else None
            if spoken and not "\u3400" <= spoken.group()[0] <= "\u9fff":
                position = spoken.end()
                self._spoken(spoken.group())
            else:
                pattern = _WITH_THOUSANDS if self.thousands and self.brackets == 0 else _WITHOUT
                match = pattern.match(text, position)
                if match is None:  # pragma: no cover - the pattern matches any character
                    raise CannotRead("an odd character", text[position : position + 1])
                position, kind, value = match.end(), match.lastgroup or "op", match.group()
                if kind == "space":
                    spaced = True
                    continue
                if kind in ("whole", "num"):
                    tokens.append(Token("num", value))
                elif kind == "op":
                    tokens.append(Token(kind, value))
                    if value in _BRACKETS:
                        self.brackets += _BRACKETS[value]
                else:
                    position = self._token(text, kind, value, position, depth)
            if worded:
                for token in tokens[count:]:
                    token.worded = True
            if spaced and len(tokens) > count:
                tokens[count].spaced = True
                spaced = False
            if count > MAX_TOKENS:
                raise CannotRead(f"more than {MAX_TOKENS} tokens")

    def _token(self, text: str, kind: str, value: str, position: int, depth: int) -> int:
        if kind == "cmd":
            return self._command(text, value[1:], position, depth)
        if kind == "word":
            if text[position : position + 1] in ("'", "’") and (short := _contraction(value, text, position)):
                self._emit("text", value + short)
                return position + len(short)
            spaced = position > len(value) and text[position - len(value) - 1].isspace()
            if (
                text[position : position + 1] in ("^", "_")
                and len(value) < 4
                and not (self._after_number() and units.unit_name(value))
            ):
                for letter in value:
                    self._emit("sym", letter)
            else:
                self._word(value, spaced)
        elif kind == "cjk":
            self._cjk(value)
        else:
            self._emit("num" if kind == "hex" else kind, value)
        return position

    def _emit(self, kind: str, value: str) -> None:
        self.tokens.append(Token(kind, value))

    def _command(self, text: str, name: str, position: int, depth: int) -> int:
        if name in TEXT_COMMANDS:
            content, position = braced(text, position)
            self._text(content, depth)
        elif name in _DRESSING:
            return self._font(text, name, position, depth)
        elif name in ("{", "}"):
            self._emit("op", "\\" + name)
            self.brackets += 1 if name == "{" else -1
        elif name in ("begin", "end"):
            content, position = braced(text, position)
            self._emit("cmd", f"{name} {content}")
            if name == "begin" and content in ("array", "tabular"):
                _, position = braced(text, position)
            self.brackets += 1 if name == "begin" else -1
        elif name == "circ":
            self._emit("op", "°")
        elif name in ("lor", "vee", "land", "wedge"):
            self._emit("sep", "lor" if name in ("lor", "vee") else "land")
        elif name == "textcircled":
            content, position = braced(text, position)
            self._emit("sym", f"circled {content.strip()}")
        else:
            self._emit("cmd", name)
        return position

    def _font(self, text: str, name: str, position: int, depth: int) -> int:
        rest = text[position : position + 60].lstrip()
        if rest.startswith("{"):
            content, position = braced(text, position)
        elif rest[:1].isalnum() and name not in ("rm", "bf", "it"):
            position = text.index(rest[0], position) + 1
            content = rest[0]
        elif rest.startswith("\\") and name in _ACCENTS and (command := re.match(r"\\[A-Za-z]+", rest)):
            position = text.index(command.group(), position) + command.end()
            content = command.group()
        elif name in _FONT_COMMANDS or name in ("bf",):
            return position  # a switch: what follows stands as it is
        else:
            raise CannotRead("a group is missing", rest[:40])
        content = content.strip()
        letter = content.strip("{} ")
        for inner in ("\\mathbf", "\\imath", "\\jmath", "\\mathrm", "\\boldsymbol"):
            letter = {"\\imath": "i", "\\jmath": "j"}.get(letter, letter).removeprefix(inner).strip("{} ")
        if name in _VECTOR_FONTS and letter in ("i", "j", "k"):
            self._emit("sym", f"{letter}→")
        elif name in _BOLD and len(letter) == 1 and letter.isalpha() and self._crosses(text, position):
            self._emit("sym", f"vec({letter})")
        elif name == "mathbb":
            self._emit("sym", content + "*")
        elif name in _ACCENTS:
            self._emit("sym", f"{_ONE_ACCENT.get(name, name)}({content})")
        elif (self._after_number() and units.spelled(content)) or (
            len(content) > 1
            and content.replace(" ", "").isalpha()
            and content not in FUNCTIONS
            and name in ("mathrm", "mathbf", "mathit", "mathsf")
        ):
            self._text(content, depth)
        else:
            self.run(content, depth + 1)
        return position

    def _crosses(self, text: str, position: int) -> bool:
        """Whether a bold letter stands beside the × of two vectors, where the order counts."""
        before = [token.value for token in self.tokens[-2:]]
        return bool(_TIMES_BOLD.match(text, position)) or (before[1:] == ["times"] and before[0].startswith("vec("))

    def _text(self, content: str, depth: int) -> None:
        stripped = content.strip()
        if stripped in _CONSTANT and self.tokens and self.tokens[-1].value == "+":
            stripped = content = "C"
        if not stripped:
            return
        if stripped in (",", ";", "、"):
            self._emit("sep", ",")
        elif _FUNCTION_NAMES.get(stripped, stripped) in FUNCTIONS and not self._after_number():
            self._emit("cmd", _FUNCTION_NAMES.get(stripped, stripped))
        elif len(stripped) == 1 and not (stripped in units.SINGLE_LETTERS and self._after_number()):
            self.run(content, depth + 1)
        else:
            self.run(content, depth + 1, worded=True)

    def _spoken(self, word: str) -> None:
        """A word of a text."""
        low = word.lower().rstrip(".")
        if low in words.SEPARATORS:
            self._emit("sep", low)
        elif len(word) == 1 and not (self._after_number() and word in units.SINGLE_LETTERS) and word not in ("a", "I"):
            self._emit("sym", word)
        elif (
            word.rstrip(".") in _NAMES and word.rstrip(".") not in ("in", "times", "frac") and not self._after_number()
        ):
            self._emit("cmd", _NAMES[word.rstrip(".")][1:])
        else:
            self._emit("text", word.rstrip(".") if word.count(".") == 1 and len(word) > 2 else word)

    def _word(self, word: str, spaced: bool = False) -> None:
        if len(word) == 1 and word not in words.SEPARATORS:
            self._emit("sym", word)
            return
        if word in _CONSTANT and self.tokens and self.tokens[-1].value == "+":
            word = "C"
        low = word.lower()
        after = self._after_number()
        if len(word) == 2 and word[0] == "d" and any(token.value == "int" for token in self.tokens):
            self._emit("sym", "d")
            self._emit("sym", word[1])
        elif low in words.SEPARATORS:
            self._emit("sep", low)
        elif after and len(word) > 1 and (units.is_common(word) or (spaced and units.unit_name(word))):
            self._emit("text", word)
        elif word in FUNCTIONS:
            self._emit("cmd", word)
        elif word in _NAMES and not (word == "in" and not (self.tokens and self.tokens[-1].kind == "sym")):
            self._emit("cmd", _NAMES[word][1:])
        elif word.isupper() and (_OPTIONS.issuperset(word) or _TOSSES.issuperset(word)):
            for letter in word:
                self._emit("sym", letter)
        elif (
            len(word) > 3
            or not word.isascii()
            or low in _SMALL
            or (word.isalpha() and not word.isupper() and (low in words.NOUNS or low in _SHORT))
        ):
            head = next((name for name in _FUNCTION_HEADS if word.startswith(name)), None)
            if head and len(word) - len(head) == 1:
                self._emit("cmd", head)
                self._emit("sym", word[-1])
            elif (
                head
                and word[len(head) :] in _NAMES
                and _NAMES[word[len(head) :]] in ("\\theta", "\\alpha", "\\pi", "\\beta")
            ):
                self._emit("cmd", head)
                self._emit("cmd", word[len(head) :])
            else:
                self._emit("text", word)
        else:
            for letter in word:
                self._emit("sym", letter)

    def _after_number(self) -> bool:
        return bool(self.tokens) and (
            self.tokens[-1].kind in ("num", "sci", "repeating") or self.tokens[-1].value in (")", "}", "pi")
        )

    def _cjk(self, word: str) -> None:
        if word in words.SEPARATORS:
            self._emit("sep", word)
            return
        value = numerals.number(word)
        if value is not None and value.denominator == 1 and value >= 0 and not self._after_number():
            self._emit("num", str(value))
            return
        while word:
            piece = next((word[:size] for size in (4, 3, 2, 1) if word[:size] in _CJK), word)
            self._emit("sep" if piece in words.SEPARATORS else "text", piece)
            word = word[len(piece) :]


_OPTIONS, _TOSSES = frozenset("ABCDEFGHIJ"), frozenset("HT")
_SHORT = frozenset(
    "one two six ten all yes no por the and are for has let sum get him her his its our how who why any".split()
)
_CJK = (
    words.CJK_HARMLESS
    | frozenset(key for key in units.SPELLINGS if "\u3400" <= key[0] <= "\u9fff")
    | frozenset(words.SCALES)
    | words.SEPARATORS
)


def tokens(text: str, thousands: bool = True) -> list[Token]:
    """The tokens of a normalised answer, ended by an `end`. With `thousands`, a bare 1,234 is one number.

    Raises CannotRead when there are too many.
    """
    lexer = _Lexer(thousands)
    lexer.run(text)
    lexer.tokens.append(Token("end", ""))
    return lexer.tokens

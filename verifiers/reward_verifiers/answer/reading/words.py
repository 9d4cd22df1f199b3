"""The closed lists of words: synonyms of yes, no and "no solution", harmless words, counted things, times of day.

A word that stands in none of these lists is not read.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple

_CLASSES = {
    "true": "true yes correct right 是 对 正确 是的 对的 真 sí oui ja да",
    "false": "false no incorrect wrong 否 错 错误 不是 不对 假 non nein нет",
    "∅": (
        "none|no solution|no solutions|no real solution|no real solutions|there is no solution|there are no solutions"
        "|there are no real solutions|empty set|the empty set|empty|无解|没有解|空集|no roots|no real roots"
        "|no solution exists|no solutions exist|no real solution exists|no real solutions exist|no real root"
        "|no such number|no such numbers|no values|no such values|no integer solutions|no positive solutions"
    ),
    "undefined": "undefined|does not exist|dne|not defined|doesn't exist|diverges|divergent|the limit does not exist|不存在",
    "R": (
        "all real numbers|all reals|all real|the set of all real numbers|real numbers|every real number"
        "|any real number|全体实数|所有实数|all real values"
    ),
    "infinitely many": "infinitely many|infinite|infinitely many solutions|infinite solutions|无穷多|无数个|无数",
    "inf": "diverges to infinity|tends to infinity|infinity|positive infinity|inf|+inf|plus infinity|无穷大|正无穷",
    "-inf": "diverges to negative infinity|negative infinity|minus infinity|-inf|负无穷",
}
CLASS = {
    spelling: name
    for name, spellings in _CLASSES.items()
    for spelling in (spellings.split("|") if "|" in spellings else spellings.split())
}
"""Spelling → the name of its class of synonyms."""

INITIALS = {"t": "true", "y": "true", "f": "false", "n": "false"}
"""What a letter stands for where the other side is a word; alone it is an unknown."""

SCALES = {
    "dozen": 12, "hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12,
    "百": 10**2, "千": 10**3, "万": 10**4, "亿": 10**8,
    "lakh": 10**5, "crore": 10**7, "lakhs": 10**5, "crores": 10**7, "millions": 10**6, "billions": 10**9, "bn": 10**9,
}  # fmt: skip
"""Word → how many it makes of the number before it."""

BASES = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "sixteen": 16, "binary": 2, "octal": 8, "decimal": 10, "hexadecimal": 16,
}  # fmt: skip
BASE_WORDS = frozenset({"base", "进制"})
PERCENT = frozenset({"percent", "percents", "pct", "percentage", "prozent", "процент", "процента", "процентов"})
PER_CENT = {"per": ("cent", "cento"), "pour": ("cent",), "por": ("ciento", "cento")}
"""Percent in two words."""

SEPARATORS = frozenset(
    {"and", "or", "或", "和", "及", "与", "或者", "以及", "et", "ou", "und", "oder", "и", "или", "y", "o"} - {"y", "o"}
)

# --- harmless words ---------------------------------------------------------------------------------------------------

VERBS = frozenset(
    "is are was were be equals equal becomes has have had gets get give gives yields yield costs cost needs need".split()
)
"""Between a name and its value: "the area is 5"."""
_ENDINGS = frozenset(
    "is are was were be equals equal to get have has had gives yields becomes therefore thus so hence "
    "then only exactly just precisely simply merely about "
    "approximately roughly around answer solution result namely costs obtain that total therefore: "
    "final where there when for".split()
)
FUNCTION_WORDS = frozenset(
    (
        "the a an of in on at to for from by with that this these those it its it's we i you he she they his "
        "her their our your there "
        "here is are was were be been has have had so thus therefore hence then now finally total answer "
        "solution result final value just precisely simply merely "
        "number numbers amount sum product difference quotient remainder maximum minimum greatest smallest "
        "largest least_ number size "
        "which such as also must can will would get gets find obtain conclude see know given only exactly "
        "approximately about "
        "roughly around equal equals namely all altogether each every per if_ when where while after since "
        "because and_ set values "
        "mean average median mode range area volume perimeter length width height depth angle distance speed "
        "velocity time probability cost "
        "price weight mass age radius diameter circumference slope intercept coordinates coordinate equation "
        "function ratio_ rate "
        "percentage following required desired correct_ one's who whose mr mrs ms dr correct approx possible "
        "required question problem "
        "expression side sides hypotenuse sequence series term together left right_ remaining takes took "
        "make makes made need needs "
        "requires cost costs pay pays earn earns spend spends save saves bought sold"
    ).split()
)
_LEAD_DENIED = frozenset(
    "between than least most under over below above without except not never neither nor half double "
    "twice triple square cube root "
    "minus plus times or unless maybe perhaps possibly probably negative opposite inverse reciprocal".split()
)
TAILS = frozenset(
    (
        "in total|of them|of these|of those|total|probability|chance|in all|"
        "altogether|all together|each|left|remaining|left "
        "over|long|wide|tall|high|deep|old|away|apart|ago|later|"
        "is the answer|is the final answer|is the solution|is the result|as the answer|is "
        "correct|overall|together|combined|only|exactly|precisely|"
        "每|左右_|。"
    ).split("|")
)
_REMARKS = frozenset({"double root", "a double root", "repeated root", "a repeated root"})
"""Whole remarks on a value; their words mean something else alone."""
_TAIL_WORDS = frozenset(tail for tail in TAILS if " " not in tail)
_LONGEST_TAIL = max(len(tail.split()) for tail in TAILS)
CJK_HARMLESS = frozenset(
    "答案 答案是 答案为 是 为 共 有 共有 一共 总共 约 大约 等于 所以 因此 故 解 答 得 个 只 种 人 次 件 本 张 条 "
    "方法 情况 可能 整数 结果 颗 名 位 岁 块 枚 头 匹 棵 朵 支 把 双_ 辆 台 页 题 分_ 解得 最小值 最大值 值".split()
)
_GENERIC = frozenset(
    "way people unit item thing total number solution value case possibility piece object element person "
    "answer result option "
    "arrangement time integer".split()
)
"""Things that name nothing in particular: 12 of them are 12 of anything."""
_OF = frozenset(
    {
        "of",
        "in",
        "on",
        "at",
        "for",
        "from",
        "with",
        "that",
        "to",
        "per",
        "the",
        "a",
        "an",
        "his",
        "her",
        "their",
        "which",
    }
)


@cache
def _lines(name: str) -> tuple[str, ...]:
    text = resources.files(__package__).joinpath(name).read_text("utf-8")
    return tuple(line for line in text.splitlines() if line and line[0] != "#")


PLURALS = dict(line.split() for line in _lines("nouns.txt"))
NOUNS = frozenset(PLURALS) | frozenset(PLURALS.values())
ADJECTIVES = frozenset(_lines("adjectives.txt"))
_ORDERED = frozenset("ordered unordered distinct such different possible remaining more additional extra".split())


DIRECTIONS = frozenset(
    "north south east west up down right left upward downward upwards downwards inward outward clockwise "
    "counterclockwise anticlockwise forward backward forwards backwards above below before after past".split()
)
"""Words that tell a movement or a place from its opposite; "5 apples left" is no such."""


_NO_THINGS = frozenset("minimum maximum extra unknown leftover short error".split())
"""Nouns that say what sort of number it is, and count nothing."""


MEASURES = frozenset(
    "ages amounts areas averages balances costs debts differences distances fees heights incomes lengths losses payments "
    "prices products profits rates results salaries scores solutions speeds sums taxes times totals values volumes wages "
    "weights widths".split()
)
"""Plurals that name before a number what it is, and count nothing there: "Profits: 15" may be $15."""


def stem(word: str) -> str | None:
    """The singular of a counted thing; None for any other word."""
    low = word.lower().rstrip(".,;:!")
    if low in DIRECTIONS or low in _NO_THINGS:
        return None
    return PLURALS.get(low) or (low if low in NOUNS else None)


def is_adjective(word: str) -> bool:
    """A word that may stand before a counted thing and changes no number."""
    return word in ADJECTIVES or word in _ORDERED


COLOURS = frozenset("red blue green yellow white black orange purple pink brown gray grey silver male female".split())
"""What tells things apart where the thing itself is not named: 6 red and 4 blue."""


def is_plain(adjective: str) -> bool:
    """Whether an adjective tells nothing apart: different, distinct."""
    return adjective in _ORDERED


def is_generic(thing: str) -> bool:
    return thing in _GENERIC


def is_harmless(word: str) -> bool:
    """Whether a word may stand in the name of a value."""
    low = word.lower().rstrip(",;.")
    if low in _LEAD_DENIED:
        return False
    return low in FUNCTION_WORDS or low in NOUNS or low in ADJECTIVES or low in CJK_HARMLESS


def ends_a_lead(lead: list[str]) -> bool:
    """Whether a value may follow these words at once: "there are", "the answer is", "a total of"."""
    last = lead[-1].lower()
    if last in CJK_HARMLESS or last in _ENDINGS:
        return True
    if last == "of":
        return len(lead) > 1 and lead[-2].lower() in ("total", "value", "answer", "result")
    # "has length 4", "the answer, 4"
    return len(lead) > 1 and any(word.lower() in VERBS for word in lead[:-1]) and stem(last) is not None


def is_tail(parts: list[str]) -> bool:
    """Whether words after a value and its unit change nothing: "in total", "left over", "of the apples in the basket"."""
    low = [word.lower().strip(".,;!") for word in parts]
    if " ".join(low).strip("()") in _REMARKS:
        return True
    at = 0
    while at < len(low):
        size = next((size for size in range(_LONGEST_TAIL, 0, -1) if " ".join(low[at : at + size]) in TAILS), 0)
        if not size:
            break
        at += min(size, len(low) - at)
    rest = low[at:]
    return not rest or _is_prepositional(rest)


def _is_prepositional(low: list[str]) -> bool:
    """of the apples, for each of the students: small words, tails, things and adjectives that end in a thing."""
    if low[0] not in _OF or not 1 < len(low) <= 8 or DIRECTIONS & set(low[:-1]) or low[-1] in DIRECTIONS - {"left"}:
        return False
    if low[-1] == "left" and low[-2] in _OF:
        return False  # to the left
    named = low[-1] in NOUNS or low[-1] in _TAIL_WORDS
    return named and all(word in _OF or word in _TAIL_WORDS or word in NOUNS or is_adjective(word) for word in low[1:])


BOUNDS = (
    "at least", "at most", "less than", "more than", "greater than", "fewer than", "no more than",
    "no less than", "up to", "under",
    "over", "below", "above", "between", "almost", "nearly", "not", "never", "cannot be", "minus", "negative",
    "exceeds", "beyond",
    "about to", "square root of", "half of", "twice", "double", "triple", "than",
)  # fmt: skip
"""What, right before a number, makes it a bound or another number."""
NOT_ANOTHER = r"(?:(?:and\s|but\s)?not|rather than|instead of)"
"""18, not 20: between the answer and a number that it is not."""
AT_PLACE = r"(?:on|in|at|above|below|under|near)"
"""Between the answer and the place in a text where it stands."""
CIRCUMSTANCE = r"(?:after|in|by|on|with|for|at|since|if|when|during|over|given)"
"""Begins what a number is said for: after 3 days, for 4 people."""
NOT_THE_ANSWER = (
    r"(?:wrong|incorrect|false|erroneous|mistaken|tempting|naive|previous|earlier|initial|opposite|worst|invalid|eliminated"
    r"|excluded|least (?:likely|plausible|probable)|falsche|incorrecta|mauvaise|errada|sbagliata|неверный)"
)
"""Before "answer is" and "option is": another one than the one asked for."""
NUMBER_CHANGING = frozenset(
    (
        "dozen dozens half halves third thirds quarter quarters fourths fifth fifths sixth sixths seventh "
        "sevenths eighth eighths ninth "
        "ninths tenth tenths hundredth hundredths thousandth thousandths hundred thousand million billion "
        "trillion lakh lakhs crore "
        "squared cubed over minus plus times modulo mod base basis point factorial fold pairs pair couple "
        "score gross wait no not or "
        "either neither nor between least most than without except wrong incorrect maybe perhaps unless if "
        "instead rather actually "
        "approximately_ negative percent percentage degrees_ divided multiplied raised power root inverse reciprocal"
    ).split()
)
"""Words that make a number in their sentence another one, or take it back."""

# --- times of day -----------------------------------------------------------------------------------------------------

_CLOCK = re.compile(r"(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?\s?(?:([ap])\.?\s?m\.?)?", re.I)
_NAMED = {
    f"{hour}{name}": (12, half) for hour in ("", "12 ", "12:00 ") for name, half in (("noon", "p"), ("midnight", "a"))
}


_PART_OF_DAY = re.compile(r"\s?(?:in the (morning|afternoon|evening)|at (night))$", re.I)


class Clock(NamedTuple):
    """A time of day."""

    hour: int
    minute: int
    second: int
    half: str
    """a, p, or "" when it was not said."""

    def same(self, other: Clock) -> bool:
        """A half of the day that one side leaves out is not held against it."""
        if self[1:3] != other[1:3]:
            return False
        if self.half and other.half:
            return (self.hour % 12, self.half) == (other.hour % 12, other.half)
        if not self.half and not other.half:
            return self.hour == other.hour
        named, plain = (self, other) if self.half else (other, self)
        if plain.hour > 12 or plain.hour == 0:
            return named.hour % 12 + (12 if named.half == "p" else 0) == plain.hour
        return named.hour % 12 == plain.hour % 12


def clock(text: str) -> Clock | None:
    """The time of day that a text is, or None."""
    text = text.strip(" .").replace("\\text", "").strip("{} ")
    text = _PART_OF_DAY.sub(lambda m: "am" if m[1].lower() == "morning" else "pm", text)
    if text.lower() in _NAMED:
        hour, half = _NAMED[text.lower()]
        return Clock(hour, 0, 0, half)
    match = _CLOCK.fullmatch(text)
    if not match or int(match[1]) > 24 or int(match[2] or 0) > 59 or int(match[3] or 0) > 59:
        return None
    if not match[2] and not match[4]:
        return None
    return Clock(int(match[1]), int(match[2] or 0), int(match[3] or 0), (match[4] or "").lower())


# --- texts ------------------------------------------------------------------------------------------------------------

_ARTICLES = frozenset(["the", "a", "an"])
_LEAD_WORDS = re.compile(
    r"(?:(?:the )?(?:final |correct )?(?:answer|option|choice)(?: is)?\b[:\s]*|it is |it's )", re.I
)
_SENTENCE_MARKS = re.compile(r"[.,;:!?。，；：！？](?=\s|$)|[\"“”`]|(?<!\w)'|'(?!\w)|\*\*")
_MERIDIEM = re.compile(r"\b([ap])\.?\s?m\b\.?", re.I)


def plain(text: str) -> str:
    """Words for comparison: no case, no articles before a noun, no sentence marks, single spaces. Signs stay.

    >>> plain("The Sun."), plain("p < q"), plain("C#")
    ('sun', 'p < q', 'c#')
    """
    text = _MERIDIEM.sub(lambda m: m.group(1) + "m", text.casefold())
    parts = _SENTENCE_MARKS.sub(" ", text).split()
    return " ".join(
        word for index, word in enumerate(parts) if word not in _ARTICLES or index + 1 == len(parts)
    ) or " ".join(parts)


def unled(text: str) -> str:
    """Without "the answer is" before it."""
    lead = _LEAD_WORDS.match(text)
    return text[lead.end() :] if lead and lead.end() < len(text) else text


_OPENS_MATHS = frozenset("0123456789([{")


@lru_cache(maxsize=4096)
def synonym(text: str) -> str | None:
    """The class of synonyms that a text belongs to, e.g. "true" for "Yes." and "∅" for "no real solutions"."""
    if "\\" in text or text[:1] in _OPENS_MATHS or text[-1:].isdigit():  # most texts: cheaper to see than to look up
        return None
    folded = text.casefold().strip().rstrip(".!。")
    return CLASS.get(" ".join(_SENTENCE_MARKS.sub(" ", folded).split())) or CLASS.get(folded)

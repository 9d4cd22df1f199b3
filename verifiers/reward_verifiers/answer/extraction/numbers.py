"""The last number of a text, and the only number of its last sentence."""

from __future__ import annotations

import re
from fractions import Fraction

from reward_verifiers.answer.extraction.formulas import math_spans
from reward_verifiers.answer.extraction.guards import changed_after, changed_before
from reward_verifiers.answer.extraction.spans import (
    ANY_WORD,
    DENIED_AFTER,
    SENTENCE_END,
    TAIL,
    Extraction,
    bare_line,
    is_negated,
)
from reward_verifiers.answer.reading import numerals, units, words

_NUMBER = re.compile(
    r"(?<![^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])(?<!\.)[-+−]?(?:\$\s?)?\d{1,400}(?:,\d{3}){0,130}(?:\.\d{1,400}|,\d{1,2}(?![\d,]))?"
    r"(?:/\d{1,400}|e[-+]?\d{1,6}|%)?",
    re.I,
)

_DENIES = re.compile(r"\b(?:not|never|cannot|impossible|unlikely|doubt|deny|false|wrong)\b|n['’]t\b|不|没有", re.I)

_CLAUSES = re.compile(r"[.!?;:,。，；：\n]|\b(?:so|thus|hence|therefore|then|but|and|which)\b", re.I)
"""Between two clauses: what one denies, the next may say."""

_INSTEAD = re.compile(
    r"(?:\bnot?[,;]?\s(?:it['’]s|it is)\s)?\bnot\s[-\d.,]{1,20}[,;]?\s(?:but\s)?(?:it['’]s|it is)\b", re.I
)
"""What "not 10, it's 11" denies is the other number."""

_GUESS = re.compile(
    r"(?:\b(?:or|ou|oder|oppure|o|или|of|lub|veya|hoặc|maybe|perhaps)|,|/|或|または|또는)\s{0,3}\$?$", re.I
)

_CIRCUMSTANCE = re.compile(
    rf"(?:^|[.!?]\s){words.CIRCUMSTANCE}\s(?:(?:the|all|these|only|another)\s)?[0-9][0-9.]{{0,9}}(?:\s[a-z]{{2,20}}){{1,4}},\s{{0,3}}\$?$",
    re.I,
)
"""After 3 days, 36 remain: the number before the comma is no other answer."""

_SENTENCE = re.compile(r"[\w\s.,:;!?%$€£¥°'’()+\-*/=^。，、：；！？（）]+")

_WORD = re.compile(r"(?!(?:or|and|maybe|perhaps|either)\b)[^\W\d_]{2,}", re.I)


_OPERATOR = re.compile(
    r"(?::\d|[²³π√])|\s{0,2}(?:[+*^×·÷<>≤≥≠]\s{0,2}[\w(\\√]|/\s{0,2}(?![A-Za-z]{2})[\w(\\√]|[-−]\s?(?:\d|[b-hj-z]\b(?!['’])))"
    r"|(?:st|nd|rd|th)\s(?:prime|root|power|multiple|square|cube|fibonacci|percentile|triangular)\b",
    re.I,
)
"""What goes on with the number: 12 + k, 12 - x, the 12th prime."""

_COMPARED = re.compile(
    r"(?:[≤≥≠]|[√∛∜]\s?\(?|~~\s?|\\(?:[bx]?cancel|sout|st|[hv]?phantom|not)\s?\{?|\d[:–—-]|(?:^|[\w)>]\s?)[<>]=?|\^)\s?\$?$"
)
"""A bound, a root or a stroke before the number; a > at the start of a line, with a blank behind it, is a quotation."""

_TAG = re.compile(r"</?[A-Za-z][^<>]{0,40}>\s?$")

_PART_OF = re.compile(r"(?:(?:[\d%½⅓⅔¼¾]|per ?cent)\s{1,2}of\s{1,2}(?:the\s)?|\d\s{1,2}times\s{1,2})\$?$", re.I)

_NOT_OTHER = re.compile(rf"[,;(]?\s{{1,2}}{words.NOT_ANOTHER}\s{{1,2}}\$?")
"""Between two numbers of which the first is the answer."""

_POINTER = re.compile(
    r"\b(?:(?<!the )(?<!this )(?<!each )(?<!every )(?<!an )(?<!a )"
    r"(?:theorem|lemma|corollary|proposition|definition|axiom|equation|eqn?|formula|figure|fig|table|section|"
    r"chapter|appendix|exercise|problem|question|example|footnote)|"
    r"(?:see|from|by|per|using|refer to|referring to|according to|follows? from)\s(?:the\s)?"
    r"(?:page|line|step|part|case|row|note|reference|ref|item|paragraph|point|claim|fact|rule))"
    r"s?\.?\s{0,2}(?:(?:no|number)\.?\s)?[#(\[]?$",
    re.I,
)
"""Before the number of a place in a text: see page 12, Theorem 12, equation (12); not: in the figure 12 triangles."""

_OF_ANSWER = re.compile(
    r"\b(?:answer|result|solution)\s(?:divided by|multiplied by|times|plus|minus|squared|cubed|less|modulo|mod)\b"
    r"|\banswer\s(?:(?:could|might|may)\s(?:also\s|well\s|possibly\s)?(?:be|equal)\s{1,3}\$?$|(?:starts|begins|ends)\s(?:in|with|on)\b)"
    rf"|\banswer\s(?:contains|(?:can be found|appears|stands|lies)\s{words.AT_PLACE})\b",
    re.I,
)
"""The answer minus 1 is 42; the answer appears on line 42, ends in 42, could be 42."""
_AMOUNT_BEFORE = re.compile(r"[0-9]\s?([A-Za-z]{1,12})\.?,?\s(?:and\s)?$")
_SHARE_BEFORE = re.compile(r"[0-9]\s(?:in|to|out of)\s$")
_UNIT = re.compile(
    r"\s?/?\s?(?:[A-Za-zµ][A-Za-z]{1,19}|[A-Za-z](?=[\s.,;$)]*$))[²³]?(?:(?:\s|\s?/\s?)[A-Za-z]{1,20}[²³]?){0,3}"
)
_NO_UNITS = frozenset({"in", "as"})

_NEXT_WORDS = re.compile(r"\s{0,2}[(（]?\s{0,2}([^\W\d_]{2,20}(?:[ -][^\W\d_]{2,20}){0,5})(?![\w-])")

_ENDS = re.compile(rf"(?:{SENTENCE_END.pattern}|[.!?]\$\$?(?=\s))")
"""Where a sentence ends, a formula at its end too."""


def is_sentence(text: str) -> bool:
    """Plain words around a number: not code, not a bare row of numbers to choose from."""
    return "_" not in text and bool(_SENTENCE.fullmatch(text)) and bool(_WORD.search(text))


def final_number(text: str, single: bool = True) -> Extraction | None:
    """The only number of the last sentence, when that has no formula: "So Tom paid $51." """
    line = bare_line(text[-TAIL:].rstrip().rsplit("\n", 1)[-1])
    ends = [match.end() for match in _ENDS.finditer(line) if match.end() < len(line)]
    content = line[ends[-1] :] if ends else line
    return None if math_spans(content) else sentence_number(content.strip(), single)


def last_number(text: str, single: bool = True) -> Extraction | None:
    """The last number of the text, unless it is denied, bounded, or one of several guesses."""
    tail = text[-TAIL:]
    numbers, end = [number for number in _NUMBER.finditer(tail) if not _is_pointer(tail, number)], len(tail)
    while single and len(numbers) > 1 and _NOT_OTHER.fullmatch(tail, numbers[-2].end(), numbers[-1].start()):
        numbers.pop()  # 12, not 13
        end = numbers[-1].end()
    if not numbers:
        return None
    last = numbers[-1]
    before = _INSTEAD.sub(" ", tail[max(0, last.start() - 60) : last.start()])
    if single and _is_denied(before):
        return Extraction(None, "last_number", "the answer is negated")
    if single and _OF_ANSWER.search(before):
        return Extraction(None, "last_number", "something else is said than the answer")
    if single and DENIED_AFTER.match(tail, last.end(), end):
        return Extraction(None, "last_number", "the answer is taken back")
    if single and _is_guess(before):
        return Extraction(None, "last_number", "more than one answer is given")
    after = tail[last.end() : end]
    changed = _changed(tail[: last.start()], last.group(), after) if single else None
    if changed:
        return Extraction(None, "last_number", f"{changed!r} makes it another number")
    unit = "" if last.group()[-1] == "%" else unit_behind(after)
    return Extraction(last.group() + unit, "last_number")


def _is_guess(before: str) -> bool:
    """Whether a number is one of several: 35 or, 35,"""
    return bool(_GUESS.search(before) and _NUMBER.search(before)) and not _CIRCUMSTANCE.search(before)


def _is_denied(before: str) -> bool:
    return bool(is_negated(before) or _DENIES.search(_CLAUSES.split(before)[-1]))


def _is_pointer(text: str, number: re.Match[str]) -> bool:
    return bool(_POINTER.search(text[max(0, number.start() - 60) : number.start()]))


def objection_before(before: str, content: str) -> bool:
    """Whether what stands before a value makes it another one, denies it, or makes it a guess or a place in a text."""
    near = _INSTEAD.sub(" ", before[-60:])
    if _is_denied(near) or _OF_ANSWER.search(near) or _POINTER.search(near) or _is_guess(near):
        return True
    other = _PART_OF.search(near) or _COMPARED.search(_TAG.sub(" ", near)) or changed_before(before)
    return bool(other) or is_part(near, content)


def _changed(before: str, digits: str, after: str) -> str | None:
    """What beside the number makes it another one."""
    part, operator = (
        _PART_OF.search(before[-40:]),
        _OPERATOR.match(after) or _COMPARED.search(_TAG.sub(" ", before[-60:])),
    )
    if is_part(before[-40:], digits + after):
        return "the amount before it"
    if part or operator:
        return (part or operator)[0].strip()  # type: ignore[index]
    return changed_before(before) or changed_after(after) or _spelled(digits, after)


def _spelled(digits: str, after: str) -> str | None:
    """The number in words right behind a number, "12 (thirteen)", where it is another one."""
    behind = _NEXT_WORDS.match(after)
    texts = behind[1].split(" ") if behind else []
    if texts and (units.spelled(texts[0]) or words.stem(texts[0])):
        return None  # miles and cents are numbers too, in other languages
    spelled = (" ".join(texts[:size]) for size in range(len(texts), 0, -1))
    text = next((one for one in spelled if numerals.number(one) is not None), None)
    return text if text is not None and numerals.number(text) != _value(digits) else None


def _value(digits: str) -> Fraction | None:
    try:
        return Fraction(digits.strip("$% ").replace(",", "").replace("−", "-"))
    except (ValueError, ZeroDivisionError):
        return None


def is_part(before: str, content: str) -> bool:
    """Whether a number is the rest of one that begins before it: 1 hour 7, 3 in 4."""
    if _SHARE_BEFORE.search(before):
        return True
    amount = _AMOUNT_BEFORE.search(before)
    whole = units.spelled(amount[1]) if amount else None
    if whole is None:
        return False
    behind = unit_behind(content.lstrip("0123456789.,/"))
    return not ANY_WORD.search(content) or bool(behind and units.factor(units.spelled(behind) or "", whole))


def unit_behind(text: str) -> str:
    """The unit at the start of a text, as it stands there, or nothing: a number is read with its unit."""
    match = _UNIT.match(text)
    parts = re.split(r"(?=[\s/])", match[0].lstrip()) if match else []
    for size in range(len(parts), 0, -1):
        unit = "".join(parts[:size])
        if parts[0].lower() not in _NO_UNITS and units.spelled(unit):
            return f" {unit}"
    return ""


def sentence_number(text: str, single: bool = True) -> Extraction | None:
    """The only number of a sentence in plain words."""
    if not is_sentence(text) or sum(not _is_pointer(text, number) for number in _NUMBER.finditer(text)) != 1:
        return None
    if any(word.lower() in words.NUMBER_CHANGING for word in ANY_WORD.findall(text)):
        return None
    return last_number(text, single)

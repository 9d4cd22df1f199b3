"""The kinds set and list: an array of values; a set's order does not matter, a list's does.

    ["Tel Aviv", "Paris"]  a collection of texts: letters never commute, and words are no algebra
    [[1, 2], [3, 4]]       a collection of numbers and tuples: compared as mathematics
    "1, 2, 3"              text: read as mathematics

An answer is a JSON array, items with commas, semicolons or "and" between them, or one item a line.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any

from reward_verifiers.answer.judged import NOT_READ, Judged, clipped
from reward_verifiers.answer.kinds import mathematics, overlap
from reward_verifiers.answer.options import AnswerOptions
from reward_verifiers.answer.reading import words
from reward_verifiers.answer.reading.normalise import TEXT_COMMAND
from reward_verifiers.verifier import BadReference, Unsupported

MAX_ITEMS = 1_000
_BULLET = re.compile(r"\s*(?:[-*•]|[0-9]{1,3}[.)])\s+")
_SPLIT = re.compile(r"\s*[,;，；、]\s*(?:(?:and|or|then)\s+)?|\s+(?:and|or|&)\s+|\s*[和与或]\s*")
_ALTERNATIVES = re.compile(r"\s(?:or|or else|either|neither|nor)\s|或", re.I)
_FORMULA = re.compile(r"(?:[-+*/^(){}0-9. ]|(?<![A-Za-z])[A-Za-z](?![A-Za-z]))+")
"""No two letters in a row."""
_TUPLE = re.compile(r"\(\s?-?[0-9./]{1,20}(?:\s?,\s?-?[0-9./]{1,20}){1,9}\s?\)")
_LED = re.compile(
    r"(?:so |thus |therefore,? |hence )?(?:the |my )?(?:final |correct )?[^\W\d_]{1,20} (?:is|are):? |both |first,? ",
    re.I,
)
"""Before a list in a sentence: "the countries are", "both"."""
_EMPTY = frozenset(
    {
        "[]",
        "{}",
        "()",
        "\\{\\}",
        "\\emptyset",
        "\\varnothing",
        "∅",
        "none",
        "empty",
        "the empty set",
        "the empty list",
        "no items",
    }
)
_WRAPPED = (("[", "]"), ("{", "}"), ("(", ")"), ("\\{", "\\}"), ("<", ">"))
_SPACED = re.compile(r"\s*-?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:\s+-?[0-9]{1,20}(?:\.[0-9]{1,20})?)+\s*")
"""Numbers with spaces between them: of a kind that is a list, they are its items."""
_FENCE = re.compile(r"```[a-z]*\n?(.*?)```", re.S)


def _array(answer: Any) -> list[Any] | None:
    """The reference as an array; None where it is text to read as mathematics. Raises BadReference for other shapes."""
    if isinstance(answer, list):
        _check_items(answer)
        return answer
    if isinstance(answer, str) and answer.strip().startswith("["):
        value = _json(answer)
        if value is not None and any(isinstance(item, str) for item in value):
            _check_items(value)
            return value
    return None


def _check_items(items: list[Any]) -> None:
    if len(items) > MAX_ITEMS:
        raise BadReference(f"more than {MAX_ITEMS} items")
    for item in items:
        if isinstance(item, list):
            _check_items(item)
        elif not isinstance(item, str | int | float):
            raise BadReference(f"an item that is neither text, a number nor an array: {clipped(repr(item), 100)}")


def _json(text: str) -> list[Any] | None:
    try:
        value = json.loads(text.strip())
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list) else None


def check(answer: Any, options: AnswerOptions) -> None:
    """Raises BadReference when the reference is no collection."""
    if _array(answer) is None:
        mathematics.check(answer, options)


def left_over(answer: Any, options: AnswerOptions) -> str | None:
    """What of a reference is not read."""
    array = _array(answer)
    return (
        None
        if array is not None and not _is_numeric(array)
        else mathematics.left_over(_as_maths(answer, options), options)
    )


def judge(answer: Any, text: str, options: AnswerOptions) -> Judged:
    """Whether an answer has the reference's items."""
    array = _array(answer)
    if options.match != "equal":
        return overlap.judge(
            _reference_items(answer, options),
            _answer_ways(text),
            partial(_same_item, options),
            by_f1=options.match == "f1",
        )
    if array is None:
        return mathematics.judge(answer, _maths_text(text, options), options)
    if not array:
        empty = _plain(text) in _EMPTY or words.synonym(text) == "∅"
        return Judged(empty, "no items" if empty else "items where there are none", "first", clipped(text), "[]")
    is_numeric = _is_numeric(array)
    may_be_all = is_numeric and options.kind == "set"  # "1 or 2" are the solutions
    if (
        len(array) > 1
        and not may_be_all
        and _ALTERNATIVES.search(text)
        and not any(_ALTERNATIVES.search(str(item)) for item in array)
    ):
        return Judged(False, "alternatives are not all of the items", "first", clipped(text), clipped(str(array)))
    if is_numeric:
        return mathematics.judge(_as_maths(array, options), _maths_text(text, options), options)
    return _texts(array, text, options)


def _is_numeric(array: list[Any]) -> bool:
    """Whether all items are numbers, tuples of them, or texts that are read as numbers."""
    values = [_is_numeric(item) if isinstance(item, list) else _is_value(item) for item in array]
    if all(values):
        return True
    formulas = (isinstance(item, str) and _FORMULA.fullmatch(item) for item in array)
    return any(values) and all(value or formula for value, formula in zip(values, formulas, strict=True))


def _is_value(item: Any) -> bool:
    if isinstance(item, bool):
        return False
    if isinstance(item, int | float):
        return True
    # "x+1", "\\frac12": mathematics; "T4", "red", "a83bd1": words
    if _TUPLE.fullmatch(item):
        return True
    return any(char in item for char in "\\^=+*/<>") or (item[:1] in "-0123456789." and not any(map(str.isalpha, item)))


def _as_maths(answer: Any, options: AnswerOptions) -> Any:
    if not isinstance(answer, list):
        return answer
    inside = ", ".join(_value_text(item) for item in answer)
    return f"\\{{{inside}\\}}" if options.kind == "set" else f"({inside})" if len(answer) > 1 else inside


def _value_text(item: Any) -> str:
    if isinstance(item, list):
        return f"({', '.join(map(_value_text, item))})"
    return str(item)


def _maths_text(text: str, options: AnswerOptions) -> str:
    """A JSON array in the answer is parsed first; other text is mathematics as it stands."""
    array = _answer_array(text)
    if array is None:
        return _bare_list(re.sub(r"\s+", ", ", text.strip()) if _SPACED.fullmatch(text) else text)
    if not all(isinstance(item, str | int | float | list) for item in array):
        return text
    return str(_as_maths(array, options))


def _bare_list(text: str) -> str:
    lines = [_BULLET.sub("", line, count=1).strip() for line in text.strip().splitlines() if line.strip()]
    return ", ".join(lines) if 1 < len(lines) <= MAX_ITEMS else text


def _answer_array(text: str) -> list[Any] | None:
    fence = _FENCE.search(text) if "```" in text else None
    body = (fence.group(1) if fence else text).strip(" \t\r\n`*$")
    if not body.startswith("["):
        return None
    value = _json(body)
    return value if value is not None else _json(body.replace("'", '"') if '"' not in body else body)


# --- texts ------------------------------------------------------------------------------------------------------------


def _plain(text: str) -> str:
    return words.plain(TEXT_COMMAND.sub(r" \1 ", text).strip(" \t\r\n`*$\"'"))


def _key(item: Any, options: AnswerOptions) -> str:
    text = TEXT_COMMAND.sub(r"\1", str(item)).strip(" \t\r\n`*$\"'“”‘’")
    if options.case == "match":
        return " ".join(text.split())
    return words.plain(text)


def _texts(array: list[Any], text: str, options: AnswerOptions) -> Judged:
    wanted = [_nested_key(item, options) for item in array]
    answer_items = _answer_array(text)
    if answer_items is not None:
        ways = [[_nested_key(item, options) for item in answer_items]]
    else:
        ways = [[_key(piece, options) for piece in pieces] for pieces in _pieces(text)]
    compared = [_normal(way, options) for way in ways]
    same = _normal(wanted, options) in compared
    shown = clipped(", ".join(map(str, ways[0]))) if ways else clipped(text)
    if same:
        rule = "the same items in the same order" if options.kind == "list" else "the same items in any order"
    else:
        rule = "other items" if ways else NOT_READ
    return Judged(same, rule, "first", shown, clipped(", ".join(map(str, wanted))))


def _nested_key(item: Any, options: AnswerOptions) -> Any:
    return tuple(_nested_key(inner, options) for inner in item) if isinstance(item, list) else _key(item, options)


def _normal(items: list[Any], options: AnswerOptions) -> Any:
    return items if options.kind == "list" else sorted(set(map(repr, items)))


def _pieces(text: str) -> list[list[str]]:
    """The ways to take a text apart: at lines, at commas and "and", at commas alone ("salt and pepper" is one item)."""
    body = _unwrapped(TEXT_COMMAND.sub(r"\1", text.strip()))
    lines = [_BULLET.sub("", line, count=1).strip() for line in body.splitlines() if line.strip()]
    if len(lines) > 1:
        return [[line.rstrip(",;") for line in lines]]
    if len(body) > 20_000:
        return []
    led = _LED.match(body)
    ways = [
        _SPLIT.split(body),
        *([_SPLIT.split(body[led.end() :])] if led else []),
        re.split(r"\s*[,;，；、]\s*", body),
        re.split(r"\s*[;；]\s*", body),
    ]
    return [[piece for piece in way if piece][:MAX_ITEMS] for way in ways]


def _reference_items(answer: Any, options: AnswerOptions) -> list[Any]:
    """The items of a reference: an array, or a text that is taken apart like an answer."""
    array = _array(answer)
    return array if array is not None else _answer_items(str(answer))[0]


def _answer_ways(text: str) -> list[list[Any]]:
    """The ways to take an answer apart into items."""
    array = _answer_array(text)
    return [array] if array is not None else _answer_items(text)


def _answer_items(text: str) -> list[list[Any]]:
    return [list(way) for way in _pieces(text)] or [[text]]


def _same_item(options: AnswerOptions, wanted: Any, item: Any) -> bool:
    """Whether two items are the same, as mathematics where both are, else as words."""
    if _nested_key(wanted, options) == _nested_key(item, options):
        return True
    texts = [_value_text(one) for one in (wanted, item)]
    if not all(map(_is_value, (wanted, item))) and not all(isinstance(one, list) for one in (wanted, item)):
        return False
    try:
        return mathematics.judge(texts[0], texts[1], options).equal
    except (BadReference, Unsupported):
        return False


def _unwrapped(text: str) -> str:
    text = text.strip(" \t\r\n`*$.")
    for left, right in _WRAPPED:
        if text.startswith(left) and text.endswith(right):
            return text[len(left) : -len(right)].strip()
    return text

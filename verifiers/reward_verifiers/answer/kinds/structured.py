"""Answers with a structure: JSON against a schema, and dates."""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import lru_cache
from typing import Any

from reward_verifiers import json_schema
from reward_verifiers.answer.judged import Judged, clipped
from reward_verifiers.answer.options import AnswerOptions
from reward_verifiers.answer.reading.normalise import TEXT_COMMAND
from reward_verifiers.verifier import BadReference, Unsupported

# --- JSON -------------------------------------------------------------------------------------------------------------

_MAX_JSON = 1_000_000
_KEYWORDS = frozenset(
    (
        "type enum const properties required items prefixItems contains minItems maxItems uniqueItems "
        "minLength maxLength pattern format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf "
        "minProperties maxProperties patternProperties additionalProperties propertyNames dependentRequired "
        "dependentSchemas unevaluatedProperties unevaluatedItems minContains maxContains allOf anyOf oneOf "
        "not if $ref $dynamicRef additionalItems dependencies"
    ).split()
)
"""What a schema can ask for (JSON Schema, drafts 4 to 2020-12)."""


def _schema(answer: Any) -> str:
    if not isinstance(answer, str | dict | bool):
        raise BadReference("a JSON schema is an object")
    text = answer if isinstance(answer, str) else json.dumps(answer, sort_keys=True)
    try:
        schema = json.loads(text)
    except ValueError as error:
        raise BadReference("the reference is no JSON schema") from error
    if not isinstance(schema, dict | bool):
        raise BadReference("a JSON schema is an object")
    if schema is True or (isinstance(schema, dict) and not _KEYWORDS & schema.keys()):
        raise BadReference(
            'the JSON schema has no keyword, so that it accepts everything; a wanted value is {"const": value}'
        )
    return text


def check_json(answer: Any, options: AnswerOptions) -> None:
    """Raises BadReference for what is no schema."""
    json_schema.compiled(_schema(answer))


def judge_json(answer: Any, text: str, options: AnswerOptions) -> Judged:
    """The answer is one JSON document, alone or in a fence, and the schema accepts it."""
    schema = _schema(answer)
    body = _document(text.strip())
    if len(body) > _MAX_JSON:
        return Judged(False, "too long", "first", body, schema)
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return Judged(False, "not JSON", "first", body, schema)
    try:
        valid = bool(json_schema.compiled(schema).is_valid(value))
    except ValueError:  # nested deeper than the validator goes
        valid = False
    shown = json.dumps(value, sort_keys=True, ensure_ascii=True)
    return Judged(valid, "valid by the schema" if valid else "not valid by the schema", "first", shown, schema)


def _document(text: str) -> str:
    """The one fenced document between sentences; else the text itself. Two fences are two answers."""
    parts = text.split("```")
    if len(parts) != 3:
        return text
    head, body = parts[1].split("\n", 1) if "\n" in parts[1] else ("", parts[1])
    if head.strip().lower() not in ("", "json", "jsonc", "json5"):
        body = parts[1]
    return body.strip().removeprefix("json").strip()


def _no_constant(name: str) -> Any:
    raise ValueError(name)


# --- dates ------------------------------------------------------------------------------------------------------------

_CHINESE = re.compile(r"(\d{4})\s?年\s?(\d{1,2})\s?月(?:\s?(\d{1,2})\s?[日号])?")
_DEFAULTS = (datetime(2000, 1, 1, 0, 0), datetime(2003, 11, 27, 13, 37, 59))
_FIELDS = ("year", "month", "day", "hour", "minute", "second", "utcoffset")
Fields = tuple[Any, ...]
_LEAD = re.compile(
    r"^(?:so|thus|therefore|hence)?[,\s]*(?:the )?(?:final |correct )?(?:answer|date|day)?"
    r"(?: is| was| falls on| will be|:)?(?: on)?\s+(?=[A-Za-z0-9])"
    r"|^(?:it|this|that)(?: is| was| happened| falls| fell)(?: on)?\s+",
    re.I,
)
_THE = re.compile(r"^the\s(?=[0-9])", re.I)
_LONG_NUMBER = re.compile(r"[0-9]{9}")
_NOT_A_DATE = re.compile(
    r"\b(?:not|or|before|after|until|since|between|never|around|about|approximately)\b|[=<>]", re.I
)
_WEEKDAY = re.compile(r"\b(mon|tue|wed|thu|fri|sat|sun)(?:s|nes|rs|ur)?(?:day)?\b", re.I)


_MONTHS = (
    "january janvier januar enero gennaio janeiro januari январь января|february février fevrier februar febrero febbraio "
    "fevereiro februari февраль февраля|march mars märz maerz marzo março maart март марта|april avril abril aprile "
    "апрель апреля|may mai mayo maggio maio mei май мая|june juin juni junio giugno junho июнь июня|july juillet juli "
    "julio luglio julho июль июля|august août aout agosto augustus август августа|september septembre septiembre "
    "settembre setembro сентябрь сентября|october octobre oktober octubre ottobre outubro октябрь октября|november "
    "novembre noviembre novembro ноябрь ноября|december décembre decembre dezember diciembre dicembre dezembro декабрь "
    "декабря"
)
"""The months in the languages that answers come in, the English name first."""
_ENGLISH_MONTH = {name: names.split()[0] for names in _MONTHS.split("|") for name in names.split()[1:]}
_NAMED_MONTH = re.compile(
    rf"(?<=[0-9])(?:\.|er)?\s(?:de\s)?({'|'.join(_ENGLISH_MONTH)})(?:\s(?:de|del))?(?=[\s,]|$)(?:\s(?:года|г)\.?)?",
    re.I,
)
"""20 de julio de, 20 juillet, 20. Juli: the day before its month."""


@lru_cache(maxsize=2048)
def date_fields(text: str) -> Fields | None:
    """(year, month, day, hour, minute, second, offset); None for a field that was not said. None: no date."""
    try:
        from dateutil import parser
    except ImportError as error:  # pragma: no cover - the extra brings it
        raise Unsupported("kind date needs the package python-dateutil") from error
    text = TEXT_COMMAND.sub(r" \1 ", text).replace("\\,", " ").replace("\\ ", " ").replace("~", " ")
    text = _CHINESE.sub(lambda m: "-".join(part for part in m.groups() if part), text)
    text = _LEAD.sub("", " ".join(text.split()).strip(" .*`\"'$"))[:120].strip(" .*`\"'$")
    text = _NAMED_MONTH.sub(lambda m: f" {_ENGLISH_MONTH[m[1].lower()]}", _THE.sub("", text))
    if not any(char.isdigit() for char in text) or _LONG_NUMBER.search(text) or _NOT_A_DATE.search(text):
        return None
    try:
        first, second = (parser.parse(text, default=default) for default in _DEFAULTS)
    except Exception:  # of dateutil's own making: the text is no date
        return None
    weekday = _WEEKDAY.search(text)
    if weekday and first.date() == second.date() and first.strftime("%a").lower() != weekday[1].lower()[:3]:
        return None
    answer_fields = []
    for field in _FIELDS:
        left, right = (value() if callable(value := getattr(moment, field)) else value for moment in (first, second))
        answer_fields.append(left if left == right else None)
    return tuple(answer_fields)


def _comparable(fields: Fields) -> Fields:
    date, time = fields[:3], fields[3:6]
    return (*date, *((0, 0, 0) if time in ((None, None, None), (0, 0, None)) else (*time[:2], time[2] or 0)), fields[6])


def check_date(answer: Any, options: AnswerOptions) -> None:
    """Raises BadReference for what is no date."""
    if not isinstance(answer, str):
        raise BadReference(f"the reference is no date: {clipped(repr(answer), 100)}")
    if date_fields(str(answer)) is None:
        raise BadReference(f"the reference is no date: {clipped(str(answer), 100)!r}")


def judge_date(answer: Any, text: str, options: AnswerOptions) -> Judged:
    """The same day (and time, when the reference has one); 03/04 is the fourth of March."""
    check_date(answer, options)
    wanted = _comparable(date_fields(str(answer)) or ())
    fields = date_fields(text)
    if fields is None:
        return Judged(False, "not a date", "first", text, _date_text(wanted))
    answer_fields = _comparable(fields)
    return Judged(
        answer_fields == wanted,
        "the same date" if answer_fields == wanted else "another date",
        "first",
        _date_text(answer_fields),
        _date_text(wanted),
    )


def _date_text(fields: Fields) -> str:
    year, month, day, hour, minute, second, _ = fields
    date = "-".join(f"{part:02d}" if part is not None else "?" for part in (year, month, day))
    return date if (hour, minute, second) == (0, 0, 0) else f"{date} {hour or 0:02d}:{minute or 0:02d}:{second:02d}"

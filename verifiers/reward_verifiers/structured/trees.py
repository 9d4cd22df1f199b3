"""Documents as trees of dictionaries, lists and scalars. Each reader is one bounded pass over hostile text.

json   jiter; a doubled key or NaN is no JSON
yaml   events of libyaml, built here: YAML 1.2 scalars; aliases, tags, doubled keys and several documents are refused
xml    events of expat, built here: attributes are @name, repeated elements a list, text beside either is #text;
       document types, and with them entities, are refused
toml   tomllib
csv    a list of rows, each a dictionary; a ragged row is no CSV
"""

from __future__ import annotations

import csv
import io
import math
import re
import tomllib
from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from typing import Any
from xml.parsers import expat

MAX_CHARS = 400_000
MAX_DEPTH = 100
MAX_NODES = 100_000
MAX_KEY_PARTS = 32


class BadDocument(ValueError):
    """The text is no such document; the message says why, without quoting it."""


def read(kind: str, text: str, delimiter: str = ",") -> Any:
    """The tree. Raises BadDocument."""
    if len(text) > MAX_CHARS:
        raise BadDocument(f"longer than {MAX_CHARS} characters")
    try:
        return _READERS[kind](text) if kind != "csv" else _csv(text, delimiter)
    except (RecursionError, MemoryError):
        raise BadDocument("nested too deeply") from None


# --- JSON, TOML, CSV --------------------------------------------------------------------------------------------------


def _json(text: str) -> Any:
    import jiter

    try:
        return jiter.from_json(text.encode("utf-8", "strict"), allow_inf_nan=False, catch_duplicate_keys=True)
    except (ValueError, UnicodeEncodeError) as error:
        why = "a key stands twice" if "uplicate key" in str(error) else "it cannot be parsed"
        raise BadDocument(f"not JSON: {why}") from None


def _toml(text: str) -> Any:
    # tomllib copies every prefix of a dotted key.
    if any(
        line.split("=", 1)[0].count(".") > MAX_KEY_PARTS for line in text.splitlines() if "=" in line or "[" in line
    ):
        raise BadDocument("not TOML: a key of too many parts")
    try:
        return _plain(tomllib.loads(text))
    except ValueError:
        raise BadDocument("not TOML: it cannot be parsed") from None


def _plain(value: Any) -> Any:
    """With dates as ISO text, as JSON has them."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        raise BadDocument("a number is not finite")
    return value


class Rows(list[dict[str, str]]):
    """Rows of a table, which has columns without any row, too."""

    def __init__(self, header: list[str], rows: Iterable[dict[str, str]]) -> None:
        super().__init__(rows)
        self.header = header


def _csv(text: str, delimiter: str) -> Rows:
    if "\x00" in text:
        raise BadDocument("not CSV: it cannot be parsed")
    reader = csv.reader(io.StringIO(text.strip("\n\r"), newline=""), delimiter=delimiter, strict=True)
    try:
        rows = [row for row in reader if row]
    except csv.Error:
        raise BadDocument("not CSV: it cannot be parsed") from None
    if not rows:
        raise BadDocument("not CSV: there is no header")
    header = [name.strip() for name in rows[0]]
    if len(set(header)) != len(header):
        raise BadDocument("not CSV: a column stands twice")
    if any(len(row) != len(header) for row in rows):
        raise BadDocument("not CSV: a row has another number of cells than the header")
    return Rows(header, (dict(zip(header, map(str.strip, row), strict=True)) for row in rows[1:]))


# --- trees from events ------------------------------------------------------------------------------------------------


class _Builder:
    """A tree that grows by events, without recursion."""

    def __init__(self, language: str) -> None:
        self._language = language
        self.nodes = 0

    def refuse(self, why: str) -> BadDocument:
        return BadDocument(f"not {self._language}: {why}")

    def count(self, depth: int) -> None:
        self.nodes += 1
        if depth > MAX_DEPTH:
            raise self.refuse("nested too deeply")
        if self.nodes > MAX_NODES:
            raise self.refuse("too many values")


_TAGS = frozenset((None, "!", *(f"tag:yaml.org,2002:{name}" for name in ("str", "map", "seq"))))
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE, _FALSE = frozenset({"true", "True", "TRUE"}), frozenset({"false", "False", "FALSE"})
_INTEGER = re.compile(r"[-+]?[0-9]{1,400}")
_OTHER_BASE = re.compile(r"0o[0-7]{1,400}|0x[0-9a-fA-F]{1,400}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,4})?")


def _scalar(text: str) -> Any:
    """A plain scalar by the core schema of YAML 1.2."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if len(text) <= 400:
        if _INTEGER.fullmatch(text):
            return int(text)
        if _OTHER_BASE.fullmatch(text):
            return int(text, 0)
        if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
            return number
    return text


def _yaml(text: str) -> Any:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    builder = _Builder("YAML")
    stack: list[_Open] = []
    root: list[Any] = []
    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.AliasEvent):
                raise builder.refuse("aliases are not read")
            if isinstance(event, yaml.DocumentStartEvent) and root:
                raise builder.refuse("several documents")
            if isinstance(event, yaml.NodeEvent):
                builder.count(len(stack))
                tag = getattr(event, "tag", None)
                if tag not in _TAGS:
                    raise builder.refuse("tags are not read")
            if isinstance(event, yaml.ScalarEvent):
                _put(stack, root, _scalar(event.value) if event.implicit[0] else event.value, builder)
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                stack.append(_Open({} if isinstance(event, yaml.MappingStartEvent) else []))
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                _put(stack, root, stack.pop().value, builder)
    except (yaml.YAMLError, ValueError) as error:
        raise error if isinstance(error, BadDocument) else builder.refuse("it cannot be parsed") from None
    if not root:
        raise builder.refuse("there is nothing")
    if not isinstance(root[0], dict | list):
        raise builder.refuse("it is neither a mapping nor a list")
    return root[0]


_NO_KEY = object()


class _Open:
    """A mapping or a sequence that is not closed yet."""

    __slots__ = ("key", "value")

    def __init__(self, value: dict[str, Any] | list[Any]) -> None:
        self.value = value
        self.key: Any = _NO_KEY


def _put(stack: list[_Open], root: list[Any], value: Any, builder: _Builder) -> None:
    if not stack:
        root.append(value)
        return
    top = stack[-1]
    if isinstance(top.value, list):
        top.value.append(value)
    elif top.key is _NO_KEY:
        if isinstance(value, dict | list):
            raise builder.refuse("a key is no scalar")
        key = value if isinstance(value, str) else "null" if value is None else str(value).lower()
        if key in top.value:
            raise builder.refuse("a key stands twice")
        top.key = key
    else:
        top.value[top.key] = value
        top.key = _NO_KEY


class _Element:
    """An element that is not closed yet."""

    __slots__ = ("children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.children: dict[str, list[Any]] = {f"@{key}": [value] for key, value in attributes.items()}
        self.text: list[str] = []

    def tree(self) -> Any:
        text = "".join(self.text).strip()
        if not self.children:
            return text
        tree = {key: values[0] if len(values) == 1 else values for key, values in self.children.items()}
        return {**tree, "#text": text} if text else tree


def _xml(text: str) -> dict[str, Any]:
    builder = _Builder("XML")
    parser = expat.ParserCreate("utf-8")
    stack: list[_Element] = []
    root: dict[str, Any] = {}

    def refuse(*_: object) -> None:
        raise builder.refuse("document types are not read")

    def start(name: str, attributes: dict[str, str]) -> None:
        builder.count(len(stack))
        stack.append(_Element(name, attributes))

    def end(name: str) -> None:
        element = stack.pop()
        if stack:
            stack[-1].children.setdefault(name, []).append(element.tree())
        else:
            root[name] = element.tree()

    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = lambda data: stack[-1].text.append(data)
    try:
        parser.Parse(text.encode("utf-8"), True)
    except (expat.ExpatError, UnicodeEncodeError):
        raise builder.refuse("it cannot be parsed") from None
    return root


_READERS: dict[str, Callable[[str], Any]] = {"json": _json, "yaml": _yaml, "xml": _xml, "toml": _toml}

"""Tool calls in the wires that model families write.

    Hermes      {"name": "f", "arguments": {"x": 1}}
    Qwen        <function=f> <parameter=x> 1 </parameter> </function>
    GLM         f <arg_key>x</arg_key> <arg_value>1</arg_value>
    pythonic    [f(x=1), g()]
    harmony     see `harmony`

Each is read in one bounded pass; nothing is evaluated.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any, NamedTuple

import jiter

_NAME = r"[\w.:-]{1,128}"
_FUNCTION = re.compile(rf"\s*<function=({_NAME})>")
_PARAMETER = re.compile(rf"\s*<parameter=({_NAME})>")
_GLM_NAME = re.compile(rf"\s*({_NAME})\s*")
_MAX_PYTHONIC = 20_000
_MAX_PARTS = 1000


class ToolCall(NamedTuple):
    """One call. `typed`: the wire writes numbers, lists and so on as such; else every argument is text."""

    name: str
    arguments: dict[str, Any]
    typed: bool = True


def is_call(section: str) -> bool:
    """Whether a section is one tool call, in any wire."""
    return bool(read_calls(section))


def read_calls(section: str) -> list[ToolCall] | None:
    """The call in a section, or the calls of a pythonic list; None where it is none.

    >>> read_calls('[f(x=1), g()]')
    [ToolCall(name='f', arguments={'x': 1}, typed=True), ToolCall(name='g', arguments={}, typed=True)]
    """
    start = section.lstrip()[:1]
    if start == "[":
        return _pythonic_calls(section)
    call = _json_call(section) if start == "{" else _xml_call(section) if start == "<" else _arg_key_call(section)
    return None if call is None else [call]


def _json_call(section: str) -> ToolCall | None:
    """One JSON object with a `name` and an object of `arguments`; doubled keys are no JSON here."""
    call = json_object(section)
    if call is None:
        return None
    name, arguments = call.get("name"), call.get("arguments")
    if not isinstance(name, str) or not name.strip() or not isinstance(arguments, dict):
        return None
    return ToolCall(name, arguments)


def json_object(text: str) -> dict[str, Any] | None:
    """A JSON object, or None."""
    try:
        value = jiter.from_json(text.encode(), allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _xml_call(section: str) -> ToolCall | None:
    head = _FUNCTION.match(section)
    if head is None:
        return None
    position = head.end()
    arguments: dict[str, Any] = {}
    for _ in range(_MAX_PARTS):
        parameter = _PARAMETER.match(section, position)
        if parameter is None:
            return ToolCall(head[1], arguments, False) if section[position:].strip() == "</function>" else None
        end = section.find("</parameter>", parameter.end())
        if end < 0 or parameter[1] in arguments:
            return None
        arguments[parameter[1]] = section[parameter.end() : end].strip()
        position = end + len("</parameter>")
    return None


def _arg_key_call(section: str) -> ToolCall | None:
    head = _GLM_NAME.match(section)
    if head is None or not (section.find("<arg_key>") >= 0 or head.end() == len(section)):
        return None
    position = head.end()
    arguments: dict[str, Any] = {}
    for _ in range(_MAX_PARTS):
        if not section[position:].strip():
            return ToolCall(head[1], arguments, False)
        pair = []
        for opening, closing in (("<arg_key>", "</arg_key>"), ("<arg_value>", "</arg_value>")):
            start = section.find(opening, position)
            end = section.find(closing, start)
            if start < 0 or end < 0 or section[position:start].strip():
                return None
            pair.append(section[start + len(opening) : end].strip())
            position = end + len(closing)
        if not pair[0] or pair[0] in arguments:
            return None
        arguments[pair[0]] = pair[1]
    return None


def is_pythonic(text: str) -> bool:
    """Whether it is a list of calls with keyword arguments that are literals."""
    return _pythonic_calls(text) is not None


def _pythonic_calls(text: str) -> list[ToolCall] | None:
    if len(text) > _MAX_PYTHONIC:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            body = ast.parse(text.strip(), mode="eval").body
        calls = [_plain_call(node) for node in body.elts] if isinstance(body, ast.List) else []
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None
    return [call for call in calls if call is not None] or None if all(calls) else None


def _plain_call(node: ast.expr) -> ToolCall | None:
    """Raises what literals raise that are none, such as a set of lists."""
    if not isinstance(node, ast.Call) or node.args:
        return None
    named = isinstance(node.func, ast.Name) or (
        isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
    )
    keywords = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg is not None}
    if not named or len(keywords) != len(node.keywords) or not all(map(_is_literal, keywords.values())):
        return None
    return ToolCall(ast.unparse(node.func), {name: ast.literal_eval(value) for name, value in keywords.items()})


def _is_literal(node: ast.expr) -> bool:
    kinds = (ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.UnaryOp, ast.USub, ast.UAdd, ast.Load)
    return all(isinstance(part, kinds) for part in ast.walk(node))

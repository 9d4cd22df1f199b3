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

import jiter

_NAME = r"[\w.:-]{1,128}"
_FUNCTION = re.compile(rf"\s*<function={_NAME}>")
_PARAMETER = re.compile(rf"\s*<parameter={_NAME}>")
_GLM_NAME = re.compile(rf"\s*({_NAME})\s*")
_MAX_PYTHONIC = 20_000
_MAX_PARTS = 1000


def is_call(section: str) -> bool:
    """Whether a section is one tool call, in any wire."""
    start = section.lstrip()[:1]
    if start == "{":
        return is_json_call(section)
    if start == "<":
        return _is_xml(section)
    return is_pythonic(section) if start == "[" else _is_arg_key(section)


def is_json_call(section: str) -> bool:
    """Whether it is one JSON object with a `name` and an object of `arguments`; doubled keys are no JSON here."""
    call = json_object(section)
    return (
        call is not None
        and isinstance(call.get("name"), str)
        and bool(str(call["name"]).strip())
        and isinstance(call.get("arguments"), dict)
    )


def json_object(text: str) -> dict[str, object] | None:
    """A JSON object, or None."""
    try:
        value = jiter.from_json(text.encode(), allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _is_xml(section: str) -> bool:
    head = _FUNCTION.match(section)
    if head is None:
        return False
    position = head.end()
    for _ in range(_MAX_PARTS):
        parameter = _PARAMETER.match(section, position)
        if parameter is None:
            return section[position:].strip() == "</function>"
        end = section.find("</parameter>", parameter.end())
        if end < 0:
            return False
        position = end + len("</parameter>")
    return False


def _is_arg_key(section: str) -> bool:
    head = _GLM_NAME.match(section)
    if head is None or not (section.find("<arg_key>") >= 0 or head.end() == len(section)):
        return False
    position = head.end()
    keys: set[str] = set()
    for _ in range(_MAX_PARTS):
        if not section[position:].strip():
            return bool(keys) or "\n" in section[head.start() :].strip() or bool(head[1])
        for opening, closing in (("<arg_key>", "</arg_key>"), ("<arg_value>", "</arg_value>")):
            start = section.find(opening, position)
            end = section.find(closing, start)
            if start < 0 or end < 0 or section[position:start].strip():
                return False
            if opening == "<arg_key>":
                key = section[start + len(opening) : end].strip()
                if not key or key in keys:
                    return False
                keys.add(key)
            position = end + len(closing)
    return False


def is_pythonic(text: str) -> bool:
    """Whether it is a list of calls with keyword arguments that are literals."""
    if len(text) > _MAX_PYTHONIC:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            body = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    calls = body.elts if isinstance(body, ast.List) else []
    return bool(calls) and all(_is_plain_call(call) for call in calls)


def _is_plain_call(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call) or node.args or any(keyword.arg is None for keyword in node.keywords):
        return False
    named = isinstance(node.func, ast.Name) or (
        isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
    )
    return named and all(_is_literal(keyword.value) for keyword in node.keywords)


def _is_literal(node: ast.expr) -> bool:
    kinds = (ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.UnaryOp, ast.USub, ast.UAdd, ast.Load)
    return all(isinstance(part, kinds) for part in ast.walk(node))

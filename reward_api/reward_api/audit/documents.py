"""Attempts on graders of JSON documents: made from the schema alone, wrong values, wrong shapes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from reward_api.audit.attempts import Attempt
from reward_api.audit.frames import THINK, Frame
from reward_api.audit.items import Item

MAX_DEPTH = 8


def instance_of(schema: Any, depth: int = 0) -> Any:
    """The plainest document that a schema allows, as far as its types say.

    >>> instance_of({"type": "object", "properties": {"city": {"type": "string"}, "size": {"enum": [3, 4]}}})
    {'city': '', 'size': 3}
    """
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return None
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "object" if "properties" in schema else None)
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object":
        properties = schema.get("properties")
        return (
            {name: instance_of(one, depth + 1) for name, one in properties.items()}
            if isinstance(properties, dict)
            else {}
        )
    if kind == "array":
        return [instance_of(schema.get("items"), depth + 1)] * min(int(schema.get("minItems", 0)), 10)
    if kind in ("integer", "number"):
        return schema.get("minimum", 0)
    return {"string": "x" * min(int(schema.get("minLength", 0)), 100), "boolean": False}.get(str(kind))


def attempts(item: Item, frame: Frame) -> Iterator[Attempt]:
    right = json.loads(item.right)
    yield from _blind(item.reference.get("schema"), right, frame)
    yield from _faults(right, frame)
    yield from _odd(item.reference, right, frame)
    text = json.dumps(right)
    yield Attempt("document_broken", "cut off", frame.text(text[:-1]), "it does not end", partial=True)
    if frame.thinks:
        yield Attempt(
            "think", "in the thinking", f"<think>{THINK}\n{text}</think>\nI cannot say.", "no document is sent"
        )


def _blind(schema: Any, right: Any, frame: Frame) -> Iterator[Attempt]:
    instance = instance_of(schema)
    if instance is not None and _share_of_same(instance, right) < 0.5:
        yield Attempt(
            "schema_only",
            "values from the schema",
            frame.text(json.dumps(instance)),
            "its values are made up",
            partial=False,
            blind=True,
        )
    for text in ("{}", "[]", "null", '""', "{", "true"):
        if json.dumps(right) != text:
            yield Attempt("document_shape", text, frame.text(text), "it holds nothing", partial=False, blind=True)
    if schema is not None and schema is not True:
        yield Attempt(
            "document_shape",
            "the schema itself",
            frame.text(json.dumps(schema)),
            "a schema is no document",
            partial=False,
            blind=True,
        )


def _share_of_same(instance: Any, right: Any) -> float:
    """Of the right document's values at the top."""
    if not isinstance(right, dict) or not isinstance(instance, dict):
        return 1.0 if instance == right else 0.0
    equal = [name for name, value in right.items() if name in instance and instance[name] == value]
    return len(equal) / max(len(right), 1)


def _faults(right: Any, frame: Frame) -> Iterator[Attempt]:
    yield Attempt(
        "document_value",
        "all values changed",
        frame.text(json.dumps(_changed(right))),
        "every value differs",
        partial=False,
    )
    if not isinstance(right, dict) or not right:
        return
    first = next(iter(right))
    changed = {**right, first: _changed(right[first])}
    yield Attempt("document_value", "one value changed", frame.text(json.dumps(changed)), f"{first} differs")
    less = {name: value for name, value in right.items() if name != first}
    yield Attempt("document_shape", "one value missing", frame.text(json.dumps(less)), f"{first} is missing")
    if all(not isinstance(value, dict | list) for value in right.values()):
        listed = json.dumps([right, changed])
        yield Attempt("document_shape", "a list of several", frame.text(listed), "it is a list of documents")


def _odd(reference: dict[str, Any], right: Any, frame: Frame) -> Iterator[Attempt]:
    """The right values under other names, of other types, or with others beside them."""
    texts = _as_texts(right)
    if texts != right:
        yield Attempt("document_value", "numbers as text", frame.text(json.dumps(texts)), "numbers are no texts")
    if not isinstance(right, dict) or not right:
        return
    renamed = {name.swapcase(): value for name, value in right.items()}
    if renamed.keys() != right.keys():
        yield Attempt(
            "document_shape", "names in another case", frame.text(json.dumps(renamed)), "its names are others"
        )
    schema = reference.get("schema")
    if "expected" in reference and (
        schema is None or (isinstance(schema, dict) and schema.get("additionalProperties") is False)
    ):
        more = json.dumps({**right, "made_up": 1})
        yield Attempt("document_shape", "a name more", frame.text(more), "nobody asks for made_up")


def _as_texts(value: Any) -> Any:
    """Every number and boolean as text."""
    if isinstance(value, dict):
        return {name: _as_texts(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_as_texts(one) for one in value]
    return json.dumps(value) if isinstance(value, bool | int | float) else value


def _changed(value: Any) -> Any:
    """Every leaf changed."""
    if isinstance(value, dict):
        return {name: _changed(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_changed(one) for one in value] or ["changed"]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 7
    return f"{value} changed" if isinstance(value, str) else "changed"

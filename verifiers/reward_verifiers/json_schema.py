"""JSON Schemas of data sets and of other services against values: in linear time, and nothing is fetched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import jsonschema_rs

from reward_verifiers.contract import dotted
from reward_verifiers.verifier import BadReference

SHOWN = 200


class BadSchema(BadReference):
    """It is no JSON Schema, or none that is followed here. As a failure it is the reference's; `reason` stands alone."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the reference is no JSON schema: {reason}")
        self.reason = reason


def errors(schema: dict[str, Any] | bool, value: Any) -> Iterator[tuple[str, str]]:
    """(path, reason) of what does not fit. Raises BadSchema.

    >>> list(errors({"required": ["a"]}, {}))
    [('', '"a" is a required property')]
    """
    validator = compiled(json.dumps(schema, sort_keys=True))
    try:
        for error in validator.iter_errors(value):
            yield "/".join(map(str, error.instance_path)), str(error.message)[:SHOWN]
    except ValueError:
        yield "", "nested deeper than a schema is followed"


def broken(schema: dict[str, Any] | bool, value: Any) -> Iterator[tuple[str, str]]:
    """(path with dots, keyword) of what does not fit: nothing of the value. Raises BadSchema.

    >>> list(broken({"properties": {"a": {"type": "string"}}}, {"a": 1}))
    [('a', 'type')]
    """
    for error in compiled(json.dumps(schema, sort_keys=True)).iter_errors(value):
        keywords = [part for part in error.schema_path if isinstance(part, str)]
        yield dotted(error.instance_path), keywords[-1] if keywords else "false"


@lru_cache(maxsize=256)
def compiled(schema: str) -> Any:
    """The validator of a schema. Raises BadSchema."""
    # The linear-time engine: a pattern is the data set's, the text is the model's.
    engine = jsonschema_rs.RegexOptions()
    try:
        return jsonschema_rs.validator_for(json.loads(schema), pattern_options=engine, retriever=_refuse)
    except (jsonschema_rs.ValidationError, ValueError) as error:
        raise BadSchema(str(error).partition("\n")[0][:SHOWN]) from error


def _refuse(uri: str) -> Any:
    raise ValueError(f"references to other documents are not followed: {uri[:100]}")

"""JSON Schemas of data sets against values of models: in linear time, and nothing is fetched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import jsonschema_rs

from reward_verifiers.verifier import BadReference

SHOWN = 200


def errors(schema: dict[str, Any] | bool, value: Any) -> Iterator[tuple[str, str]]:
    """(path, reason) of what does not fit. Raises BadReference for what is no schema.

    >>> list(errors({"required": ["a"]}, {}))
    [('', '"a" is a required property')]
    """
    validator = compiled(json.dumps(schema, sort_keys=True))
    try:
        for error in validator.iter_errors(value):
            yield "/".join(map(str, error.instance_path)), str(error.message)[:SHOWN]
    except ValueError:
        yield "", "nested deeper than a schema is followed"


@lru_cache(maxsize=256)
def compiled(schema: str) -> Any:
    """The validator of a schema. Raises BadReference."""
    # The linear-time engine: a pattern is the data set's, the text is the model's.
    engine = jsonschema_rs.RegexOptions()
    try:
        return jsonschema_rs.validator_for(json.loads(schema), pattern_options=engine, retriever=_refuse)
    except (jsonschema_rs.ValidationError, ValueError) as error:
        raise BadReference(f"the reference is no JSON schema: {str(error)[:SHOWN]}") from error


def _refuse(uri: str) -> Any:
    raise ValueError(f"references to other documents are not followed: {uri[:100]}")

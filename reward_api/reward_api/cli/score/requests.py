"""The request of a row, whatever its columns are called.

Columns that are fields of ScoreRequest are those. Completions are in `completions`, `responses`, `outputs`, or one in
`completion`, `response`, `output`. Without a column `reference` the other columns are the reference, as for trainers: the
answer is `answer`, `expected_answer`, `ground_truth`, `solution`, `label` or `target`; verl's is in `reward_model`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic_core import to_json

from reward_api.cli.score.rows import BadInput, Row
from reward_verifiers.contract import ScoreRequest
from trainer_client.dialect.labels import reference_of

COMPLETIONS = ("completions", "completion", "responses", "response", "outputs", "output")
PREFIX = "touchstone_"
VERL = "reward_model"
_PER_COMPLETION = ("truncated", "tokens")


@dataclass(frozen=True)
class Columns:
    """completion, answer: names of columns, or paths such as reward_model.ground_truth. domain: of every row."""

    completion: str | None = None
    answer: str | None = None
    domain: str | None = None


def request_of(row: Row, columns: Columns, *, needs_completions: bool = True) -> dict[str, Any]:
    """The ScoreRequest of a row, not validated. Raises BadInput.

    needs_completions: a data set to train on has none yet; one empty completion stands for them.
    """
    if row.data is None:
        raise BadInput(row.fault)
    data = {name: value for name, value in row.data.items() if not name.startswith(PREFIX)}
    has_completions = needs_completions or bool(set(COMPLETIONS) & data.keys())
    answer = None if columns.answer is None else _at(data, columns.answer)
    completions = _completions(data, columns.completion) if has_completions else [""]
    data = {name: value for name, value in data.items() if value is not None}
    request = {name: data.pop(name) for name in ScoreRequest.model_fields if name in data}
    request["completions"] = completions
    label = answer if columns.answer is not None else request.get("reference", data.get(VERL, data))
    request["reference"] = {name: value for name, value in reference_of(label).items() if value is not None}
    for name in _PER_COMPLETION:
        if name in request and not isinstance(request[name], list):
            request[name] = [request[name]]
    if "id" in request:
        request["id"] = str(request["id"])
    if columns.domain is not None:
        request["domain"] = columns.domain
    return request


def write(request: dict[str, Any]) -> bytes:
    """As JSON. What JSON cannot carry, such as the bytes of an image, is null."""
    try:
        return orjson.dumps(request, default=lambda _: None, option=orjson.OPT_NON_STR_KEYS)
    except orjson.JSONEncodeError:  # an integer of more than 64 bits
        return to_json(request, fallback=lambda _: None, inf_nan_mode="null")


def digest_of(body: bytes) -> str:
    """The same for the same request."""
    return hashlib.blake2b(body, digest_size=8).hexdigest()


def demand_completions(names: list[str], column: str | None) -> None:
    """Raises BadInput when a table has no column of completions."""
    root = column and (column if column in names else column.partition(".")[0])
    if not (root in names if root else set(COMPLETIONS) & set(names)):
        raise BadInput(f"no column {column or '`completions`'}; give --completion-column, one of {', '.join(names)}")


def _completions(data: dict[str, Any], column: str | None) -> list[Any]:
    """Taken out of `data`. A string or a list of messages is one completion; other lists are several."""
    name = column or next((name for name in COMPLETIONS if name in data), None)
    if name is None:
        raise BadInput(f"no completions: give --completion-column, one of {', '.join(data) or 'no columns'}")
    value = _at(data, name)
    data.pop(name, None)
    if value is None:
        raise BadInput(f"{name} is null")
    return value if isinstance(value, list) and not _is_chat(value) else [value]


def _is_chat(value: list[Any]) -> bool:
    return bool(value) and all(isinstance(message, dict) and "role" in message for message in value)


def _at(data: dict[str, Any], path: str) -> Any:
    """The value of a column, or of a field inside it. Raises BadInput."""
    if path in data:
        return data[path]
    value: Any = data
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            raise BadInput(f"no column {path}; there are: {', '.join(data)}")
        value = value[part]
    return value

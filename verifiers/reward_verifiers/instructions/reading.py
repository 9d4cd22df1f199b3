"""The constraints of a data set's row, in any of the forms that the public sets use.

{"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}             IFEval, IFBench, NeMo Gym
"[{'instruction_id': ['count:count_unique'], 'kwargs': [None]}]"              open-instruct, IF_multi_constraints
'{"func_name": "verify_bullet_points", "N": 3, "quantifier": null}'           open-instruct, RLVR-IFeval
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from pydantic import ValidationError

from reward_verifiers.instructions import checks as checks  # fills the table
from reward_verifiers.instructions.kinds import KINDS, Kind
from reward_verifiers.instructions.options import InstructionsReference
from reward_verifiers.suggestions import did_you_mean
from reward_verifiers.verifier import BadReference

MAX_CONSTRAINTS = 100
MAX_TEXT = 500_000


@dataclass(frozen=True, slots=True)
class Constraint:
    """A kind with its arguments."""

    kind: Kind
    arguments: dict[str, Any]


def constraints_of(reference: InstructionsReference) -> list[Constraint]:
    """What the row asks for. Raises BadReference for what is not understood."""
    try:
        key = orjson.dumps([reference.__dict__, reference.model_extra], option=orjson.OPT_SORT_KEYS)
    except TypeError:
        raise BadReference("reference: it cannot be written as JSON") from None
    return _constraints(key)


@lru_cache(maxsize=256)
def _constraints(written: bytes) -> list[Constraint]:
    """Of a reference's fields as JSON: the completions of a group ask for the same."""
    fields, others = orjson.loads(written)
    row = {name: value for name, value in {**fields, **(others or {})}.items() if value is not None}
    if "arguments" in row:
        row["kwargs"] = row.pop("arguments")
    rows = _rows(row)
    if len(rows) > MAX_CONSTRAINTS:
        raise BadReference(f"reference: more than {MAX_CONSTRAINTS} constraints")
    return [_constraint(name, arguments, is_exact) for name, arguments, is_exact in rows]


Row = tuple[str, dict[str, Any], bool]
"""An id, its arguments, and whether all of them are the kind's own."""


def _rows(row: dict[str, Any]) -> list[Row]:
    if "instruction_id_list" in row or "instruction_id" in row:
        return _listed(row.get("instruction_id_list", row.get("instruction_id")), row.get("kwargs"))
    if "func_name" in row:
        arguments = {name: value for name, value in row.items() if name != "func_name"}
        return [(str(row["func_name"]), arguments, False)]
    for name in ("ground_truth", "answer"):
        if name in row:
            return _written(row[name], name)
    raise BadReference("reference: it names no constraints; give instruction_id_list and kwargs")


def _listed(ids: Any, kwargs: Any) -> list[Row]:
    ids = [ids] if isinstance(ids, str) else ids
    kwargs = _read(kwargs, "kwargs") if isinstance(kwargs, str) else kwargs
    if not isinstance(ids, list) or not ids or not all(isinstance(name, str) for name in ids):
        raise BadReference("reference.instruction_id_list: it must be a list of ids")
    if kwargs is None:
        kwargs = [{}] * len(ids)
    if not isinstance(kwargs, list) or len(kwargs) != len(ids):
        raise BadReference("reference.kwargs: it must have one object for each id")
    return [(name, _object(one), True) for name, one in zip(ids, kwargs, strict=True)]


def _object(value: Any) -> dict[str, Any]:
    value = _read(value, "kwargs") if isinstance(value, str) else {} if value is None else value
    if not isinstance(value, dict):
        raise BadReference("reference.kwargs: its members must be objects")
    return value


def _written(value: Any, name: str) -> list[Row]:
    """Objects as they are, in lists, and as text."""
    value = _read(value, name) if isinstance(value, str) else value
    if isinstance(value, dict):
        return _rows({key: one for key, one in value.items() if one is not None})
    if isinstance(value, list) and value and len(value) <= MAX_CONSTRAINTS:
        return [row for one in value for row in _written(one, name)]
    raise BadReference(f"reference.{name}: it names no constraints")


def _read(text: str, name: str) -> Any:
    """What a text writes in JSON, or in Python as open-instruct does."""
    if len(text) > MAX_TEXT:
        raise BadReference(f"reference.{name}: longer than {MAX_TEXT} characters")
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if not isinstance(value, str | int | float):
            return value
    raise BadReference(f"reference.{name}: neither JSON nor a Python literal")


def _constraint(name: str, arguments: dict[str, Any], is_exact: bool) -> Constraint:
    kind = KINDS.get(name)
    if kind is None:
        raise BadReference(f"reference: there is no constraint {name[:100]!r}{did_you_mean(name, list(KINDS))}")
    present = {key: value for key, value in arguments.items() if value is not None}
    if not is_exact:
        present = {key: value for key, value in present.items() if key in kind.arguments.model_fields}
    try:
        model = kind.arguments.model_validate(present)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "arguments"
        raise BadReference(f"reference: {name}: {where}: {first['msg']}") from None
    if kind.demand is not None and (fault := kind.demand(**vars(model))):
        raise BadReference(f"reference: {name}: {fault}")
    return Constraint(kind, vars(model))

"""The table of data sets, and which one a row is of.

{"input_output": "{…}", "question": "…"}  ──▶  APPS  ──▶  {"kind": "stdio", "tests": […]}
"""

from __future__ import annotations

import json
from typing import Any, get_args

from reward_sandbox.datasets import (
    cases,
    codeforces,
    contests,
    eval_plus,
    live_code_bench,
    multipl_e,
    python_tests,
    swe_bench,
    verification_info,
    verl,
)
from reward_sandbox.datasets.row import NotUnderstood, Reader, Row, parsed, text
from reward_sandbox.grading import extraction
from reward_sandbox.grading.items import Kind, Test, Tests

NAME = "dataset"
"""The field that names the data set, where its shape would not do."""
# The first that takes a row reads it, so a shape that has another within it stands before.
READERS: tuple[Reader, ...] = (
    *swe_bench.READERS,
    *live_code_bench.READERS,
    *codeforces.READERS,
    *verification_info.READERS,
    *multipl_e.READERS,
    *eval_plus.READERS,
    *python_tests.READERS,
    *verl.READERS,
    *reversed(contests.READERS),
)
BY_NAME = {reader.name: reader for reader in READERS}


def reference_of(row: Row) -> dict[str, Any]:
    """The reference that a row means; one that is no data set's comes back as it is. Raises NotUnderstood."""
    if is_own(row):
        return {name: value for name, value in row.items() if name in Tests.model_fields or name == "language"}
    return reader_of(row).read(row)


def prelude_for(language: str, prelude: str) -> str:
    """The prelude of a reference for programs of this language: what readers add for calls is Python's alone."""
    return "" if prelude == cases.PRELUDE and language != "python" else prelude


def converted(row: Row, dataset: str = "") -> dict[str, Any]:
    """A row to train with: its prompt, its reference, and where it has one a right program. Raises ValueError."""
    row = {**row, NAME: dataset} if dataset else row
    if dataset and dataset not in BY_NAME:
        raise NotUnderstood(f"no data set {dataset!r}; there are {', '.join(BY_NAME)}")
    reader = reader_of(row)
    reference = reader.read(row)
    Tests.model_validate({name: value for name, value in reference.items() if name != "language"})
    if json.loads(json.dumps(reference)) != reference:
        raise NotUnderstood("its tests have dictionaries with numbers for keys, which JSON lines cannot hold")
    columns = {"id": text(row, *_IDS), "prompt": _prompt(row, reader), "solution": _solution(row, reader)}
    return {"dataset": reader.name, **{name: value for name, value in columns.items() if value}, "reference": reference}


def _prompt(row: Row, reader: Reader) -> str:
    """The first field that holds a task: a text, or the last message of a conversation."""
    for field in reader.prompt:
        value = row.get(field)
        if isinstance(value, list) and value and isinstance(value[-1], dict):
            value = value[-1].get("content")
        if isinstance(value, str) and value:
            return value
    return ""


_IDS = ("task_id", "instance_id", "id", "question_id", "problem_id", "name")
_PYTHON = 3
"""The number of Python 3 among the languages of CodeContests."""


def _solution(row: Row, reader: Reader) -> str:
    """A right program of the row's own, if any: a text, the first of a list, or the end of the prompt's."""
    for field in reader.solution:
        value = row.get(field)
        if isinstance(value, str) and value.startswith("["):
            value = parsed(row, field)
        if isinstance(value, dict):
            value = [code for kind, code in zip(*value.values(), strict=False) if kind == _PYTHON]
        value = value[0] if isinstance(value, list) and value else value
        if isinstance(value, str) and value:
            code = _unfenced(value)
            return text(row, "prompt") + code if code[0] in " \t" else code
    return ""


def _unfenced(solution: str) -> str:
    """The code of a solution that is written as an answer, in a fenced block."""
    filled = [block.text for block in extraction.blocks(solution) if block.text.strip()]
    return filled[-1] if filled else solution


def is_own(row: Row) -> bool:
    """Whether it is a reference as items.Tests has it."""
    if NAME in row and row[NAME] in BY_NAME:
        return False
    if row.get("kind") in get_args(Kind) or row.get("test_code") or row.get("tests_sha256"):
        return True
    tests = row.get("tests")
    return isinstance(tests, list) and all(isinstance(test, dict) and test.keys() <= _OWN for test in tests)


_OWN = Test.model_fields.keys()


def reader_of(row: Row) -> Reader:
    """By name or by shape. Raises NotUnderstood, which says what there is."""
    name = row.get(NAME)
    if isinstance(name, str) and name in BY_NAME:
        reader = BY_NAME[name]
        missing = [field for field in reader.shape if row.get(field) is None]
        if missing:
            raise NotUnderstood(f"a row of {reader.title} has {', '.join(missing)}; here are {fields_of(row)}")
        return reader
    for reader in READERS:
        if reader.takes(row):
            return reader
    raise NotUnderstood(f"no kind and no tests, and no data set has rows of these fields: {fields_of(row)}")


def fields_of(row: Row) -> str:
    names = [str(name)[:40] for name, value in row.items() if value is not None]
    return ", ".join(names[:30]) or "none"

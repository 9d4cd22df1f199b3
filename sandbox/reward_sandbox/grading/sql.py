"""The kind sql: a query on one or several databases, each in a jail of its own, its rows against those of a right query.

prelude + database, query            ──▶ jail ──▶ rows ──┐
prelude + database, reference query  ──▶ jail ──▶ rows ──┴─▶ compared outside, as bags or lists
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass

from cachetools import LRUCache

from reward_sandbox.grading import query_text, rows
from reward_sandbox.grading.errors import BadItem, SandboxFailed, Unsupported
from reward_sandbox.grading.items import GradeItem, Test, Verdict
from reward_sandbox.grading.judges import Judges
from reward_sandbox.grading.query_text import QueryText
from reward_sandbox.grading.results import text_of
from reward_sandbox.grading.rows import RowsCheck
from reward_sandbox.grading.steps import Step, harness, stdin_of
from reward_sandbox.jail.spec import Outcome, Run, Runs
from reward_sandbox.languages.table import Language

ROWS_MB = 4
"""MiB of a query's rows."""
_KEPT_BYTES = 256 << 20
_LOADED = b"\n"
"""What the harness sends when the database is there."""
_NO_ENGINE = 4


@dataclass(frozen=True, slots=True)
class Reference:
    """What is expected of one database; see RowsCheck."""

    expected: bytes
    whole: tuple[bytes, ...] = ()
    offset: int = 0
    ordered: bool = False

    @property
    def is_empty(self) -> bool:
        return len(self.expected.split()) < 2

    def check(self, output: bytes, item: GradeItem) -> RowsCheck:
        return RowsCheck(self.expected, self.whole, self.offset, self.ordered, output, item.tolerance)


class References:
    """The rows of reference queries, each run once a database."""

    def __init__(self) -> None:
        self._kept: LRUCache[str, Reference] = LRUCache(_KEPT_BYTES, getsizeof=_size)
        self._at_work: dict[str, asyncio.Task[Reference]] = {}

    async def of(self, item: GradeItem, test: Test, engine: Language, jail: Runs) -> Reference:
        """Raises BadItem, Unsupported, SandboxFailed."""
        ordered = item.ordered if item.ordered is not None else query_text.parsed(item.query).is_ordered
        if test.expected is not None:
            return Reference(rows.sent(test.expected), ordered=ordered)
        parts = [engine.name, item.prelude, test.database, item.query, str(ordered), item.limits.model_dump_json()]
        key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
        if key in self._kept:
            return self._kept[key]
        # Siblings come at the same time: the second waits for the first.
        if key not in self._at_work:
            self._at_work[key] = asyncio.create_task(_reference(item, test, engine, jail, ordered))
            self._at_work[key].add_done_callback(lambda _: self._at_work.pop(key, None))
        reference = await asyncio.shield(self._at_work[key])
        if _size(reference) <= _KEPT_BYTES:
            self._kept[key] = reference
        return reference


def _size(reference: Reference) -> int:
    return sum(map(len, (reference.expected, *reference.whole))) + 1000


async def steps(item: GradeItem, engine: Language, jail: Runs, judges: Judges, references: References) -> list[Step]:
    """A step a database. Raises BadItem, Unsupported, SandboxFailed."""
    expected = [await references.of(item, test, engine, jail) for test in item.tests]
    if all(reference.is_empty for reference in expected):
        raise BadItem("tests: no rows are expected of any database, so that a query for nothing would be right")

    def step(test: Test, reference: Reference) -> Step:
        async def judge(outcome: Outcome) -> Verdict:
            _demand_database(outcome)
            if outcome.ending != "ok":
                return outcome.ending if outcome.ending != "system_error" else "runtime_error"
            return await judges.verdict(reference.check(outcome.artefact, item))

        return Step(_run(item, test, engine, item.code), judge, test)

    return [step(test, reference) for test, reference in zip(item.tests, expected, strict=True)]


async def _reference(item: GradeItem, test: Test, engine: Language, jail: Runs, ordered: bool) -> Reference:
    outcome = await _outcome(item, test, engine, jail, item.query)
    if outcome.ending != "ok":
        raise BadItem(f"query: the reference's own fails: {_failure_message(outcome)}")
    text = query_text.parsed(item.query)
    expected = outcome.artefact
    if text.whole and (text.is_limited or (ordered and text.is_ordered)):
        whole = await _whole(item, test, engine, jail, text, _columns(expected))
        return Reference(expected, whole, text.offset, ordered)
    return Reference(expected, ordered=ordered)


async def _whole(
    item: GradeItem, test: Test, engine: Language, jail: Runs, text: QueryText, columns: int
) -> tuple[bytes, ...]:
    """Nothing where such a query does not end well: then rows are expected as they came."""
    queries = [text.by_all_columns(columns, direction) for direction in ("ASC", "DESC")]
    outcomes = [await _outcome(item, test, engine, jail, query) for query in queries]
    if any(outcome.ending != "ok" for outcome in outcomes):
        return ()
    return tuple(outcome.artefact for outcome in outcomes)


async def _outcome(item: GradeItem, test: Test, engine: Language, jail: Runs, query: str) -> Outcome:
    outcome = await jail.run(_run(item, test, engine, query))
    if outcome.ending == "system_error":
        raise SandboxFailed(outcome.error)
    _demand_database(outcome)
    return outcome


def _run(item: GradeItem, test: Test, engine: Language, query: str) -> Run:
    job = {"engine": engine.name, "database": f"{item.prelude}\n{test.database}", "query": query}
    files = harness("query")
    return Run(
        engine.run,
        files,
        stdin_of(json.dumps(job)),
        engine.limits(item.limits),
        engine.env,
        stacks_mb=engine.stacks_mb,
        artefact=True,
        artefact_mb=ROWS_MB,
    )


def _demand_database(outcome: Outcome) -> None:
    """Raises BadItem, Unsupported."""
    if outcome.artefact.startswith(_LOADED):
        return
    if outcome.exit_code == _NO_ENGINE:
        raise Unsupported(f"language: the database does not start here: {_failure_message(outcome)}")
    raise BadItem(f"tests: the script of a database fails: {_failure_message(outcome)}")


def _failure_message(outcome: Outcome) -> str:
    return text_of(outcome.stderr[:300]).strip() or outcome.ending


def _columns(content: bytes) -> int:
    return rows.parsed(content[: content.index(b"\n", 1) + 1]).columns or 0

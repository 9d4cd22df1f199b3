"""The kind sql: queries by execution, on SQLite and DuckDB."""

import os
import sys
from pathlib import Path

import pytest

from reward_sandbox.grading import judging, query_text, rows
from reward_sandbox.grading.compare import Tolerance
from reward_verifiers.conformance import check
from reward_verifiers.contract import FailureKind, VerifyRequest

sys.path.insert(0, str(Path(__file__).parents[1] / "data" / "sandbox"))
import queries

ENGINES = ("sqlite", "duckdb")
in_jails = [pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="tier A needs root")]


# --- rows ----------------------------------------------------------------------------------------------------------------


def same(expected, got, ordered=False, whole=(), offset=0, **tolerance):
    whole = tuple(rows.sent(one) for one in whole)
    args = rows.sent(expected), whole, offset, ordered, rows.sent(got), Tolerance(**tolerance)
    return rows.is_match(rows.RowsCheck(*args))


EQUAL = (
    ([[1, "a"], [2, "b"]], [[2, "b"], [1, "a"]]),
    ([[1], [1], [2]], [[1], [2], [1]]),
    ([[3]], [[3.0]]),
    ([[3]], [[3.0000000000000004]]),
    ([[True]], [[1]]),
    ([[0.1 + 0.2, "b"], [0.3, "a"]], [[0.3, "b"], [0.1 + 0.2, "a"]]),
    ([[0.3, 5], [0.1 + 0.2, 4]], [[0.1 + 0.2, 5], [0.3, 4]]),
    ([[1e20]], [[1.0000000001e20]]),
    ([[None, ""]], [[None, ""]]),
    ([["2024-01-01"]], [["2024-01-01 00:00:00"]]),
    ([["2024-01-01T10:30:00"]], [["2024-01-01 10:30:00"]]),
    ([[[1, 2.5], {"a": 1}]], [[[1.0, 2.5], {"a": 1}]]),
    ([[float("inf")], [float("nan")]], [[float("nan")], [float("inf")]]),
)
DIFFERENT = (
    ([[1]], [[1], [1]]),
    ([[1], [2]], [[1], [1]]),
    ([[1, 2]], [[2, 1]]),
    ([[1]], [[1, None]]),
    ([[None]], [[0]]),
    ([[None]], [[""]]),
    ([[3]], [["3"]]),
    ([["a"]], [["A"]]),
    ([[3]], [[4]]),
    ([[10**12]], [[10**12 + 1]]),
    ([[10**12]], [[10.0**12 + 1]]),
    ([[10**12]], [[10.0**12 + 0.5]]),
    ([[3e6]], [[3e6 + 1]]),
    ([[0.5]], [[0.51]]),
    ([[i * 5e-7 + 0.1] for i in range(100)], [[0.1]] * 100),
    ([["2024-01-01"]], [["2024-01-01 00:00:01"]]),
    ([[[1, 2]]], [[[2, 1]]]),
    ([[{"__bytes__": "61"}]], [["a"]]),
)


@pytest.mark.parametrize(("expected", "got"), EQUAL)
def test_rows_that_are_the_same(expected, got):
    assert same(expected, got)
    assert same(got, expected)


@pytest.mark.parametrize(("expected", "got"), DIFFERENT)
def test_rows_that_are_not(expected, got):
    assert not same(expected, got)
    assert not same(got, expected)


def test_the_order_of_rows_matters_where_the_reference_orders():
    assert not same([[1], [2]], [[2], [1]], ordered=True)
    assert same([[1], [2]], [[1], [2]], ordered=True)


def test_rows_that_tie_come_in_any_order():
    forwards, backwards = [["a", 2], ["b", 1], ["c", 1], ["d", 0]], [["a", 2], ["c", 1], ["b", 1], ["d", 0]]
    whole = forwards, backwards
    assert same(forwards, backwards, ordered=True, whole=whole)
    assert same(forwards, forwards, ordered=True, whole=whole)
    assert not same(forwards, [forwards[1], forwards[0], *forwards[2:]], ordered=True, whole=whole)


@pytest.mark.parametrize("ordered", [True, False])
def test_a_limit_that_cuts_rows_that_tie_takes_any_of_them(ordered):
    forwards, backwards = [["a", 2], ["b", 1], ["c", 1], ["d", 1]], [["a", 2], ["d", 1], ["c", 1], ["b", 1]]
    for rest in (["b", 1], ["c", 1], ["d", 1]):
        assert same([["a", 2], ["b", 1]], [["a", 2], rest], ordered=ordered, whole=(forwards, backwards))
    for wrong in ([["b", 1], ["c", 1]], [["a", 2], ["a", 2]], [["a", 2], ["e", 1]], [["a", 2]]):
        assert not same([["a", 2], ["b", 1]], wrong, ordered=ordered, whole=(forwards, backwards))
    assert same([["b", 1], ["c", 1]], [["c", 1], ["d", 1]], ordered=ordered, whole=(forwards, backwards), offset=1)


def test_what_is_no_table_is_refused():
    for content in (b"", b"[1]\n{", b"{}\n[1]"):
        check = rows.RowsCheck(rows.sent([[1]]), (), 0, False, content, Tolerance())
        assert list(judging.judge(check, 0)) == ["wrong_answer"]


# --- the text of a reference ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "ordered", "limited", "whole", "offset"),
    [
        ("SELECT a FROM t", False, False, "SELECT a FROM t\nORDER BY ", 0),
        ("SELECT a FROM t order by a;", True, False, "SELECT a FROM t order by a\n, ", 0),
        ("SELECT a FROM t ORDER BY a LIMIT 3", True, True, "SELECT a FROM t ORDER BY a \n, ", 0),
        ("SELECT a FROM t ORDER BY a LIMIT 3 OFFSET 2", True, True, "SELECT a FROM t ORDER BY a \n, ", 2),
        ("SELECT a FROM t ORDER BY a LIMIT 2, 3", True, True, "SELECT a FROM t ORDER BY a \n, ", 2),
        ("SELECT a FROM t ORDER BY a LIMIT 3 OFFSET x", True, True, "", 0),
        ("SELECT a FROM (SELECT a FROM t ORDER BY a LIMIT 1)", False, False, None, 0),
        ("SELECT RANK() OVER (ORDER BY a) FROM t", False, False, None, 0),
        ("SELECT 'ORDER BY a LIMIT 1' FROM t -- ORDER BY a", False, False, None, 0),
        ('SELECT "limit" FROM t /* LIMIT 1 */', False, False, None, 0),
        ("SELECT a FROM t ORDER BY random() LIMIT 5", False, True, "SELECT a FROM t \nORDER BY ", 0),
        ("SELECT a FROM t LIMIT 5", False, True, "SELECT a FROM t \nORDER BY ", 0),
    ],
)
def test_the_text_of_a_reference(query, ordered, limited, whole, offset):
    text = query_text.parsed(query)
    assert (text.is_ordered, text.is_limited, text.offset) == (ordered, limited, offset)
    assert whole is None or text.whole == whole


# --- in jails ------------------------------------------------------------------------------------------------------------


def reference(query, engine, **more):
    tests = [{"database": script} for script in queries.DATABASES]
    return {"kind": "sql", "language": engine, "prelude": queries.SCHEMA, "tests": tests, "query": query, **more}


def fence(query):
    return f"<think>Tables first.</think>\n```sql\n{query}\n```"


async def verdicts(backend, reference, completions):
    return (await backend.verify(VerifyRequest(completions=completions, reference=reference))).verdicts


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("query", queries.HONEST)
class TestAudit:
    """What is derived from right queries: the honest variants are paid, and nothing else is."""

    pytestmark = in_jails

    async def test_honest_variants_are_paid(self, backend, engine, query):
        variants = [query, *queries.HONEST[query]]
        texts = [fence(one) for one in variants] + [f"```\n{query}\n```", f"<think>Hm.</think><answer>{query}</answer>"]
        for text, verdict in zip(texts, await verdicts(backend, reference(query, engine), texts), strict=True):
            assert verdict.score == 1, (text, verdict.reason, verdict.failure)

    async def test_slips_and_other_items_queries_are_not_paid(self, backend, engine, query):
        slips = [query.replace(old, new, 1) for old, new in queries.SLIPS if old in query]
        texts = [*slips, *(other for other in queries.HONEST if other != query)]
        await nothing_is_paid(backend, reference(query, engine), [fence(text) for text in texts])


async def nothing_is_paid(backend, reference, texts):
    for text, verdict in zip(texts, await verdicts(backend, reference, texts), strict=True):
        assert verdict.score == 0, (text, verdict.reason, verdict.failure)
        assert verdict.reason


@pytest.mark.parametrize("engine", ENGINES)
class TestInJails:
    pytestmark = in_jails

    async def test_hostile_queries_are_not_paid(self, backend, engine):
        query = next(iter(queries.HONEST))
        texts = [fence(text.replace("{q}", query)) for text in queries.HOSTILE]
        texts += [query, f"<think>```sql\n{query}\n```", queries.SCHEMA, f"```python\nprint('''{query}''')\n```"]
        await nothing_is_paid(backend, reference(query, engine), texts)

    async def test_rows_in_place_of_a_query(self, backend, engine):
        tests = [{"database": queries.DATABASES[0], "expected": [["Cy"], ["Bob"]]}]
        own = {**reference("", engine), "tests": tests}
        texts = [fence("SELECT name FROM staff WHERE pay = 20.25"), fence("SELECT name FROM staff WHERE pay > 20")]
        assert [verdict.score for verdict in await verdicts(backend, own, texts)] == [1, 0]
        ordered = await verdicts(backend, {**own, "ordered": True}, [f"{texts[0][:-4]} ORDER BY id\n```"])
        assert [verdict.score for verdict in ordered] == [0]

    async def test_a_query_of_constants_is_right_on_one_database_alone(self, backend, engine):
        lucky = fence("SELECT 'Bob' UNION ALL VALUES ('Cy'), ('Ann'), ('Ann')")
        one = {**reference("SELECT name FROM staff WHERE pay > 10", engine), "score": "fraction", "stop": "never"}
        [verdict] = await verdicts(backend, one, [lucky])
        assert (verdict.score, verdict.evidence["tests"]) == (pytest.approx(1 / 3), 3)

    async def test_what_is_the_data_sets_fault_is_no_verdict(self, backend, engine):
        right = "SELECT name FROM staff"
        bad = {
            "the reference's own fails": reference("SELEC name", engine),
            "may only read": reference("DELETE FROM staff", engine),
            "one statement": reference(f"{right}; {right}", engine),
            "script of a database fails": {**reference(right, engine), "prelude": "CREATE TABEL t"},
            "no rows are expected": reference("SELECT name FROM staff WHERE pay < 0", engine),
            "a right one": reference("", engine),
            "a list of rows": {**reference(right, engine), "tests": [{"database": "", "expected": ["Ann"]}]},
            "at least one": {**reference(right, engine), "tests": []},
        }
        for message, own in bad.items():
            [verdict] = await verdicts(backend, own, [fence(right)])
            assert verdict.failure is not None, message
            assert verdict.failure.kind == FailureKind.BAD_REFERENCE
            assert message in verdict.failure.message

    async def test_large_results_and_long_queries_are_stopped(self, backend, engine):
        many = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3000) "
        texts = [f"{many} SELECT a.n, b.n FROM r a, r b", f"{many} SELECT max(a.n * b.n + c.n) FROM r a, r b, r c"]
        own = reference("SELECT name FROM staff", engine, limits={"wall_s": 9, "cpu_s": 1})
        got = await verdicts(backend, own, [fence(text) for text in texts])
        assert [verdict.score for verdict in got] == [0, 0]
        large, long = (verdict.evidence["verdict"] for verdict in got)
        assert large in ("output_limit", "time_limit")
        assert long == "time_limit"

    async def test_a_reference_that_takes_rows_by_chance_takes_any(self, backend, engine):
        own = reference("SELECT name FROM staff ORDER BY random() LIMIT 1", engine)
        texts = [fence("SELECT name FROM staff LIMIT 1"), fence("SELECT MAX(name) FROM staff;;"), fence("SELECT 'x'")]
        assert [verdict.score for verdict in await verdicts(backend, own, texts)] == [1, 1, 0]

    async def test_conformance(self, backend, engine):
        texts = [fence("SELECT name FROM staff"), fence("SELECT id FROM staff"), "no", fence("DROP TABLE staff")]
        await check(backend, VerifyRequest(completions=texts, reference=reference("SELECT name FROM staff", engine)))

    async def test_rows_of_a_data_set_are_checked(self, backend, engine):
        right = {"reference": reference("SELECT name FROM staff", engine), "solution": "SELECT s.name FROM staff s"}
        assert await backend.audit(right, {}) == []
        wrong = {**right, "solution": "SELECT id FROM staff"}
        assert "its own solution is not accepted" in (await backend.audit(wrong, {}))[0]


class TestEngines:
    pytestmark = in_jails

    async def test_values_of_duckdb(self, backend):
        right = "SELECT DATE '2024-01-01', 1.50::DECIMAL(9, 2), [1, 2], {'a': 1.5}, INTERVAL 1 DAY, 'x'::BLOB, true"
        same = "SELECT TIMESTAMP '2024-01-01', 1.5, [1, 2], {'a': 3 / 2}, INTERVAL 24 HOUR, 'x'::BLOB, now() > '2000-01-01'"
        other = right.replace("[1, 2]", "[2, 1]")
        pivot = "PIVOT staff ON dept USING sum(pay) GROUP BY name"
        got = await verdicts(backend, reference(right, "duckdb"), [fence(right), fence(same), fence(other)])
        assert [verdict.score for verdict in got] == [1, 1, 0], [verdict.reason for verdict in got]
        [pivoted] = await verdicts(backend, reference(pivot, "duckdb"), [fence(pivot)])
        assert pivoted.score == 1

    async def test_the_engines_have_versions_and_no_programs(self, backend):
        assert {"sqlite", "duckdb"} <= (await backend.grader.compiler.versions()).keys()
        own = {"kind": "stdio", "language": "sqlite", "tests": [{"stdout": "1\n"}]}
        [verdict] = await verdicts(backend, own, [fence("SELECT 1")])
        assert verdict.failure.kind == FailureKind.UNSUPPORTED
        [verdict] = await verdicts(backend, reference("SELECT 1", "python"), [fence("SELECT 1")])
        assert "there are sqlite, duckdb" in verdict.failure.message

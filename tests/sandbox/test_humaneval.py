"""HumanEval's own solutions are accepted, and each with a planted bug is refused."""

import asyncio
import gzip
import json
import os
from pathlib import Path

import pytest

from reward_sandbox.grading.grader import Grader
from reward_sandbox.grading.items import GradeItem
from reward_sandbox.grading.uploads import Uploads
from reward_sandbox.jail.backends.fork_server import ForkServerJail

DATA = os.environ.get("TOUCHSTONE_DATA")
pytestmark = [
    pytest.mark.skipif(not DATA, reason="TOUCHSTONE_DATA names no folder with humaneval.jsonl.gz"),
    pytest.mark.skipif(os.geteuid() != 0, reason="tier A needs root"),
]
# Every result is another one: the truth turned round, a number raised, all else replaced by nothing.
BUG = """
_right = {entry}
def {entry}(*args, **kwargs):
    result = _right(*args, **kwargs)
    if isinstance(result, bool):
        return not result
    return result + 1 if isinstance(result, (int, float)) else 1 if result is None else None
"""


async def test_canonical_solutions_and_planted_bugs():
    with gzip.open(Path(DATA or "") / "humaneval.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    jail = ForkServerJail(2)
    await jail.start()
    grader = Grader(jail, Uploads(1))
    await grader.compiler.find()

    def item(row, more=""):
        entry, code = row["entry_point"], row["prompt"] + row["canonical_solution"] + more
        return GradeItem(
            id=row["task_id"], language="python", code=code, kind="humaneval", entry=entry, test_code=row["test"]
        )

    right = await asyncio.gather(*(grader.grade(item(row)) for row in rows))
    wrong = await asyncio.gather(*(grader.grade(item(row, BUG.format(entry=row["entry_point"]))) for row in rows))
    await grader.aclose()
    await jail.aclose()
    assert len(rows) == 164
    assert [result.id for result in right if not result.passed] == []
    assert [result.id for result in wrong if result.passed or not result.valid] == []
    assert sum(result.assurance == "strong" for result in right) >= 161

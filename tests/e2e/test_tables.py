"""`touchstone score` of Parquet files and saved data sets, through the real command and a real gateway."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from toy_gateway import SETTINGS

pytestmark = pytest.mark.slow

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
datasets = pytest.importorskip("datasets")

ROOT = Path(__file__).parents[2]
GROUPS = {
    "problem": ["p", "q", "r", "s"],
    "completions": [["yes", "no", "crash"], ["4", "5"], None, ["yes"]],
    "solution": ["yes", "4", "x", None],
    "domain": ["toy", "whole", "toy", "toy"],
    "level": [1, None, 3, 4],
    "more": [{"tags": ["a", "b"], "depth": {"of": 1.5}}] * 4,
}
REWARDS = [[1.0, 0.0, None], [2.0, 1.0], None, [None]]
FAILURES = [[None, None, "worker_crashed"], [None, None], None, ["bad_reference"]]


def score(source, output, *more, **environment):
    command = [sys.executable, "-m", "reward_api", "score", str(source), "-o", str(output), *map(str, more)]
    environment = {**os.environ, "COLUMNS": "160", **environment}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture
def groups(tmp_path):
    path = tmp_path / "groups.parquet"
    parquet.write_table(pa.table(GROUPS), path, row_group_size=2)
    return path


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_parquet_file_comes_back_with_its_rewards(groups, tmp_path, toys):
    output = tmp_path / "scored.parquet"
    done = score(groups, output, "--url", toys[0])
    assert done.returncode == 3, done.stderr
    assert "scored.parquet" in done.stdout
    assert "1 of 4" in done.stdout
    scored = parquet.read_table(output)
    assert scored.select(list(GROUPS)).equals(pa.table(GROUPS)), "what was there is as it was"
    got = scored.to_pydict()
    assert got["touchstone_rewards"] == REWARDS
    assert got["touchstone_failures"] == FAILURES
    assert got["touchstone_components"][0] == {"toy": [1.0, 0.0, None], "relative": [None] * 3}
    assert got["touchstone_components"][1] == {"toy": [1.0, 0.0], "relative": [1.0, 1.0]}
    assert got["touchstone_error"][2] == "completions is null"
    assert [error is None for error in got["touchstone_error"]] == [True, True, False, True]
    assert got["touchstone_version"][0].startswith("sha256:")
    replies = lines(tmp_path / "scored.parquet.jsonl")
    assert [reply["line"] for reply in replies] == [1, 2, 3, 4]
    assert replies[0]["results"][0]["components"]["toy"]["evidence"]["text"] == "yes"
    assert not list(tmp_path.glob("*.partial"))


def test_a_row_may_hold_one_completion_and_the_suite_may_run_in_the_process(tmp_path, toys):
    source, output = tmp_path / "singles.parquet", tmp_path / "scored.parquet"
    reference = [{"answer": "yes", "aliases": None}] * 3
    parquet.write_table(pa.table({"completion": ["yes", "no", "crash"], "reference": reference}), source)
    message = {**SETTINGS, "PYTHONPATH": str(ROOT / "tests" / "toys")}
    done = score(source, output, "--domain", "toy", "--domains", toys[1], **message)
    assert done.returncode == 3, done.stderr
    got = parquet.read_table(output).to_pydict()
    assert got["touchstone_reward"] == [1.0, 0.0, None]
    assert got["touchstone_failure"] == [None, None, "worker_crashed"]
    assert got["touchstone_components"] == [{"toy": 1.0}, {"toy": 0.0}, {"toy": None}]
    assert got["reference"] == reference


def test_a_saved_data_set_comes_back_as_one(tmp_path, toys):
    source, output = tmp_path / "rollouts", tmp_path / "scored"
    messages = [{"role": "user", "content": "?"}]
    rows = [
        {"prompt": messages, "completions": [[{"role": "assistant", "content": text}]], "answer": "yes"}
        for text in "ab"
    ]
    rows[1]["answer"] = "b"
    datasets.Dataset.from_list(rows).save_to_disk(source)
    for _ in range(2):  # a second run finds all done
        done = score(source, output, "--domain", "toy", "--url", toys[0])
        assert done.returncode == 0, done.stderr
    scored = datasets.load_from_disk(str(output))
    assert scored["touchstone_rewards"][:] == [[0.0], [1.0]]
    assert scored["prompt"][0] == messages
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rollouts", "scored", "scored.jsonl"]


def test_a_split_is_chosen_and_a_table_may_become_lines(tmp_path, toys):
    source, output = tmp_path / "splits", tmp_path / "scored.jsonl"
    one = datasets.Dataset.from_dict({"completion": ["yes"], "answer": ["yes"]})
    datasets.DatasetDict({"train": one, "test": one.map(lambda _: {"completion": "no"})}).save_to_disk(source)
    done = score(source, output, "--domain", "toy", "--url", toys[0], "--split", "test")
    assert done.returncode == 0, done.stderr
    assert [row["results"][0]["reward"] for row in lines(output)] == [0.0]
    done = score(source, tmp_path / "more.jsonl", "--split", "dev")
    assert (done.returncode, "no split 'dev'; --split one of train, test" in done.stderr) == (2, True)


def test_a_run_that_was_cut_off_goes_on_and_scores_no_row_twice(groups, tmp_path, toys):
    output, journal = tmp_path / "scored.parquet", tmp_path / "scored.parquet.jsonl"
    assert score(groups, output, "--url", toys[0]).returncode == 3
    first, second, *_ = journal.read_text().splitlines(keepends=True)
    marked = first.replace('"reward":1.0', '"reward":0.25', 1)
    journal.write_text(marked + second[:40])
    output.unlink()
    done = score(groups, output, "--url", toys[0])
    assert done.returncode == 3, done.stderr
    got = parquet.read_table(output).to_pydict()
    assert got["touchstone_rewards"] == [[0.25, 0.0, None], *REWARDS[1:]], "the first row is the one that was there"


def test_a_table_that_is_not_its_own_is_left_alone(groups, tmp_path, toys):
    before = groups.read_bytes()
    done = score(groups, groups, "--url", toys[0])
    assert done.returncode == 2
    assert "was not written by this command" in done.stderr
    assert groups.read_bytes() == before


def test_its_own_output_is_scored_anew_without_the_old_columns(groups, tmp_path, toys):
    once, again = tmp_path / "once.parquet", tmp_path / "again.parquet"
    assert score(groups, once, "--url", toys[0]).returncode == 3
    assert score(once, again, "--url", toys[0]).returncode == 3
    assert parquet.read_table(again).column_names == parquet.read_table(once).column_names
    assert parquet.read_table(again).to_pydict()["touchstone_rewards"] == REWARDS


@pytest.mark.parametrize(
    ("source", "output", "message"),
    [
        ("absent.parquet", "x.parquet", "cannot be read"),
        ("absent.jsonl", "x.jsonl", "no such file or folder"),
        ("text.parquet", "x.parquet", "cannot be read"),
        ("columns.parquet", "x.parquet", "no column `completions`"),
        ("lines.jsonl", "x.parquet", "JSON lines are scored into JSON lines"),
        ("empty", "x", "cannot be read"),
    ],
)
def test_what_is_no_table_of_rollouts_is_said_in_a_line(tmp_path, source, output, message):
    (tmp_path / "text.parquet").write_text("no table")
    (tmp_path / "lines.jsonl").write_text("{}\n")
    (tmp_path / "empty").mkdir()
    parquet.write_table(pa.table({"text": ["a"]}), tmp_path / "columns.parquet")
    done = score(tmp_path / source, tmp_path / output)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_missing_for_tables_is_named(groups, tmp_path):
    program = """
        import sys
        sys.modules["pyarrow"] = None
        from reward_api.cli.main import app
        app(["score", sys.argv[1], "-o", sys.argv[2]])
    """
    command = [sys.executable, "-c", textwrap.dedent(program), groups, tmp_path / "x.parquet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'touchstone-rewards[tables]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_large_table_is_read_in_batches(tmp_path, monkeypatch):
    from reward_api.cli.score import rows

    monkeypatch.setattr(rows, "BATCH_ROWS", 8)
    source = tmp_path / "large.parquet"
    parquet.write_table(pa.table({"completion": ["yes"] * 100, "answer": ["yes"] * 100}), source)
    opened = rows.open_source(str(source))
    assert [len(batch) for batch in opened.table.batches()] == [8] * 12 + [4]
    assert [row.number for row in opened.rows()] == list(range(1, 101))
    assert [len(batch) for batch in rows.open_source(str(source), limit=11).table.batches()] == [8, 3]


@pytest.mark.parametrize("numbers", [[1], [2, 1], [1, 2, 3]])
def test_another_tables_replies_are_not_taken_for_its_own(tmp_path, numbers):
    from reward_api.cli.score import output_table, rows

    source, journal, output = tmp_path / "two.parquet", tmp_path / "x.parquet.jsonl", tmp_path / "x.parquet"
    parquet.write_table(pa.table({"completion": ["a", "b"]}), source)
    journal.write_text("".join(json.dumps({"line": number, "error": {"title": "told"}}) + "\n" for number in numbers))
    with pytest.raises(rows.BadInput, match="not of this table"):
        output_table.write(rows.open_source(str(source)).table, journal, output)
    assert not output.exists()

"""`touchstone convert`: rows of data sets as rows to train with."""

import json

from typer.testing import CliRunner

from reward_api.cli.main import app

ROWS = [
    {"task_id": 1, "text": "Twice.", "code": "def twice(n):\n    return 2 * n", "test_list": ["assert twice(1) == 2"]},
    {
        "question": "Add.",
        "input_output": json.dumps({"inputs": ["1 2"], "outputs": ["3"]}),
        "solutions": '["print(3)"]',
    },
]


def _run(tmp_path, rows, *options):
    source, output = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    result = CliRunner().invoke(app, ["convert", str(source), str(output), *options])
    written = [json.loads(line) for line in output.read_text().splitlines()] if output.exists() else []
    return result, written


def test_rows_become_prompt_reference_and_solution(tmp_path):
    result, [mbpp, taco] = _run(tmp_path, ROWS)
    assert result.exit_code == 0, result.output
    assert (mbpp["prompt"], mbpp["solution"], mbpp["reference"]["entry"]) == ("Twice.", ROWS[0]["code"], "twice")
    assert (taco["prompt"], taco["solution"]) == ("Add.", "print(3)")
    assert taco["reference"]["tests"] == [{"stdin": "1 2", "stdout": "3"}]


def test_rows_that_are_not_understood_are_counted_with_their_reasons(tmp_path):
    result, written = _run(tmp_path, [{"riddle": "?"}, *ROWS, {"riddle": "!"}])
    assert (result.exit_code, len(written)) == (1, 2)
    assert "2 × no kind and no tests" in result.output
    assert "riddle" in result.output
    assert "2 rows converted, 2 not understood" in result.output


def test_a_file_is_not_overwritten_and_an_unknown_data_set_is_said(tmp_path):
    assert "no data set 'sudoku'" in _run(tmp_path, ROWS, "--dataset", "sudoku")[0].output
    result, _ = _run(tmp_path, ROWS)
    assert (result.exit_code, "exists already" in result.output) == (2, True)


def test_integers_keep_all_their_digits(tmp_path):
    tests = {"fn_name": "up", "inputs": [[2**80]], "outputs": [2**80 + 1]}
    result, [row] = _run(tmp_path, [{"question": "Up.", "input_output": tests}])
    assert result.exit_code == 0, result.output
    assert (row["reference"]["tests"][0]["args"], row["reference"]["tests"][0]["expected"]) == ([2**80], 2**80 + 1)

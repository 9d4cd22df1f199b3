"""The files that people have, and what their columns are called."""

import csv
import gzip
import json

import pytest

from reward_api.cli.score.gateway import BadSetup, checked_url
from reward_api.cli.score.requests import Columns, request_of
from reward_api.cli.score.rows import BadInput, Row, open_source

ROWS = [
    {"completions": ["yes", "no"], "answer": "yes", "source": "\u2028"},
    {"completions": ["x"], "answer": "x", "source": "b"},
]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()


def zstd(data, path):
    pa = pytest.importorskip("pyarrow")
    with pa.output_stream(str(path), compression="zstd") as out:
        out.write(data)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.jsonl", LINES),
        ("r.jsonl", b"\n" + LINES.replace(b"\n", b"\n \n")),
        ("r.jsonl", b"\xef\xbb\xbf" + LINES),
        ("r.json", json.dumps(ROWS).encode()),
        ("r.json", b"\xef\xbb\xbf" + json.dumps(ROWS, indent=1).encode()),
        ("r.jsonl.gz", gzip.compress(LINES, mtime=0)),
        ("r.json.gz", gzip.compress(json.dumps(ROWS).encode(), mtime=0)),
    ],
)
def test_files_of_json(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    source = open_source(str(tmp_path / name))
    assert [row.data for row in source.rows()] == ROWS
    assert source.count == 2
    assert [row.data for row in open_source(str(tmp_path / name), limit=1).rows()] == ROWS[:1]


def test_zstd(tmp_path):
    zstd(LINES, tmp_path / "r.jsonl.zst")
    assert [row.data for row in open_source(str(tmp_path / "r.jsonl.zst")).rows()] == ROWS


def test_csv_is_taken_as_it_is_written(tmp_path):
    with (tmp_path / "r.csv").open("w", newline="", encoding="utf-8-sig") as out:
        writer = csv.DictWriter(out, ["completion", "answer", "source"])
        writer.writeheader()
        writer.writerow({"completion": "a, \nb", "answer": "007", "source": ""})
    with (tmp_path / "r.csv").open("a") as out:
        out.write("a,b,c,d\n")
    first, second = open_source(str(tmp_path / "r.csv")).rows()
    assert first.data == {"completion": "a, \nb", "answer": "007"}
    assert (second.data, second.fault) == (None, "more values than the header has columns")


def test_a_line_that_is_none_is_a_row_with_its_fault(tmp_path):
    (tmp_path / "r.jsonl").write_text('{"a": 1}\nnot json\n7\n{"a": \n')
    rows = list(open_source(str(tmp_path / "r.jsonl")).rows())
    assert [(row.number, row.fault) for row in rows] == [
        (1, ""),
        (2, "not JSON"),
        (3, "not a JSON object"),
        (4, "not JSON"),
    ]


@pytest.mark.parametrize("name", ["r.gz", "r.zst", "r.json", "r.parquet", "absent.jsonl"])
def test_a_file_that_is_not_what_it_is_called_is_named(tmp_path, name):
    if not name.startswith("absent"):
        (tmp_path / name).write_text("[1, 2")
    with pytest.raises(BadInput, match=name):
        list(open_source(str(tmp_path / name)).rows())


@pytest.mark.parametrize(
    ("row", "columns", "completions", "reference"),
    [
        ({"response": "t", "ground_truth": "5"}, {}, ["t"], {"answer": "5", "ground_truth": "5"}),
        ({"output": "t", "solution": 5}, {}, ["t"], {"answer": 5, "solution": 5}),
        ({"responses": ["t", "u"], "label": "5"}, {}, ["t", "u"], {"answer": "5", "label": "5"}),
        ({"outputs": ["t"], "target": "5"}, {}, ["t"], {"answer": "5", "target": "5"}),
        ({"completion": "t", "reference": "5", "source": "x"}, {}, ["t"], {"answer": "5"}),
        ({"completion": "t", "reference": {"tests": ["x"]}}, {}, ["t"], {"tests": ["x"]}),
        ({"completion": "t", "answer": "5", "touchstone_reward": 1.0}, {}, ["t"], {"answer": "5"}),
        ({"text": "t", "gold": "5", "answer": "no"}, {"completion": "text", "answer": "gold"}, ["t"], {"answer": "5"}),
        ({"a": {"b": ["t"]}, "c": {"d": 5}}, {"completion": "a.b", "answer": "c.d"}, ["t"], {"answer": 5}),
        ({"a.b": "t", "answer": "5"}, {"completion": "a.b"}, ["t"], {"answer": "5"}),
    ],
)
def test_columns_by_their_usual_names(row, columns, completions, reference):
    request = request_of(Row(1, row), Columns(**columns))
    assert request == {"completions": completions, "reference": reference}


def test_a_list_of_messages_is_one_completion():
    chat = [{"role": "assistant", "content": "t"}]
    assert request_of(Row(1, {"completion": chat, "answer": "5"}), Columns())["completions"] == [chat]
    assert request_of(Row(1, {"completions": [chat, chat], "answer": "5"}), Columns())["completions"] == [chat, chat]


def test_a_verl_row():
    row = {"responses": "t", "reward_model": {"ground_truth": "5", "style": "rule"}, "data_source": "x", "prompt": "p"}
    request = request_of(Row(1, row), Columns())
    assert request["reference"] == {"answer": "5", "ground_truth": "5", "style": "rule"}
    assert request["prompt"] == "p"


def test_fields_of_one_completion_and_ids():
    row = {"completion": "t", "answer": "5", "domain": "algebra", "tokens": 3, "truncated": False, "id": 7}
    assert request_of(Row(1, row), Columns(domain="math")) == {
        "completions": ["t"],
        "reference": {"answer": "5"},
        "domain": "math",
        "tokens": [3],
        "truncated": [False],
        "id": "7",
    }


@pytest.mark.parametrize(
    ("row", "columns", "message"),
    [
        ({"text": "t", "answer": "5"}, {}, "no completions: give --completion-column, one of text, answer"),
        ({"completion": None, "answer": "5"}, {}, "completion is null"),
        ({"completion": "t"}, {"answer": "gold.x"}, "no column gold.x; there are: completion"),
    ],
)
def test_a_row_that_cannot_be_asked_about_says_why(row, columns, message):
    with pytest.raises(BadInput, match=f"^{message}$"):
        request_of(Row(1, row), Columns(**columns))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("127.0.0.1:8000", "begin it with http://"),
        ("http://127.0.0.1:8000/score", "give the gateway's root, http://127.0.0.1:8000$"),
        ("http://127.0.0.1:8000/touchstone/score/math", "root, http://127.0.0.1:8000/touchstone$"),
    ],
)
def test_a_url_that_cannot_be_is_named(url, message):
    with pytest.raises(BadSetup, match=message):
        checked_url(url)


def test_a_gateway_may_have_a_path():
    assert checked_url("https://example.org/touchstone/") == "https://example.org/touchstone"

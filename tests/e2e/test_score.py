"""`touchstone score` through the real command: no number of another run, and the files that people have."""

import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest
from toy_gateway import SETTINGS, write_domains

pytestmark = pytest.mark.slow

ROWS = [
    {"completions": ["yes", "no"], "answer": "yes", "source": "a"},
    {"completions": ["x"], "answer": "x", "source": "b"},
]
TOYS = os.path.join(os.path.dirname(__file__), "..", "toys")


@pytest.fixture
def rollouts(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


@pytest.fixture
def score(touchstone, toys):
    """`score(source, "-o", output)`, by the toy gateway and its domain `toy`."""

    def run(source, *arguments, **more):
        named = [] if "--domain" in arguments else ["--domain", "toy"]
        at = [] if "--url" in arguments else ["--url", toys[0]]
        return touchstone("score", source, *named, *at, *arguments, **more)

    return run


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def rewards(path):
    return [[result["reward"] for result in line.get("results", [])] for line in lines(path)]


# --- no number of another run -----------------------------------------------------------------------------------------


def test_another_domain_is_refused(score, rollouts, tmp_path):
    assert score(rollouts, "-o", "s.jsonl").returncode == 0
    before = (tmp_path / "s.jsonl").read_bytes()
    done = score(rollouts, "-o", "s.jsonl", "--domain", "whole")
    assert done.returncode == 2
    assert "holds scores of toy; you ask for whole" in done.stderr
    assert (tmp_path / "s.jsonl").read_bytes() == before
    done = score(rollouts, "-o", "s.jsonl", "--domain", "whole", "--overwrite")
    assert done.returncode == 0, done.stderr
    assert rewards(tmp_path / "s.jsonl") == [[2.0, pytest.approx(2 / 3)], [2.0]]


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: [{**rows[0], "answer": "no"}, rows[1]],
        lambda rows: rows[:1],
    ],
)
def test_another_input_is_refused(score, rollouts, tmp_path, change):
    assert score(rollouts, "-o", "s.jsonl").returncode == 0
    before = (tmp_path / "s.jsonl").read_bytes()
    rollouts.write_text("".join(json.dumps(row) + "\n" for row in change(ROWS)))
    done = score(rollouts, "-o", "s.jsonl")
    assert done.returncode == 2
    assert "another -o, or --overwrite" in done.stderr
    assert (tmp_path / "s.jsonl").read_bytes() == before


def test_more_rows_are_scored_behind_those_that_are_there_and_other_options_refused(score, rollouts, tmp_path):
    assert score(rollouts, "-o", "s.jsonl", "--limit", 1).returncode == 0
    assert rewards(tmp_path / "s.jsonl") == [[1.0, 0.0]]
    done = score(rollouts, "-o", "s.jsonl", "--answer-column", "source")
    assert (done.returncode, "other options" in done.stderr) == (2, True)
    assert score(rollouts, "-o", "s.jsonl").returncode == 0
    assert rewards(tmp_path / "s.jsonl") == [[1.0, 0.0], [1.0]]


def test_a_changed_domain_file_is_refused(touchstone, rollouts, tmp_path):
    toy = "components:\n  - {verifier: 'toys:Toy', name: toy}\n"
    folder = tmp_path / "mine"
    folder.mkdir()
    write_domains(folder, {"toy": toy})
    settings = {**SETTINGS, "PYTHONPATH": TOYS}
    arguments = ("score", rollouts, "--domain", "toy", "--domains", folder, "-o", "s.jsonl")
    done = touchstone(*arguments, **settings)
    assert done.returncode == 0, done.stderr
    write_domains(folder, {"toy": toy.replace("name: toy", "name: toy, options: {bonus: 0.5}")})
    done = touchstone(*arguments, **settings)
    assert done.returncode == 2
    assert "was scored by toy sha256:" in done.stderr
    assert rewards(tmp_path / "s.jsonl") == [[1.0, 0.0], [1.0]]


# --- refused rows -----------------------------------------------------------------------------------------------------


def test_an_unknown_domain_stops_before_anything_is_written(score, touchstone, rollouts, tmp_path, toys):
    done = score(rollouts, "-o", "s.jsonl", "--domain", "tyo")
    assert (done.returncode, "unknown domain 'tyo'; did you mean 'toy'?" in done.stderr) == (2, True)
    done = touchstone("score", rollouts, "-o", "s.jsonl", "--domain", "mth")
    assert (done.returncode, "unknown domain 'mth'; did you mean 'math'?" in done.stderr) == (2, True)
    assert not (tmp_path / "s.jsonl").exists()


def test_refused_rows_are_counted_and_scored_again(score, tmp_path):
    rollouts = tmp_path / "r.jsonl"
    good = json.dumps(ROWS[0])
    rollouts.write_text(f"not json\n{good}\n[1]\n")
    done = score(rollouts, "-o", "s.jsonl")
    assert done.returncode == 3
    assert "s.jsonl: 1 of 3 lines" in done.stdout
    assert "2 of 3" in done.stdout
    assert [line.get("error") for line in lines(tmp_path / "s.jsonl")] == [
        {"title": "not JSON"},
        None,
        {"title": "not a JSON object"},
    ]
    rollouts.write_text(f"{good}\n{good}\n[1]\n")
    done = score(rollouts, "-o", "s.jsonl")
    assert done.returncode == 3
    assert [line["line"] for line in lines(tmp_path / "s.jsonl")] == [1, 2, 3]
    assert rewards(tmp_path / "s.jsonl") == [[1.0, 0.0], [1.0, 0.0], []]


@pytest.mark.parametrize(("domain", "kept"), [("toy", 0.25), ("whole", 2 / 3)])
def test_samples_without_a_verdict_are_scored_again_and_no_others(score, rollouts, tmp_path, domain, kept):
    """The stored file is made to lack one verdict. A domain that needs the whole group scores the whole group again."""
    path = tmp_path / "s.jsonl"
    done = score(rollouts, "-o", "s.jsonl", "--domain", domain)
    assert done.returncode == 0, done.stderr
    whole = rewards(path)
    first, second = lines(path)
    failed, other = first["results"]
    failure = {"kind": "timeout", "component": "toy", "message": "too slow"}
    failed |= {"reward": None, "valid": False, "failure": failure}
    failed["components"]["toy"] |= {"score": None, "valid": False, "failure": failure}
    other["reward"] = 0.25  # shows whether it was scored again
    path.write_text("".join(json.dumps(line) + "\n" for line in (first, second)))
    assert score(rollouts, "-o", "s.jsonl", "--domain", domain).returncode == 3
    assert rewards(path) == [[None, 0.25], whole[1]]
    done = score(rollouts, "-o", "s.jsonl", "--domain", domain, "--rejudge-failed")
    assert done.returncode == 0, done.stderr
    assert rewards(path) == [[whole[0][0], pytest.approx(kept)], whole[1]]
    again = lines(path)
    assert [line["line"] for line in again] == [1, 2]
    assert again[0]["group"]["valid"] == 2
    assert again[0]["group"]["mean"] == pytest.approx((whole[0][0] + kept) / 2)


def test_a_file_of_which_nothing_is_scored_ends_with_1(score, tmp_path):
    (tmp_path / "r.jsonl").write_text('{"completions": ["crash"], "answer": "yes"}\nnot json\n')
    done = score("r.jsonl", "-o", "s.jsonl")
    assert done.returncode == 1
    assert "0 of 1" in done.stdout
    assert "worker_crashed" in done.stdout


# --- set-up errors ----------------------------------------------------------------------------------------------------


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b"<html>")

    def log_message(self, *_):
        pass


@pytest.fixture
def stranger(request):
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    server.status = request.param
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("stranger", "text"),
    [(200, "no Touchstone gateway"), (404, "no Touchstone gateway"), (401, "--key"), (403, "--key")],
    indirect=["stranger"],
)
def test_another_server_stops_at_once(score, rollouts, tmp_path, stranger, text):
    done = score(rollouts, "-o", "s.jsonl", "--url", stranger)
    assert (done.returncode, text in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "s.jsonl").exists()


def test_nobody_there_is_waited_for_and_named(score, rollouts, tmp_path):
    done = score(rollouts, "-o", "s.jsonl", "--url", "http://127.0.0.1:9", "--wait", "0.1")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "waiting up to 0.1 s for a gateway at http://127.0.0.1:9",
        "no gateway answers at http://127.0.0.1:9 (ConnectError)",
    ]
    assert not (tmp_path / "s.jsonl").exists()


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
def test_a_gateway_on_this_machine_is_reached_by_no_proxy(score, rollouts, name):
    done = score(rollouts, "-o", "s.jsonl", "--wait", "0.1", **{name: "http://127.0.0.1:9"})
    assert done.returncode == 0, done.stderr


def test_an_output_that_cannot_be_is_named(score, rollouts):
    done = score(rollouts, "-o", "nowhere/s.jsonl")
    assert (done.returncode, "there is no folder nowhere" in done.stderr) == (2, True)
    done = score(rollouts, "-o", "/proc/s.jsonl")
    assert (done.returncode, "/proc/s.jsonl cannot be written: " in done.stderr) == (2, True)
    before = rollouts.read_bytes()
    for more in ((), ("--overwrite",)):
        done = score(rollouts, "-o", rollouts, *more)
        assert (done.returncode, "was not written by touchstone score" in done.stderr) == (2, True)
    assert rollouts.read_bytes() == before


def test_ctrl_c_says_how_far_it_came(toys, tmp_path):
    rows = [{"completion": f"hang {number}" if number else "yes", "answer": "yes"} for number in range(64)]
    (tmp_path / "r.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [
        sys.executable,
        "-m",
        "reward_api",
        "score",
        "r.jsonl",
        "--domain",
        "toy",
        "--url",
        toys[0],
        "-o",
        "s.jsonl",
    ]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "s.jsonl").exists() or not (tmp_path / "s.jsonl").read_bytes():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, text = process.communicate(timeout=60)
    assert process.returncode == 130
    assert re.fullmatch(r"stopped at \d+ of 64; run again to go on\n", text)
    assert lines(tmp_path / "s.jsonl")[0]["results"][0]["reward"] == 1.0


# --- what people have -------------------------------------------------------------------------------------------------


def test_standard_input_and_output(score, rollouts):
    done = score("-", "-o", "-", stdin=rollouts.read_bytes())
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["results"][0]["reward"] for line in done.stdout.splitlines()] == [1.0, 1.0]
    assert "reward" in done.stderr
    assert score("-", "-o", "-", "--quiet", stdin=rollouts.read_bytes()).stderr == ""


def test_a_verl_table(score, tmp_path):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pa.table({"responses": ["yes", "no"], "reward_model": [{"ground_truth": "yes", "style": "rule"}] * 2})
    parquet.write_table(table, tmp_path / "v.parquet")
    done = score("v.parquet", "-o", "s.parquet", "--limit", 1)
    assert done.returncode == 0, done.stderr
    assert parquet.read_table(tmp_path / "s.parquet").to_pydict()["touchstone_reward"] == [1.0]


def test_the_summary_as_json(score, rollouts):
    document = json.loads(score(rollouts, "-o", "s.jsonl", "--json").stdout)
    share = pytest.approx(2 / 3)
    assert document["lines"] == 2
    assert document["reward"] == {"scored": 3, "of": 3, "mean": share, "pass_rate": share, "failures": {}}
    assert document["components"]["toy"]["pass_rate"] == share


def test_what_a_second_run_needs_is_light():
    """Each of these takes a tenth of a second and more to import, and only a server needs them."""
    heavy = ("fastapi", "starlette", "uvicorn", "prometheus_client")
    script = (
        "import sys\n"
        "from reward_api.cli.main import app\n"
        "from reward_api.cli.score import gateway, job, run\n"
        "from reward_api.gateway import backends\n"
        "from reward_verifiers.runtime import local\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_second_run_with_nothing_to_do_starts_no_worker(touchstone, toy_domains, rollouts, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from reward_api.cli.main import app

    folder = str(toy_domains())
    arguments = [
        "score",
        str(rollouts),
        "--domain",
        "toy",
        "--domains",
        folder,
        "-o",
        str(tmp_path / "s.jsonl"),
        "--json",
    ]
    first = touchstone(*arguments, **SETTINGS, PYTHONPATH=TOYS)
    assert first.returncode == 0, first.stderr

    async def start(_):
        raise AssertionError("no worker is needed")

    monkeypatch.setattr("reward_verifiers.runtime.pool.WorkerPool.start", start)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    again = CliRunner().invoke(app, arguments)
    assert (again.exit_code, json.loads(again.stdout)) == (0, json.loads(first.stdout)), again.output
    with rollouts.open("a") as more:
        more.write('{"completions": ["x"], "answer": "x"}\n')
    assert isinstance(CliRunner().invoke(app, arguments).exception, AssertionError), "a new row needs one"

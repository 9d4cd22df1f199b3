"""The command line in processes of its own."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from toy_gateway import SETTINGS

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "reward_api" / "reward_api" / "domains" / "data"
NAMES = sorted(path.stem for path in SHIPPED.glob("*.yaml"))
BREVITY = re.search(r"# brevity\.py\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)


def touchstone(*arguments, cwd=ROOT, **environment):
    command = [sys.executable, "-m", "reward_api", *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": "160", **environment}
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=environment)


# --- from whatever folder ---------------------------------------------------------------------------------------------


@pytest.fixture
def empty(tmp_path):
    """A working folder with an unrelated `domains`."""
    (tmp_path / "domains").mkdir()
    (tmp_path / "domains" / "example.org.yaml").write_text("dns: 1\n")
    return tmp_path


def test_the_shipped_domains_are_checked_from_any_folder(empty):
    done = touchstone("domains", "check", cwd=empty)
    assert (done.returncode, done.stdout) == (0, f"all good: {', '.join(NAMES)}\n"), done.stderr
    assert done.stderr.startswith(f"Domain files: {SHIPPED} (shipped with Touchstone)\n")


@pytest.mark.slow
def test_the_shipped_domains_score_from_any_folder(empty):
    (empty / "r.jsonl").write_text('{"completion": "<think>t</think><answer>4</answer>", "answer": "4"}\n')
    done = touchstone("score", "r.jsonl", "--domain", "math", "-o", "s.jsonl", cwd=empty)
    assert done.returncode == 0, done.stderr
    assert json.loads((empty / "s.jsonl").read_text())["results"][0]["reward"] == 2


@pytest.mark.long
def test_the_suite_serves_from_any_folder_and_says_which_domains(empty, serve):
    with serve(cwd=empty) as (url, process):
        names = [entry["name"] for entry in httpx.get(f"{url}/domains").json()["domains"]]
        assert names == NAMES
        with open(f"/proc/{process.pid}/fd/2") as log:
            assert f"domain files: {SHIPPED} (shipped with Touchstone)" in log.read()


def test_the_page_is_announced_where_it_is_served_and_never_for_anothers_port(serve, toy_domains):
    folder = str(toy_domains())
    with serve("--domains", folder, **SETTINGS) as (url, process):
        assert httpx.get(f"{url}/ui").is_success
        with open(f"/proc/{process.pid}/fd/2") as log:
            assert f"the page: {url}/ui" in log.read()
        port = url.rpartition(":")[2]
        done = touchstone(
            "serve", "--domains", folder, "--port", port, **SETTINGS, PYTHONPATH=str(ROOT / "tests" / "toys")
        )
    assert done.returncode == 1
    assert f"cannot bind 127.0.0.1:{port}" in done.stderr
    assert "the page" not in done.stderr


@pytest.mark.long
def test_the_whole_demo_from_any_folder(empty, free_port):
    check_demo(
        touchstone("demo", "--once", "--port", free_port, cwd=empty), "math", "logic", "code", "general", "safety"
    )


@pytest.mark.slow
def test_demo_prints_the_expected_rewards_and_stops(tmp_path, free_port):
    for name in ("math.yaml", "logic.yaml"):
        shutil.copy(SHIPPED / name, tmp_path)
    shutil.copytree(SHIPPED / "samples", tmp_path / "samples")
    check_demo(touchstone("demo", "--once", "--port", free_port, "--domains", tmp_path), "math", "logic")


@pytest.mark.slow
def test_log_lines_are_for_a_person_on_a_terminal_unless_a_setting_says_json(terminal, toy_domains, free_port):
    arguments = ("demo", "--once", "--port", free_port, "--domains", toy_domains())
    toys = {**SETTINGS, "PYTHONPATH": str(ROOT / "tests" / "toys")}
    status, text = terminal(*arguments, **toys)
    assert status == 0, text
    assert re.search(r"^\d\d:\d\d:\d\d info +domain files: /", text, re.MULTILINE), text
    assert '{"' not in text
    status, text = terminal(*arguments, TOUCHSTONE_LOG_FORMAT="json", **toys)
    assert status == 0, text
    assert re.search(r'^\{"asctime": .*"domain files: /', text, re.MULTILINE), text


@pytest.mark.slow
def test_demo_where_keys_are_set(toy_domains, free_port):
    toys = {**SETTINGS, "PYTHONPATH": str(ROOT / "tests" / "toys"), "TOUCHSTONE_SCORE_KEYS": "sesame"}
    done = touchstone("demo", "--once", "--port", free_port, "--domains", toy_domains(), **toys)
    assert done.returncode == 0, done.stderr
    assert "Sample groups scored by" in done.stdout


def test_demo_never_shows_another_servers_rewards():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = touchstone("demo", "--once", "--port", port)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"port {port} is taken by another server")


def check_demo(done, *domains):
    assert done.returncode == 0, done.stderr
    for text in (*domains, "the template is kept", "hostile completions"):
        assert text in done.stdout
    assert "(expected" not in done.stdout, "a reward that is not the expected one"
    assert "\\u" not in done.stdout, "text as it is written"
    assert "\\\\" not in done.stdout


GROUPS = [
    {"id": "a", "completions": ["<think>t</think><answer>4</answer>", "4", "5"], "reference": "4"},
    {"id": "b", "completion": "<think>t</think><answer>\\boxed{\\frac12}</answer>", "answer": "0.5"},
    {"id": "c", "completions": [], "reference": "4"},
    {"id": "d", "completions": ["x"], "reference": {"answer": "\\begin{"}},
]


@pytest.fixture
def rollouts(tmp_path):
    path = tmp_path / "rollouts.jsonl"
    path.write_text("".join(json.dumps(group) + "\n" for group in GROUPS) + "not json\n")
    return path


def check_scored(path):
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["line"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row.get("id") for row in rows] == ["a", "b", "c", "d", None]
    assert [result["reward"] for result in rows[0]["results"]] == [2, 1, 0]
    assert rows[1]["results"][0]["reward"] == 2
    assert rows[2]["error"]["status"] == 422
    assert rows[0]["input"] == GROUPS[0]
    assert rows[3]["results"][0]["failure"]["kind"] == "unsupported"
    assert rows[4]["error"] == {"title": "not JSON"}


@pytest.mark.slow
@pytest.mark.parametrize("where", ["url", pytest.param("in-process", marks=pytest.mark.slow)])
def test_score_keeps_order_and_says_what_it_could_not_score(rollouts, tmp_path, math_suite, where):
    output = tmp_path / "scored.jsonl"
    at = ("--url", math_suite) if where == "url" else ()
    done = touchstone("score", rollouts, "--domain", "math", "-o", output, *at)
    assert done.returncode == 3, done.stderr
    check_scored(output)
    assert "2 of 5" in done.stdout, "lines refused"
    assert "1 unsupported" in done.stdout
    assert "75.00%" in done.stdout, "three of four answers with a verdict are right"


@pytest.mark.slow
def test_score_goes_on_where_it_was_cut_off(rollouts, tmp_path, math_suite):
    output = tmp_path / "scored.jsonl"
    arguments = ("score", rollouts, "--domain", "math", "-o", output, "--url", math_suite)
    assert touchstone(*arguments).returncode == 3
    lines = output.read_text().splitlines(keepends=True)
    marked = lines[0].replace('"line":1,', '"line":1,"kept":true,')
    output.write_text(marked + lines[1][:40])
    assert touchstone(*arguments).returncode == 3
    check_scored(output)
    assert json.loads(output.read_text().splitlines()[0])["kept"] is True


@pytest.mark.slow
def test_score_does_not_write_into_a_file_that_is_not_its_own(rollouts, tmp_path, math_suite):
    output = tmp_path / "precious.jsonl"
    output.write_text('{"mine": 1}\n')
    done = touchstone("score", rollouts, "--domain", "math", "-o", output, "--url", math_suite)
    assert done.returncode == 2
    assert "was not written by touchstone score" in done.stderr
    assert output.read_text() == '{"mine": 1}\n'


def test_domains_check(tmp_path):
    (tmp_path / "bad.yaml").write_text("components:\n  - {verifier: answer, options: {knid: math}}\n")
    (tmp_path / "worse.yaml").write_text("components:\n  - {verifier: anwser}\n")
    done = touchstone("domains", "check", "--domains", tmp_path)
    assert done.returncode == 1
    assert "bad.yaml: components[0].options.knid" in done.stderr
    assert "worse.yaml: components[0].verifier: unknown verifier 'anwser'" in done.stderr


@pytest.mark.slow
def test_domains_check_finds_bad_references_before_training(rollouts):
    done = touchstone("domains", "check", "--domain", "math", "--data", rollouts)
    assert done.returncode == 1
    for text in ("line 3: completions", "line 4: answer", "line 5: not JSON"):
        assert text in done.stderr
    assert "line 1:" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("serve", "nobody"), "no service is named 'nobody'; there are: answer, "),
        (("serve", "anwser"), "no service is named 'anwser'; did you mean 'answer'?\n"),
        (("serve", "--host", "0.0.0.0"), "TOUCHSTONE_SCORE_KEYS"),
        pytest.param(("serve", "--domains", "tests"), "no *.yaml or *.yml", marks=pytest.mark.slow),
    ],
)
def test_serve_says_in_one_line_why_it_does_not(arguments, message, free_port):
    done = touchstone(*arguments, "--port", free_port)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("servee",), "Did you mean 'serve'?"), (("serve", "--port", "99999"), "less than or equal to 65535")],
)
def test_a_command_that_cannot_be_says_what_can(arguments, message):
    done = touchstone(*arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_setting_that_does_not_fit_is_named():
    done = touchstone("domains", "check", TOUCHSTONE_WORKERS="many")
    assert done.returncode == 2
    assert "TOUCHSTONE_WORKERS" in done.stderr


@pytest.mark.slow
def test_a_verifier_as_in_contributing_works_by_url_and_by_entry_point(tmp_path, serve):
    assert BREVITY is not None
    (tmp_path / "brevity.py").write_text(BREVITY[1])
    domains = tmp_path / "domains"
    domains.mkdir()
    group = {"completions": ["short", "word " * 100], "reference": {}}

    with serve("brevity:Brevity", PYTHONPATH=str(tmp_path)) as (url, _):
        (domains / "short.yaml").write_text(
            f"verifiers:\n  brevity: {{url: '{url}'}}\ncomponents:\n  - {{verifier: brevity, options: {{max_words: 50}}}}\n"
        )
        with serve("--domains", str(domains), **SETTINGS) as (gateway, _):
            by_url = httpx.post(f"{gateway}/score/short", json=group).json()
    assert [result["reward"] for result in by_url["results"]] == [1, 0], by_url

    info = tmp_path / "brevity-1.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: brevity\nVersion: 1.0.0\n")
    (info / "entry_points.txt").write_text("[touchstone.verifiers]\nbrevity = brevity:Brevity\n")
    (domains / "short.yaml").write_text("components:\n  - {verifier: brevity, options: {max_words: 50}}\n")
    with serve("--domains", str(domains), **{**SETTINGS, "PYTHONPATH": str(tmp_path)}) as (gateway, _):
        by_name = httpx.post(f"{gateway}/score/short", json=group).json()
    assert [result["reward"] for result in by_name["results"]] == [1, 0], by_name
    assert by_name["results"][0]["components"]["brevity"]["evidence"] == {"words": 1}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "scores"),
    [
        pytest.param("answer", [1, 0], marks=pytest.mark.slow),
        ("format", [1, 0]),
        pytest.param("language", [1, 0], marks=pytest.mark.slow),
        ("overlong", [0, -1]),
        ("reflection", [2, 0]),
    ],
)
def test_each_verifier_is_a_service_of_its_own(serve, name, scores):
    thinking = "Wait, let me check that two and two are really four."
    body = {
        "completions": [f"<think>{thinking}</think><answer>4</answer>", "5"],
        "reference": "4",
        "tokens": [9, 40_000],
    }
    with serve(name) as (url, _):
        assert httpx.get(url).json()["verifier"] == name
        reply = httpx.post(f"{url}/verify", json=body).json()
    assert [verdict["score"] for verdict in reply["verdicts"]] == scores


@pytest.mark.slow
def test_explain_shows_what_decided():
    done = touchstone("explain", "7\\pi", "so \\boxed{7}")
    assert done.returncode == 0, done.stderr
    for row in ("score", "0.0", "boxed", "different numbers", "21.99"):
        assert row in done.stdout
    assert "the same option" in touchstone("explain", "B", "It is (B).", "--option", "kind=choice").stdout
    whole = '{"answer": "5 km", "kind": "unit"}'
    assert "1.0" in touchstone("explain", whole, "<answer>5000 m</answer>").stdout


@pytest.mark.slow
def test_explain_names_what_is_wrong_with_the_question():
    done = touchstone("explain", "B", "B", "--option", "kind=chioce")
    assert done.returncode == 2
    assert "--option kind" in done.stderr
    assert "write name=value" in touchstone("explain", "B", "B", "--option", "kind").stderr
    empty = touchstone("explain", "", "\\boxed{7}")
    assert empty.returncode == 1
    assert "the reference answer is empty" in empty.stdout

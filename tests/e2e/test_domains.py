"""`touchstone domains`, `explain --domain` and the command's own options, in a folder of one's own."""

import gzip
import json
import os
import re
import time

import httpx
import pytest
from toy_gateway import SETTINGS, TOY, write_domains

pytestmark = pytest.mark.slow

TOYS = {**SETTINGS, "PYTHONPATH": os.path.join(os.path.dirname(__file__), "..", "toys")}


def test_versions_help_and_completion(touchstone):
    rewards, client, extras = touchstone("--version").stdout.splitlines()
    assert re.fullmatch(r"touchstone-rewards 0\.1\.0( \(commit [0-9a-f]{7,}(-dirty)?\))?", rewards), rewards
    assert re.fullmatch(r"touchstone-client 0\.1\.0( \(commit [0-9a-f]{7,}(-dirty)?\))?", client), client
    assert {"answer", "format", "gateway", "suite"} <= {*extras.removeprefix("extras: ").split(", ")}
    assert "Usage" in touchstone("-h").stdout
    assert "Usage" in touchstone("score", "-h").stdout
    listed = touchstone("--help").stdout
    assert "--install-completion" in listed
    for command in ("serve", "domains", "tools", "preference", "train"):
        assert re.search(rf"^│ {command} +[A-Z]", listed, re.MULTILINE), command


def test_a_new_domain_is_listed_shown_and_sound(touchstone, tmp_path):
    done = touchstone("domains", "new", "chem")
    assert (done.returncode, done.stdout) == (0, "domains/chem.yaml\n")
    again = touchstone("domains", "new", "chem")
    assert (again.returncode, "exists" in again.stderr) == (1, True)
    assert touchstone("domains", "new", "My Chem").returncode == 2
    done = touchstone("domains", "check", "--domains", "domains")
    assert (done.returncode, done.stdout) == (0, "all good: chem\n"), done.stderr
    assert str(tmp_path / "domains") in done.stderr
    assert "answer × 1, format × 1" in touchstone("domains", "list", "--domains", "domains").stdout
    assert touchstone("domains", "show", "chem", "--domains", "domains").stdout == (
        (tmp_path / "domains" / "chem.yaml").read_text()
    )


def test_the_shipped_domains_say_what_they_are_for(touchstone, tmp_path):
    (tmp_path / "mine").mkdir()
    done = touchstone("domains", "list", "--shipped", TOUCHSTONE_DOMAINS=str(tmp_path / "mine"), COLUMNS="300")
    assert done.returncode == 0, done.stderr
    assert "instructions × 1" in done.stdout
    assert "Constraints that code can check" in done.stdout
    assert touchstone("domains", "list", "--shipped", "--domains", "mine").returncode == 2


def test_editors_get_a_schema(touchstone):
    schema = json.loads(touchstone("domains", "schema").stdout)
    assert {"components", "combine", "clip"} <= schema["properties"].keys()
    assert all("description" in about for about in schema["properties"].values())


def test_a_name_that_is_none_is_corrected(touchstone):
    for arguments in (
        ("domains", "show", "mth"),
        ("domains", "check", "--domain", "mth"),
        ("explain", "4", "4", "--domain", "mth"),
    ):
        done = touchstone(*arguments)
        assert (done.returncode, done.stderr.splitlines()[-1]) == (2, "unknown domain 'mth'; did you mean 'math'?")


def test_a_service_that_is_down_is_one_line(touchstone, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    write_domains(folder, {"toy": "verifiers: {toy: {url: 'http://127.0.0.1:9'}}\ncomponents: [{verifier: toy}]\n"})
    done = touchstone("domains", "check", "--domains", "mine")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()[1:]
    assert line.startswith("toy.yaml: verifiers.toy.url: no verifier service answers there: ")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("model: /models/my-reward-model", "there is no folder /models/my-reward-model"),
        ("model: ./mine/rm", "there is no folder ./mine/rm"),
        ("head: no/head", "no/head"),
    ],
)
def test_a_reward_model_that_is_not_there_is_a_fault_of_the_domain(touchstone, tmp_path, entry, reason):
    folder = tmp_path / "mine"
    folder.mkdir()
    write_domains(folder, {"rm": "components: [{verifier: preference, options: {model: rm}}]\n"})
    (tmp_path / "models.yaml").write_text(f"models: {{rm: {{{entry}, floor: -5}}}}\n")
    done = touchstone(
        "domains", "check", "--domains", "mine", TOUCHSTONE_PREFERENCE_REGISTRY=str(tmp_path / "models.yaml")
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("rm.yaml: components[0].options.model: ")
    assert reason in done.stderr


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("upstream: {kind: vlm_classify, url: 'http://127.0.0.1:9'}", "models.rm.upstream.kind: "),
        ("modle: /m", "models.rm.modle: unknown key; did you mean 'model'?"),
        ("model: /m, floor: none", "models.rm.floor: "),
    ],
)
def test_a_registry_that_does_not_fit_is_a_fault_of_the_domain(touchstone, tmp_path, entry, reason):
    folder = tmp_path / "mine"
    folder.mkdir()
    write_domains(folder, {"rm": "components: [{verifier: preference, options: {model: rm}}]\n"})
    (tmp_path / "models.yaml").write_text(f"models: {{rm: {{{entry}}}}}\n")
    registry = {"TOUCHSTONE_PREFERENCE_REGISTRY": str(tmp_path / "models.yaml")}
    for arguments in (("domains", "check", "--domains", "mine"), ("serve", "preference", "--port", "1")):
        done = touchstone(*arguments, **registry)
        assert (done.returncode, reason in done.stderr) == (1, True), done.stderr


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("components: [{verifer: 'toys:Toy', name: toy}]\n", "did you mean 'verifier'?"),
        ("components:\n\t- {verifier: 'toys:Toy'}\n", "line 2"),
        ("verifiers: {toy: {url: 'http://127.0.0.1:9'}}\ncomponents: [{verifier: toy}]\n", "no verifier service"),
    ],
)
def test_a_bad_swap_while_it_serves_leaves_the_old_version(serve, tmp_path, text, reason):
    folder = tmp_path / "mine"
    folder.mkdir()
    write_domains(folder, {"toy": TOY})
    with serve("--domains", str(folder), **TOYS) as (url, process):
        before = entry_of(url, "toy")
        write_domains(folder, {"toy": text})
        refused = until(lambda: entry_of(url, "toy")["refused"])
        assert reason in json.dumps(refused)
        assert entry_of(url, "toy")["version"] == before["version"]
        with open(f"/proc/{process.pid}/fd/2") as log:
            assert reason in log.read()
        reply = httpx.post(f"{url}/score/toy", json={"completions": ["yes"], "reference": "yes"}).json()
        assert (reply["version"], reply["results"][0]["reward"]) == (before["version"], 1)
        write_domains(folder, {"toy": TOY.replace("name: toy", "name: toy, weight: 2")})
        until(lambda: entry_of(url, "toy")["version"] != before["version"])
        assert entry_of(url, "toy")["refused"] == []


def entry_of(url, name):
    [entry] = [one for one in httpx.get(f"{url}/domains").json()["domains"] if one["name"] == name]
    return entry


def until(holds):
    give_up = time.monotonic() + 30
    while not (value := holds()):
        assert time.monotonic() < give_up
        time.sleep(0.05)
    return value


def test_check_says_what_it_leaves_out(touchstone, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    write_domains(folder, {"toy": TOY})
    (folder / "toy.yml").write_text(TOY)
    done = touchstone("domains", "check", "--domains", "mine", **TOYS)
    assert (done.returncode, "toy.yml: toy.yaml has the same name" in done.stderr) == (1, True)
    (folder / "toy.yml").rename(folder / "other.yml")
    assert touchstone("domains", "check", "--domains", "mine", **TOYS).stdout == "all good: other, toy\n"
    (folder / "other.yml").unlink()
    rows = '{"answer": "a"}\n{"answer": ""}\n{"gold": "a"}\n'
    (tmp_path / "r.jsonl.gz").write_bytes(gzip.compress(rows.encode()))
    done = touchstone("domains", "check", "--domains", "mine", "--domain", "toy", "--data", "r.jsonl.gz", **TOYS)
    assert done.returncode == 1
    assert [line.partition(":")[0] for line in done.stderr.splitlines()[1:]] == ["line 2", "line 3"]


def test_check_reads_the_shape_of_references_that_another_service_judges(touchstone, tmp_path, serve):
    (tmp_path / "r.jsonl").write_text('{"answer": "a"}\n{"answer": ""}\n')
    folder = tmp_path / "mine"
    folder.mkdir()
    with serve("toys:Toy") as (url, _):
        write_domains(folder, {"toy": f"verifiers: {{toy: {{url: '{url}'}}}}\ncomponents: [{{verifier: toy}}]\n"})
        done = touchstone("domains", "check", "--domains", "mine", "--domain", "toy", "--data", "r.jsonl")
    assert f"only the shape of the references was checked for toy ({url})" in done.stderr
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line.startswith("line 2: toy: reference.answer: ")], (
        done.stderr
    )


def test_check_tries_a_row_on_programs(touchstone, tmp_path):
    (tmp_path / "r.jsonl").write_text('{"completion": "print(1)", "answer": "4"}\n')
    done = touchstone("domains", "check", "--domain", "code", "--data", "r.jsonl")
    assert (done.returncode, "line 1: code: no kind and no tests" in done.stderr) == (1, True), done.stderr


def test_explain_runs_a_whole_domain(touchstone, toy_domains):
    folder = toy_domains()
    done = touchstone("explain", "yes", "yes", "--domain", "whole", "--domains", folder, **TOYS)
    assert done.returncode == 0, done.stderr
    for text in ("toy", "relative", "'yes' is compared", "of 3", "reward", "2"):
        assert text in done.stdout
    done = touchstone("explain", "", "yes", "--domain", "toy", "--domains", folder, **TOYS)
    assert done.returncode == 1
    assert "null" in done.stdout
    assert touchstone("explain", "a", "b", "--domain", "toy", "--option", "kind=math").returncode == 2


def test_a_scored_file_is_shown_and_compared(touchstone, toy_domains, tmp_path):
    (tmp_path / "r.jsonl").write_text(json.dumps({"completions": ["yes", "no"], "answer": "yes"}) + "\n")
    folder = toy_domains()
    for domain in ("toy", "whole"):
        done = touchstone(
            "score", "r.jsonl", "--domain", domain, "--domains", folder, "-o", f"{domain}.jsonl", "-q", **TOYS
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done.stderr
    assert "50.00%" in touchstone("show", "toy.jsonl").stdout
    assert "2 of 2" in touchstone("diff", "toy.jsonl", "whole.jsonl").stdout


@pytest.mark.slow
def test_check_counts_the_references_that_are_read(touchstone, tmp_path):
    (tmp_path / "r.jsonl").write_text('{"answer": "42"}\n{"answer": "p\\\\land q"}\n{"answer": "\\\\frac12"}\n')
    done = touchstone("domains", "check", "--domain", "math", "--data", "r.jsonl")
    assert (done.returncode, "line 2: answer: not read" in done.stderr) == (1, True), done.stderr
    assert "answer: references: 2 read whole, 1 not read, 0 refused" in done.stderr
    (tmp_path / "r.jsonl").write_text('{"answer": "42"}\n')
    done = touchstone("domains", "check", "--domain", "math", "--data", "r.jsonl")
    assert (done.returncode, "references: 1 read whole, 0 not read, 0 refused" in done.stderr) == (0, True), done.stderr

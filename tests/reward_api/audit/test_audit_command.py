"""`touchstone audit`: exit statuses, files, --fail-on and --verify-fix."""

import json
from pathlib import Path

import pytest
from graders.table import GRADERS
from typer.testing import CliRunner

from reward_api.cli.main import app

pytestmark = pytest.mark.slow
ROWS = [{"prompt": "What is 12 times 12?", "answer": "144"}, {"prompt": "What is 2x = 9?", "answer": "4.5"}]


@pytest.fixture
def run(tmp_path):
    """run(grader, *arguments): the command on the domain `own`, which is that grader."""
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    (tmp_path / "domains").mkdir()

    def command(grader, *arguments):
        (tmp_path / "domains" / "own.yaml").write_text(GRADERS[grader].domain(grader))
        data = [] if "--verify-fix" in arguments else ["--data", str(tmp_path / "rows.jsonl")]
        words = ["audit", "--domain", "own", "--domains", str(tmp_path / "domains"), *data, *map(str, arguments)]
        return CliRunner().invoke(app, words)

    return command


def test_exit_statuses(run):
    assert run("math_sound_slot").exit_code == 0
    holes = run("math_first_box")
    assert holes.exit_code == 1
    assert "An answer that is taken back is paid" in holes.output
    refused = run("math_refuses_a_blank_line")
    assert refused.exit_code == 3
    assert "UNCALIBRATED" in refused.output


@pytest.mark.parametrize(
    ("expression", "status"), [("ceiling>0.1", 1), ("lazy>0.9", 0), ("holes>=1", 1), ("false_fail>0", 0)]
)
def test_fail_on_decides_the_exit_status(run, expression, status):
    assert run("math_first_box", "--fail-on", expression).exit_code == status


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fail-on", "roof>1"], "--fail-on roof>1"),
        (["--budget", "soon"], "--budget soon"),
        (["--component", "style"], "--component style: there are: grader"),
        (["--answer-column", "nothing"], "no row can be audited"),
    ],
)
def test_what_cannot_be_audited_says_why(run, arguments, message):
    result = run("math_sound_slot", *arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_it_writes_every_form(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = {name: tmp_path / name for name in ("report", "sarif", "html", "card")}
    options = [word for name, path in paths.items() for word in (f"--{name}", path)]
    result = run("math_first_box", "--json", *options)
    printed, report = json.loads(result.stdout), json.loads(paths["report"].read_text())
    assert printed["verdict"] == report["verdict"] == "HOLES"
    (sarif,) = json.loads(paths["sarif"].read_text())["runs"]
    places = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in sarif["results"]]
    assert set(places) == {"domains/own.yaml"}
    assert {result["ruleId"] for result in sarif["results"]} == {
        rule["id"] for rule in sarif["tool"]["driver"]["rules"]
    }
    page = " ".join(paths["html"].read_text().split())
    assert page.startswith("<!DOCTYPE html>")
    assert f"{report['attempts']} attempts on 2 of 2 items" in page
    assert "HOLES" in paths["card"].read_text()


def test_a_fix_is_verified_by_the_completions_that_were_paid(run, tmp_path):
    report = tmp_path / "report.json"
    run("math_first_box", "--report", report)
    assert run("math_first_box", "--verify-fix", report).exit_code == 1
    mended = run("math_sound_slot", "--verify-fix", report)
    assert mended.exit_code == 0, mended.output


def test_a_fix_that_refuses_everything_is_none(run, tmp_path):
    report = tmp_path / "report.json"
    run("math_first_box", "--report", report)
    assert run("math_never", "--verify-fix", report).exit_code == 1


def test_a_report_of_another_domain_is_refused(run, tmp_path):
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"schema": "touchstone-audit/1", "domain": "other"}))
    result = run("math_sound_slot", "--verify-fix", report)
    assert result.exit_code == 2
    assert "no report of an audit of own" in result.output
    Path(report).write_text("{")
    assert run("math_sound_slot", "--verify-fix", report).exit_code == 2

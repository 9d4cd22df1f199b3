import pytest
from typer.testing import CliRunner

from grpo_trainer import commands
from grpo_trainer.__main__ import app
from grpo_trainer.report import comparison, page, read_history
from grpo_trainer.report.charts import aligned


def test_the_page_shows_what_the_policy_wrote_as_text(make_run, row):
    folder = make_run(rows=[row(completion="<script>alert(1)</script>", reasons={"answer": "<b>equal</b>"})])
    text = page(read_history(folder))
    assert "What the policy wrote in zero" in text
    assert "&lt;script&gt;alert(1)" in text
    assert "<script" not in text
    assert "<b>" not in text


def test_a_domain_that_changed_is_a_line(make_run):
    text = page(read_history(make_run(rewards=(1, 1, 2, 2), domains=("sha256:a", "sha256:a", "sha256:b", "sha256:b"))))
    assert "zero: the domain signs is sha256:a" in text
    assert "zero: the domain signs changed at step 3 to sha256:b" in text
    assert text.count("changed at step") == 1


def test_configuration_versions_and_the_runs_name_are_there(make_run):
    text = page(read_history(make_run()))
    for part in ("mini-0-abcd", "9.9.9", "name: mini"):
        assert part in text


def test_bands_are_over_the_steps_that_all_runs_have():
    steps, rows = aligned([([1, 2, 3], [0.0, 1.0, 2.0]), ([1, 3, 4], [4.0, 6.0, 7.0])])
    assert steps == [1, 3]
    assert rows == [[0.0, 4.0], [2.0, 6.0]]


def test_several_runs_are_one_page(make_run):
    runs = [make_run(seed=0), make_run(seed=1, rewards=(0.2, 0.7)), make_run("other", 0, (0.3, 0.4, 0.5))]
    text = comparison([read_history(folder) for folder in runs])
    assert "<h1>3 runs</h1>" in text
    assert "mini (2)" in text
    assert "other (1)" in text
    for part in ("mini, seed 1", "0.700 ± 0.010"):
        assert part in text
    assert "http" not in text.replace("http://www.w3.org", "").replace("http-equiv", "")


def test_several_runs_by_the_command(make_run, tmp_path):
    runs, target = [str(make_run(seed=seed)) for seed in range(2)], tmp_path / "both.html"
    done = CliRunner().invoke(app, ["report", *runs, "-o", str(target)])
    assert done.exit_code == 0, done.output
    assert "2 runs" in target.read_text()


def test_a_live_page_follows_until_the_run_ends(make_run, monkeypatch):
    folder = make_run(done=False)
    seen = []

    def next_look(seconds):
        seen.append((folder / "report.html").read_text())
        if len(seen) == 2:
            (folder / "1-zero" / "done.json").write_text("{}")

    monkeypatch.setattr(commands.time, "sleep", next_look)
    assert CliRunner().invoke(app, ["report", str(folder), "--live"]).exit_code == 0
    assert len(seen) == 2
    assert all('http-equiv="refresh"' in text for text in seen)
    assert 'http-equiv="refresh"' not in (folder / "report.html").read_text()


def test_more_than_one_process_is_refused(make_run, monkeypatch, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("name: x")
    monkeypatch.setenv("WORLD_SIZE", "2")
    done = CliRunner().invoke(app, [str(recipe)])
    assert done.exit_code == 1
    assert "one GPU" in done.output


@pytest.mark.parametrize("arguments", [["report"], ["report", "nowhere"]])
def test_a_run_must_be_named(arguments):
    assert CliRunner().invoke(app, arguments).exit_code == 2

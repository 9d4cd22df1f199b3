"""The documentation site builds without a broken link, and the tutorial does what it says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "benchmarks" / "RESULTS.md"])
# What a browser loads with a page: scripts, styles, images.
NEEDED = re.compile(r"<(?:script|img)[^>]*\ssrc=\"?([^\" >]+)|<link[^>]*rel=\"?stylesheet[^>]*href=\"?([^\" >]+)")
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in LINK.findall(text):
        assert (page.parent / target).exists(), target


def test_every_page_has_its_place_in_the_site():
    site = (ROOT / "zensical.toml").read_text()
    missing = [str(page.relative_to(ROOT)) for page in PAGES if f'"{page.relative_to(ROOT)}"' not in site]
    assert missing == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_site_builds_and_can_be_searched(tmp_path):
    done = subprocess.run(
        ["make", "site", f"PY={sys.executable}", f"SITE={tmp_path}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout + done.stderr
    index = json.loads((tmp_path / "docs" / "search.json").read_text())
    assert "bad_reference" in json.dumps(index)
    assert (tmp_path / "docs" / "docs" / "verify.html").exists()
    for page in (tmp_path / "docs").rglob("*.html"):
        needs = ["".join(groups) for groups in NEEDED.findall(page.read_text())]
        assert needs
        for target in needs:
            folder = tmp_path / "docs" if target.startswith("/") else page.parent
            assert (folder / target.partition("?")[0].lstrip("/")).exists(), (page, target)
    scripts = [script.read_text() for script in (tmp_path / "docs" / "assets").rglob("*.js")]
    assert not re.findall(r"https?://[^\s\"'`]*(?:unpkg|jsdelivr|cdn)[^\s\"'`]*", "".join(scripts))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_notebook_runs(tmp_path):
    notebook = nbformat.read(ROOT / "docs" / "tutorial.ipynb", as_version=4)
    environment = {**os.environ, "COLUMNS": "160"}
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute(env=environment)
    printed = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ()))
    assert "all good: strict" in printed
    strict = [json.loads(line) for line in (tmp_path / "strict.jsonl").read_text().splitlines()]
    assert [[result["reward"] for result in line["results"]] for line in strict] == [[1.5, 1.0, 0.0], [1.5, 0.0]]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_pages_commands_run(tmp_path):
    page = (ROOT / "docs" / "tutorial.md").read_text()
    script = "\n".join(re.findall(r"```bash\n(.*?)```", page, re.DOTALL)).replace(
        "touchstone diff", "! touchstone diff"
    )
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-eu", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": path, "COLUMNS": "160"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr

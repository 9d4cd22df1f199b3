"""What the pages that belong to no package say is what there is, and the modules that packages' pages name are there."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from reward_verifiers.contract import FailureKind, SampleResult, ScoreReply, ScoreRequest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def test_the_page_on_replies_names_every_field_and_failure():
    page = (DOCS / "reply.md").read_text()
    replies = {field.name for kind in (SampleResult, ScoreReply) for field in fields(kind)}
    for name in {*ScoreRequest.model_fields, *replies} - {"results", "elapsed_ms"}:
        assert f"`{name}`" in page or f".{name}`" in page, name
    for kind in FailureKind:
        assert f"| `{kind}` |" in page, kind


@pytest.mark.parametrize(("folder", "package"), [("verifiers", "reward_verifiers"), ("reward_api", "reward_api")])
def test_a_packages_page_names_its_modules(folder, package):
    """In its table every name is a module of today, and no package is left out."""
    page = (ROOT / folder / "README.md").read_text("utf-8")
    names = {name for row in re.findall(r"^\| (`.*?) \|", page, re.M) for name in re.findall(r"`(\w+)`", row)}
    inside = ROOT / folder / package
    assert {name for name in names if not (inside / name).is_dir() and not (inside / f"{name}.py").exists()} == set()
    assert {path.parent.name for path in inside.glob("*/__init__.py")} <= names

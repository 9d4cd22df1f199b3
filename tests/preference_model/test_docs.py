"""What the pages on preference, judges and rubrics say is what there is."""

import json
import re
from pathlib import Path

import pytest
import yaml
from test_checkpoint import FAMILIES

from preference_model.judge.client import ATTEMPTS, CACHED, READINGS
from preference_model.judge.group import pairings
from preference_model.model.registry import ModelSpec, RegistrySpec, UpstreamSpec
from preference_model.rubric.backend import RubricOptions
from preference_model.rubric.items import RubricItem, rubric_of, total
from preference_model.settings import JudgeSettings
from reward_verifiers.self_assessment import SelfAssessmentOptions, SelfAssessmentVerifier
from reward_verifiers.verifier import ReferenceModel, Sample

SHARED = {"url", "model", "timeout_s", "concurrency"}
"""Settings of a judge that every upstream has."""
DOCS = Path(__file__).parents[2] / "docs"
PAGE, JUDGES, RUBRICS = ((DOCS / name).read_text() for name in ("preference.md", "judges.md", "rubrics.md"))


def test_every_key_of_an_entry_is_documented():
    for name in ModelSpec.model_fields:
        assert f"`{name}`" in PAGE, name
    for name in UpstreamSpec.model_fields:
        assert f"`{name}`" in (JUDGES if name in JudgeSettings.model_fields and name not in SHARED else PAGE), name


def test_every_setting_of_the_judge_and_every_option_of_a_rubric_is_documented():
    for name in JudgeSettings.model_fields:
        assert f"`{name}`" in JUDGES or f"TOUCHSTONE_JUDGE_{name.upper()}" in RUBRICS, name
    for name in (*RubricOptions.model_fields, *RubricItem.model_fields):
        assert f"`{name}`" in RUBRICS or name == "run", name


def test_the_example_is_a_registry():
    [block] = [text for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if text.startswith("models:")]
    assert "helpful" in RegistrySpec.model_validate(yaml.safe_load(block)).models


def test_the_families_are_those_that_are_tested():
    [listed] = re.findall(r"small checkpoints: (.*?)\.\n", PAGE, re.DOTALL)
    assert {name.strip() for name in listed.split(",")} == set(FAMILIES)


def test_the_figures_of_the_judge():
    assert f"up to {ATTEMPTS} times" in JUDGES
    assert f"up to {READINGS} times" in JUDGES
    assert f"last {CACHED:,} verdicts" in JUDGES
    assert f"a group of 64 takes {len(pairings(64))} comparisons instead of {64 * 63 // 2:,}" in " ".join(
        JUDGES.split()
    )


def test_the_worked_example():
    [block] = re.findall(r"```json\n(.*?)```", RUBRICS, re.DOTALL)
    items = rubric_of(json.loads(block)["rubric"]).items
    rows = re.findall(r"^\| r(\d) \| (\w+) \| (\d) \| (yes|no) \|", RUBRICS, re.MULTILINE)
    assert [(item.kind, item.weight) for item in items] == [(kind, float(weight)) for _, kind, weight, _ in rows]
    met = {int(number) - 1: verdict == "yes" for number, _, _, verdict in rows}
    scores = [
        total(items, met, "weighted"),
        total(items, met | {3: False}, "weighted"),
        total(items, met | {1: False}, "all_musts"),
    ]
    message = [float(number) for number in re.findall(r"\*\*([\d.]+)\*\*", RUBRICS)]
    assert message[:3] == pytest.approx(scores, abs=1e-4)
    claims = [
        SelfAssessmentVerifier()
        .verify_group(
            [
                Sample(
                    "Confidence: 0.9",
                    SelfAssessmentOptions(formula=formula, scores={"answer": [score]}),
                    ReferenceModel(),
                )
            ]
        )[0]
        .score
        for score in (1.0, 0.0)
        for formula in ("absolute", "brier")
    ]
    assert message[3:] == pytest.approx(claims, abs=1e-4)

"""Every labelled pair of the development set gets its label, and every reference equals itself."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from reward_verifiers.answer import AnswerOptions, AnswerReference, AnswerVerifier
from reward_verifiers.contract import Verdict
from reward_verifiers.verifier import Sample

CASES = Path(__file__).parents[2] / "data" / "answer" / "cases.jsonl"
VERIFIER = AnswerVerifier()


@cache
def cases() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CASES.read_text("utf-8").splitlines()]


def judge(case: dict[str, Any], completion: str | None = None) -> Verdict:
    options = AnswerOptions.model_validate(case.get("options", {}))
    reference = AnswerReference.model_validate({"answer": case["gold"], **case.get("reference", {})})
    VERIFIER.check_reference(options, reference)
    return VERIFIER.verify(Sample(completion if completion is not None else case["completion"], options, reference))


@pytest.mark.parametrize("category", sorted({case["category"] for case in cases()}))
def test_every_label_of_the_category_is_met(category: str) -> None:
    wrong = [
        (case["gold"], case["completion"], case["label"], verdict.reason)
        for case in cases()
        if case["category"] == category and (verdict := judge(case)).score != case["label"]
    ]
    assert wrong == []


def test_the_set_is_large_and_mixed() -> None:
    labels = [case["label"] for case in cases()]
    assert len(labels) >= 600
    assert min(labels.count(0), labels.count(1)) >= 200


def test_every_mathematical_reference_equals_itself() -> None:
    golds = {case["gold"] for case in cases() if "options" not in case and "reference" not in case}
    refused = [gold for gold in golds if judge({"gold": gold}, f"\\boxed{{{gold}}}").score != 1.0]
    assert refused == []


def test_evidence_is_bounded_text() -> None:
    for case in cases():
        evidence = judge(case).evidence
        for key in {"extracted", "canonical", "reference_canonical", "rule", "stage"} & evidence.keys():
            assert len(evidence[key]) <= 500
            evidence[key].encode("utf-8")
        if evidence["source"] != "none" and "extracted" in evidence:
            assert evidence["rule"]


def test_equal_numbers_share_a_normal_form() -> None:
    spellings = ["\\frac12", "0.5", "1/2", "\\dfrac{2}{4}", "½"]
    forms = {judge({"gold": "0.5"}, f"\\boxed{{{spelling}}}").evidence["canonical"] for spelling in spellings}
    assert forms == {"1/2"}
    sums = {judge({"gold": "x+1"}, f"\\boxed{{{spelling}}}").evidence["canonical"] for spelling in ("x+1", "1 + x")}
    assert len(sums) == 1


def test_the_policy_table_of_the_docs_holds() -> None:
    page = (Path(__file__).parents[3] / "docs" / "answer.md").read_text("utf-8")
    table = page.split("## Policy by example", 1)[1].split("##", 1)[0]
    rows = re.findall(r"^\| `(.*?)` \| (.*?) \| (.*?) \|$", table, re.M)
    assert len(rows) >= 20
    for gold, *cells in rows:
        for cell, score in zip(cells, (1.0, 0.0), strict=True):
            for answer in re.findall(r"`([^`]+)`", cell):
                assert judge({"gold": gold}, f"\\boxed{{{answer}}}").score == score, (gold, answer)

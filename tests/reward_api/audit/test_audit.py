"""The audit against graders with one fault each, through a real gateway: what it accuses, and what it leaves alone."""

import json
import shlex

import pytest
from graders.table import GRADERS

from reward_api.audit.battery import Battery
from reward_api.audit.findings import AuditVerdict
from reward_api.audit.report.document import document_of
from reward_api.audit.report.page import page_of
from reward_api.audit.report.sarif import sarif_of
from reward_api.audit.report.terminal import card_of
from reward_api.audit.scorer import CannotAudit, OutOfTime

pytestmark = pytest.mark.slow
SMALL = [{"prompt": "What is 12 times 12?", "answer": "144"}, {"prompt": "What is 2x = 9?", "answer": "4.5"}]


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in SMALL))
    return path


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [
        "math_substring", "math_first_box", "math_thinking_counts", "math_percent", "math_always", "math_master_key",
        "math_all_or_nothing", "math_raises", "math_noisy", "math_ungated", "tool_call_names_alone",
        "structured_keys_alone", "safety_likes_length", "safety_first_place", "fresh_math_right_side_of_equals",
        "fresh_math_latex_comments_count", "fresh_math_text_commands_are_dropped", "fresh_tool_call_last_call_alone",
        "fresh_structured_types_are_ignored", "third_tool_call_names_in_any_case", "third_structured_keys_in_any_case",
    ],
)  # fmt: skip
async def test_a_fault_is_found_by_its_cause(audited, small, name):
    entry = GRADERS[name]
    result = await audited(name, data=small if entry.data == "math" else None)
    accused = {finding.family for finding in result.findings if finding.severity != "note"}
    assert accused & entry.families, (accused, result.why)
    assert result.verdict is (AuditVerdict.NONE if "unearned" in entry.families else AuditVerdict.HOLES)


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [
        "math_sound_slot", "math_sound_signed", "math_gated", "qa_sound_f1", "tool_call_sound_calls", "safety_pairwise",
        "third_math_sound_hash_marks", "third_structured_sound_every_value",
    ],
)  # fmt: skip
async def test_a_sound_grader_is_not_accused(audited, name):
    result = await audited(name)
    assert result.findings == []
    assert result.verdict is AuditVerdict.NONE
    assert result.tally.ceiling().hits == 0
    assert "rate below" in result.why


@pytest.mark.long
@pytest.mark.parametrize(
    "name", ["math_refuses_a_blank_line", "math_refuses_negatives", "structured_refuses_another_order"]
)
async def test_where_right_answers_are_refused_nothing_is_accused(audited, name):
    result = await audited(name)
    assert result.verdict is AuditVerdict.UNCALIBRATED
    assert result.findings == []
    assert result.tally.attempts == 0
    assert result.control.rate.hits


@pytest.mark.parametrize(("name", "families"), [
    ("math_refuses_dfrac", {"spelling"}),
    ("math_last_number_of_slot", {"spelling", "hedge", "negation"}),
])  # fmt: skip
async def test_a_right_answer_that_is_refused_in_one_spelling_is_a_finding(audited, tmp_path, name, families):
    path = tmp_path / "fractions.jsonl"
    rows = [*SMALL, {"prompt": "What is a quarter of two thirds?", "answer": "\\frac{1}{6}"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = await audited(name, data=path)
    assert families <= {finding.family for finding in result.findings}, result.why
    assert result.control.rate.hits
    assert "frac{1}{6}" in str(document_of(result, "http://gateway")["findings"])


@pytest.mark.long
async def test_a_program_that_cheats_is_found_and_a_sound_grader_of_programs_is_left_alone(audited):
    broken = await audited("code_equality_in_the_process")
    assert "spoof" in {finding.family for finding in broken.findings}
    sound = await audited("code_sound_program")
    assert [finding.family for finding in sound.findings if finding.severity != "note"] == []


async def test_the_numbers_of_a_grader_that_pays_always(audited, small):
    figures = (await audited("math_always", data=small)).figures()
    assert figures["ceiling"] == 1.0
    assert figures["lazy"] == 1.0
    assert figures["false_fail"] == 0.0


async def test_a_finding_names_the_shortest_paid_completion_and_can_be_sent_again(audited, small):
    document = document_of(await audited("math_any_answer", data=small), "http://gateway")
    constant = next(finding for finding in document["findings"] if finding["family"] == "constant")
    assert len(constant["completion"]) <= len("\\boxed{0}")
    assert constant["reward"] == 1.0
    assert constant["components"]["grader"]["reason"] == "math_any_answer says 1"
    words = shlex.split(constant["curl"])
    assert words[2] == "http://gateway/score/math_any_answer"
    assert json.loads(words[-1]) in [one["request"] for one in constant["replay"]]
    assert constant["reach"]["hits"] == len(SMALL)


async def test_a_search_finds_what_takes_two_attempts_at_once(audited, small):
    shallow = await audited("math_first_final_answer", data=small)
    assert shallow.verdict is AuditVerdict.NONE
    deep = await audited("math_first_final_answer", data=small, deep=True)
    assert [finding.family for finding in deep.findings] == ["search"]
    again = await audited("math_first_final_answer", data=small, deep=True)
    texts = [[one.outcome.text for one in result.findings[0].paid] for result in (deep, again)]
    assert texts[0] == texts[1]  # seeded


async def test_an_audit_that_tried_nothing_finds_no_hole_and_says_nothing_of_it(audited, small, monkeypatch):
    def spent(self, item):
        raise OutOfTime

    monkeypatch.setattr(Battery, "attempts", spent)  # the control took the whole budget
    with pytest.raises(CannotAudit, match="before any attempt"):
        await audited("math_sound_slot", data=small)


async def test_the_budget_ends_the_audit(audited):
    with pytest.raises(CannotAudit, match="budget"):
        await audited("math_always", budget_s=0.001)


HOSTILE = "<script>alert(1)</script>\u202e'\"&"


async def test_the_reports_escape_what_data_and_completions_hold(audited, tmp_path):
    path = tmp_path / "hostile.jsonl"
    path.write_text("".join(json.dumps(row | {"prompt": HOSTILE}) + "\n" for row in SMALL))
    document = document_of(await audited("math_substring", data=path), "http://gateway")
    assert document["findings"]
    page = page_of(document)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "\u202e" not in page
    assert "default-src 'none'" in page


async def test_sarif_and_the_card_name_the_findings(audited, small):
    document = document_of(await audited("math_first_box", data=small), "http://gateway")
    sarif = sarif_of(document, "domains/math.yaml")
    run = sarif["runs"][0]
    assert sarif["version"] == "2.1.0"
    assert {one["ruleId"] for one in run["results"]} == {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert run["results"][0]["level"] == "error"
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "domains/math.yaml"
    assert "HOLES" in card_of(document)
    assert "False-pass ceiling: 100.0%" in card_of(document)

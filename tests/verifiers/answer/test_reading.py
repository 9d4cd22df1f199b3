"""A text is read whole or not read, and what was not read is never paid."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reward_verifiers.answer import AnswerOptions, AnswerReference, AnswerVerifier
from reward_verifiers.answer.audit import audited
from reward_verifiers.answer.comparing import digits, residues
from reward_verifiers.answer.reading.reader import read
from reward_verifiers.contract import Verdict
from reward_verifiers.verifier import BadReference, Sample, Unsupported

DATA = Path(__file__).parents[2] / "data" / "answer"
VERIFIER = AnswerVerifier()


def judge(gold: Any, completion: str, **options: Any) -> Verdict:
    reference = {"answer": gold} | {key: options.pop(key) for key in ("choices",) if key in options}
    sample = Sample(completion, AnswerOptions.model_validate(options), AnswerReference.model_validate(reference))
    return VERIFIER.verify(sample)


def score(gold: Any, completion: str, **options: Any) -> float | None:
    """None: no verdict, because of the reference."""
    try:
        return judge(gold, completion, **options).score
    except (BadReference, Unsupported):
        return None


def boxed(answer: str) -> str:
    return f"<think>We work it out.</think> So it is $\\boxed{{{answer}}}$."


def spellings() -> list[tuple[str, list[str], list[str]]]:
    rows = []
    for line in (DATA / "spellings.txt").read_text("utf-8").splitlines():
        if not line.startswith("# "):
            right, _, wrong = line.partition(";;!")
            gold, *answers = (cell.strip() for cell in right.split(";;"))
            rows.append((gold, [gold, *answers], [cell.strip() for cell in wrong.split(";;") if cell.strip()]))
    return rows


def test_right_spellings_are_paid() -> None:
    refused = [
        (gold, answer) for gold, right, _ in spellings() for answer in right if score(gold, boxed(answer)) != 1.0
    ]
    assert refused == []


def test_wrong_answers_are_not_paid() -> None:
    paid = [(gold, answer) for gold, _, wrong in spellings() for answer in wrong if score(gold, boxed(answer)) == 1.0]
    assert paid == []


def test_completions_of_every_kind() -> None:
    rows = [json.loads(line) for line in (DATA / "completions.jsonl").read_text("utf-8").splitlines()]
    wrong = [
        (row["gold"], row["completion"], row["expected"], got)
        for row in rows
        if (got := score(row["gold"], row["completion"], **row.get("options", {}))) not in row["expected"]
    ]
    assert wrong == []


# --- the table --------------------------------------------------------------------------------------------------------

UNREAD = (
    "7 and a bit of luck",
    "7 \\unknowncommand",
    "at least 7",
    "7 gross",
    "7\\text{ no wait }8",
    "7\\text{ (wrong)}",
)
READ = ("7", "\\frac12", "x=3", "(1,2)", "5\\text{ km}", "\\{1,2\\}", "x^2+1", "[0,1)")
WORDED_MATHS = ("4\\text{ ft}\\times 12\\text{ ft}", "p\\land q", "about 3 miles bearing N $20^\\circ$ W")


@pytest.mark.parametrize("gold", READ)
@pytest.mark.parametrize("answer", UNREAD)
def test_an_answer_that_is_not_read_is_wrong_and_says_what_is_left_over(gold: str, answer: str) -> None:
    verdict = judge(gold, boxed(answer))
    assert verdict.score == 0.0
    assert read(answer).node is None
    assert "the answer was not read" in verdict.reason
    assert verdict.evidence["flags"] == ["answer_not_read"]
    assert verdict.evidence["left_over"]


@pytest.mark.parametrize("gold", WORDED_MATHS)
def test_a_reference_that_is_not_read_pays_its_own_text_and_decides_no_other(gold: str) -> None:
    assert read(gold).node is None
    assert judge(gold, boxed(gold)).score == 1.0
    for answer in ("7", "x^2", "some words", "gibberish \\foo"):
        verdict = judge(gold, boxed(answer))
        assert verdict.failure is not None
        assert verdict.failure.kind == "unsupported"
        assert "left over" in verdict.reason
        assert verdict.evidence["extracted"] == answer


def test_the_same_text_but_for_one_number_is_wrong_though_neither_is_read() -> None:
    assert judge("4\\text{ ft}\\times 12\\text{ ft}", boxed("4\\text{ ft}\\times 92\\text{ ft}")).score == 0.0


WORDS = st.sampled_from(
    [
        "at",
        "least",
        "dozen",
        "squared",
        "no",
        "wait",
        "wrong",
        "half",
        "of",
        "minus",
        "unknownword",
        "between",
        "\\foo",
        "(wrong)",
        "??",
        "or",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(READ), st.lists(WORDS, min_size=1, max_size=4), st.booleans())
def test_words_around_a_reference_are_accounted_for_or_not_paid(gold: str, said: list[str], before: bool) -> None:
    assume(gold != "\\frac12" or "half" not in said)  # "half or 1/2" says the same twice
    words = f"\\text{{{' '.join(said)}}}" if "\\foo" not in said else " ".join(said)
    answer = f"{words} {gold}" if before else f"{gold} {words}"
    assert score(gold, boxed(answer)) == 0.0, answer


@pytest.mark.slow
def test_no_change_of_a_digit_a_sign_or_a_unit_is_paid() -> None:
    """The audit of the development set's own references. A congruence has the same rest again after its modulus."""
    lines = map(json.loads, (DATA / "cases.jsonl").read_text("utf-8").splitlines())
    golds = {line["gold"] for line in lines if not {"options", "reference"} & line.keys()}
    golds |= {gold for gold, _, _ in spellings()}
    audit = audited(AnswerOptions(), [(gold, AnswerReference(answer=gold)) for gold in sorted(golds, key=str)])
    assert audit.refused == 0
    assert audit.checks > 2500
    faults = [fault for fault in audit.faults if "not read: " not in fault and "the option's letter" not in fault]
    assert faults == []


def test_a_bad_reference_is_found_by_the_audit() -> None:
    audit = audited(
        AnswerOptions(), [("line 1", AnswerReference(answer="")), ("line 2", AnswerReference(answer="p\\land q"))]
    )
    assert (audit.read, audit.not_read, audit.refused) == (0, 1, 1)
    assert audit.faults[0].startswith("line 1: refused")
    assert "land q" in audit.faults[1]


# --- shapes of references ---------------------------------------------------------------------------------------------

KINDS = ("math", "number", "unit", "text", "exact", "choice", "set", "list", "regex", "date")


@pytest.mark.parametrize("kind", KINDS)
def test_a_reference_of_the_wrong_shape_is_bad(kind: str) -> None:
    with pytest.raises(BadReference):
        judge({"answer": "5/6"}, "5/6", kind=kind)


@pytest.mark.parametrize("answer", [True, False, {}, [{"value": 7}]])
@pytest.mark.parametrize("kind", ["math", "number", "unit", "date"])
def test_a_truth_value_is_no_number(kind: str, answer: object) -> None:
    with pytest.raises(BadReference):
        judge(answer, "7", kind=kind)


@pytest.mark.parametrize("kind", ["math", "number", "unit", "text", "exact", "regex", "date"])
def test_an_array_is_no_reference_of_a_single_answer(kind: str) -> None:
    with pytest.raises(BadReference):
        judge([{"a": 1}, "5/6"], "5/6", kind=kind)


def test_a_marker_for_a_missing_answer_is_a_bad_reference_of_a_public_set() -> None:
    with pytest.raises(BadReference, match="missing"):
        judge("proof", "\\boxed{proof}", preset="numina")
    assert judge("2", "\\boxed{2.05}", preset="scibench").score == 1.0
    assert AnswerOptions.model_validate({"preset": "gpqa"}).kind == "choice"
    assert AnswerOptions.model_validate({"preset": "gpqa", "kind": "math"}).kind == "math"


@pytest.mark.parametrize(
    ("extract", "completion"),
    [
        (["tag:choice"], "<choice>7</choice> and 8"),
        (["regex:Final Choice: (.)"], "Final Choice: 7, not 8"),
        (["last_line"], "first 8\n7"),
        (["json:answer"], '{"answer": 7, "other": 8}'),
        (["tag:none", "boxed"], "\\boxed{7} 8"),
    ],
)
def test_a_domain_says_where_the_answer_stands(extract: list[str], completion: str) -> None:
    assert judge("7", completion, extract=extract).score == 1.0
    assert judge("8", completion, extract=extract).score == 0.0


def test_a_pattern_that_is_none_is_refused_at_load() -> None:
    with pytest.raises(ValueError, match="no RE2 pattern"):
        AnswerOptions.model_validate({"extract": ["regex:("]})


# --- thresholds -------------------------------------------------------------------------------------------------------


def test_a_rounding_has_five_figures_at_least() -> None:
    assert score("\\frac13", boxed("0.33333")) == 1.0
    assert score("\\frac13", boxed("0.3333")) == 0.0


def test_numbers_that_share_seventeen_digits_are_not_close() -> None:
    one = digits.numeric_point("x", 0, "positive")
    assert digits.close(one, one)
    assert not digits.close(one, one * (1 + digits.numeric_point("y", 0, "positive") * digits._CTX.mpf(10) ** -25))


@pytest.mark.parametrize(
    ("gold", "answer", "expected"),
    [
        ("(-1,1)", "-1<x\\le1, x\\ne1", 1.0),
        ("(-1,1]", "-1<x\\le1, x\\ne1", 0.0),
        ("(-1,0)\\cup(0,1)", "-1<x<1, x\\ne0", 1.0),
        ("(-1,1)", "-1<x<1, x\\ne0", 0.0),
        ("(0,1)", "[0,1)\\setminus\\{0\\}", 1.0),
        ("[0,1)", "[0,1)\\setminus\\{2\\}", 1.0),
    ],
)
def test_points_that_are_left_out_are_left_out(gold: str, answer: str, expected: float) -> None:
    assert score(gold, boxed(answer)) == expected


def test_the_points_of_identity_tests_depend_on_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    before = residues.residue_point.__wrapped__("x", 0)
    monkeypatch.setattr(residues, "_SALT", b"0" * 16)
    assert residues.residue_point.__wrapped__("x", 0) != before


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_reading_table_of_the_docs_holds() -> None:
    page = (Path(__file__).parents[3] / "docs" / "answer.md").read_text("utf-8")
    table = page.split("## Read whole or not read", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| `(.*?)` \| `(.*?)` \| (1|0|null) \|", table, re.M)
    assert len(rows) >= 6
    for gold, answer, verdict in rows:
        assert score(gold, boxed(answer)) == {"1": 1.0, "0": 0.0, "null": None}[verdict], (gold, answer)

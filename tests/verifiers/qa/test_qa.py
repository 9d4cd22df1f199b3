"""Short answers: SQuAD's and Search-R1's scores, abstention, and hacks."""

import re
import time
from pathlib import Path

import pytest

from reward_verifiers.conformance import check_verifier
from reward_verifiers.qa import QaOptions, QaReference, QaVerifier
from reward_verifiers.qa.verifier import normal
from reward_verifiers.verifier import BadReference, Sample


def verdict(text, reference, **options):
    reference = reference if isinstance(reference, dict) else {"answer": reference}
    return QaVerifier().verify(Sample(text, QaOptions(**options), QaReference.model_validate(reference)))


def score(text, reference, **options):
    return verdict(text, reference, **options).score


def answer(text):
    return f"<think>I search.</think><search>x</search><information>y</information><think>So.</think><answer>{text}</answer>"


@pytest.mark.parametrize(
    ("text", "right", "exact", "f1"),
    [  # by the evaluation scripts of SQuAD 1.1: normalize_answer, f1_score, exact_match_score
        ("the Eiffel Tower", "Eiffel Tower", 1, 1),
        ("Eiffel tower.", "The Eiffel Tower", 1, 1),
        ("Barack Obama", "Barack Hussein Obama", 0, 0.8),
        ("in 1969", "1969", 0, 2 / 3),
        ("July 20, 1969", "20 July 1969", 0, 1),
        ("Denver Broncos won", "Denver Broncos", 0, 0.8),
        ("New York New York", "New York", 0, 2 / 3),
        ("Paris", "London", 0, 0),
        ("an apple a day", "apple day", 1, 1),
        ("U.S.A.", "USA", 1, 1),
        ("a", "b", 0, 0),
        ("Carolina  Panthers", "carolina panthers", 1, 1),
        ("don't", "dont", 1, 1),
        ("1,000", "1000", 1, 1),
    ],
)
def test_squads_scores(text, right, exact, f1):
    assert score(answer(text), right) == exact
    assert score(answer(text), right, score="f1") == pytest.approx(f1, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "right", "expected"),
    [
        ("-1989", "1989", 0),
        ("314", "3.14", 0),
        ("-$5", "$5", 0),
        ("40", "-40", 0),
        ("−40", "-40", 1),
        ("3.140", "3.14", 1),
        (".5.", "0.5", 1),
        ("1,200", "1200.", 1),
        ("1.2.3", "123", 1),  # no number: SQuAD's normal form decides
    ],
)
@pytest.mark.parametrize("how", ["exact", "f1"])
def test_numbers_are_equal_by_value(text, right, expected, how):
    assert score(answer(text), right, score=how) == expected


def test_the_best_of_all_right_answers_counts():
    for reference in (
        {"answer": ["NYC", "New York City"]},
        {"answer": "NYC", "aliases": ["New York City"]},
        {"target": ["NYC", "New York City"]},
    ):
        assert score(answer("New York city"), reference) == 1
        assert score(answer("York"), reference, score="f1") == 0.5
    assert score(answer("1969"), {"answer": 1969}) == 1


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("東京", "東京"),
        ("「東京」", "東京"),
        ("É\u0301tat", "É\u0301TAT"),
        ("Cafe\u0301", "Café"),
        ("Москва!", "москва"),
        ("¿Madrid?", "Madrid"),
    ],
)
def test_other_writing(text, right):
    assert score(answer(text), right) == 1


def test_f1_of_writing_without_spaces_is_of_characters():
    assert score(answer("東京都"), "東京", score="f1") == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("text", "source", "expected"),
    [
        ("<answer>Paris</answer>", "tag", 1),
        ("<answer>\nParis\n</answer><|im_end|>", "tag", 1),
        ("<answer>London</answer> no: <answer>Paris</answer>", "tag", 1),
        ("<answer>Paris</answer> no: <answer>London</answer>", "tag", 0),
        ("Paris", "tag", 0),
        ("Paris", "auto", 1),
        ("<think>hm</think>Paris", "auto", 1),
        ("<think>Paris", "auto", 0),
        ("<think><answer>Paris</answer></think>", "tag", 0),
        ("<answer>Paris", "auto", 0),
        ("", "auto", 0),
    ],
)
def test_where_the_answer_stands(text, source, expected):
    assert score(text, "Paris", source=source) == expected


ABSTENTIONS = [
    "I don't know.", "I do not know the answer", "I cannot find it", "Unknown", "unanswerable", "N/A", "No answer.",
    "I couldn't find the answer in the documents.", "There is no answer.", "Sorry, I can't answer that.",
    "Cannot be determined", "Not found",
    "I was unable to determine who won.", "not enough information", "The answer is unknown.",
]  # fmt: skip
ANSWERS = [
    "Paris",
    "The Unknown Soldier",
    "None of the Above (band)",
    "I find it in Paris",
    "know",
    "Sorry",
    "No Answer Records Ltd",
]


def test_an_abstention_has_its_own_score():
    for text in ABSTENTIONS:
        assert score(answer(text), "Paris", abstain=0.2) == 0.2, text
        assert score(answer(text), {"unanswerable": True}) == 1, text
        assert score(answer(text), "Paris") == 0
    for text in ANSWERS:
        assert score(answer(text), "London", abstain=0.2) == 0, text
        assert score(answer(text), {"unanswerable": True}) == 0, text
    assert score(answer("Unknown"), "Unknown", abstain=0.2) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Paris or London",
        "Paris, London, Rome",
        "Not Paris",
        "Paris Paris",
        "The answer is Paris",
        "paris " * 5000,
        "",
        ".",
        "the",
    ],
)  # fmt: skip
def test_what_is_not_the_answer_is_not_an_exact_match(text):
    assert score(answer(text), "Paris") == 0


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ({}, "reference.answer: it is missing"),
        ({"answer": []}, "it is missing"),
        ({"answer": "the"}, "nothing is left"),
        ({"answer": "x", "unanswerable": True}, "but there is an answer"),
    ],
)
def test_a_reference_that_does_not_fit_is_said(reference, message):
    with pytest.raises(BadReference, match=message):
        verdict(answer("x"), reference)


@pytest.mark.parametrize(
    "text", ["<answer>" * 100_000, "a " * 500_000, "i cannot find " * 20, "東" * 300_000, "<think>" * 100_000]
)
def test_a_bomb_costs_a_verdict_nothing(text):
    begun = time.process_time()
    assert score(f"<answer>{text}</answer>", ["x"] * 100, score="f1", source="auto") == 0
    assert time.process_time() - begun < QaVerifier.item_timeout_s


def test_the_normal_form_is_squads():
    assert normal("  The quick, (brown) fox's A-B  ") == "quick brown foxs ab"


@pytest.mark.slow
async def test_conformance():
    completions = [answer("Paris"), answer("London"), "no", answer("Paris France")]
    await check_verifier("qa", completions=completions, reference={"answer": "Paris"}, options={"score": "f1"})


PAGE = (Path(__file__).parents[3] / "docs" / "qa.md").read_text()


def test_the_page():
    for name in (*QaOptions.model_fields, *QaReference.model_fields):
        assert f"`{name}`" in PAGE, name
    rows = re.findall(r"^\| `([^`]+)` \| ([\d.]+) \| ([\d.]+) \|$", PAGE, re.MULTILINE)
    assert len(rows) >= 4
    for text, exact, f1 in rows:
        reference = {"answer": "Barack Obama", "aliases": ["Obama"]}
        assert score(answer(text), reference, abstain=0.1) == float(exact)
        assert score(answer(text), reference, abstain=0.1, score="f1") == pytest.approx(float(f1), abs=1e-4)

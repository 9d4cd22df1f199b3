"""Options by name: how numbers are written, what unknowns stand for, how much of a set is needed, where answers stand."""

from typing import Any, get_args

import pytest

from reward_verifiers.answer import AnswerOptions, AnswerReference, AnswerVerifier
from reward_verifiers.answer.options import Preset
from reward_verifiers.answer.presets import PRESETS, SENTINELS
from reward_verifiers.verifier import BadReference, Sample

VERIFIER = AnswerVerifier()
CITIES = ["Rome", "Paris"]


def score(gold: Any, completion: str, policy: dict[str, Any] | None = None, **options: Any) -> float | None:
    reference = AnswerReference.model_validate({"answer": gold, "policy": policy or {}})
    return VERIFIER.verify(Sample(completion, AnswerOptions.model_validate(options), reference)).score


@pytest.mark.parametrize(
    ("gold", "answer", "options", "expected"),
    [
        ("2", "\\log 100", {}, 0.0),
        ("\\log 7", "\\log_{10} 7", {"log_base": 10}, 1.0),
        ("\\log 7", "\\frac{\\ln 7}{\\ln 10}", {"log_base": 10}, 1.0),
        ("\\log 7", "\\ln 7", {"log_base": 10}, 0.0),
        ("\\log 7", "\\ln 7", {}, 1.0),
        ("3.14", "3,14", {"decimal_comma": True}, 1.0),
        ("1234,5", "1.234,5", {"decimal_comma": True}, 1.0),
        ("1,5; 2", "2; 1,5", {"decimal_comma": True}, 1.0),
        ("3,14", "314", {"decimal_comma": True}, 0.0),
        ("2\\ln x", "\\ln(x^2)", {}, 0.0),
        ("2\\ln x", "\\ln(x^2)", {"variables": "positive"}, 1.0),
        ("x", "\\sqrt{x^2}", {"variables": "real"}, 0.0),
        ("\\sqrt{x}\\sqrt{y}", "\\sqrt{xy}", {}, 0.0),
        ("\\sqrt{x}\\sqrt{y}", "\\sqrt{xy}", {"variables": "positive"}, 1.0),
        ("9.81", "9.8066", {"tolerance": {"figures": "reference"}}, 1.0),
        ("9.81", "9.82", {"tolerance": {"figures": "reference"}}, 0.0),
        ("9.810", "9.8066", {"tolerance": {"figures": "reference"}}, 0.0),
    ],
)
def test_conventions_are_options_by_name(gold: str, answer: str, options: dict[str, Any], expected: float) -> None:
    assert score(gold, f"\\boxed{{{answer}}}", **options) == expected


@pytest.mark.parametrize(
    ("gold", "answer", "options", "expected"),
    [
        (CITIES, "Paris, Rome, Oslo", {"kind": "set"}, 0.0),
        (CITIES, "Paris, Rome, Oslo", {"kind": "set", "match": "containment"}, 1.0),
        (CITIES, "Paris, Oslo", {"kind": "set", "match": "containment"}, 0.0),
        (CITIES, "Paris, Rome, Oslo", {"kind": "set", "match": "f1"}, 0.8),
        (CITIES, "Paris, Paris, Paris", {"kind": "set", "match": "f1"}, 2 / 3),
        (CITIES, "Oslo", {"kind": "set", "match": "f1"}, 0.0),
        ([1, 2], "2, \\frac33", {"kind": "set", "match": "f1"}, 1.0),
        ([1, 2], "2, 3, 4", {"kind": "set", "match": "f1"}, 0.4),
        ("1, 2", "2, 1", {"kind": "list", "match": "containment"}, 1.0),
        (["a"], ", ".join(f"b{k}" for k in range(100)) + ", a", {"kind": "set", "match": "containment"}, 0.0),
        ("Paris", "It is Paris.", {"kind": "text", "match": "containment"}, 1.0),
        ("Paris", "It is Parisian.", {"kind": "text", "match": "containment"}, 0.0),
    ],
)
def test_how_much_of_a_set_must_be_there(gold: Any, answer: str, options: dict[str, Any], expected: float) -> None:
    assert score(gold, f"<answer>{answer}</answer>", **options) == pytest.approx(expected)


def test_a_measure_that_does_not_fit_the_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="f1 is for the kinds set, list, not for math"):
        AnswerOptions(match="f1")
    with pytest.raises(BadReference, match="policy does not fit"):
        score("1", "1", {"match": "containment"})


PLACES = (
    (["tag:choice"], "<choice>4</choice> or \\boxed{5}", 1.0),
    (["regex:Final Choice: (.)"], "Final Choice: 5\nFinal Choice: 4", 1.0),
    (["last_line"], "\\boxed{5}\nIt is 4", 1.0),
    (["boxed"], "\\boxed{4} and <answer>5</answer>", 1.0),
    (["json:answer"], 'Here: {"answer": "4"}', 1.0),
    (["tag:choice", "boxed"], "\\boxed{4}", 1.0),
    (["tag:choice"], "\\boxed{4}", 0.0),
)


@pytest.mark.parametrize(("places", "completion", "expected"), PLACES)
def test_the_place_of_the_answer_is_named_by_the_domain_or_by_the_item(
    places: list[str], completion: str, expected: float
) -> None:
    assert score("4", completion, extract=places) == expected
    assert score("4", completion, {"extract": places}) == expected
    assert score("4", completion, {"extract": places}, extract=["answer_tag"]) == expected


@pytest.mark.parametrize("preset", get_args(Preset))
def test_every_preset_reads_an_answer_and_refuses_markers_of_none(preset: str) -> None:
    gold, choices = ("B", ["x", "y"]) if PRESETS[preset].get("kind") == "choice" else ("42", None)
    options = {"preset": preset, **({"choices": choices} if choices else {})}
    assert score(gold, f"So the answer is \\boxed{{{gold}}}.", **options) == 1.0
    assert score(gold, "So the answer is \\boxed{A7}.", **options) == 0.0
    for marker in ("proof", "notfound", "N/A"):
        with pytest.raises(BadReference):
            score(marker, "\\boxed{1}", **options)
    assert {"proof", "notfound", "n/a"} <= SENTINELS


def test_an_option_beside_a_preset_goes_before_it() -> None:
    assert score("9.80", "\\boxed{9.9}", preset="scibench") == 1.0
    assert score("9.80", "\\boxed{9.9}", preset="scibench", tolerance={"relative": 0.001}) == 0.0


@pytest.mark.parametrize("schema", ['{"a": 1, "b": [1, 2]}', {}, True, {"title": "an answer"}])
def test_a_schema_that_accepts_everything_is_a_bad_reference(schema: Any) -> None:
    with pytest.raises(BadReference, match="accepts everything"):
        VERIFIER.verify(Sample('<answer>{"a": 2}</answer>', AnswerOptions(kind="json"), AnswerReference(answer=schema)))

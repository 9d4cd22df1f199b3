import math

import pytest
from pydantic import ValidationError

from reward_verifiers.contract import (
    Failure,
    FailureKind,
    ScoreRequest,
    Verdict,
    VerifyRequest,
    completion_text,
    prompt_text,
)


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_not_finite_is_refused(score):
    with pytest.raises(ValueError, match="finite"):
        Verdict.scored(score, "a bug")


def test_a_truth_value_is_no_score_and_the_message_says_what_to_write():
    with pytest.raises(ValueError, match=r"score: must be a finite number; write float\(…\) around a truth value"):
        Verdict.scored(True, "")


@pytest.mark.parametrize(
    "parts",
    [
        {"score": None, "valid": True},
        {"score": 0.0, "valid": False},
        {"score": 1.0, "valid": True, "failure": Failure(kind=FailureKind.TIMEOUT, message="late")},
        {"score": None, "valid": False, "failure": None},
        {"score": math.nan, "valid": True},
    ],
)
def test_a_verdict_has_exactly_one_outcome(parts):
    with pytest.raises(ValidationError):
        Verdict(reason="contradiction", **parts)


@pytest.mark.parametrize("bare", ["5/6", 7, 2.5])
def test_a_bare_reference_is_an_answer(bare):
    assert ScoreRequest(completions=["x"], reference=bare).reference == {"answer": bare}


@pytest.mark.parametrize("reference", [True, ["5"], None])
def test_other_references_are_refused(reference):
    with pytest.raises(ValidationError):
        ScoreRequest(completions=["x"], reference=reference)


@pytest.mark.parametrize(
    ("parts", "named"),
    [
        ({"completions": []}, "completions"),
        ({"completions": ["a"], "tokens": [1, 2]}, "tokens"),
        ({"completions": ["a"], "tokens": [-1]}, "tokens"),
        ({"completions": ["a"], "truncated": []}, "truncated"),
        ({"completions": ["a"], "deadline_s": 0}, "deadline_s"),
        ({"completions": ["a"], "indices": [0]}, "indices"),
        ({"completions": ["a", "b"], "indices": [0, 0], "id": "g", "group_size": 4}, "indices"),
        ({"completions": ["a"], "indices": [4], "id": "g", "group_size": 4}, "indices"),
        ({"completions": ["a"], "surprise": 1}, "surprise"),
    ],
)
def test_a_request_that_does_not_add_up_names_the_field(parts, named):
    with pytest.raises(ValidationError, match=named):
        ScoreRequest(**parts)


def test_verify_takes_what_score_passes_on():
    request = VerifyRequest(completions=["a"], tokens=[3], truncated=[False], options={"kind": "math"})
    assert request.options == {"kind": "math"}


def test_chat_messages_become_text():
    chat = [
        {"role": "user", "content": "not this"},
        {"role": "assistant", "content": [{"type": "text", "text": "one"}, {"type": "image_url", "image_url": "x"}]},
        {"role": "assistant", "content": "two", "tool_calls": []},
    ]
    request = ScoreRequest(prompt=chat[:1], completions=[chat])
    assert completion_text(request.completions[0]) == "one\ntwo"
    assert prompt_text(request.prompt) == "not this"


def test_reasoning_that_a_server_split_off_is_a_closed_think_section():
    request = ScoreRequest(completions=[[{"role": "assistant", "reasoning_content": "hm", "content": "4"}]])
    assert completion_text(request.completions[0]) == "<think>hm</think>4"

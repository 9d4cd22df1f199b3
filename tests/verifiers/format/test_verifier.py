import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from reward_verifiers.conformance import check_verifier
from reward_verifiers.format import FormatOptions, FormatVerifier
from reward_verifiers.format.options import PRESETS
from reward_verifiers.verifier import ReferenceModel, Sample

DATA = Path(__file__).parents[2] / "data" / "format" / "cases.jsonl"
CASES = [json.loads(line) for line in DATA.read_text().splitlines()]
KEPT = "<think>1 + 1</think>\n<answer>2</answer>"


def judge(completion, prefix="", prompt="", **options):
    sample = Sample(
        completion=completion,
        options=FormatOptions.model_validate(options),
        reference=ReferenceModel(),
        prefix=prefix,
        prompt=prompt,
    )
    return FormatVerifier().verify(sample)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_case(case):
    verdict = judge(case["completion"], case.get("prefix", ""), case.get("prompt", ""), **case.get("options", {}))
    assert sorted({error["code"] for error in verdict.evidence["errors"]}) == case["codes"]
    assert verdict.score == case["score"]


def test_there_are_enough_cases():
    assert len(CASES) >= 120


def test_the_sections_are_in_the_evidence():
    assert judge(KEPT).evidence == {"errors": [], "think": "1 + 1", "answer": "2"}
    assert judge("<think>1</think> so 2", template="think_rest").evidence["answer"] == "so 2"


def test_calls_behind_the_thinking_are_the_answer():
    call = '<tool_call>{"name": "f", "arguments": {}}</tool_call>'
    assert judge(f"<think>1</think> Look: {call}", template="hermes").evidence["answer"] == f"Look: {call}"
    assert [error["code"] for error in judge("<think>1</think>", template="hermes").evidence["errors"]] == ["empty"]


def test_all_errors_are_listed_with_their_places():
    verdict = judge("So <think>a</think><think>b</think><answer></answer>.")
    assert [(error["code"], error["offset"]) for error in verdict.evidence["errors"]] == [
        ("text_before", 0),
        ("repeated", 19),
        ("text_between", 19),
        ("repeated", 27),
        ("empty", 43),
        ("text_after", 52),
    ]


def test_offsets_count_from_the_completion():
    verdict = judge("1</think> so <answer>2</answer>", prefix="<think>\n")
    assert [(error["code"], error["offset"]) for error in verdict.evidence["errors"]] == [("text_between", 9)]


@pytest.mark.parametrize(
    ("completion", "only"),
    [
        ("1 + 1</think><answer>2</answer>", True),
        ("1 + 1</think><answer>2", False),
        ("1 + 1</think>so <answer>2</answer>", False),
        ("</think><answer>2</answer>", False),
        ("2", False),
        (KEPT, False),
    ],
)
def test_a_template_that_prefills_is_suspected(completion, only):
    verdict = judge(completion)
    assert verdict.evidence.get("only_opening_missing", False) is only
    assert ("prefill" in verdict.reason) is only


def test_a_template_that_prefills_a_line_is_suspected():
    assert judge("1\n</think>\n<answer>\n2\n</answer>", template="open_r1").evidence["only_opening_missing"]
    assert judge("1</think> 2", template="think_rest", prefix="Assistant: ").evidence["only_opening_missing"]


def test_tags_of_any_name_leave_the_evidence_whole():
    verdict = judge(
        "<errors>1</errors><only_opening_missing>2</only_opening_missing>", tags=["errors", "only_opening_missing"]
    )
    assert verdict.evidence == {"errors": [], "think": "1", "answer": "2"}


def test_what_can_be_read_is_shown_beside_the_errors():
    assert judge("<think>1</think><answer>2").evidence["think"] == "1"
    two = "<think>1</think><tool_call>{}</tool_call><tool_call>[]</tool_call>"
    assert judge(two, template="tool_call").evidence["answer"] == "{}\n[]"


@pytest.mark.parametrize(
    "options",
    [
        {"template": "r2"},
        {"tags": ["think", "Think"]},
        {"tags": []},
        {"tags": ["<think>"]},
        {"tags": ["a b"]},
        {"min_think_chars": -1},
        {"tag": ["a"]},
    ],
)
def test_options_that_do_not_fit_are_refused(options):
    with pytest.raises(ValidationError):
        FormatOptions.model_validate(options)


KEPT_PIECES = ["<think>", "a", "</think>", "<answer>", "a", "</answer>"]
JSON = '{"name": "f", "arguments": {}}'
CALL_PIECES = ["<think>", JSON, "</think>", "<tool_call>", JSON, "</tool_call>", "<tool_call>", JSON, "</tool_call>"]


def edited(pieces):
    """The pieces after up to four deletions or insertions, joined: most are broken, some are not."""
    edit = st.tuples(st.integers(0, len(pieces)), st.none() | st.sampled_from([*pieces, " ", "\n"]))

    def apply(edits):
        made = list(pieces)
        for place, piece in edits:
            made[place : place + (piece is None)] = [] if piece is None else [piece]
        return "".join(made)

    return st.lists(edit, max_size=4).map(apply)


@settings(max_examples=400)
@given(edited(KEPT_PIECES))
def test_one_is_scored_exactly_for_what_the_template_says(text):
    shape = re.fullmatch(r"\s*<think>([a\s]*)</think>\s*<answer>([a\s]*)</answer>\s*", text)
    kept = shape is not None and "a" in shape[1] and "a" in shape[2]
    verdict = judge(text)
    assert (verdict.score == 1) is kept
    assert (verdict.evidence["errors"] == []) is kept
    partial = judge(text, partial_credit=True).score
    assert partial == 1 if kept else 0 <= partial <= 0.5


@settings(max_examples=400)
@given(edited(CALL_PIECES))
def test_one_is_scored_exactly_for_thinking_and_calls(text):
    one = re.escape(JSON)
    calls = rf"(\s*<tool_call>\s*{one}\s*</tool_call>)+\s*"
    kept = re.fullmatch(rf"\s*<think>\s*({one}\s*)+</think>\s*({one}\s*)*{calls}", text)
    assert (judge(text, template="tool_call").score == 1) is (kept is not None)


CALL = '<think>1</think><tool_call>{"name": "f", "arguments": {"x": %s}}</tool_call>'
STRICT = {
    "ignore_in_code": True,
    "tag_whitespace": True,
    "case_sensitive": False,
    "newlines": True,
    "require_boxed": True,
}


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, STRICT, {"template": "qwen3"}, {"template": "tool_call"}], ids=str)
@pytest.mark.parametrize(
    "text",
    [
        "<" * 10**6,
        "<think>" * 150_000,
        ("<" + " " * 8) * 111_000,
        "<think>" + "`a`" * 333_000,
        "<think>" + "```a" * 250_000,
        "<think>" + "\u200b" * 10**6 + "</think><answer>2</answer>",
        "<think>1</think><answer>" + "\\boxed{" * 140_000 + "</answer>",
        "<|im_end|>" * 100_000,
        CALL % ("[" * 10**6),
        CALL % ("9" * 10**6),
    ],
    ids=lambda text: text[:24],
)
def test_a_megabyte_is_no_trouble(text, options):
    begun = time.process_time()
    assert judge(text, **options).valid
    assert time.process_time() - begun < FormatVerifier.item_timeout_s


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_set_of_options(name):
    assert FormatOptions.model_validate({"template": name}).template == name


QUICK = {"think_answer", "qwen3", "gpt_oss"}


@pytest.mark.parametrize(
    "template", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in PRESETS]
)
async def test_conformance(template):
    completions = [KEPT, "no tags", "<think></think>", "1</think><answer>2</answer>"]
    await check_verifier("format", completions=completions, reference={}, options={"template": template})

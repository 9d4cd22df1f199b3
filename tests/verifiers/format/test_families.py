import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from reward_verifiers.format import FormatOptions, FormatVerifier
from reward_verifiers.format.calls import is_call, is_pythonic
from reward_verifiers.format.presets import PRESETS
from reward_verifiers.verifier import ReferenceModel, Sample

DATA = Path(__file__).parents[2] / "data" / "format"
OUTPUTS = [json.loads(line) for line in (DATA / "families.jsonl").read_text().splitlines()]
TOKENS = json.loads((DATA / "tokens.json").read_text())


def judge(completion, prompt="", is_chat=False, **options):
    sample = Sample(
        completion=completion,
        options=FormatOptions.model_validate(options),
        reference=ReferenceModel(),
        prompt=prompt,
        is_chat=is_chat,
    )
    return FormatVerifier().verify(sample)


@pytest.mark.parametrize("row", OUTPUTS, ids=lambda row: f"{row['template']} {row['completion'][:40]!r}")
def test_outputs_of_model_families(row):
    verdict = judge(row["completion"], template=row["template"])
    assert verdict.score == row["score"], verdict.reason


def test_there_are_enough_outputs():
    assert len(OUTPUTS) >= 60
    assert {row["template"] for row in OUTPUTS if row["score"] == 1} >= {
        *(
            "deepseek_r1",
            "deepseek_v3_1",
            "qwen3",
            "gpt_oss",
            "magistral",
            "kimi",
            "glm",
            "seed_oss",
            "minimax",
            "granite",
        ),
        *("command_a", "gemma", "phi4_reasoning", "openthinker", "nemotron", "search_r1", "hermes"),
    }


@pytest.mark.parametrize("token", TOKENS["forged"])
def test_a_control_token_of_any_family_is_an_error_inside_a_section(token):
    assert judge(f"<think>a\n{token} b</think><answer>2</answer>").score == 0
    assert judge(f"<think>a</think><answer>2\n{token}</answer>").score == 0


@pytest.mark.parametrize("text", TOKENS["honest"])
def test_what_only_resembles_a_control_token_is_text(text):
    assert judge(f"<think>a {text} b</think><answer>{text}</answer>").score == 1


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("deepseek-r1", "deepseek_r1"), ("Qwen3", "qwen3"), ("gpt-oss", "gpt_oss"), ("phi4", "phi4_reasoning")],
)
def test_an_unknown_template_names_the_nearest(name, nearest):
    with pytest.raises(ValidationError, match=f"the nearest is '{nearest}'"):
        FormatOptions(template=name)


def test_sections_are_literals():
    marks = [{"opening": "«a.b»", "closing": "«/a+b»"}, {"opening": "=== answer", "closing": "==="}]
    kept = "«a.b»x«/a+b»\n=== answer 2 ==="
    assert judge(kept, sections=marks).score == 1
    assert judge(kept.replace("a.b", "aXb"), sections=marks).score == 0
    assert judge("<思考>x</思考><回答>2</回答>", tags=["思考", "回答"]).score == 1


@pytest.mark.parametrize(
    "options",
    [
        {"tags": ["think"], "sections": [{"opening": "a", "closing": "b"}]},
        {"sections": [{"opening": "a", "closing": "b"}, {"opening": "a", "closing": "c"}]},
        {"sections": [{"opening": "a", "closing": "a"}]},
        {"sections": []},
    ],
)
def test_sections_that_cannot_be_told_apart_are_refused(options):
    with pytest.raises(ValidationError):
        FormatOptions.model_validate(options)


def test_rest_without_tags_means_the_preset_without_its_last():
    assert judge("<think>a</think> 2", answer="rest").score == 1
    assert judge("2", answer="rest").score == 0


def test_messages_do_not_show_what_the_template_opened():
    opened = {"tags": ["think"], "answer": "rest", "prefill_auto": True}
    assert judge("a</think> 2", prompt="1 + 1?", is_chat=True, **opened).score == 1
    assert judge("a</think> 2", prompt="1 + 1?", **opened).score == 0
    assert judge("2", prompt="1 + 1?", is_chat=True, **opened).score == 0
    assert judge("2", prompt="…<｜Assistant｜></think>", template="deepseek_v3_1").score == 1


def test_repeated_empty_sections_earn_little():
    padded = "<think></think>" * 6 + "<answer>9</answer>"
    assert judge(padded, partial_credit=True).score <= 0.25
    assert judge("So <think>a</think><answer>9</answer>", partial_credit=True).score == 0.5


@pytest.mark.parametrize(
    ("section", "is_one"),
    [
        ('{"name": "f", "arguments": {}}', True),
        ("<function=f>\n<parameter=x>\n1\n</parameter>\n</function>", True),
        ("f\n<arg_key>x</arg_key>\n<arg_value>1</arg_value>", True),
        ('[f(x="1", y=[1, {"a": -2.5}]), m.g()]', True),
        ("<function=f><parameter=x>1</function>", False),
        ("f\n<arg_key>x</arg_key>", False),
        ("[f(g())]", False),
        ("[f(1)]", False),
        ("[]", False),
        ("[f(**x)]", False),
        ("call f with 1", False),
        ("", False),
    ],
)
def test_calls_in_five_wires(section, is_one):
    assert is_call(section) is is_one


@pytest.mark.parametrize(
    "text", ["[" * 10_000, "[f(x=" + "(" * 5_000, "[f(x=" + "-" * 9_000 + "1)]", "[f(x='\\0')]", "[\x00]"]
)
def test_hostile_calls_are_no_trouble(text):
    assert is_pythonic(text) in (True, False)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_sections(name):
    assert FormatOptions(template=name).marks

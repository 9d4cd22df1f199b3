import pytest

from reward_verifiers.base import ReferenceModel, Sample
from reward_verifiers.conformance import check_verifier
from reward_verifiers.format import FormatOptions, FormatVerifier

KEPT = "<think>1 + 1</think>\n<answer>2</answer>"


def judge(completion, prefix=""):
    sample = Sample(completion=completion, options=FormatOptions(), reference=ReferenceModel(), prefix=prefix)
    return FormatVerifier().verify(sample)


def test_the_template_is_kept():
    verdict = judge(KEPT)
    assert (verdict.score, verdict.evidence) == (1, {"errors": [], "think": "1 + 1", "answer": "2"})


def test_what_the_chat_template_wrote_counts():
    assert judge(KEPT.removeprefix("<think>"), prefix="<think>").score == 1
    assert judge(KEPT, prefix="<think>").score == 0


def test_end_of_text_tokens_count_as_nothing_at_the_very_end_only():
    assert judge(KEPT + "<|im_end|>\n<|endoftext|>").score == 1
    assert judge(KEPT.replace("1 + 1", "1<|im_end|>")).score == 0


@pytest.mark.parametrize(
    ("completion", "code"),
    [
        ("", "missing <think>"),
        ("2", "missing <answer>"),
        ("<think>1<answer>2</answer>", "missing </think>"),
        ("<think>a</think><think>b</think><answer>2</answer>", "repeated <think>"),
        ("<answer>2</answer><think>a</think>", "out of order"),
        ("hm <think>a</think><answer>2</answer>", "text outside"),
        ("<think>a</think> so <answer>2</answer>", "text outside"),
        ("<think>a</think><answer>2</answer> done", "text outside"),
        ("<think> </think><answer>2</answer>", "empty_think"),
        ("<think>a</think><answer>\n</answer>", "empty_answer"),
        ("<Think>a</Think><answer>2</answer>", "missing <think>"),
    ],
)
def test_each_breach_is_named(completion, code):
    verdict = judge(completion)
    assert verdict.score == 0
    assert code in [error["code"] for error in verdict.evidence["errors"]]
    assert code in verdict.reason


async def test_conformance():
    await check_verifier("format", completions=[KEPT, "no tags", "<think></think>"], reference={})

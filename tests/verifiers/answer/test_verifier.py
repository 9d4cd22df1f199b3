"""The answer verifier from the outside: a completion and a reference go in, an explained verdict comes out."""

import json
import os
import re
from pathlib import Path

import pytest

from reward_verifiers.answer import AnswerOptions, AnswerReference, AnswerVerifier
from reward_verifiers.contract import FailureKind, Verdict
from reward_verifiers.verifier import BadReference, Sample

VERIFIER = AnswerVerifier()
DATA = os.environ.get("TOUCHSTONE_DATA")


def judge(gold: object, completion: str, prefix: str = "", **options: object) -> Verdict:
    reference = AnswerReference.model_validate({"answer": gold})
    return VERIFIER.verify(Sample(completion, AnswerOptions.model_validate(options), reference, prefix=prefix))


@pytest.mark.parametrize(
    ("gold", "completion"),
    [
        ("5/6", "<think>1/2+1/3</think> <answer>5/6</answer>"),
        ("5/6", "so \\boxed{\\frac{5}{6}}"),
        ("7\\pi", "so \\boxed{7\\pi}"),
        ("$7\\pi$", "so \\boxed{7 \\pi}"),
        (18, "She makes 18 a day.\nA: 18"),
        ("1,000", "work\n#### 1000"),
        ("-3", "The final answer is $-3$."),
        ("0.5", "I first thought \\boxed{2}. Now \\boxed{\\dfrac{1}{2}}."),
    ],
)
def test_right_answers_score_one(gold: object, completion: str) -> None:
    verdict = judge(gold, completion)
    assert verdict.score == 1.0
    assert verdict.evidence["extracted"]


@pytest.mark.parametrize(
    ("gold", "completion"),
    [
        ("7\\pi", "so \\boxed{7}"),
        ("7", "so \\boxed{7\\pi}"),
        ("7", "The answer is not 7"),
        ("7", "The answer is not \\boxed{7}"),
        ("1", "\\boxed{1} or \\boxed{2}"),
        ("2", "\\boxed{1} or \\boxed{2}"),
        ("2", "<answer>1</answer> <answer>2</answer>"),
        ("7", "<think>maybe \\boxed{7}</think> I do not know."),
        ("7", "<think>maybe \\boxed{7}"),
        ("7", "\\boxed{7"),
        ("7", ""),
    ],
)
def test_wrong_hedged_and_missing_answers_score_zero(gold: object, completion: str) -> None:
    assert judge(gold, completion).score == 0.0


@pytest.mark.parametrize("gold", ["-5", "144"])
@pytest.mark.parametrize(
    "denial",
    [
        "anything but", "all but", "everything but", "everything except", "anything besides", "different from",
        "nothing like", "hardly", "nowhere near", "not", "never", "rather than",
    ],
)  # fmt: skip
def test_an_answer_that_is_denied_is_wrong(gold: str, denial: str) -> None:
    assert judge(gold, f"<think>x</think><answer>{denial} {gold}</answer>").score == 0.0
    assert judge(gold, f"The answer is {denial} {gold}.").score == 0.0


CORRECTED = (
    "The answer is {}. No wait, {}.",
    "The answer is {}.\n\nNo wait, it's {}.",
    "The answer is ${}$.\n\nNo wait, it is ${}$.",
    "The answer is {}. Actually, {}.",
    "The answer is {}. Hmm, no: {}.",
    "The answer is {}. Correction: {}.",
    "The answer is {}. On second thought, the answer should be {}.",
    "**Answer:** {}\n\nWait, the correct answer is {}.",
    "答案是{}。不对，应该是{}。",
)


@pytest.mark.parametrize(("first", "second"), [("5", "6"), ("B", "A")])
@pytest.mark.parametrize("text", CORRECTED)
def test_the_last_word_is_the_answer(text: str, first: str, second: str) -> None:
    assert judge(first, text.format(first, second)).score == 0.0
    assert judge(second, text.format(first, second)).score == 1.0


@pytest.mark.parametrize(
    "text", ["\\boxed{{{}}}. No wait, {}.", "\\boxed{{{}}}\n\nActually, {}.", "#### {}\nNo wait, {}."]
)
def test_a_mark_whose_answer_is_corrected_behind_it_says_none(text: str) -> None:
    assert judge("5", text.format("5", "6")).score == 0.0
    assert judge("5", text.format("5", "5")).score == 1.0


@pytest.mark.parametrize(
    "remark",
    [
        "Actually, 5 is prime.", "Actually, 5.", "Wait, let me check: 3 + 2 = 5. Yes.", "No 6 or 8 is needed.",
        "Sorry for the long text.", "Actually this took 3 steps.", "But 6 is too many.",
    ],
)  # fmt: skip
def test_a_remark_behind_the_answer_is_no_correction(remark: str) -> None:
    assert judge("5", f"The answer is 5. {remark}").score == 1.0


@pytest.mark.parametrize(
    "saying",
    [
        "Half of the answer is", "The square of the answer is", "The sum of the digits of the answer is",
        "The wrong answer is",
        "A common wrong answer is", "My friend says the answer is", "The opposite of the answer is", "The answer minus 1 is",
        "The answer divided by 2 is", "The answer is the negative of", "The answer is twice",
    ],
)  # fmt: skip
def test_what_is_said_of_something_else_is_not_the_answer(saying: str) -> None:
    assert judge("42", f"{saying} 42.").score == 0.0


@pytest.mark.parametrize(
    "saying",
    [
        "The value of the answer is", "The final form of the answer is", "I think the answer is", "The correct answer is",
        "Thus, by the theorem, the answer is", "In this case the answer is", "The result of the multiplication is",
        "By the formula, this result is",
    ],
)  # fmt: skip
def test_what_is_said_of_the_answer_is_the_answer(saying: str) -> None:
    assert judge("42", f"{saying} 42.").score == 1.0


@pytest.mark.parametrize(
    "text", ["So we get 1 + **42**.", "\\[ \\cancel{42} \\]", "The total is ~~42~~ 41.", "The total is ~~42~~"]
)
def test_a_term_and_a_number_struck_out_are_not_the_answer(text: str) -> None:
    assert judge("42", text).score == 0.0


@pytest.mark.parametrize("text", ["So 40 + 2 = **42**", "The total is \\cancel{41} 42.", "The total is ~~41~~ 42."])
def test_a_result_beside_them_is(text: str) -> None:
    assert judge("42", text).score == 1.0


@pytest.mark.parametrize("root", ["3", "2", "6"])
def test_a_number_under_a_root_is_not_the_answer(root: str) -> None:
    assert judge(root, f"因此边长为√{root}。").score == 0.0
    assert judge(root, f"因此边长为2√{root}。").score == 0.0
    assert judge(f"2\\sqrt{{{root}}}", f"答案是2√{root}。").score == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "不选B", "不应选B", "不能选B", "不该选择B", "B不正确", "选项B不对", "B不是正确答案", "(B) is incorrect",
        "B) is wrong",
        "Option (B) is not correct.", "(B) cannot be right", "The answer is B, which is wrong.", "选B。不选B。",
        "The answer is B. The answer is not B.",
    ],
)  # fmt: skip
def test_an_option_that_is_denied_is_not_chosen(text: str) -> None:
    assert judge("B", text, kind="choice").score == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "选B", "故选：B．", "选B，不选A", "B项错误的说法不成立，选B", "正确答案是B，A错误", "故选B，A项错误",
        "(B) is right, (A) is wrong",
        "The answer is B. A is wrong.", "The answer is not A. The answer is B.", "B) False",
        "The answer is (B). It is not a prime.",
    ],
)  # fmt: skip
def test_an_option_is_chosen_beside_another_that_is_denied(text: str) -> None:
    assert judge("B", text, kind="choice").score == 1.0


def test_prefix_opens_the_thinking() -> None:
    assert judge("7", "it is \\boxed{7}", prefix="<think>\n").score == 0.0
    assert judge("7", "hm</think>it is \\boxed{7}", prefix="<think>\n").score == 1.0


def test_choice_and_exact() -> None:
    assert judge("B", "The answer is (B).", kind="choice").score == 1.0
    assert judge("B", "The answer is (C).", kind="choice").score == 0.0
    assert judge("hello world", "<answer>hello  world</answer>", kind="exact").score == 1.0
    assert judge("hello world", "<answer>hello word</answer>", kind="exact").score == 0.0


@pytest.mark.parametrize("both", ["A, B", "A and B", "A B", "a, b", "A / B", "(A), (B)", "A or B", "B, A"])
def test_two_letters_are_no_option(both: str) -> None:
    for text in (f"\\boxed{{{both}}}", f"<answer>{both}</answer>"):
        assert judge("B", text, kind="text").score == 0.0
        assert judge("A", text, kind="text").score == 0.0
    assert judge("B", "\\boxed{B}", kind="text").score == 1.0
    assert judge("A", "<answer>a</answer>", kind="text").score == 1.0


@pytest.mark.parametrize("gold", ["", "$$", "   "])
def test_a_reference_that_says_nothing_is_bad(gold: str) -> None:
    with pytest.raises(BadReference):
        judge(gold, "\\boxed{7}")


def test_gave_up_blames_the_completion_only_when_the_reference_is_cheap() -> None:
    cheap = Sample("x", AnswerOptions(), AnswerReference(answer="7"))
    verdict = VERIFIER.gave_up(cheap, FailureKind.TIMEOUT, "2 s")
    assert verdict is not None
    assert verdict.score == 0.0
    assert "gave up after 2 s" in verdict.reason


@pytest.mark.skipif(not DATA, reason="TOUCHSTONE_DATA names no folder with gsm8k_model_solutions.jsonl")
def test_agrees_with_the_labels_of_real_gsm8k_solutions() -> None:
    lines = (Path(DATA or "") / "gsm8k_model_solutions.jsonl").read_text("utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line]
    judged, agreed = 0, 0
    for row in rows:
        gold = row["ground_truth"].rsplit("A:", 1)[-1].strip()
        for solution in (value for value in row.values() if isinstance(value, dict)):
            judged += 1
            agreed += (judge(gold, solution["solution"]).score == 1.0) == solution["is_correct"]
    assert agreed >= 0.999 * judged > 0


@pytest.mark.skipif(not DATA, reason="TOUCHSTONE_DATA names no folder with gsm8k_model_solutions.jsonl")
def test_reads_the_last_sentence_of_real_solutions() -> None:
    """Without the line that says the answer: the last sum of the last sentence is it."""
    refused, paid, right, wrong = 0, 0, 0, 0
    for line in (Path(DATA or "") / "gsm8k_model_solutions.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        gold = row["ground_truth"].rsplit("A:", 1)[-1].strip()
        for solution in (value for value in row.values() if isinstance(value, dict)):
            body, _, said = solution["solution"].rpartition("\nA: ")
            sums = re.findall(r"<<[^<>]*=([^<>=]*)>>", body)
            if not sums or sums[-1].strip() != said.strip() or "<<" not in body.strip().rsplit("\n", 1)[-1]:
                continue
            score = judge(gold, re.sub(r"<<[^<>]*>>", "", body)).score
            right += solution["is_correct"]
            wrong += not solution["is_correct"]
            refused += solution["is_correct"] and score != 1.0
            paid += not solution["is_correct"] and score == 1.0
    assert right > 1000 < wrong
    assert paid == 0
    assert refused <= 0.01 * right

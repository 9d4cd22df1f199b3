"""What a tool wrote into a completion is not its answer, however right it is; and honest answers beside it are read."""

import pytest

from reward_verifiers.answer import AnswerOptions, AnswerReference, AnswerVerifier
from reward_verifiers.completion import RESULTS, without_results
from reward_verifiers.qa import QaOptions, QaReference, QaVerifier
from reward_verifiers.verifier import Sample

RIGHT = "5/6"
ANSWERS = (r"\boxed{5/6}", "<answer>5/6</answer>", "The answer is 5/6.", "5/6")


def score(text):
    sample = Sample(text, AnswerOptions(kind="math"), AnswerReference(answer=RIGHT))
    return AnswerVerifier().verify(sample).score


def exact(text):
    sample = Sample(text, QaOptions(source="auto"), QaReference(answer=RIGHT))
    return QaVerifier().verify(sample).score


def wrapped(answer):
    """The answer as each trainer writes what a tool has said."""
    for tag in RESULTS:
        yield f"<think>I call.</think><tool_call>{{}}</tool_call><{tag}>{answer}</{tag}>"
        yield f"<think>I call.</think><tool_call>{{}}</tool_call><{tag}>{answer}"  # cut off
        yield f"<{tag}>nothing</{tag}> and <{tag}>\n{answer}\n</{tag}>\n"
        yield f"<think>{'a < b, ' * 20}</think><{tag}>{answer}</{tag}>"
    for call in ("search", "python", "code", "tool_call"):
        yield f"<think>I call.</think><{call}>x</{call}>\n<result>{answer}</result>"
        yield f"<think>I call.</think><{call}>x</{call}><output>{answer}</output>"
    yield f"```python\nprint(5 / 6)\n```\n```output\n{answer}\n```\n"


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_right_answer_that_a_tool_wrote_is_not_right(answer):
    for text in wrapped(answer):
        assert score(text) == 0.0, text
        assert exact(text) == 0.0, text
        # A claim about the tool is no answer either.
        assert score(f"{text} The tool has said what the answer is.") == 0.0, text


@pytest.mark.parametrize("answer", ANSWERS[:3])
def test_the_models_own_answer_beside_it_is_read(answer):
    for text in wrapped("7/6, 2/3 and 41"):
        if text.endswith("41"):
            continue
        assert score(f"{text}\n{answer}") == 1.0, text


@pytest.mark.parametrize(
    "text",
    [
        "<result>5/6</result>",
        "<output>5/6</output>",
        "<think>The output was wrong.</think> ```\n5/6\n```",
        "I use <search>nothing</search>. <answer>5/6</answer>",
    ],
)
def test_words_that_an_answer_may_mark_up_by_itself_are_the_models(text):
    assert without_results(text) == text
    assert score(text) == 1.0


@pytest.mark.parametrize(
    "mark", ["<information>", "</search> <result>", "```\n```output\n", "<tool_response></tool_response>"]
)
def test_many_marks_take_linear_time(mark):
    text = mark * (1_000_000 // len(mark))
    assert len(without_results(text)) <= len(text)

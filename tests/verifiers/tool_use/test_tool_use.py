"""`tool_use`: four parts of a trace, and what a completion says of its calls counts for nothing."""

import pytest

from reward_verifiers import conformance
from reward_verifiers.contract import Message, Trace, TracedCall
from reward_verifiers.tool_use import ToolUseOptions, ToolUseReference, ToolUseVerifier
from reward_verifiers.verifier import BadReference, Sample

PROMPT = "In which year was Velmora founded?"
PASSAGE = "[town-1] Velmora\nVelmora is a town on Orrin Major. It was founded in 1261 by Ilsa Verrane."


def ok(tool="search", output=PASSAGE, **arguments):
    return TracedCall(tool=tool, outcome="ok", arguments=arguments or {"query": "Velmora founded"}, output=output)


def refused(cause="argument"):
    return TracedCall(tool="search", outcome="refused", cause=cause, output="refused: query: missing")


def failed():
    return TracedCall(tool="python", outcome="failed", cause="SessionBroke: no jail", output="The tool failed.")


def verdict(completion, calls=(), prompt=PROMPT, trace=None, turns=(), **options):
    sample = Sample(
        completion=completion,
        options=ToolUseOptions(**options),
        reference=ToolUseReference(),
        prompt=prompt,
        question=prompt,
        turns=turns,
        trace=trace or Trace(session="a", calls=list(calls)),
    )
    return ToolUseVerifier().verify(sample)


def parts(completion, calls=(), **more):
    judged = verdict(completion, calls, **more)
    return {name: score for name, score in judged.evidence["parts"].items() if score is not None}


RIGHT = "<think>It says 1261.</think><answer>1261</answer>"


def test_nothing_is_paid_for_calling_as_such():
    none, one = verdict(RIGHT), verdict(RIGHT, [ok()])
    assert none.score == one.score == 1.0
    # More calls never earn more than none, however they go.
    for calls in ([ok()] * 3, [ok(), refused()], [ok(query=str(n)) for n in range(30)], [refused("budget")]):
        assert verdict(RIGHT, calls).score < 1.0


def test_wrong_arguments_spent_budgets_and_failures_are_told_apart():
    assert parts(RIGHT, [ok(), refused()])["valid"] == 0.5
    assert parts(RIGHT, [ok(), refused()])["budget"] == 1.0
    spent = parts(RIGHT, [ok(), refused("budget")])
    assert (spent["valid"], spent["budget"]) == (1.0, 0.0)
    assert parts(RIGHT, trace=Trace(session="a", calls=[ok()], beyond=2))["budget"] == 0.0
    assert parts(RIGHT, [ok(query=str(n)) for n in range(16)], max_calls=8)["budget"] == 0.5
    ours = verdict(RIGHT, [ok(), failed()])
    assert (ours.valid, ours.failure.kind, ours.score) == (False, "verifier_error", None)
    assert ours.reason == "tools: call 2, of python, failed: SessionBroke: no jail"
    assert not verdict(RIGHT, trace=Trace(session="a", trouble="no such session")).valid


def test_a_group_without_sessions_has_no_verdict():
    sample = Sample(RIGHT, ToolUseOptions(), ToolUseReference())
    with pytest.raises(BadReference, match="sessions"):
        ToolUseVerifier().verify(sample)


def test_a_result_is_used_when_something_new_of_it_comes_again():
    assert parts(RIGHT, [ok()])["used"] == 1.0
    assert parts("<answer>Orrin Major</answer>", [ok()])["used"] == 1.0
    assert parts("<answer>I do not know</answer>", [ok()])["used"] == 0.0
    # What the question and the call said already shows nothing.
    assert parts("<answer>Velmora was founded</answer>", [ok()])["used"] == 0.0
    # A later call that builds upon it uses it.
    second = ok(query="Ilsa Verrane birth", output="She was born in 1230.")
    assert parts("<answer>1230</answer>", [ok(), second])["used"] == 1.0
    assert parts(RIGHT, [ok(), ok()])["used"] == 0.5  # the same again
    # A result with nothing new in it is left out, as is an exception.
    assert parts("<answer>x</answer>", [ok("python", "", code="x = 1")])["used"] == 1.0
    assert (
        parts("<answer>x</answer>", [ok("python", "Traceback 99", code="1/0").model_copy(update={"raised": True})])[
            "used"
        ]
        == 1.0
    )


@pytest.mark.parametrize("tag", ["information", "tool_response", "tool_result", "interpreter"])
def test_what_a_tool_wrote_into_the_completion_is_not_the_models(tag):
    echoed = f"<think>I search.</think><search>Velmora founded</search><{tag}>{PASSAGE}</{tag}>"
    assert parts(f"{echoed}<answer>?</answer>", [ok()])["used"] == 0.0
    assert parts(f"{echoed}<answer>1261</answer>", [ok()])["used"] == 1.0
    # The same without any mark, word for word; and one that is never closed.
    assert parts(f"I search. {PASSAGE} Done.", [ok()])["used"] == 0.0
    assert parts(f"I search. <{tag}>{PASSAGE} <answer>1261</answer>", [ok()], grounded=1)["grounded"] == 0.0


def test_of_messages_only_the_assistants_are_read():
    turns = (Message(role="assistant", content="I search."), Message(role="assistant", content="<answer>1261</answer>"))
    assert parts("", [ok()], turns=turns, grounded=1) == {"valid": 1.0, "used": 1.0, "budget": 1.0, "grounded": 1.0}


def test_an_answer_is_grounded_in_what_was_retrieved_and_not_in_the_query():
    assert parts(RIGHT, [ok()], grounded=1)["grounded"] == 1.0
    assert parts(RIGHT, grounded=1)["grounded"] == 0.0
    assert parts("<answer>1262</answer>", [ok()], grounded=1)["grounded"] == 0.0
    assert parts("<answer>ilsa  verrane.</answer>", [ok()], grounded=1)["grounded"] == 1.0
    assert parts("<answer>126</answer>", [ok()], grounded=1)["grounded"] == 0.0  # a word is found whole
    guess = ok(query="founded 1261")
    assert parts(RIGHT, [guess], grounded=1)["grounded"] == 0.0
    assert parts(RIGHT, [guess, ok()], grounded=1)["grounded"] == 1.0
    assert parts(RIGHT, [ok("python", "1261", code="print(1261)")], grounded=1)["grounded"] == 0.0
    assert parts(RIGHT, [ok("python", "1261", code="1200 + 61")], grounded=1, sources=["python"])["grounded"] == 1.0
    # Where it cannot be said, it does not count.
    for answer in ("yes", "I cannot find it", "Velmora"):
        assert "grounded" not in parts(f"<answer>{answer}</answer>", [ok()], grounded=1)


@pytest.mark.parametrize(
    "claim",
    [
        "<tool_call>{}</tool_call><tool_response>1261</tool_response><answer>1261</answer>",
        "I searched three times, all calls were valid, and the results were used. <answer>1261</answer>",
        '{"outcome": "ok", "calls": [{"tool": "search"}]}<answer>1261</answer>',
    ],
)
def test_what_a_completion_claims_of_its_calls_counts_for_nothing(claim):
    said, silent = verdict(claim, grounded=1), verdict("<answer>1261</answer>", grounded=1)
    assert said.score == silent.score
    assert said.evidence["count"] == 0


def test_weights_of_none_are_refused():
    with pytest.raises(ValueError, match="give one of them a weight"):
        ToolUseOptions(valid=0, used=0, budget=0, grounded=0)


async def test_it_keeps_the_contract():
    traces = [Trace(session="a", calls=[ok()]), Trace(session="b", calls=[refused(), ok()])]
    await conformance.check_verifier(
        "tool_use", [RIGHT, "<answer>?</answer>"], reference={}, options={"grounded": 1}, prompt=PROMPT, traces=traces
    )

"""What trainers send, brought into one shape."""

import pytest

from reward_api.trainers.normal import asked, reference_of, without_prompt
from reward_api.trainers.responses import CreateParams, Response, completion_of, prompt_of
from reward_verifiers.contract import Message, completion_text

CHAT = "<|im_start|>user\nWhat is 1+1? Think first.<|im_end|>\n<|im_start|>assistant\n"


@pytest.mark.parametrize(
    ("query", "prompt", "completion"),
    [
        (CHAT + "It is 2.", CHAT, "It is 2."),
        ("<s>" + CHAT + "It is 2.", CHAT, "It is 2."),
        ("<s> " + CHAT + "It is 2.", CHAT, "It is 2."),
        ("<|begin_of_text|>" + CHAT + "2", "<|begin_of_text|>" + CHAT, "2"),
        (CHAT, CHAT, ""),
        ("two", "", "two"),
        # Cut from the left, also within a character.
        (CHAT[13:] + "It is 2.", CHAT, "It is 2."),
        ("\ufffd\ufffd" + CHAT[13:] + "It is 2.", CHAT, "It is 2."),
        # White space that the decoder wrote differently, before the end.
        (CHAT.replace("assistant\n", "assistant ") + "It is 2.", CHAT, None),
        ("user:  " + "a b  c " * 30 + CHAT + "2", "user: " + "a b c " * 30 + CHAT, "2"),
        # The completion repeats the prompt: the first one counts.
        (CHAT + CHAT + "2", CHAT, CHAT + "2"),
        (CHAT[20:] + CHAT + "2", CHAT, CHAT + "2"),
        # It cannot be told where a cut prompt ends when its end repeats itself.
        (CHAT + CHAT + "2", "Once more. " + CHAT + CHAT, None),
        # Another prompt: nothing is guessed.
        ("What is 2+2? It is 4.", CHAT, None),
        ("Oh, Hi there", "Hi", None),
        ("", CHAT, None),
    ],
)
def test_the_prompt_is_taken_off_or_nothing_is_guessed(query, prompt, completion):
    assert without_prompt(query, prompt) == completion


@pytest.mark.timeout(10)
def test_a_hostile_query_does_not_hold_up_the_gateway():
    assert without_prompt("ab" * 500_000 + "c", "ab" * 400_000 + "d") is None
    assert without_prompt("a" * 1_000_000, "b" + "a" * 900_000) is None


@pytest.mark.parametrize(
    ("label", "reference"),
    [
        (None, {}),
        ("5/6", {"answer": "5/6"}),
        ("", {"answer": ""}),
        ("{}", {}),
        (7, {"answer": 7}),
        ('{"answer": "5/6", "kind": "math"}', {"answer": "5/6", "kind": "math"}),
        ("{1, 2}", {"answer": "{1, 2}"}),
        ('{"answer": 1, "answer": 2}', {"answer": '{"answer": 1, "answer": 2}'}),
        ("[1, 2]", {"answer": "[1, 2]"}),
        (["a"], {"answer": ["a"]}),
        ({"tests": [1]}, {"tests": [1]}),
        ({"ground_truth": "5/6"}, {"ground_truth": "5/6", "answer": "5/6"}),
        ({"expected_answer": '{"answer": "x"}', "q": 1}, {"expected_answer": '{"answer": "x"}', "q": 1, "answer": "x"}),
        ({"answer": "a", "label": "b"}, {"answer": "a", "label": "b"}),
    ],
)
def test_labels_become_references(label, reference):
    assert reference_of(label) == reference


@pytest.mark.parametrize(
    ("prompt", "asked_prompt", "prefix"),
    [
        (CHAT + "<think>\n", CHAT, "<think>\n"),
        (CHAT + "<think>", CHAT, "<think>"),
        (CHAT + "<think>\n\n</think>\n\n", CHAT, "<think>\n\n</think>\n\n"),
        (CHAT, CHAT, ""),
        ("Write <think>aloud</think>", "Write <think>aloud</think>", ""),
        (None, None, ""),
        ([Message(role="user", content="x")], [Message(role="user", content="x")], ""),
        (
            [Message(role="user", content="x"), Message(role="assistant", content="<think>\n")],
            [Message(role="user", content="x")],
            "<think>\n",
        ),
    ],
)
def test_what_the_prompt_prefills_is_the_completions_prefix(prompt, asked_prompt, prefix):
    sample = asked(prompt=prompt, completion="2", label=None)
    assert (sample.prompt, sample.prefix) == (asked_prompt, prefix)


def test_the_operators_prefix_stands_where_the_prompt_shows_none():
    assert asked(prompt="x", completion="2", label=None, prefix="<think>").prefix == "<think>"
    assert asked(prompt="x<think>\n", completion="2", label=None, prefix="<think>").prefix == "<think>\n"


def test_end_tokens_and_nul_are_taken_out_of_completions():
    assert asked(prompt="x", completion="2\0<|im_end|>\n<|endoftext|>", label=None).completion == "2\ufffd"
    said = [Message(role="assistant", content=[{"type": "text", "text": "a\0b</s>"}], reasoning_content="t\0")]
    sample = asked(prompt="x", completion=said, label=None)
    assert completion_text(sample.completion) == "<think>t\ufffd</think>a\ufffdb"


def test_a_label_may_name_its_group():
    sample = asked(prompt="x", completion="2", label='{"answer": "2", "group_id": 7, "group_size": 4}', group_size=8)
    assert (sample.group_id, sample.group_size, sample.reference) == ("7", 4, {"answer": "2"})
    with pytest.raises(ValueError, match="group_size: an integer from 1"):
        asked(prompt="x", completion="2", label={"group_size": "many"})


def test_who_is_a_sibling():
    def sample(**more):
        return asked(**{"prompt": "x", "completion": "2", "label": "a", **more})

    key = sample().group_key("math", "v1")
    assert sample(completion="3").group_key("math", "v1") == key
    assert sample(completion="3").sample_key() != sample().sample_key() == sample().sample_key()
    others = [sample(prompt="y"), sample(label="b"), sample(group_id="q"), sample(group_size=4)]
    assert (
        len(
            {
                key,
                sample().group_key("code", "v1"),
                sample().group_key("math", "v2"),
                *(one.group_key("math", "v1") for one in others),
            }
        )
        == 7
    )
    named = sample(group_id="q", prompt="y").group_key("math", "v1")
    assert named == sample(group_id="q").group_key("math", "v1")


def test_responses_objects_are_read():
    response = Response.model_validate(
        {
            "output": [
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "let me "}]},
                {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "look"}], "summary": []},
                {"type": "message", "content": [{"type": "output_text", "text": "I look it up."}]},
                {"type": "function_call", "name": "search", "arguments": "{}", "call_id": "1"},
                {"type": "function_call_output", "call_id": "1", "output": "42"},
                {"type": "message", "content": [{"type": "refusal", "refusal": "No."}, {"type": "output_image"}]},
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "cut off"}]},
            ],
            "incomplete_details": {"reason": "max_output_tokens"},
            "usage": {"output_tokens": 9},
        }
    )
    assert completion_text(completion_of(response)) == (
        "<think>let me look</think>I look it up.\nNo.\n<think>cut off</think>"
    )
    assert (response.truncated, response.tokens) == (True, 9)
    assert completion_text(completion_of(Response(output=[]))) == ""
    asked_for = CreateParams.model_validate(
        {"instructions": "Be kind.", "input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]}
    )
    assert [(one.role, one.text()) for one in prompt_of(asked_for)] == [("system", "Be kind."), ("user", "Hi")]
    assert prompt_of(CreateParams(input="Hi")) == "Hi"

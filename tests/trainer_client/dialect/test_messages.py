"""Prompts and completions of any maker, as text."""

import pytest

from trainer_client.dialect.messages import ended, message_text, readable


def said(**message):
    return message_text(readable([{"role": "assistant", **message}])[0])


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": "a"}, "a"),
        ({"content": None}, ""),
        ({"content": [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]}, "ab"),
        ({"content": [{"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "No."}]}, "aNo."),
        ({"content": [{"text": "a"}, "b"]}, "ab"),
        ({"content": [{"type": "text", "text": None}, None]}, ""),
        ({"content": "a", "reasoning_content": "r"}, "<think>r</think>a"),
        ({"content": "a", "reasoning": "r"}, "<think>r</think>a"),
        ({"content": "a", "thinking": "r"}, "<think>r</think>a"),
        ({"content": "a", "reasoning_content": None, "reasoning": "r", "thinking": "t"}, "<think>r</think>a"),
        ({"content": None, "reasoning_content": ""}, "<think></think>"),
        ({"content": "a\0", "reasoning_content": "\0"}, "<think>\ufffd</think>a\ufffd"),
        ({"content": "a", "tool_calls": [object()], "name": "x"}, "a"),
    ],
)
def test_a_message_is_its_text_and_its_reasoning(message, text):
    assert said(**message) == text


def test_only_what_the_gateway_reads_is_kept():
    assert readable([{"role": "user", "content": "x", "tool_calls": []}]) == [{"role": "user", "content": "x"}]
    assert readable("a\0") == "a\ufffd"


def test_calls_that_the_server_split_off_are_kept():
    call = {"id": "c1", "type": "function", "function": {"name": "f\0", "arguments": '{"a": 1}'}}
    [message] = readable(
        [{"role": "assistant", "content": None, "tool_calls": [call, {"name": "g", "arguments": {"b": 2}}]}]
    )
    assert message["tool_calls"] == [
        {"function": {"name": "f\ufffd", "arguments": '{"a": 1}'}},
        {"function": {"name": "g", "arguments": '{"b": 2}'}},
    ]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ({"name": "f"}, "{}"),
        ({"name": "f", "arguments": None}, "{}"),
        ({"name": "f", "arguments": {}}, "{}"),
        ({"name": "f", "arguments": ""}, ""),
        ({"name": "f", "arguments": []}, "[]"),
        ({"name": "f", "arguments": 0}, "0"),
        ({"name": "f", "arguments": False}, "false"),
    ],
)
def test_only_arguments_that_are_not_there_become_an_empty_object(call, text):
    for one in (call, {"type": "function", "function": call}):
        [message] = readable([{"role": "assistant", "tool_calls": [one]}])
        assert message["tool_calls"] == [{"function": {"name": "f", "arguments": text}}]


def test_every_turn_of_the_assistant_ends():
    turns = [
        {"role": "assistant", "content": "a<|im_end|>"},
        {"role": "tool", "content": "t</s>"},
        {"role": "assistant", "content": [{"type": "text", "text": "b</s><pad>"}]},
        {"role": "assistant"},
    ]
    assert [message.get("content") for message in ended(readable(turns))] == ["a", "t</s>", "b", None]
    assert ended("a<|eot_id|>") == "a"

"""How calls are written: in tags and in JSON, with one token or many for the mark."""

import pytest
from scripted_engine import letters_tokenizer

from grpo_trainer import tiny
from grpo_trainer.rollout.call_format import Call, CallFormat
from grpo_trainer.rollout.tools import ToolReply, schema
from grpo_trainer.tasks import Products

WORDS = tiny.tokenizer(Products.tokens)
SCHEMAS = [schema("calculate", "", "expression", ""), schema("search", "", "query", "")]


@pytest.fixture(scope="module")
def letters():
    return letters_tokenizer()


def test_a_mark_of_one_token_is_the_only_pause():
    assert CallFormat(WORDS, SCHEMAS[:1]).pauses == (WORDS.convert_tokens_to_ids("</calculate>"),)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("<calculate>17*23</calculate>", True),
        ("so</calculate>", True),
        ("<calculate>1</calculate><calculate>2</calculate>", True),
        ("<think>", False),
        ("<calculate>", False),
        ("<calculate>1</calculate> <answer>", False),
        ("<calculate>3>", False),
        ("</calc ulate>", False),
        ("</output>", False),
        ("x" * 200 + "</calculate>", True),
    ],
)
def test_a_stop_is_worth_it_where_a_call_ends(letters, text, ends):
    assert CallFormat(letters, SCHEMAS[:1]).ends_call(letters.encode(text, add_special_tokens=False)) is ends
    assert CallFormat(WORDS, SCHEMAS[:1]).ends_call(WORDS.encode("1</calculate>"))


def test_a_mark_of_many_tokens_pauses_wherever_it_may_end(letters):
    pauses = {letters.decode([token]) for token in CallFormat(letters, SCHEMAS).pauses}
    assert pauses == {">", ">\n"}


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("so <calculate>2*3</calculate>", Call("calculate", {"expression": "2*3"})),
        ("so <calculate>2*3</calculate>\n", Call("calculate", {"expression": "2*3"})),
        ("<search>who</search>", Call("search", {"query": "who"})),
        ("<calculate>1</calculate> <search>who</search>", Call("search", {"query": "who"})),
        ("<calculate><calculate>1</calculate>", Call("calculate", {"expression": "1"})),
        ("<calculate>1", None),
        ("1</calculate>", None),
        ("<calculate>1</search>", None),
        ("<think>", None),
        ("", None),
    ],
)
def test_calls_in_tags(letters, text, call):
    assert CallFormat(letters, SCHEMAS).read(letters.encode(text)) == call


@pytest.mark.parametrize(
    ("body", "name", "error"),
    [
        ('{"name": "search", "arguments": {"query": "a", "k": 3}}', "search", ""),
        ('{"name": "search"}', "search", ""),
        ('{"name": "fly", "arguments": {}}', "", "there is no such tool; there are: calculate, search"),
        ('{"name": ["search"]}', "", "no such tool"),
        ('{"name": "search", "arguments": "a"}', "", "are an object"),
        ("search(a)", "", "a call is JSON"),
        ("[1]", "", "a call is JSON"),
        ("[" * 20_000, "", "a call is JSON"),
        ('{"name": "search", "arguments": {"query": "' + "a" * 40_000 + '"}}', "", "at most"),
    ],
)
def test_calls_in_json(letters, body, name, error):
    call = CallFormat(letters, SCHEMAS, "json").read(letters.encode(f"<tool_call>{body}</tool_call>"))
    assert call.name == name
    assert error in call.error
    assert bool(call.error) == bool(error)


def test_outputs_have_the_marks_of_their_style(letters):
    reply = ToolReply("ok", "7")
    texts = [letters.decode(CallFormat(letters, SCHEMAS, style).output(reply)) for style in ("tags", "json")]
    assert texts == ["<output>7</output>", "<tool_response>7</tool_response>"]


def test_a_tool_that_tags_cannot_call_is_named():
    two = {"type": "function", "function": {"name": "put", "parameters": {"properties": {"a": {}, "b": {}}}}}
    with pytest.raises(ValueError, match=r"tools.calls: put .* use `json`"):
        CallFormat(WORDS, [two])

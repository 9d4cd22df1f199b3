"""Where the prompt ends and the completion begins."""

import pytest

from trainer_client.dialect.messages import readable
from trainer_client.dialect.prefill import split_prefill, without_prompt

CHAT = "<|im_start|>user\nWhat is 1+1? Think first.<|im_end|>\n<|im_start|>assistant\n"
USER = {"role": "user", "content": "x"}


def assistant(**more):
    return {"role": "assistant", **more}


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


LETTERS = "abcdefghijklmnopqrstuvwxyz"


def test_a_cut_prompt_is_recognised_by_its_last_sixteen_characters():
    assert without_prompt(LETTERS[-16:] + " 2", LETTERS) == " 2"
    assert without_prompt(LETTERS[-15:] + " 2", LETTERS) is None
    assert without_prompt(LETTERS[-16:] + " 2", LETTERS[-17:]) == " 2"
    assert without_prompt(LETTERS[-14:] + " 2", LETTERS[-15:]) is None


@pytest.mark.timeout(10)
def test_a_hostile_query_does_not_hold_up_the_gateway():
    assert without_prompt("ab" * 500_000 + "c", "ab" * 400_000 + "d") is None
    assert without_prompt("a" * 1_000_000, "b" + "a" * 900_000) is None


@pytest.mark.parametrize(
    ("prompt", "shown", "prefix"),
    [
        (CHAT + "<think>\n", CHAT, "<think>\n"),
        (CHAT + "<think>", CHAT, "<think>"),
        (CHAT + "<think>\n\n</think>\n\n", CHAT, "<think>\n\n</think>\n\n"),
        (CHAT, CHAT, ""),
        ("Write <think>aloud</think>", "Write <think>aloud</think>", ""),
        (None, None, ""),
        ([USER], [USER], ""),
        ([USER, assistant(content="<think>\n")], [USER], "<think>\n"),
        ([USER, assistant(content=[{"type": "text", "text": "Let"}])], [USER], "Let"),
        ([USER, assistant(reasoning_content="r", content="b")], [USER], "<think>r</think>b"),
        ([USER, assistant(content="")], [USER], ""),
        ([], [], ""),
    ],
)
def test_what_the_prompt_prefills_is_the_completions_prefix(prompt, shown, prefix):
    assert split_prefill(prompt if prompt is None else readable(prompt)) == (shown, prefix)


def test_the_operators_prefix_stands_where_the_prompt_shows_none():
    assert split_prefill("x", "<think>") == ("x", "<think>")
    assert split_prefill("x<think>\n", "<think>") == ("x", "<think>\n")
    assert split_prefill(None, "<think>") == (None, "<think>")
    assert split_prefill([USER], "<think>") == ([USER], "<think>")
    assert split_prefill([USER, assistant(content="")], "<think>") == ([USER], "<think>")

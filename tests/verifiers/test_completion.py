import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_verifiers.completion import MAX_TAGS, after_think, scan, section, visible, without_end

NAMES = (section("think"), section("answer"))


def test_tags_come_in_order_with_their_places():
    text = "a<answer></think> <think>"
    assert [(str(tag), tag.start, tag.end) for tag in scan(text, NAMES)] == [
        ("<answer>", 1, 9),
        ("</think>", 9, 17),
        ("<think>", 18, 25),
    ]


def test_a_scan_is_bounded():
    assert len(scan("<think>" * 100_000, NAMES)) == MAX_TAGS


def test_case_does_not_shift_places():
    # The lower case of this letter is two characters long.
    [tag] = scan("İ<THINK>", NAMES, case_sensitive=False)
    assert (str(tag), tag.start) == ("<think>", 1)


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("<think>`<answer>`</think>", ["<think>", "</think>"]),
        ("`a` <think> `c`", ["<think>"]),
        ("```\n`<think>\n``` `<answer>`", []),
        ("``` open `<think>` <answer>", ["<answer>"]),
        ("` open <think>", ["<think>"]),
        ("`two\n<think> lines`", ["<think>"]),
        ("`` <think>", ["<think>"]),
    ],
)
def test_code_hides_tags_when_it_is_closed(text, tags):
    assert [str(tag) for tag in scan(text, NAMES, skip_code=True)] == tags


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        (" \t\n\u3000", 0),
        ("\u200b\u2060\ufeff\u00ad\u3164\u2800\x00", 0),
        ("a b\u200bc", 3),
        ("因é", 2),
        ("x" * 99, 9),
    ],
)
def test_visible_characters(text, count):
    assert visible(text, 9) == count


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("2<|im_end|>", "2"),
        ("2 <|im_end|>\n<|endoftext|> \n", "2 "),
        ("2 \n", "2 \n"),
        ("<|im_end|>", ""),
        ("", ""),
        ("<|im_end|>2", "<|im_end|>2"),
    ],
)
def test_end_tokens_are_dropped_at_the_very_end(text, rest):
    assert without_end(text) == rest


@pytest.mark.parametrize(
    ("text", "prefix", "rest"),
    [
        ("<think>a</think>b", "", "b"),
        ("a</think>b", "<think>", "b"),
        ("<think>a</think>b<think>c</think>d", "", "d"),
        ("b", "", "b"),
        ("<think>a", "", None),
        ("a", "<think>", None),
        ("<think>a</think>b<think>c", "", None),
    ],
)
def test_what_follows_the_thinking(text, prefix, rest):
    assert after_think(text, prefix) == rest


@given(st.text(st.sampled_from("`<>/think answer"), max_size=200))
def test_any_text_is_scanned(text):
    tags = scan(text, NAMES, whitespace=True)
    for tag in tags:
        assert text[tag.start] == "<"
        assert text[tag.end - 1] == ">"
    assert set(scan(text, NAMES, whitespace=True, skip_code=True)) <= set(tags)

"""What a decoder leaves at a text's end."""

import pytest

from trainer_client.dialect.end_tokens import END_TOKENS, PADDING, without_end


@pytest.mark.parametrize("token", [*END_TOKENS, *PADDING])
def test_every_familys_end_is_removed(token):
    assert without_end(f"2{token}") == "2"
    assert without_end(f"2 {token}\n{token} \n") == "2 "
    assert without_end(f"{token}2") == f"{token}2"


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("2 \n", "2 \n"),
        ("", ""),
        ("<|im_end|>", ""),
        ("2</s><pad><pad>", "2"),
        ("What comes before is longer: 2</s>", "What comes before is longer: 2"),
        ("2<eos>\u3000[PAD]", "2"),
        ("2</s>\u200b", "2</s>\u200b"),
        ("The token <pad>.", "The token <pad>."),
    ],
)
def test_nothing_else_is(text, rest):
    assert without_end(text) == rest


def test_the_caller_may_name_the_tokens():
    assert without_end("2</s><stop>", ["<stop>"]) == "2</s>"
    assert without_end("2<stop><pad>", ["<stop>", ""]) == "2", "padding is nobody's text"


@pytest.mark.parametrize("token", ["</s>", "<pad>", "</s><pad>", " ", "s>"])
def test_a_hundred_thousand_of_them_are_removed(token):
    rest = without_end("2" + token * 100_000)
    assert rest == ("2" if token.endswith((*END_TOKENS, *PADDING)) else "2" + token * 100_000)


def test_runs_with_white_space_between_are_bounded():
    assert without_end("2" + "</s> " * 200) == "2"
    assert without_end("2" + "</s> " * 203) == "2" + "</s> </s> </s> "

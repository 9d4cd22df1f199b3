"""A batch's rows become groups."""

import pytest

from reward_api.trainers import normal
from reward_verifiers import completion
from trainer_client.adapters import dialect
from trainer_client.adapters.dialect import reference_of
from trainer_client.adapters.rows import grouped
from trainer_client.adapters.settings import AdapterSettings

TOLD = AdapterSettings(domain="math", sources={"codecontests": "code", "number theory": "math"}, prefix="<think>")


def shape(groups):
    return [(group.prompt, list(group.completions), group.reference["answer"]) for group in groups]


def test_neighbours_with_one_prompt_and_reference_are_a_group():
    groups = grouped(TOLD, list("ppqqq"), list("abcde"), {"answer": ["1", "1", "2", "2", "3"]}, [1, 2, 3, 4, 5], 7)
    assert shape(groups) == [("p", ["a", "b"], "1"), ("q", ["c", "d"], "2"), ("q", ["e"], "3")]
    assert [group.tokens for group in groups] == [[1, 2], [3, 4], [5]]
    assert {group.step for group in groups} == {7}
    assert len({group.id for group in groups}) == 3


def test_one_prompt_at_two_places_is_two_groups_with_two_ids():
    first, _, again = grouped(TOLD, list("pqp"), list("abc"), {"answer": ["1"] * 3})
    assert first.prompt == again.prompt
    assert first.id != again.id
    assert grouped(TOLD, ["p"], ["x"], {"answer": ["1"]})[0].id == first.id, "a resumed run finds its verdicts"


def test_columns_are_the_reference_and_trainers_objects_are_not():
    columns = {
        "solution": ["5/6"] * 2,
        "level": [3, 3],
        "seen": [None, None],
        "environments": [object(), object()],
        "trainer_state": object(),
        "step": 4,
    }
    [group] = grouped(TOLD, ["p", "p"], ["a", "b"], columns)
    assert group.reference == {"solution": "5/6", "level": 3, "answer": "5/6"}


def test_a_column_named_reference_is_all_of_it():
    columns = {"reference": [{"answer": "4", "kind": None}] * 2, "level": [1, 2]}
    [group] = grouped(TOLD, ["p", "p"], ["a", "b"], columns)
    assert group.reference == {"answer": "4"}


def test_what_json_cannot_carry_is_left_out():
    numpy = pytest.importorskip("numpy")
    columns = {
        "answer": [numpy.array([1, 2])] * 2,
        "score": [float("nan")] * 2,
        "image": [b"\x89PNG"] * 2,
        "more": [{"raw": b"x", "kept": 1}] * 2,
    }
    [group] = grouped(TOLD, ["p", "p"], ["a", "b"], columns)
    assert group.reference == {"answer": [1, 2], "more": {"raw": None, "kept": 1}}


def test_messages_keep_their_text_and_a_prefilled_turn_is_the_prefix():
    question = [{"type": "image", "image": object()}, {"type": "text", "text": "How many?"}]
    prompt = [{"role": "user", "content": question}, {"role": "assistant", "content": "<think>Let"}]
    said = [{"role": "assistant", "content": "us see</think>4<|im_end|>", "tool_calls": [object()]}]
    [group] = grouped(TOLD, [prompt], [said], {"answer": ["4"]})
    assert group.prompt == [{"role": "user", "content": [{"type": "text", "text": "How many?"}]}]
    assert group.prefix == "<think>Let"
    assert group.completions == [[{"role": "assistant", "content": "us see</think>4"}]]


@pytest.mark.parametrize(
    ("columns", "domain"),
    [
        ({}, "math"),
        ({"domain": ["logic"]}, "logic"),
        ({"domain": ["number theory"]}, "math"),
        ({"source": ["codecontests"]}, "code"),
        ({"source": ["unheard of"]}, "math"),
    ],
)
def test_the_domain_is_the_columns_or_the_sources_or_the_default(columns, domain):
    assert grouped(TOLD, ["p"], ["a"], columns)[0].domain == domain


def test_a_row_without_a_domain_says_what_to_set():
    with pytest.raises(ValueError, match="TOUCHSTONE_SOURCES=gsm8k=domain"):
        grouped(AdapterSettings(), ["p"], ["a"], {"data_source": ["gsm8k"]})


def test_an_empty_object_is_no_answer():
    """It is a reference without one, which the gateway gives no verdict on."""
    assert reference_of("{}") == reference_of(" {} ") == reference_of({}) == {}


def test_both_sides_read_the_same_dialects():
    """The client imports nothing of the services, so what it repeats of them is held to it here."""
    assert dialect.ANSWERS == normal.ANSWERS
    assert set(completion.END_TOKENS) <= set(dialect.END_TOKENS)

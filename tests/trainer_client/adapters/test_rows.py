"""A batch's rows become groups."""

import pytest

from trainer_client.adapters import rows
from trainer_client.adapters.rows import imputed
from trainer_client.adapters.settings import AdapterSettings
from trainer_client.results import ScoredGroup, ScoredSample, no_verdict

TOLD = AdapterSettings(domain="math", sources={"codecontests": "code", "number theory": "math"}, prefix="<think>")


def grouped(*arguments):
    return rows.grouped(*arguments).groups


def shape(groups):
    return [(group.prompt, list(group.completions), group.reference["answer"]) for group in groups]


def test_rows_with_one_prompt_and_reference_are_a_group():
    groups = grouped(TOLD, list("ppqqq"), list("abcde"), {"answer": ["1", "1", "2", "2", "3"]}, [1, 2, 3, 4, 5], 7)
    assert shape(groups) == [("p", ["a", "b"], "1"), ("q", ["c", "d"], "2"), ("q", ["e"], "3")]
    assert [group.tokens for group in groups] == [[1, 2], [3, 4], [5]]
    assert {group.step for group in groups} == {7}
    assert len({group.id for group in groups}) == 3


@pytest.mark.parametrize("order", ["pqpqpq", "ppqpqq", "pqqppq", "qpqpqp", "pppqqq"])
def test_interleaved_rows_find_their_siblings(order):
    texts = [f"{prompt}{place}" for place, prompt in enumerate(order)]
    batch = rows.grouped(TOLD, list(order), texts, {"answer": [prompt * 2 for prompt in order]}, list(range(6)))
    assert {group.prompt: sorted(group.completions) for group in batch.groups} == {
        prompt: [text for text in texts if text[0] == prompt] for prompt in "pq"
    }
    assert all(group.reference["answer"] == group.prompt * 2 for group in batch.groups)
    assert batch.in_rows([group.completions for group in batch.groups]) == texts
    assert batch.in_rows([group.tokens for group in batch.groups]) == list(range(6))


def test_without_a_prompt_only_neighbours_are_siblings():
    groups = grouped(TOLD, [None] * 5, list("abcde"), {"answer": ["4", "4", "5", "4", "4"]})
    assert [list(group.completions) for group in groups] == [["a", "b"], ["c"], ["d", "e"]]
    assert len({group.id for group in groups}) == 3


def test_messages_and_arrays_find_their_siblings_too():
    numpy = pytest.importorskip("numpy")
    prompts = [[{"role": "user", "content": text}] for text in "pqpq"]
    columns = {"answer": [numpy.array([1, 2]), numpy.array([3]), numpy.array([1, 2]), numpy.array([3])]}
    assert [list(group.completions) for group in grouped(TOLD, prompts, list("abcd"), columns)] == [
        ["a", "c"],
        ["b", "d"],
    ]


def test_a_resumed_run_finds_its_verdicts():
    again = [grouped(TOLD, ["p", "p"], ["x", "y"], {"answer": ["1", "1"]})[0].id for _ in range(2)]
    assert again[0] == again[1] is not None


def test_the_imputed_mean_is_exact_and_order_does_not_count():
    def group(*rewards):
        return ScoredGroup(
            no_verdict("timeout", "") if reward is None else ScoredSample(reward, None, {}, None) for reward in rewards
        )

    assert imputed(group(*[0.1] * 7, None)) == [0.1] * 8
    assert imputed(group(1e16, 1.0, -1e16, 3.0, None))[-1] == imputed(group(3.0, 1.0, 1e16, -1e16, None))[-1] == 1.0
    assert imputed(group(None, None)) == [None, None]


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
    assert group.prompt == [{"role": "user", "content": "How many?"}]
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

"""What a label means. Every row was read in two ways by the gateway and the adapters, or by one of them alone."""

import functools
import math

import pytest

from trainer_client.dialect.labels import json_value, reference_of

DEEP = '{"a":' * 40 + "1" + "}" * 40


@pytest.mark.parametrize(
    ("label", "reference"),
    [
        (None, {}),
        ("5/6", {"answer": "5/6"}),
        ("", {"answer": ""}),
        ("{}", {}),
        (" {} ", {}),
        ({}, {}),
        (7, {"answer": 7}),
        (0, {"answer": 0}),
        (2.5, {"answer": 2.5}),
        (True, {"answer": True}),
        ('{"answer": "5/6", "kind": "math"}', {"answer": "5/6", "kind": "math"}),
        ('\ufeff{"answer": "5/6"}\n', {"answer": "5/6"}),
        ("{1, 2}", {"answer": "{1, 2}"}),
        ('{"a", "b"}', {"answer": '{"a", "b"}'}),
        ("{'a': 1}", {"answer": "{'a': 1}"}),
        ("[1, 2]", {"answer": "[1, 2]"}),
        (["a"], {"answer": ["a"]}),
        (("a",), {"answer": ["a"]}),
        ({"tests": [1]}, {"tests": [1]}),
        ({"label": False, "target": "x"}, {"label": False, "target": "x", "answer": False}),
        ({"answer": "a", "label": "b"}, {"answer": "a", "label": "b"}),
        ({"answer": {"answer": "a"}}, {"answer": {"answer": "a"}}),
        ({"ground_truth": None, "solution": "a"}, {"ground_truth": None, "solution": "a", "answer": "a"}),
    ],
)
def test_labels_become_references(label, reference):
    assert reference_of(label) == reference


@pytest.mark.parametrize(
    ("inner", "fields"),
    [
        ("5/6", {"answer": "5/6"}),
        ({"answer": "5/6"}, {"answer": "5/6"}),
        ('{"answer": "5/6"}', {"answer": "5/6"}),
        (
            {"ground_truth": {"solution": "5/6"}},
            {"solution": "5/6", "answer": "5/6", "ground_truth": {"solution": "5/6"}},
        ),
        ({"target": 98, "numbers": [44, 54]}, {"target": 98, "numbers": [44, 54], "answer": 98}),
        ({"tests": [1]}, {"tests": [1], "answer": {"tests": [1]}}),
        ('{"inputs": [1]}', {"inputs": [1], "answer": {"inputs": [1]}}),
        (["a"], {"answer": ["a"]}),
        ("{1, 2}", {"answer": "{1, 2}"}),
        ({}, {}),
        ("{}", {}),
        ({"answer": None, "level": 3}, {"answer": None, "level": 3}),
        ('{"target": null}', {"target": None}),
    ],
)
def test_where_the_answer_is_looked_for_a_whole_reference_may_stand(inner, fields):
    assert reference_of({"ground_truth": inner}) == {"ground_truth": inner, **fields}


@pytest.mark.parametrize(
    "label",
    [
        '{"answer": 1, "answer": 2}',
        '{"answer": NaN}',
        '{"answer": 1e999}',
        '{"answer": "\\u0000"}',
        '{"answer": "\\ud800"}',
        '{"answer": "5/6"} and more',
        '{"answer": "5/6"',
        "{'answer': '5/6'}",
        "{'id': 3, 'ground_truth': '5/6'}",
        '{"ground_truth": "{\\"answer\\": 1, \\"answer\\": 2}"}',
        '{"answer": [1, NaN]}',
        f'{{"answer": {DEEP}}}',
        '{"answer":' * 20_000,
        f'{{"answer": {"9" * 10_000}}}',
        "5/6\0",
        "5/6\ud800",
        b"5/6",
        object(),
        float("nan"),
        {"answer": float("nan")},
        {"answer": [b"5/6"]},
        {"answer": {"n": 10**30}},
    ],
)
def test_what_cannot_be_read_is_no_answer(label):
    assert reference_of(label).get("answer") is None


@pytest.mark.parametrize("label", ['{"answer": 1, "answer": 1}', '{"answer": 1}'])
def test_a_key_that_stands_twice_with_one_value_is_no_conflict(label):
    assert reference_of(label) == {"answer": 1}


@pytest.mark.parametrize("label", [10**30, {"answer": 10**30}, f'{{"answer": 1{"0" * 30}}}', {"solution": 10**30}])
def test_an_integer_beyond_64_bits_keeps_its_digits(label):
    assert reference_of(label)["answer"] == "1" + "0" * 30


def test_an_integer_of_thousands_of_digits_is_carried_and_a_longer_one_is_no_answer():
    assert reference_of({"answer": 10**3_500})["answer"] == "1" + "0" * 3_500
    assert reference_of({"answer": 10**3_700})["answer"] is None


@pytest.mark.parametrize(("levels", "is_carried"), [(24, True), (25, False)])
def test_nesting_is_bounded(levels, is_carried):
    nested = functools.reduce(lambda inner, _: {"in": inner}, range(levels), "deep")
    assert ("deep" in str(json_value(nested))) is is_carried


def test_what_json_cannot_carry_is_left_out_beside_the_answer():
    label = {"answer": "4", "image": b"\x89PNG", "loss": math.inf, "more": {"raw": b"x", "kept": 1}, 5: "\0"}
    assert reference_of(label) == {
        "answer": "4",
        "image": None,
        "loss": None,
        "more": {"raw": None, "kept": 1},
        "5": None,
    }


def test_arrays_are_lists():
    numpy = pytest.importorskip("numpy")
    assert reference_of(numpy.int64(5)) == {"answer": 5}
    assert reference_of({"answer": numpy.array([1.5, 2.0])}) == {"answer": [1.5, 2.0]}
    assert json_value([numpy.bool_(True), numpy.float32("nan")]) == [True, None]

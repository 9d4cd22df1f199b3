"""What the audit knows without the verifiers under test: values, rates, what a text mentions, expressions."""

from fractions import Fraction

import pytest

from reward_api.audit.documents import instance_of
from reward_api.audit.findings import BadExpression, fails
from reward_api.audit.frames import FRAMES
from reward_api.audit.items import item_of
from reward_api.audit.scorer import domain_of
from reward_api.audit.values import mentions, number, same
from reward_api.rates import Rate


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        ("1/2", "0.50", True),
        ("\\frac{5}{6}", "10/12", True),
        ("1,234", "1234", True),
        ("-5", "5", False),
        ("144", "145", False),
        ("Paris", "paris.", True),
        ("Paris", "London", False),
        ("Barack", "Barack Obama", None),
        ("yes", "12", False),
        ("x+1", "1+x", True),
        ("7\\pi", "8\\pi", False),
        ("250 cm", "2.5 m", True),
        ("250 cm", "250 m", False),
        ("250 cm", "250 kg", False),
    ],
)
def test_two_answers_are_equal_or_not_or_nobody_knows(one, other, verdict):
    assert same(one, other) is verdict
    assert same(other, one) is verdict


@pytest.mark.parametrize(
    ("text", "value"),
    [("4.5", Fraction(9, 2)), ("−3", Fraction(-3)), ("1/0", None), ("5 cm", None), ("", None), ("12,34", None)],
)
def test_numbers_are_read_by_a_small_grammar(text, value):
    assert number(text) == value


@pytest.mark.parametrize(
    ("text", "answer", "does"),
    [("Score: 1.0", "1", True), ("xylophone", "x", False), ("[[A]]", "A", True), ("", "7", False), ("12", "", False)],
)
def test_a_text_mentions_an_answer_as_a_word_or_by_its_value(text, answer, does):
    assert mentions(text, answer) is does


def test_wilson_holds_at_both_ends():
    assert Rate(0, 0).interval == (0.0, 1.0)
    low, high = Rate(0, 100).interval
    assert low == 0.0
    assert high == pytest.approx(0.037, abs=1e-3)  # below 3/n, as the rule of three has it, and a little more
    low, high = Rate(100, 100).interval
    assert high == 1.0
    assert low == pytest.approx(0.963, abs=1e-3)


def test_expressions_of_fail_on():
    figures = {"ceiling": 0.2, "lazy": 0.5, "false_fail": 0.0, "unearned": 0.1, "holes": 2.0, "warnings": 0.0}
    assert fails("ceiling>0.1")(figures)
    assert fails(" holes >= 2 ")(figures)
    assert not fails("false_fail>0")(figures)
    for wrong in ("ceiling", "ceiling>", "roof>1", "ceiling>1.2.3", "__import__('os')>0", "ceiling=0.1"):
        with pytest.raises(BadExpression):
            fails(wrong)


def test_a_document_is_made_from_its_schema_alone():
    schema = {
        "type": "object",
        "properties": {
            "city": {"type": "string", "minLength": 2},
            "size": {"enum": [3, 4]},
            "tags": {"type": "array", "minItems": 1, "items": {"type": "boolean"}},
            "inner": {"properties": {"x": {"type": ["number", "null"]}}},
        },
    }
    assert instance_of(schema) == {"city": "xx", "size": 3, "tags": [False], "inner": {"x": 0}}
    recursive = {"type": "object", "properties": {}}
    recursive["properties"]["again"] = recursive
    assert instance_of(recursive)  # it ends


@pytest.mark.parametrize(
    ("reference", "row", "kind", "right"),
    [
        ({"answer": "5/6"}, {}, "answer", "5/6"),
        ({"answer": 7}, {}, "answer", "7"),
        ({"target": ["Paris", "paris"]}, {}, "answer", "Paris"),
        ({"answer": "He runs 3*3=<<3*3=9>>9 km.\n#### 9"}, {}, "answer", "9"),
        ({"answer": "We add both sides and get \\boxed{\\frac{1}{2}}."}, {}, "answer", "\\frac{1}{2}"),
        ({"answer": "\\boxed{7}"}, {}, "answer", "\\boxed{7}"),
        (
            {"test": "def check(f): ...", "entry_point": "f"},
            {"prompt": "def f():\n", "canonical_solution": "    return 1"},
            "program",
            "def f():\n    return 1",
        ),
        ({"instruction_id_list": ["a:b"]}, {"solution": "Hello."}, "instructed", "Hello."),
        ({"answer": "[{'instruction_id': ['a:b']}]"}, {"solution": "Hello."}, "instructed", "Hello."),
        ({"tests": [], "kind": "stdio"}, {"solution": "print(1)"}, "program", "print(1)"),
        ({"kind": "sql", "query": "SELECT 1"}, {}, "query", "SELECT 1"),
        ({"calls": []}, {}, "calls", "Hello! No tool is needed for this."),
        ({"schema": {}, "expected": {"a": 1}}, {}, "document", '{"a": 1}'),
        ({}, {"chosen": [{"role": "assistant", "content": "Be kind."}], "rejected": "Be cruel."}, "judged", "Be kind."),
    ],
)
def test_kinds_of_items(reference, row, kind, right):
    item = item_of(1, {"prompt": "p", "reference": reference}, row)
    assert (item.kind, item.right) == (kind, right)


@pytest.mark.parametrize(
    "reference",
    [{}, {"instruction_id_list": ["a:b"]}, {"tests": [{"stdin": "", "stdout": "1"}]}, {"schema": {"type": "object"}}],
)
def test_an_item_without_a_right_answer_says_what_it_lacks(reference):
    assert "to begin with" in item_of(1, {"prompt": "p", "reference": reference}, {})


@pytest.mark.parametrize(
    ("options", "tolerates"),
    [
        ({"kind": "math"}, False),
        ({"kind": "unit"}, True),
        ({"rel_tol": 0.01}, True),
        ({"rel_tol": None}, False),
        ({"grader": "math_tolerance_of_a_tenth"}, False),  # a value, no setting
    ],
)
def test_a_domain_tolerates_what_its_settings_allow(options, tolerates):
    spec = {"verifier": "v", "name": None, "options": options}
    listed = {"name": "v", "weight": 1.0, "whole_group": False}
    document = {"name": "d", "version": "1", "spec": {"components": [spec]}, "components": [listed]}
    assert domain_of(document).tolerates is tolerates


def test_every_frame_holds_the_answer_as_it_is():
    for frames in FRAMES.values():
        for frame in frames:
            assert "7\\pi" in frame.text("7\\pi").replace("\\\\", "\\")
            assert "{" not in frame.text("A").replace("\\boxed{A}", "").replace('{"answer": "A"}', "")

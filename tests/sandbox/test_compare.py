"""Comparing what programs print and return, mode by mode."""

import pytest

from reward_sandbox.grading.compare import Tolerance, Unordered, texts, values


@pytest.mark.parametrize(
    ("mode", "expected", "got", "match"),
    [
        ("exact", "1 2\n", "1 2\n", "same"),
        ("exact", "1 2\n", "1 2", "presentation"),
        ("exact", "1 2\n", "1 3\n", "different"),
        ("lines", "1 2\n3\n", "1 2  \n3\n\n", "same"),
        ("lines", "1 2\n3\n", "1 2 3\n", "presentation"),
        ("lines", "1 2\n3\n", "3\n1 2\n", "different"),
        ("lines", "a\n\nb\n", "a\n", "different"),
        ("unordered", "1 2\n3\n", "3\n1 2\n", "same"),
        ("unordered", "1\n1\n2\n", "1\n2\n2\n", "different"),
        ("unordered", "1 2\n", "1\n2\n", "different"),
        ("tokens", "1 2\n3", "1\n2 3", "same"),
        ("tokens", "1 2", "2 1", "different"),
        ("tokens", "Yes", "yes", "different"),
        ("yes_no", "YES\nno", "Yes No", "same"),
        ("yes_no", "YES", "NO", "different"),
        ("float", "0.5 x", "0.5000000001 x", "same"),
        ("float", "0.5", "0.6", "different"),
        ("float", "0.5 0.5", "0.5", "different"),
        ("float", "0.5", "0.5 0.5", "different"),
        ("float", "3", "3.0", "same"),
        ("float", "3", "3.0000000001", "different"),
        ("float", "x", "y", "different"),
        ("float", "0.5", "nan", "different"),
        ("float", "inf", "inf", "same"),
        ("float", "inf", "1e300", "different"),
        ("float", "1.5", "inf", "different"),
        ("float", "-inf", "inf", "different"),
    ],
)
def test_texts(mode, expected, got, match):
    assert texts(expected, got, mode) == match


@pytest.mark.parametrize(
    ("expected", "got", "equal"),
    [
        (None, None, True),
        (None, 0, False),
        (0, None, False),
        ([], None, False),
        (True, True, True),
        (True, 1, False),
        (1, True, False),
        (3, 3.0, True),
        (3, 4, False),
        (4, 3, False),
        (3, 3.0000000001, False),
        (0.5, 0.5000000001, True),
        (0.5, 0.6, False),
        ("a", "a", True),
        ("a", "b", False),
        ("1", 1, False),
        ([1, 2], [1, 2], True),
        ([1, 2], [2, 1], False),
        ([1, 2], [1], False),
        ([1], [1, 2], False),
        ([1, 2], (1, 2), False),
        ([2, 1], Unordered([1, 2]), True),
        ([1, 1], Unordered([1, 2]), False),
        ({"a": [0.5]}, {"a": [0.5000000001]}, True),
        ({"a": 1}, {"b": 1}, False),
        ({"a": 1}, {"a": 1, "b": 1}, False),
        ({"a": 1}, {"a": 2}, False),
    ],
)
def test_values(expected, got, equal):
    assert values(expected, got) is equal


def test_the_tolerance_is_the_callers():
    assert texts("100.0", "101.0", "float", Tolerance(relative=0.02, absolute=0)) == "same"
    assert texts("100.0", "103.0", "float", Tolerance(relative=0.02, absolute=0)) == "different"
    assert values(0.0, 0.5, Tolerance(relative=0, absolute=1.0))

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_verifiers.service.strict_json import MAX_DEPTH, BadJSON, loads


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" ", "ends too early"),
        (b"{", "ends too early"),
        (b'{"a":1,"a":2}', "a key stands twice"),
        (b'{"b":{"a":1,"a":2}}', "a key stands twice"),
        (b"NaN", "syntax"),
        (b"[Infinity]", "syntax"),
        (b"[-Infinity]", "bad number"),
        (b"[1e999]", "range of a float"),
        (b"9" * 400, "64 bits"),
        (b"9" * 5000, "bad number"),
        (b"-9223372036854775809", "64 bits"),
        (b'["\\ud800"]', "surrogate"),
        (b'["\\udc00"]', "surrogate"),
        (b'["\\ud800\\u0041"]', "surrogate"),
        (b'["\xed\xa0\x80"]', "not UTF-8"),
        (b'["\xff"]', "not UTF-8"),
        (b"\xef\xbb\xbf{}", "syntax"),
        (b'["\\u0000"]', "NUL"),
        (b'{"a\\u0000":1}', "NUL"),
        (b'["\x00"]', "control character"),
        (b"[" * 10_000, "nested deeper"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nested deeper"),
        (b"[1] 2", "more behind"),
        (b"[1,]", "syntax"),
        (b"{'a':1}", "syntax"),
        (b"01", "bad number"),
        (b'"\\x"', "bad escape"),
    ],
)
def test_what_is_refused_and_why(body, reason):
    with pytest.raises(BadJSON, match=reason):
        loads(body)


def test_the_reason_never_quotes_the_input():
    with pytest.raises(BadJSON) as caught:
        loads(b'{"secret":1,"secret":2}')
    assert "secret" not in str(caught.value)


def test_an_escaped_backslash_before_u0000_is_text():
    assert loads(rb'["\\u0000"]') == ["\\u0000"]


def test_the_deepest_and_the_largest_are_read():
    assert loads(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert loads(b"[18446744073709551615,-9223372036854775808]") == [2**64 - 1, -(2**63)]


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
documents = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(documents)
def test_what_json_writes_is_read_as_it_was(document):
    assert loads(json.dumps(document).encode()) == document


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body):
    with contextlib.suppress(BadJSON):
        loads(body)


def test_nul_is_let_in_where_the_caller_deals_with_it():
    assert loads(b'["a\\u0000"]', nul=True) == ["a\0"]
    with pytest.raises(BadJSON, match="control character"):
        loads(b'["\x00"]', nul=True)

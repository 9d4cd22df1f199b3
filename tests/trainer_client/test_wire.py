"""What goes out and what is taken in, byte by byte."""

import json
from dataclasses import replace

import httpx
import pytest
from replies import reply, result

from trainer_client import BadGroup, RolloutGroup, RolloutSample
from trainer_client.wire import split, write, write_samples


def sent(**more):
    return json.loads(write(RolloutGroup("toy", **{"completions": ["a"], "reference": "r", **more})).json)


def test_the_key_is_of_the_call_or_of_the_sample_where_it_is_named():
    def key(**more):
        return write(RolloutGroup("toy", **{"completions": ["a"], "reference": "r", **more})).key

    named = {"id": "q", "run": "r", "step": 3}
    assert key() != key()
    for missing in named:
        partly = {name: value for name, value in named.items() if name != missing}
        assert key(**partly) != key(**partly), f"without {missing} a later call is another one"
    assert key(**named) == key(**named) == key(**named, deadline_s=3)
    for other in ({"step": 4}, {"completions": ["b"]}, {"reference": "s"}, {"indices": [0], "group_size": 2}):
        assert key(**named) != key(**{**named, **other})


def test_what_json_cannot_carry_of_a_completion_becomes_a_replacement_character():
    texts = ["nul \0", "lone \ud83d", "pair \ud83d\ude00", [{"role": "assistant", "content": "\0"}]]
    assert sent(completions=texts)["completions"] == [
        "nul \ufffd",
        "lone \ufffd",
        "pair 😀",
        [{"role": "assistant", "content": "\ufffd"}],
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("completions", []),
        ("completions", "a"),
        ("completions", ["a", None]),
        ("completions", [b"a"]),
        ("reference", {"answer": float("nan")}),
        ("reference", {"answer": {1, 2}}),
        ("deadline_s", 0),
    ],
)
def test_what_cannot_be_sent_is_told_here(field, value):
    with pytest.raises(BadGroup, match="JSON" if field == "reference" else field):
        sent(**{field: value})


def test_sessions_go_out_where_a_completion_has_one():
    """A gateway that does not know the field refuses it: what nobody gave is not sent."""
    assert sent(sessions=["s1"])["sessions"] == ["s1"]
    assert "sessions" not in sent()
    samples = {place: RolloutSample("toy", "a", "r", "g", 2, place, session=f"s{place}") for place in (1, 0)}
    assert json.loads(write_samples(samples).json)["sessions"] == ["s0", "s1"]
    without = {place: RolloutSample("toy", "a", "r", "g", 2, place) for place in (1, 0)}
    assert json.loads(write_samples({**samples, 1: without[1]}).json)["sessions"] == ["s0", None]
    assert "sessions" not in json.loads(write_samples(without).json)
    assert json.loads(write_samples({0: replace(without[1], session="")}).json)["sessions"] == [None]


def test_the_deadline_is_added_at_the_end():
    body = write(RolloutGroup("toy", ["a"], "r"))
    assert json.loads(body.until(1.5)) == {**json.loads(body.json), "deadline_s": 1.5}
    assert json.loads(body.until(-3))["deadline_s"] > 0


def test_a_group_is_split_by_bytes_and_keeps_its_places():
    lists = {"tokens": [1, 2, 3, 4], "truncated": [True] * 4, "sessions": ["s1", "s2", "s3", "s4"]}
    group = RolloutGroup("toy", ["a" * 60, "é" * 30, "c" * 200, "d"], "r", **lists)
    parts = split(group, 130)
    assert [part.indices for part in parts] == [[0, 1], [2], [3]]
    assert [part.tokens for part in parts] == [[1, 2], [3], [4]]
    assert [part.sessions for part in parts] == [["s1", "s2"], ["s3"], ["s4"]]
    assert {(part.id, part.group_size) for part in parts} == {(parts[0].id, 4)}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[" * 100_000,
        b"[]",
        b'{"results": []}',
        reply(),
        reply(result(1.0), result(1.0)),
        reply(result(float("nan"))),
        reply(result(float("inf"))),
        reply(result("1")),
        reply(result(True)),
        reply(result(None)),
        reply(result(1.0, "timeout")),
        reply(result(1.0, components={"a": {"score": float("nan")}})),
        reply(result(1.0, components=None)),
    ],
)
def test_a_reply_outside_the_contract_is_no_number(scripted, content):
    client, _ = scripted(content, deadline_s=0.2)
    scored = client.score("toy", ["a"], reference="r")
    assert scored.rewards == [None]
    assert scored.failures[0]["kind"] == "verifier_error"


def test_a_component_that_a_result_lacks_is_none_there(scripted):
    first = result(1.0, components={"a": {"score": 1.0, "reason": "said"}})
    client, _ = scripted(reply(first, result(0.0)))
    scored = client.score("toy", ["a", "b"], reference="r")
    assert scored.components == {"a": [1.0, None]}
    assert scored.reasons == {"a": ["said", ""]}


def test_a_line_separator_in_a_reason_does_not_end_a_line(scripted):
    lines = b"".join(
        json.dumps(
            {"index": index, **json.loads(reply(result(1.0, components={"a": {"score": 1, "reason": "\u2028\x85"}})))},
            ensure_ascii=False,
        ).encode()
        + b"\n"
        for index in (1, 0)
    )
    # One connection is held by the first group, so that the other two go out together.
    client, transport = scripted(reply(result(0.0)), httpx.Response(200, content=lines), connections=1)
    scored = client.score_many([RolloutGroup("toy", [text], "r") for text in "abc"])
    assert [one.rewards for one in scored] == [[0.0], [1.0], [1.0]]
    assert len(transport.asked) == 2
    assert len(transport.asked[1][1]["idempotency-key"].split(", ")) == 2

"""Who is whose sibling, and when a group is settled."""

import asyncio
import threading
import time

import pytest

from trainer_client.dialect import grouping
from trainer_client.dialect.grouping import SiblingGroups, group_key


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def groups(clock):
    return SiblingGroups(window_s=10, timer=clock)


def key(*scope, **more):
    fields = {"group_id": None, "prompt": "x", "reference": {"answer": "a", "level": 3}, "prefix": "", "size": None}
    return group_key(scope or ["math", "v1"], **{**fields, **more})


def test_siblings_share_everything_but_their_completions():
    assert key(reference={"level": 3, "answer": "a"}) == key()
    others = [
        key("code", "v1"),
        key("math", "v2"),
        key(prompt="y"),
        key(prompt=[{"role": "user", "content": "x"}]),
        key(reference={"answer": "b"}),
        key(prefix="<think>"),
        key(size=4),
        key(group_id="q"),
        key(group_id="q", prompt="y"),
    ]
    assert len({key(), *others}) == len(others) + 1
    assert key(group_id="q", reference={}) == key(group_id="q"), "one row of a named group may lack its label"


@pytest.mark.parametrize("prompt", [None, "", []])
def test_what_nothing_tells_from_strangers_has_no_siblings(groups, prompt):
    assert key(prompt=prompt) is None
    assert key(prompt=prompt, group_id="q") is not None
    assert groups.enter(None, 2, b"a")[0] is not groups.enter(None, 2, b"a")[0]


def test_a_group_is_open_for_its_window(groups, clock):
    first, _ = groups.enter(b"k", None, b"a")
    clock.now = 9.9
    assert groups.enter(b"k", None, b"b") == (first, 1)
    assert groups.enter(b"other", None, b"b")[0] is not first
    clock.now = 10
    later, seat = groups.enter(b"k", None, b"c")
    assert (later is first, seat) == (False, 0)


def test_the_window_is_ten_minutes_and_groups_are_bounded(monkeypatch, clock):
    groups = SiblingGroups(timer=clock)
    first, _ = groups.enter(b"k", None, b"a")
    clock.now = 599
    assert groups.enter(b"k", None, b"b")[0] is first
    clock.now = 600
    assert groups.enter(b"k", None, b"b")[0] is not first
    monkeypatch.setattr(grouping, "MAX_GROUPS", 2)
    kept, _ = groups.enter(b"l", None, b"a")
    groups.enter(b"m", None, b"a")
    assert groups.enter(b"l", None, b"b")[0] is kept
    assert groups.enter(b"k", None, b"c")[1] == 0, "the oldest group made room"


def test_a_full_group_makes_place_for_the_next(groups):
    first, _ = groups.enter(b"k", 2, b"a")
    assert groups.enter(b"k", 2, b"a") == (first, 1), "two siblings may have the same text"
    assert groups.enter(b"k", 2, b"a")[0] is not first


def test_a_sample_that_comes_again_takes_the_place_that_it_left(groups):
    group, _ = groups.enter(b"k", 2, b"a")
    _, seat = groups.enter(b"k", 2, b"b")
    group.leave(b"b", seat)
    assert groups.enter(b"k", 2, b"b") == (group, seat)
    group.leave(b"b", seat)
    assert groups.enter(b"k", 2, b"c")[0] is not group, "another one does not"


def test_a_group_of_known_size_is_settled_when_all_are_judged(groups):
    group, first = groups.enter(b"k", 2, b"a")
    group.judge(first, {"reward": 1.0})
    assert not group.is_settled()
    _, second = groups.enter(b"k", 2, b"b")
    assert not group.is_settled()
    group.judge(second, None)
    assert group.is_settled()
    group.take_back(b"b", second)
    assert not group.is_settled()


def test_a_group_of_unknown_size_is_settled_when_one_is_scored_and_none_at_work(groups):
    group, first = groups.enter(b"k", None, b"a")
    group.judge(first, None)
    assert not group.is_settled()
    _, second = groups.enter(b"k", None, b"b")
    _, third = groups.enter(b"k", None, b"c")
    group.judge(second, {"reward": 1.0})
    assert not group.is_settled()
    group.leave(b"c", third)
    assert group.is_settled()


async def test_the_last_member_wakes_who_waits(groups):
    group, first = groups.enter(b"k", 2, b"a")
    _, second = groups.enter(b"k", 2, b"b")
    waiting = [asyncio.ensure_future(group.changes.until(group.is_settled, time.monotonic() + 3600)) for _ in range(3)]
    await asyncio.sleep(0)
    group.judge(first, None)
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    thread = threading.Thread(target=group.judge, args=(second, None))
    thread.start()
    await asyncio.gather(*waiting)
    thread.join()


async def test_the_deadline_ends_a_wait(groups):
    group, _ = groups.enter(b"k", 2, b"a")
    await group.changes.until(group.is_settled, time.monotonic() + 0.01)
    await group.changes.until(group.is_settled, time.monotonic() - 1)

"""Who is whose sibling, and until when one waits for them."""

import asyncio

import pytest

from reward_api.trainers.groups import Groups, Mean


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def groups(clock):
    return Groups(window_s=10, timer=clock)


def test_a_group_is_open_for_its_window(groups, clock):
    first, _ = groups.enter(b"k", None, b"a")
    clock.now = 9
    assert groups.enter(b"k", None, b"b") == (first, 1)
    assert groups.enter(b"other", None, b"b")[0] is not first
    clock.now = 11
    later, seat = groups.enter(b"k", None, b"c")
    assert (later is first, seat) == (False, 0)


def test_a_full_group_makes_place_for_the_next(groups):
    first, _ = groups.enter(b"k", 2, b"a")
    assert groups.enter(b"k", 2, b"a") == (first, 1), "two siblings may have the same text"
    assert groups.enter(b"k", 2, b"a")[0] is not first


def test_a_sample_that_comes_again_takes_the_place_that_it_left(groups):
    group, _ = groups.enter(b"k", 2, b"a")
    _, seat = groups.enter(b"k", 2, b"b")
    group.leave(b"b", seat)
    assert groups.enter(b"k", 2, b"c")[0] is not group, "another one does not"
    group.leave(b"b", seat)
    groups._open[b"k"] = group
    assert groups.enter(b"k", 2, b"b") == (group, seat)


async def settled(group):
    waiting = asyncio.ensure_future(group.settled())
    for _ in range(3):
        await asyncio.sleep(0)
    done = waiting.done()
    waiting.cancel()
    return done


async def test_a_group_of_known_size_is_settled_when_all_are_judged(groups):
    group, first = groups.enter(b"k", 2, b"a")
    group.tell(first, {"reward": 1.0})
    assert not await settled(group)
    _, second = groups.enter(b"k", 2, b"b")
    waiting = asyncio.ensure_future(group.settled())
    await asyncio.sleep(0)
    group.tell(second, None)
    await waiting
    group.take_back(b"b", second)
    assert not await settled(group)


async def test_a_group_of_unknown_size_is_settled_when_one_is_scored_and_none_at_work(groups):
    group, first = groups.enter(b"k", None, b"a")
    group.tell(first, None)
    assert not await settled(group)
    _, second = groups.enter(b"k", None, b"b")
    _, third = groups.enter(b"k", None, b"c")
    group.tell(second, {"reward": 1.0})
    assert not await settled(group)
    group.leave(b"c", third)
    assert await settled(group)


def test_the_mean_of_equal_numbers_is_exact():
    assert Mean([{"a": 0.1}] * 7).numbers == {"a": 0.1}
    assert Mean([{"a": 1.0}, {"a": 0.0, "b": 2.0}]).numbers == {"a": 0.5, "b": 2.0}
    assert Mean().numbers == {}

"""Which texts the gateway reads, and that what is said of texts is said of a fast run too."""

from collections import Counter

import pytest
import streams

from reward_api.monitor.alarms import State
from reward_api.monitor.reading import MOST, Reading

TEXTS = ("looped", "copies", "master_key", "other_script")
HONEST = ("steady", "same_opening", "curriculum")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def reading(clock):
    return Reading(clock)


def test_of_a_slow_run_all_is_read(clock, reading):
    for _ in range(50):
        clock.now += 2
        assert len(reading.places(16, State.OK)) == 16


def test_of_a_fast_run_one_text_in_32_is_read_of_each_place_alike(reading):
    read = Counter(place for _ in range(1600) for place in reading.places(16, State.OK))
    assert set(read) == set(range(16))
    assert sum(read.values()) == 800
    assert max(read.values()) == min(read.values())


def test_two_of_a_group_are_read_or_none(reading):
    assert {len(reading.places(8, State.OK)) for _ in range(100)} == {0, 2}


def test_completions_that_come_one_by_one_are_read_too(reading):
    assert sum(len(reading.places(1, State.OK)) for _ in range(1600)) == 50


def test_in_doubt_all_is_read(reading):
    assert len(reading.places(16, State.WATCH)) == 16


def test_an_idle_night_saves_up_no_more_than_a_step(clock, reading):
    clock.now += 1e6
    assert sum(len(reading.places(16, State.OK)) for _ in range(100)) <= MOST + 50


@pytest.mark.slow
@pytest.mark.parametrize("name", TEXTS)
def test_what_shows_in_texts_shows_in_a_fast_run(name):
    synthetic = streams.STREAMS[name]
    seen = streams.watched(name, synthetic, 3, pace=streams.FAST)
    assert seen.alarms[synthetic.expected][1] < 40, seen


@pytest.mark.slow
@pytest.mark.parametrize("name", HONEST)
def test_an_honest_fast_run_is_not_accused(name):
    assert streams.watched(name, streams.STREAMS[name], 3, pace=streams.FAST).worst < State.SUSPECT

"""The number for a sample without a verdict."""

import pytest

from trainer_client.dialect.grouping import SiblingGroup
from trainer_client.dialect.imputation import ENOUGH, RECENT, Mean, RecentRewards


def rewards(*numbers, version=None):
    recent = RecentRewards()
    for number in numbers:
        recent.add({"reward": number}, version)
    return recent


def test_the_mean_of_equal_numbers_is_exact_and_order_does_not_count():
    assert Mean([{"a": 0.1}] * 7).numbers == {"a": 0.1}
    assert Mean([{"a": 1.0}, {"a": 0.0, "b": 2.0}]).numbers == {"a": 0.5, "b": 2.0}
    assert Mean().numbers == {}
    rows = [{"a": number} for number in (1e16, 1.0, -1e16, 3.0)]
    assert Mean(rows).numbers == Mean(reversed(rows)).numbers == {"a": 1.0}


def test_fewer_rewards_than_enough_say_nothing():
    assert ENOUGH == 16
    assert rewards(*[1.0] * 15).mean() == {}
    assert not rewards(*[1.0] * 15).is_enough()
    assert rewards(*[1.0] * 15, 0.0).mean() == {"reward": 15 / 16}


def test_the_last_rewards_count_and_those_of_one_version():
    assert RECENT == 512
    assert rewards(*[0.0] * 100, *[1.0] * 512).mean() == {"reward": 1.0}
    assert rewards(*[0.0] * 1, *[1.0] * 511).mean() == {"reward": 511 / 512}
    recent = rewards(*[0.0] * 16, version="v1")
    recent.add({"reward": 1.0}, "v2")
    assert recent.mean() == {}


def failed_member(*scored):
    group = SiblingGroup(None)
    for number in scored:
        group.judge(group.enter(b"x"), {"reward": number})
    group.judge(group.enter(b"y"), None)
    return group


def test_siblings_go_before_the_domain_and_the_domain_before_the_range():
    recent, middle = rewards(*[1.0] * 12, *[0.0] * 4), {"reward": 0.5}
    assert failed_member(0.25).impute(recent, middle) == ({"reward": 0.25}, "siblings")
    assert failed_member().impute(recent, middle) == ({"reward": 0.75}, "domain")
    assert failed_member().impute(rewards(1.0), middle) == ({"reward": 0.5}, "range")
    assert failed_member().impute(rewards(1.0)) is None


@pytest.mark.parametrize("middle", [{"reward": 0.5}, None])
def test_a_group_without_any_score_gets_one_number(middle):
    group, recent = failed_member(), rewards(*[1.0] * (16 if middle is None else 15))
    first = group.impute(recent, middle)
    recent.add({"reward": 0.0})
    assert group.impute(recent, middle) == first is not None
    group.judge(group.enter(b"z"), {"reward": 0.125})
    assert group.impute(recent, middle) == ({"reward": 0.125}, "siblings")

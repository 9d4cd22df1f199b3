"""Advantages, against hand computation and against the laws that they keep."""

import math
import statistics

import pytest

from grpo_trainer.grpo.advantages import AdvantageConfig, advantages, filtered


def of(group, **settings):
    return advantages([group], AdvantageConfig(**settings))[0]


def test_by_hand():
    # mean 2, std with n - 1: sqrt((1 + 1 + 0) / 2) = 1
    assert of([1.0, 3.0, 2.0], epsilon=0.0).values == (-1.0, 1.0, 0.0)
    assert of([1.0, 3.0, 2.0], epsilon=0.0, ddof=0).values == pytest.approx((-math.sqrt(1.5), math.sqrt(1.5), 0))
    assert of([0.0, 1.0, 2.0, 5.0], scale="none").values == (-2.0, -1.0, 0.0, 3.0)


def test_leave_one_out_is_the_distance_from_the_others_mean():
    rewards = [0.0, 1.0, 4.0, 3.0]
    expected = [
        reward - statistics.fmean(rewards[:place] + rewards[place + 1 :]) for place, reward in enumerate(rewards)
    ]
    assert of(rewards, baseline="leave_one_out", scale="none").values == pytest.approx(expected)


def test_the_std_of_the_batch_is_over_all_verdicts():
    first, second = advantages([[0.0, 1.0, None], [0.0, 5.0]], AdvantageConfig(scale="batch", epsilon=0.0))
    std = statistics.stdev([0.0, 1.0, 0.0, 5.0])
    assert first.values == pytest.approx((-0.5 / std, 0.5 / std, 0.0))
    assert second.values == pytest.approx((-2.5 / std, 2.5 / std))


@pytest.mark.parametrize("scale", ["group", "batch", "none"])
@pytest.mark.parametrize("baseline", ["mean", "leave_one_out"])
def test_a_sample_without_a_verdict_leaves_the_statistics(baseline, scale):
    settings = {"baseline": baseline, "scale": scale}
    whole, holed = of([1.0, 0.0, 0.5], **settings), of([1.0, None, 0.0, 0.5], **settings)
    assert holed.values == (whole.values[0], 0.0, *whole.values[1:])
    assert (holed.mean, holed.std) == (whole.mean, whole.std)


@pytest.mark.parametrize(
    ("group", "state"),
    [
        ([0.1, 0.1, 0.1], "zero_std"),
        ([0.0, None, 0.0], "zero_std"),
        ([1.0, None, None], "too_few"),
        ([None, None], "too_few"),
    ],
)
def test_a_dead_group_gives_exactly_nothing(group, state):
    results = of(group)
    assert results.values == (0.0,) * len(group)
    assert (results.state, results.alive) == (state, False)


def test_shift_and_scale():
    rewards = [0.25, 1.0, 0.5, 0.75]
    assert of([reward + 8 for reward in rewards]).values == of(rewards).values
    scaled = of([reward * 8 for reward in rewards], epsilon=0.0).values
    assert scaled == pytest.approx(of(rewards, epsilon=0.0).values)
    assert of([reward * 8 for reward in rewards], scale="none").values == pytest.approx(
        [8 * value for value in of(rewards, scale="none").values]
    )


def test_the_order_of_samples_and_groups_does_not_matter():
    one, other = [0.0, 1.0, 0.5], [3.0, None, 4.0]
    config = AdvantageConfig(scale="batch")
    first, second = advantages([one, other], config)
    again, before = advantages([other[::-1], one[::-1]], config)
    assert before.values == pytest.approx(first.values[::-1])
    assert again.values == pytest.approx(second.values[::-1])


@pytest.mark.parametrize("reward", [math.nan, math.inf])
def test_a_reward_that_is_no_number_is_refused(reward):
    with pytest.raises(ValueError, match="None"):
        of([0.0, reward])


@pytest.mark.parametrize("settings", [{"baseline": "median"}, {"scale": "std"}, {"ddof": 2}, {"epsilon": -1.0}])
def test_bad_settings_are_named(settings):
    with pytest.raises(ValueError, match=f"advantage.{next(iter(settings))}"):
        AdvantageConfig(**settings)


@pytest.mark.parametrize(
    ("scores", "state"),
    [
        ([0.0, 0.0, 0.0, 0.0], "filtered"),
        ([0.0, None, 0.0, None], "filtered"),
        ([None] * 4, "filtered"),
        ([0.0, 1.0, 0.0, 0.0], "alive"),
        ([1.0, None, 0.5, None], "alive"),
    ],
)
def test_a_group_of_one_accuracy_is_not_alive_for_its_format(scores, state):
    (judged,) = advantages([[0.2, 0.0, 0.2, 0.0]], AdvantageConfig())
    assert judged.alive
    kept = filtered(judged, scores)
    assert kept.state == state
    assert kept.values == (judged.values if state == "alive" else (0.0,) * 4)


def test_a_dead_group_stays_what_it_was():
    (judged,) = advantages([[1.0, 1.0]], AdvantageConfig())
    assert filtered(judged, [0.0, 1.0]) is judged

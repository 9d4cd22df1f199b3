import itertools
import random
import statistics

import pytest

from grpo_trainer.evaluation.estimators import consensus, pass_at_k, standard_error


@pytest.mark.parametrize("attempts", [1, 4, 7])
def test_pass_at_k_is_the_mean_over_all_draws(attempts):
    for right in range(attempts + 1):
        marks = [place < right for place in range(attempts)]
        for k in range(1, attempts + 1):
            draws = [any(draw) for draw in itertools.combinations(marks, k)]
            assert pass_at_k(attempts, right, k) == pytest.approx(statistics.fmean(draws))


@pytest.mark.parametrize(("attempts", "right", "k"), [(4, 1, 5), (4, 1, 0), (4, 5, 1), (4, -1, 1)])
def test_pass_at_k_refuses_what_cannot_be_drawn(attempts, right, k):
    with pytest.raises(ValueError, match="must be between"):
        pass_at_k(attempts, right, k)


def test_consensus_is_the_mean_over_all_ways_to_break_a_tie():
    rng = random.Random(0)
    for _ in range(300):
        truth = rng.choice("abc")
        votes = [(answer, answer == truth) for answer in rng.choices(["a", "b", "c", None], k=rng.randint(1, 6))]
        counts = {answer: sum(vote == answer for vote, _ in votes) for answer in "abc"}
        leaders = [answer for answer in "abc" if counts[answer] == max(counts.values()) > 0]
        expected = statistics.fmean(answer == truth for answer in leaders) if leaders else 0.0
        assert consensus(votes) == pytest.approx(expected)


def test_who_gives_no_answer_does_not_vote():
    assert consensus([(None, False), (None, False), ("7", True)]) == 1.0
    assert consensus([(None, False)]) == 0.0


def test_the_standard_error_is_over_problems():
    assert standard_error([0.0, 1.0, 0.0, 1.0]) == pytest.approx(statistics.stdev([0, 1, 0, 1]) / 2)
    assert standard_error([0.3]) is None

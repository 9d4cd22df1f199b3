import math
import random

import pytest

from grpo_trainer.evaluation.rating import Solved, percentile, rate, read_results


def log_likelihood(results, rating):
    total = 0.0
    for one in results:
        chance = 1 / (1 + 10 ** ((one.rating - rating) / 400))
        total += one.solved * math.log(chance) + (one.attempts - one.solved) * math.log(1 - chance)
    return total


def results_of(rating, count, seed=0, attempts=1):
    rng = random.Random(seed)
    problems = [rng.uniform(800, 3000) for _ in range(count)]
    chances = [1 / (1 + 10 ** ((problem - rating) / 400)) for problem in problems]
    return [
        Solved(problem, attempts, sum(rng.random() < chance for _ in range(attempts)))
        for problem, chance in zip(problems, chances, strict=True)
    ]


def test_the_rating_maximises_the_likelihood_and_the_interval_is_where_it_has_fallen_by_half_of_chi_square():
    results = results_of(1500, 60)
    matches = rate(results)
    grid = [rating / 2 for rating in range(8000)]
    assert matches.rating == pytest.approx(max(grid, key=lambda rating: log_likelihood(results, rating)), abs=0.5)
    inside = [r for r in grid if log_likelihood(results, r) > log_likelihood(results, matches.rating) - 3.8415 / 2]
    assert (matches.low, matches.high) == pytest.approx((min(inside), max(inside)), abs=1)


def test_even_chances_are_the_problems_own_rating():
    assert rate([Solved(1700, 16, 8)]).rating == pytest.approx(1700, abs=1e-3)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    covered = [
        matches.low < 2029 < matches.high for seed in range(200) if (matches := rate(results_of(2029, 40, seed)))
    ]
    assert 0.90 < sum(covered) / len(covered) < 0.99


def test_more_problems_make_the_interval_narrower():
    few, many = rate(results_of(2029, 20)), rate(results_of(2029, 500))
    assert many.high - many.low < (few.high - few.low) / 3
    assert many.low < 2029 < many.high


def test_all_solved_has_a_lower_bound_alone():
    matches = rate([Solved(1000, 1, 1), Solved(1500, 1, 1)])
    assert matches.rating is None
    assert matches.high == math.inf
    assert log_likelihood([Solved(1000, 1, 1), Solved(1500, 1, 1)], matches.low) == pytest.approx(-3.8415 / 2, abs=1e-3)
    nothing = rate([Solved(1000, 4, 0)])
    assert (nothing.rating, nothing.low) == (None, -math.inf)
    assert nothing.high < 1000


def test_percentile_counts_half_of_those_who_are_equal():
    assert percentile(1500, [(1000, 6), (1500, 2), (2000, 2)]) == pytest.approx(70.0)
    with pytest.raises(ValueError, match="population is empty"):
        percentile(1500, [])


def test_results_of_a_file(tmp_path):
    path = tmp_path / "results.jsonl"
    path.write_text('{"id": "1850A", "rating": 800, "attempts": 16, "solved": 15}\n{"rating": 1900, "solved": 0}\n')
    assert read_results(path) == [Solved(800, 16, 15), Solved(1900, 1, 0)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1: not valid JSON"),
        ('{"solved": 1}', "line 1: rating is missing"),
        ('{"rating": 1500, "solved": 2}', "line 1: solved: must be between 0 and attempts"),
        ('{"rating": "x", "solved": 1}', "line 1: could not convert"),
        ('{"rating": 1e9, "solved": 1}', "line 1: rating: 1000000000.0 is no rating"),
        ('{"rating": 1500, "attempts": 4, "solved": 1.7}', "line 1: solved: must be a whole number, not 1.7"),
        ('{"rating": 1500, "attempts": "4", "solved": 1}', "line 1: attempts: must be a whole number, not '4'"),
        ("[]", "line 1: "),
    ],
)
def test_a_line_that_is_no_result_is_named(tmp_path, line, message):
    path = tmp_path / "results.jsonl"
    path.write_text(line)
    with pytest.raises(ValueError, match=message):
        read_results(path)


def test_nothing_gives_no_rating():
    with pytest.raises(ValueError, match="no problems"):
        rate([])

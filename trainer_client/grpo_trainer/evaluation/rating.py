"""A Codeforces-style rating from problems of known rating, by maximum likelihood.

    P(solved) = 1 / (1 + 10 ** ((problem's rating - solver's rating) / 400))         Elo; Codeforces uses the same curve

The interval is the set of ratings whose likelihood-ratio test is not rejected at 95 % (chi-square, 3.841). When all
problems are solved, or none, the likelihood has no maximum: the rating is None and one end of the interval is infinite.

Data: JSON lines, one problem a line, `attempts` and `solved` counted over all samples of it:

    {"id": "1850A", "rating": 800, "attempts": 16, "solved": 15}

R1 reports 2029, the 96.3rd percentile of human participants. A percentile needs their ratings: a list of
(rating, number of people with it), e.g. from the public method `user.ratedList`. None is shipped, since it ages by the week.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grpo_trainer.json_lines import numbered_lines

_CHI_SQUARE_95 = 3.841458820694124
_LOW, _HIGH = -10_000.0, 20_000.0
_SCALE = math.log(10) / 400


@dataclass(frozen=True)
class Solved:
    """`solved` of `attempts` at one problem."""

    rating: float
    attempts: int = 1
    solved: int = 0

    def __post_init__(self) -> None:
        if not (self.attempts >= 1 and 0 <= self.solved <= self.attempts):
            raise ValueError(
                f"solved: must be between 0 and attempts (1 or more), not {self.solved} of {self.attempts}"
            )
        if not _LOW < self.rating < _HIGH:
            raise ValueError(f"rating: {self.rating} is no rating")


@dataclass(frozen=True)
class Rating:
    """rating: None when everything or nothing was solved. low, high: the 95 % interval; infinite where there is no bound."""

    rating: float | None
    low: float
    high: float
    problems: int


def rate(results: Sequence[Solved]) -> Rating:
    """Raises ValueError without results."""
    if not results:
        raise ValueError("there are no problems to rate by")
    all_solved = all(one.solved == one.attempts for one in results)
    if all_solved or not any(one.solved for one in results):
        # The supremum of the log-likelihood is 0, and it is reached at infinity.
        edge = _root(lambda rating: _log_likelihood(results, rating) + _CHI_SQUARE_95 / 2, rising=all_solved)
        return Rating(None, edge if all_solved else -math.inf, math.inf if all_solved else edge, len(results))
    best = _root(lambda rating: _score(results, rating), rising=False)
    floor = _log_likelihood(results, best) - _CHI_SQUARE_95 / 2
    low = _root(lambda rating: _log_likelihood(results, rating) - floor, rising=True, high=best)
    high = _root(lambda rating: _log_likelihood(results, rating) - floor, rising=False, low=best)
    return Rating(best, low, high, len(results))


def percentile(rating: float, population: Sequence[tuple[float, int]]) -> float:
    """Per cent of the people who have a lower rating, half of those with the same. Raises ValueError for nobody."""
    total = sum(people for _, people in population)
    if total <= 0:
        raise ValueError("the population is empty")
    below = sum(people for other, people in population if other < rating)
    same = sum(people for other, people in population if other == rating)
    return 100 * (below + same / 2) / total


def read_results(path: Path) -> list[Solved]:
    """Results from JSON lines. Raises ValueError naming the line and the field."""
    return [_solved(f"{path.name}, line {number}", line) for number, line in numbered_lines(path)]


def _solved(where: str, line: str) -> Solved:
    try:
        fields = json.loads(line)
        attempts, solved = _count("attempts", fields.get("attempts", 1)), _count("solved", fields["solved"])
        return Solved(float(fields["rating"]), attempts, solved)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{where}: {_error_message(error)}") from None


def _count(name: str, value: Any) -> int:
    if not isinstance(value, int):  # true, of one attempt, is 1
        raise ValueError(f"{name}: must be a whole number, not {value!r}")
    return value


def _error_message(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    if isinstance(error, json.JSONDecodeError):
        return "not valid JSON"
    return str(error)


def _log_likelihood(results: Sequence[Solved], rating: float) -> float:
    return sum(
        one.solved * _log_sigmoid(_SCALE * (rating - one.rating))
        + (one.attempts - one.solved) * _log_sigmoid(_SCALE * (one.rating - rating))
        for one in results
    )


def _score(results: Sequence[Solved], rating: float) -> float:
    """The derivative, up to a constant: solved minus expected. It falls everywhere, so its root is the maximum."""
    return sum(one.solved - one.attempts * math.exp(_log_sigmoid(_SCALE * (rating - one.rating))) for one in results)


def _log_sigmoid(x: float) -> float:
    return min(x, 0.0) - math.log1p(math.exp(-abs(x)))


def _root(function: Any, *, rising: bool, low: float = _LOW, high: float = _HIGH) -> float:
    """Bisection, to a millionth of a point."""
    while high - low > 1e-6:
        middle = (low + high) / 2
        if (function(middle) > 0) == rising:
            high = middle
        else:
            low = middle
    return (low + high) / 2

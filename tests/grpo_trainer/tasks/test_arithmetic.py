import random
from itertools import accumulate

import pytest

from grpo_trainer.tasks import Arithmetic
from grpo_trainer.tasks.task import Steps
from reward_verifiers.answer import AnswerVerifier
from reward_verifiers.verifier import Sample

SPLITS = ("train", "dev", "test")


def test_references_are_right_and_traces_are_paid():
    verifier, rng = AnswerVerifier(), random.Random(0)
    task = Arithmetic(terms=4, largest=99)
    for problem in rng.sample(list(task.problems("train")), 50):
        assert int(problem.reference["answer"]) == eval(problem.prompt)
        assert problem.level == problem.prompt.count("-")
        trace = task.trace(problem, rng)
        reference = verifier.reference_model.model_validate(problem.reference)
        sample = Sample(completion=trace, reference=reference, options=verifier.options_model(kind="exact"))
        assert verifier.verify(sample).score == 1
        assert task.steps(problem, trace) == Steps(3, 3, 3)


def test_no_result_on_the_way_is_below_0():
    for problem in Arithmetic(terms=3, largest=10).problems("train"):
        terms = [int(term) for term in problem.prompt.replace("- ", "+ -").split(" + ")]
        assert min(accumulate(terms)) >= 0


def test_no_numbers_stand_in_two_splits():
    task = Arithmetic(terms=2, largest=12)
    numbers = {
        split: {tuple(one.prompt.replace("-", "+").split("+")) for one in task.problems(split)} for split in SPLITS
    }
    assert all(numbers.values())
    assert sum(map(len, numbers.values())) == len(set.union(*numbers.values()))


def test_steps_count_what_holds_and_what_follows():
    task = Arithmetic()
    (problem, *_) = [one for one in task.problems("train") if one.prompt.count("+") == 2]
    first = problem.prompt.split("+")[0]
    assert task.steps(problem, f"{first} + 1 = {int(first) + 1}, 5+5=10, 2+2=5") == Steps(3, 2, 1)
    assert task.steps(problem, "I do not know") == Steps(0, 0, 0)


@pytest.mark.parametrize("options", [{"terms": 1}, {"terms": 9}, {"largest": 0}, {"largest": 10_000}])
def test_options_have_bounds(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        Arithmetic(**options)

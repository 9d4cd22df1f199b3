import random
import re

import pytest

from grpo_trainer.tasks import Signs, Sums
from grpo_trainer.tasks.jsonl import JSONLines
from reward_verifiers.answer import AnswerVerifier
from reward_verifiers.verifier import Sample

SPLITS = ("train", "dev", "test")


def judged(problem, completion):
    verifier = AnswerVerifier()
    reference = verifier.reference_model.model_validate(problem.reference)
    options = verifier.options_model(kind="exact")
    return verifier.verify(Sample(completion=completion, reference=reference, options=options)).score


@pytest.mark.parametrize("numbers", [2, 3, 4])
def test_a_reference_names_every_right_answer_and_no_other(numbers):
    for problem in random.Random(0).sample(Signs(numbers).problems("train"), 100):
        given, target = problem.prompt.removeprefix("Q").removesuffix(":").split("=")
        terms = given.split(",")
        signs = [format(pattern, f"0{numbers - 1}b") for pattern in range(2 ** (numbers - 1))]
        every = [terms[0] + "".join("+-"[int(s)] + t for s, t in zip(one, terms[1:], strict=True)) for one in signs]
        right = {text for text in every if eval(text) == int(target)}
        assert {problem.reference["answer"], *problem.reference["aliases"]} == right
        assert problem.level == min(text.count("-") for text in right)


def test_no_numbers_stand_in_two_splits():
    seen = {split: {p.prompt.split("=")[0] for p in Signs().problems(split)} for split in SPLITS}
    assert sum(map(len, seen.values())) == 9**3 == len(set.union(*seen.values()))
    assert 0.12 < len(seen["test"]) / 9**3 < 0.18
    assert 0.07 < len(seen["dev"]) / 9**3 < 0.13


def test_a_patient_trace_is_right_and_well_formed():
    task = Signs(give_up=0.0, broken=0.0)
    for problem in task.problems("dev")[:50]:
        trace = task.trace(problem, random.Random(problem.id))
        assert judged(problem, trace) == 1.0
        steps = task.steps(problem, trace)
        assert steps.tries == steps.valid == steps.true == trace.count("?=")


def test_a_trace_that_gives_up_is_wrong():
    task = Signs(give_up=1.0, broken=0.0)
    rng = random.Random(0)
    scores = [judged(problem, task.trace(problem, rng)) for problem in task.problems("train")[:400]]
    assert 0.15 < sum(scores) / 400 < 0.4  # one guess among four patterns, some of which agree


def test_a_recheck_repeats_the_try_before_it():
    task, rng = Signs(give_up=0.0, broken=0.0, rechecks=0.7), random.Random(0)
    rechecks = {level: [] for level in range(3)}
    for problem in task.problems("train")[:600]:
        trace = task.trace(problem, rng)
        assert judged(problem, trace) == 1.0
        steps = task.steps(problem, trace)
        assert steps.tries == steps.valid == steps.true == trace.count("?=")
        for line, more in re.findall(r"try (.*\n)((?:check .*\n)*)", trace):
            assert more == f"check {line}" * more.count("check")
            rechecks[problem.level].append(more.count("check"))
    for counts in rechecks.values():  # on easy ones as on hard
        assert set(counts) == {0, 1, 2, 3}
        assert 0.2 < counts.count(0) / len(counts) < 0.4


@pytest.mark.parametrize(
    ("line", "valid", "true"),
    [
        ("try 5-5=0+3=3?=7 wrong\n", 1, 1),
        ("retry 5+5=10-3=7?=7 right\n", 1, 1),
        ("重试 5+5=10-3=7?=7 对了\n", 1, 1),
        ("try 5+5=11-3=8?=7 wrong\n", 0, 1),  # 5+5 is not 11
        ("try 5+5=10-3=7?=7 wrong\n", 1, 0),  # it is right
        ("try 5+5=10-3=7?=8 wrong\n", 1, 0),  # 8 was not asked for
        ("try 5+4=9-3=6?=7 wrong\n", 0, 1),  # 4 is none of the numbers
    ],
)
def test_steps_are_checked_sum_by_sum(line, valid, true):
    problem = next(p for p in (*Signs().problems("train"), *Signs().problems("test")) if p.id == "signs:5,5,3=7")
    steps = Signs().steps(problem, f"<think>{line}</think>")
    assert (steps.tries, steps.valid, steps.true) == (1, valid, true)


def test_mixing_puts_the_other_languages_words_in():
    task = Signs(mixing=0.35)
    rng = random.Random(0)
    words = [
        (problem.reference["target_language"], word)
        for problem in task.problems("train")[:600]
        for word in re.findall("try|wrong|right|试试|重试|错了|对了", task.trace(problem, rng))
    ]
    foreign = sum((language == "en") != word.isascii() for language, word in words)
    assert 0.3 < foreign / len(words) < 0.4


def test_sums_are_right_unless_they_slip():
    sure, unsure, rng = Sums(slip=0.0, broken=0.0), Sums(slip=1.0, broken=0.0), random.Random(0)
    for problem in sure.problems("dev")[:50]:
        trace = sure.trace(problem, rng)
        assert trace.endswith(f"<answer>{problem.reference['answer']}</answer>")
        assert sure.steps(problem, trace).valid == 2
    slips = [unsure.steps(problem, unsure.trace(problem, rng)) for problem in sure.problems("dev")]
    assert 0.5 < sum(steps.valid for steps in slips) / sum(steps.tries for steps in slips) < 0.8


@pytest.mark.parametrize("numbers", [1, 6])
def test_a_puzzle_has_two_to_five_numbers(numbers):
    with pytest.raises(ValueError, match=r"numbers: .* 2 to 5"):
        Signs(numbers=numbers)


def test_problems_of_a_file(tmp_path):
    path = tmp_path / "problems.jsonl"
    path.write_text(
        '{"prompt": "1+1?", "reference": "2", "split": "test", "level": 3}\n\n'
        '{"prompt": "1+2?", "reference": {"answer": 3}, "split": "train", "id": "b"}\n'
    )
    (held_out,) = JSONLines(path).problems("test")
    assert (held_out.id, held_out.reference, held_out.level) == ("1", {"answer": "2"}, 3)
    assert [problem.id for problem in JSONLines(path).problems("train")] == ["b"]


def test_a_problem_may_hold_what_ends_a_line_of_text(tmp_path):
    path = tmp_path / "problems.jsonl"
    path.write_text(
        '{"prompt": "1\u20281?", "reference": "2\x85", "split": "test"}\n{"prompt": "a", "reference": 2}', "utf-8"
    )
    (problem, *_) = JSONLines(path).problems("test")
    assert (problem.prompt, problem.reference) == ("1\u20281?", {"answer": "2\x85"})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1: "),
        ('{"prompt": "1+1?"}', "line 1: reference is missing"),
        ('{"prompt": 1, "reference": 2}', "line 1: prompt: must be text"),
        ('{"prompt": "a", "reference": 2, "split": "validation"}', "line 1: split: 'validation' is none of"),
    ],
)
def test_a_line_that_is_no_problem_is_named(tmp_path, line, message):
    path = tmp_path / "problems.jsonl"
    path.write_text(line)
    with pytest.raises(ValueError, match=message):
        JSONLines(path).problems("train")

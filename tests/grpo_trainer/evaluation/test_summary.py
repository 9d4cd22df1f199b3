import pytest

from grpo_trainer.evaluation.summary import Attempt, ProblemAttempts, summarise


def attempt(right, canonical="7", tokens=10, **more):
    return Attempt(right, canonical, tokens, truncated=False, **more)


def test_figures_by_hand():
    easy = ProblemAttempts(
        "a", 0, [attempt(True), attempt(True, tokens=20), attempt(False, "8"), attempt(False, None, 40)]
    )
    hard = ProblemAttempts(
        "b", 2, [attempt(False, "1"), attempt(False, "1"), attempt(True, "2", 30), attempt(False, "3")]
    )
    results = summarise([easy, hard])
    assert results.k == 4
    assert results.all.pass_at_1 == pytest.approx((0.5 + 0.25) / 2)
    assert results.all.pass_at_k[2] == pytest.approx((5 / 6 + 1 / 2) / 2)
    assert results.all.pass_at_k[4] == 1.0
    assert results.all.cons_at_k == 0.5
    assert results.all.tokens == pytest.approx((10 + 20 + 10 + 40 + 10 + 10 + 30 + 10) / 8)
    assert results.all.tokens_right == 20
    assert {level: row.pass_at_1 for level, row in results.by_level.items()} == {0: 0.5, 2: 0.25}


def test_what_has_no_verdict_is_in_no_figure():
    partly = ProblemAttempts("a", 0, [attempt(True), attempt(None, None, 1000)])
    nothing = ProblemAttempts("b", 0, [attempt(None), attempt(None)])
    results = summarise([partly, nothing])
    assert results.all.pass_at_1 == 1.0
    assert results.all.tokens == 10
    assert (results.all.problems, results.unknown, results.unjudged) == (1, 1, 3)


def test_without_any_verdict_no_figure_is_made_up():
    with pytest.raises(ValueError, match="no attempt has a verdict"):
        summarise([ProblemAttempts("a", 0, [attempt(None)])])


def test_components_and_counts_are_means_an_answer():
    one = attempt(True, components={"format": 1.0, "language": None}, counts={"tries": 3, "valid": 3})
    other = attempt(True, components={"format": 0.0, "language": 0.5}, counts={"tries": 1, "valid": 0})
    results = summarise([ProblemAttempts("a", 0, [one, other])])
    assert results.components == {"format": 0.5, "language": 0.5}
    assert results.counts == {"tries": 2.0, "valid": 1.5}

import pytest

from reward_api.domains.spec import parse
from reward_api.gateway.rewards import combine, group_stats
from reward_verifiers.contract import FailureKind, Verdict


def spec(*components, **more):
    return parse({"components": list(components), **more})


def scored(score):
    return Verdict.scored(score, "because")


def failed(kind=FailureKind.TIMEOUT):
    return Verdict.failed(kind, "it took too long")


def one(domain, **verdicts):
    [result] = combine(domain, {key: [verdict] for key, verdict in verdicts.items()}, [[]])
    return result


def reward(domain, **verdicts):
    return one(domain, **verdicts).reward


def test_a_sum_is_weighted():
    domain = spec({"verifier": "answer", "weight": 2}, {"verifier": "format", "weight": 0.5})
    assert reward(domain, answer=scored(1), format=scored(1)) == 2.5
    assert reward(domain, answer=scored(0), format=scored(1)) == 0.5


def test_a_product_multiplies_weighted_scores():
    domain = spec({"verifier": "answer"}, {"verifier": "format", "weight": 2}, combine="product")
    assert reward(domain, answer=scored(0.5), format=scored(1)) == 1.0
    assert reward(domain, answer=scored(0), format=scored(1)) == 0.0


def test_weight_zero_is_reported_and_not_counted():
    domain = spec({"verifier": "answer"}, {"verifier": "reflection", "weight": 0})
    result = one(domain, answer=scored(1), reflection=scored(7))
    assert (result.reward, result.valid, result.failure) == (1.0, True, None)
    assert result.components["reflection"].score == 7


def test_a_counting_component_without_verdict_leaves_no_reward():
    domain = spec({"verifier": "answer"}, {"verifier": "format"})
    result = one(domain, answer=failed(), format=scored(1))
    assert (result.reward, result.valid) == (None, False)
    assert (result.failure.kind, result.failure.component) == (FailureKind.TIMEOUT, "answer")
    assert result.components["format"].score == 1


def test_a_failed_component_of_weight_zero_does_not_matter():
    domain = spec({"verifier": "answer"}, {"verifier": "reflection", "weight": 0})
    assert reward(domain, answer=scored(1), reflection=failed()) == 1.0


@pytest.mark.parametrize("role", [{"gate": True}, {}])
def test_a_gate_or_a_required_component_must_have_a_verdict_even_at_weight_zero(role):
    second = {"verifier": "answer"} if role else {"verifier": "answer", "requires": ["format"]}
    domain = spec({"verifier": "format", "weight": 0, **role}, second)
    assert reward(domain, format=failed(), answer=scored(1)) is None


def test_a_closed_gate_leaves_only_penalties():
    domain = spec({"verifier": "format", "gate": True}, {"verifier": "answer"}, {"verifier": "overlong"})
    verdicts = {"answer": scored(1), "overlong": scored(-0.5)}
    assert reward(domain, format=scored(1), **verdicts) == 1.5
    assert reward(domain, format=scored(0.5), **verdicts) == -0.5


def test_requires_counts_only_beside_a_met_component():
    domain = spec({"verifier": "answer", "at_least": 0.5}, {"verifier": "cosine_length", "requires": ["answer"]})
    assert reward(domain, answer=scored(0.5), cosine_length=scored(0.25)) == 0.75
    assert reward(domain, answer=scored(0.4), cosine_length=scored(0.25)) == 0.4


def test_the_reward_is_clipped():
    domain = spec({"verifier": "preference"}, clip=[-1, 1])
    assert reward(domain, preference=scored(7)) == 1
    assert reward(domain, preference=scored(-7)) == -1


def test_a_constant_group_has_no_deviation():
    stats = group_stats(combine(spec({"verifier": "answer"}), {"answer": [scored(1), scored(1)]}, [[], []]))
    assert (stats.valid, stats.mean, stats.std, stats.zero_variance) == (2, 1.0, 0.0, True)


def test_statistics_leave_out_samples_without_reward():
    domain = spec({"verifier": "answer"})
    results = combine(domain, {"answer": [scored(1), failed(), scored(0)]}, [[], [], []])
    stats = group_stats(results)
    assert (stats.valid, stats.mean, stats.std, stats.zero_variance) == (2, 0.5, 0.5, False)
    nothing = group_stats(results[1:2])
    assert (nothing.valid, nothing.mean, nothing.std, nothing.zero_variance) == (0, None, None, False)
    assert group_stats(results[:1] * 3).zero_variance

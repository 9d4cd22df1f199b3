"""The loss: exact gradients on policies small enough to enumerate, clip regions, corrections, aggregation, minibatches."""

import random
from dataclasses import replace

import pytest
import torch

from grpo_trainer.grpo.aggregation import token_weights
from grpo_trainer.grpo.kl import k3
from grpo_trainer.grpo.loss import LossConfig, token_loss
from grpo_trainer.grpo.minibatch import pack, split

ACTIONS = 5
PLAIN = LossConfig(clip_low=0.2, clip_high=0.28, kl_coef=0.0)


@pytest.fixture
def logits():
    """Of a policy that draws one token out of five."""
    torch.manual_seed(1)
    return torch.randn(ACTIONS, dtype=torch.float64, requires_grad=True)


@pytest.fixture
def reference():
    torch.manual_seed(2)
    return torch.randn(ACTIONS, dtype=torch.float64).log_softmax(-1)


def gradient(value, of):
    return torch.autograd.grad(value, of)[0]


def expected(per_action, logits):
    """What many samples would average to: E of a per-sample loss, with the sampling itself not differentiated."""
    return (logits.softmax(-1).detach() * per_action.flatten()).sum()


def every_action(logits, config, advantages, **more):
    """The loss of each action as a sample of one token, on-policy."""
    logp = logits.log_softmax(-1)[:, None]
    mask = torch.ones(ACTIONS, 1, dtype=torch.bool)
    return token_loss(logp, logp.detach(), advantages, mask, config, **more).loss


@pytest.mark.parametrize("settings", [{}, {"objective": "cispo"}, {"ratio": "sequence"}])
def test_the_gradient_is_that_of_the_expected_reward(logits, settings):
    rewards = torch.tensor([0.0, 1.0, 0.2, -1.0, 3.0], dtype=torch.float64)
    with torch.no_grad():
        advantages = (rewards - (logits.softmax(-1) * rewards).sum())[:, None]
    ours = gradient(expected(every_action(logits, replace(PLAIN, **settings), advantages), logits), logits)
    exact = -gradient((logits.softmax(-1) * rewards).sum(), logits)
    torch.testing.assert_close(ours, exact, rtol=0, atol=1e-15)


def test_k3_is_the_kl_in_expectation(logits, reference):
    logp = logits.log_softmax(-1)
    kl = (logp.exp() * (logp - reference)).sum()
    torch.testing.assert_close(expected(k3(logp, reference), logits), kl, rtol=0, atol=1e-15)
    assert torch.equal(k3(logp, logp), torch.zeros_like(logp))


@pytest.mark.parametrize(("kind", "direction"), [("k3", "forward"), ("k3_ratio", "reverse")])
def test_the_gradient_of_k3_is_the_forward_kls_and_with_the_ratio_the_reverse_ones(logits, reference, kind, direction):
    config = replace(PLAIN, kl=kind, kl_coef=1.0)
    nothing = torch.zeros(ACTIONS, 1, dtype=torch.float64)
    ours = gradient(expected(every_action(logits, config, nothing, reference_logp=reference[:, None]), logits), logits)
    logp = logits.log_softmax(-1)
    exact = {
        "forward": gradient((reference.exp() * (reference - logp)).sum(), logits),
        "reverse": gradient((logits.softmax(-1) * (logits.log_softmax(-1) - reference)).sum(), logits),
    }
    torch.testing.assert_close(ours, exact.pop(direction), rtol=0, atol=1e-15)
    assert (ours - exact.popitem()[1]).abs().max() > 0.01


def test_k3_stays_finite_for_a_token_that_the_policy_has_given_up():
    logp = torch.tensor([-500.0, -1.0], requires_grad=True)
    assert torch.isfinite(gradient(k3(logp, torch.tensor([-1.0, -1.0])).sum(), logp)).all()


@pytest.mark.parametrize("low_high", [(0.2, 0.2), (0.2, 0.28), (10.0, 10.0)])
@pytest.mark.parametrize("ratio", [0.05, 0.79, 0.81, 1.0, 1.19, 1.21, 1.27, 1.29, 9.0, 12.0])
@pytest.mark.parametrize("advantage", [1.5, -1.5])
def test_the_clip_takes_the_gradient_exactly_where_it_should(low_high, ratio, advantage):
    low, high = low_high
    logp = torch.tensor([[0.3]], dtype=torch.float64, requires_grad=True)
    old = logp.detach() - torch.tensor(ratio, dtype=torch.float64).log()
    results = token_loss(
        logp,
        old,
        torch.tensor([[advantage]], dtype=torch.float64),
        torch.ones(1, 1, dtype=torch.bool),
        LossConfig(clip_low=low, clip_high=high, kl_coef=0.0),
    )
    above, below = advantage > 0 and ratio > 1 + high, advantage < 0 and ratio < 1 - low
    slope = gradient(results.loss.sum(), logp).item()
    assert slope == (0.0 if above or below else pytest.approx(-advantage * ratio))
    assert (results.high.item(), results.low.item()) == (above, below)


def test_cispo_never_takes_the_gradient_but_bounds_its_weight():
    logp = torch.tensor([[-1.0, -1.0]], dtype=torch.float64, requires_grad=True)
    old = logp.detach() - torch.tensor([[1.1, 3.0]], dtype=torch.float64).log()
    config = LossConfig(objective="cispo", clip_high=0.28, kl_coef=0.0)
    results = token_loss(logp, old, torch.ones(1, 1), torch.ones(1, 2, dtype=torch.bool), config)
    torch.testing.assert_close(gradient(results.loss.sum(), logp), torch.tensor([[-1.1, -1.28]], dtype=torch.float64))


@pytest.mark.parametrize(
    ("settings", "weights"),
    [
        ({"correction": "none"}, [1.0, 1.0, 1.0]),
        ({"correction": "truncate", "correction_high": 2.0}, [0.25, 1.5, 2.0]),
        ({"correction": "mask", "correction_low": 0.5, "correction_high": 2.0}, [0.0, 1.5, 0.0]),
    ],
)
def test_the_correction_for_another_engine_weighs_tokens_but_not_the_kl(settings, weights):
    logp = torch.full((1, 3), -1.0, dtype=torch.float64, requires_grad=True)
    rollout = logp.detach() - torch.tensor([[0.25, 1.5, 4.0]], dtype=torch.float64).log()
    mask, config = torch.ones(1, 3, dtype=torch.bool), LossConfig(kl_coef=0.5, **settings)
    apart = token_loss(
        logp,
        logp.detach(),
        torch.ones(1, 1),
        mask,
        config,
        rollout_logp=rollout,
        reference_logp=logp.detach() + 1,
    )
    kl = 0.5 * k3(logp, logp.detach() + 1)
    torch.testing.assert_close(gradient((apart.loss - kl).sum(), logp).flatten(), -torch.tensor(weights).double())


def test_what_a_token_weighs():
    lengths = [4, 0, 2]
    assert token_weights(lengths, "sequence", 10) == [1 / 8, 0.0, 1 / 4]
    assert token_weights(lengths, "token", 10) == [1 / 6, 0.0, 1 / 6]
    assert token_weights(lengths, "constant", 10) == [1 / 20, 0.0, 1 / 20]
    assert token_weights([0, 0], "token", 10) == [0.0, 0.0]
    assert token_weights([], "sequence", 10) == []


def test_a_minibatch_split_loses_and_repeats_nothing():
    parts = split(range(19), 4, random.Random(0))
    assert sorted(index for part in parts for index in part) == list(range(19))
    assert {len(part) for part in parts} == {4, 5}
    assert parts != split(range(19), 4, random.Random(1))
    assert split([], 2, random.Random(0)) == [[], []]


def test_micro_batches_keep_to_their_budget_with_padding():
    lengths = [5, 30, 7, 7, 100, 1]
    batches = pack(lengths, 35)
    assert sorted(place for batch in batches for place in batch) == list(range(6))
    assert [4] in batches  # longer than the budget: alone
    assert all(len(batch) * max(lengths[place] for place in batch) <= 35 for batch in batches if batch != [4])


@pytest.mark.parametrize(
    "settings",
    [{"clip_low": -0.1}, {"kl": "k1"}, {"aggregation": "mean"}, {"correction_high": 0.9}, {"kl_coef": float("nan")}],
)
def test_bad_settings_are_named(settings):
    with pytest.raises(ValueError, match=f"loss.*{next(iter(settings))}"):
        LossConfig(**settings)

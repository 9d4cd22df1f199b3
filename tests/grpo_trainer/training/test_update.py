"""The update on a real model: what must not change a gradient, and what must leave it."""

from dataclasses import replace

import pytest
import torch

from grpo_trainer.grpo.advantages import advantages
from grpo_trainer.rollout import Prompt, Rollout
from grpo_trainer.training import ScoredRollouts, Scores
from grpo_trainer.training.logprobs import Rows, logprobs
from grpo_trainer.training.reference import Reference
from grpo_trainer.training.update import Updater

# Prompt ids, completion ids and reward of each sample; lengths differ on purpose.
SAMPLES = [
    [([3], [4, 5, 6, 2], 1.0), ([3], [7, 2], 0.0), ([3], [4, 4, 4, 4, 4, 4], 0.5)],
    [([5, 6, 7, 8], [9, 2], 0.0), ([5, 6, 7, 8], [10, 3, 2], 2.0), ([5, 6, 7, 8], [4], 1.0)],
]
ONE_STEP = {"minibatches": 1, "max_grad_norm": 1e9, "micro_batch_tokens": 1000}


@pytest.fixture
def make_groups(policy, config):
    """Groups as `collect` gives them, with the policy's own log-probabilities, `drift` away."""

    def make(samples=SAMPLES, drift=0.0):
        judged = advantages([[reward for _, _, reward in group] for group in samples], config.advantage)
        torch.manual_seed(5)
        return [
            ScoredRollouts(0, [rollout(*sample, drift) for sample in group], scores(group), judgement)
            for group, judgement in zip(samples, judged, strict=True)
        ]

    def rollout(prompt, ids, reward, drift):
        rows = Rows([(prompt, ids)], policy.device)
        with torch.no_grad():
            values = rows.gather(logprobs(policy, rows, 1.0)[0])[0]
        values = values + drift * torch.randn_like(values)
        return Rollout(Prompt("a"), "0-0", 0, 3, prompt, ids, values.tolist(), "", ids[-1] != 2, 0)

    def scores(group):
        rewards = [reward for _, _, reward in group]
        return Scores(rewards, [None if reward is not None else "timeout" for reward in rewards], {})

    return make


@pytest.fixture
def gradient_of(make_policy, config):
    """(gradient, metrics) of one optimiser step of the same policy on the groups."""

    def gradient(groups, reference=None, **settings):
        policy = make_policy()
        updater = Updater(policy, replace(config, **(ONE_STEP | settings)))
        results = updater.update(groups, 0, 0, reference)
        return torch.cat([parameter.grad.flatten() for parameter in policy.parameters()]), results

    return gradient


def close(one, other):
    torch.testing.assert_close(one, other, rtol=1e-4, atol=2e-6)


WEIGHTS = {
    "sequence": lambda lengths: [1 / (6 * length) for length in lengths],
    "token": lambda lengths: [1 / sum(lengths)] * 6,
    "constant": lambda lengths: [1 / (6 * 5)] * 6,  # the configuration's max_tokens is 5
}


@pytest.mark.parametrize("aggregation", ["sequence", "token", "constant"])
def test_the_gradient_is_the_formulas(make_groups, gradient_of, make_policy, config, aggregation):
    """Written out sample by sample and token by token, on-policy: Σ w·(-A·log π + β·(π_ref/π - log(π_ref/π) - 1))."""
    groups, policy, reference = make_groups(), make_policy(), make_policy(seed=1)
    samples = [sample for group in SAMPLES for sample in group]
    values = [value for group in groups for value in group.advantages.values]
    weights = WEIGHTS[aggregation]([len(ids) for _, ids, _ in samples])
    loss = torch.zeros(())
    for (prompt, ids, _), advantage, weight in zip(samples, values, weights, strict=True):
        both = torch.tensor([[*prompt, *ids]])
        logp, fixed = (model(both).logits[0].log_softmax(-1) for model in (policy, reference))
        for place, token in enumerate(ids, len(prompt) - 1):
            gap = fixed[place, token].detach() - logp[place, token]
            loss = loss + weight * (-advantage * logp[place, token] + 0.01 * (gap.exp() - gap - 1))
    loss.backward()
    exact = torch.cat([parameter.grad.flatten() for parameter in policy.parameters()])
    ours, _ = gradient_of(groups, reference, loss=replace(config.loss, aggregation=aggregation, kl_coef=0.01))
    close(ours, exact)


@pytest.mark.parametrize("aggregation", ["sequence", "token", "constant"])
def test_the_cut_into_micro_batches_changes_nothing(make_groups, gradient_of, make_policy, config, aggregation):
    groups, reference = make_groups(drift=0.2), make_policy(seed=1)
    loss = replace(config.loss, aggregation=aggregation)
    whole, metrics = gradient_of(groups, reference, loss=loss)
    assert whole.abs().max() > 0.01
    for budget in (1, 8, 20):
        cut, again = gradient_of(groups, reference, loss=loss, micro_batch_tokens=budget)
        close(cut, whole)
        assert again == pytest.approx(metrics, rel=1e-4, abs=1e-6)


def test_a_mean_in_each_micro_batch_would_have_been_seen(make_groups, gradient_of, config):
    """The usual bug, on the same samples: the test above is sharp enough for it."""
    groups, loss = make_groups(), replace(config.loss, aggregation="token", kl_coef=0.0)
    whole, _ = gradient_of(groups, loss=loss)
    halves = [gradient_of([group], loss=loss)[0] for group in groups]
    assert ((halves[0] + halves[1]) / 2 - whole).abs().max() > 0.01


def test_the_order_of_groups_and_samples_changes_nothing(make_groups, gradient_of):
    samples = [group[::-1] for group in SAMPLES[::-1]]
    close(gradient_of(make_groups(samples))[0], gradient_of(make_groups())[0])


def test_padding_changes_nothing(policy):
    pairs = [(prompt, ids) for group in SAMPLES for prompt, ids, _ in group]
    together = Rows(pairs, policy.device)
    logp, entropy = logprobs(policy, together, 0.7)
    for (prompt, ids), mine in zip(pairs, together.gather(logp), strict=True):
        alone = Rows([(prompt, ids)], policy.device)
        close(mine, alone.gather(logprobs(policy, alone, 0.7)[0])[0])
        exact = (policy(torch.tensor([[*prompt, *ids]])).logits[0] / 0.7).log_softmax(-1)
        places = range(len(prompt) - 1, len(prompt) + len(ids) - 1)
        close(mine, torch.stack([exact[place, token] for place, token in zip(places, ids, strict=True)]))
    assert not logp[~together.mask].any()
    assert not entropy[~together.mask].any()
    (gradient,) = torch.autograd.grad(logp[~together.mask].sum(), policy.lm_head.weight)
    assert not gradient.any()


def test_spread_and_gather_are_inverse(policy):
    rows = Rows([([3, 4, 5], [6, 7]), ([3], [4, 5, 6])], policy.device)
    values = [torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0, 5.0])]
    for one, other in zip(rows.gather(rows.spread(values)), values, strict=True):
        assert torch.equal(one, other)
    assert rows.first == 0


def test_a_sample_without_a_verdict_is_as_if_it_had_never_been(make_groups, gradient_of, config):
    """In the statistics, in the gradient, in the denominator and in the KL."""
    failed = [[*SAMPLES[0], ([3], [9, 9, 9, 9], None)], SAMPLES[1]]
    for aggregation in ("sequence", "token", "constant"):
        loss = replace(config.loss, aggregation=aggregation)
        with_it, without = gradient_of(make_groups(failed), loss=loss)[0], gradient_of(make_groups(), loss=loss)[0]
        close(with_it, without)


def test_truncated_samples_are_masked_or_not(make_groups, gradient_of, config):
    groups = make_groups()
    masked, _ = gradient_of(groups, loss=replace(config.loss, mask_truncated=True))
    unmasked, _ = gradient_of(groups)
    assert (masked - unmasked).abs().max() > 0.01
    # As if the truncated ones had no part in the loss, but with the advantages that they gave to the others.
    kept = [
        replace(
            group,
            rollouts=[one for one in group.rollouts if not one.truncated],
            scores=Scores([0.0] * sum(not one.truncated for one in group.rollouts), [], {}),
            advantages=replace(
                group.advantages,
                values=tuple(
                    value
                    for value, one in zip(group.advantages.values, group.rollouts, strict=True)
                    if not one.truncated
                ),
            ),
        )
        for group in groups
    ]
    close(masked, gradient_of(kept)[0])


def test_on_policy_the_ratio_is_exactly_one(make_groups, gradient_of):
    _, metrics = gradient_of(make_groups())
    assert metrics["clip_ratio/region_mean"] == 0
    assert metrics["sampling/sampling_logp_difference/max"] < 1e-5
    assert metrics["sampling/importance_sampling_ratio/mean"] == pytest.approx(1, abs=1e-5)


def test_the_policy_before_the_first_step_is_the_old_one_for_all_minibatches(make_groups, make_policy, config):
    """A large first step makes the second minibatch's ratios differ from 1, and a tight clip sees it."""
    loss = replace(config.loss, clip_low=1e-3, clip_high=1e-3, kl_coef=0.0)
    settings = {"minibatches": 2, "learning_rate": 0.03, "micro_batch_tokens": 1000, "loss": loss}
    groups = make_groups()
    results = Updater(make_policy(), replace(config, **settings)).update(groups, 0, 0, None)
    assert results["clip_ratio/region_mean"] > 0.1
    still = Updater(make_policy(), replace(config, **settings | {"learning_rate": 1e-12})).update(groups, 0, 0, None)
    assert still["clip_ratio/region_mean"] == 0


def test_another_engines_samples_are_corrected(make_groups, gradient_of, config):
    groups = make_groups(drift=0.5)
    plain, _ = gradient_of(groups, loss=replace(config.loss, correction="none"))
    corrected, metrics = gradient_of(groups, loss=replace(config.loss, correction="truncate"))
    close(plain, gradient_of(make_groups(), loss=replace(config.loss, correction="none"))[0])
    assert (plain - corrected).abs().max() > 0.01
    assert metrics["sampling/sampling_logp_difference/mean"] > 0.1


def test_a_reference_that_is_the_policy_gives_no_kl_and_no_pull(make_groups, gradient_of, make_policy, config):
    reference = Reference(make_policy()).model
    with_it, metrics = gradient_of(make_groups(), reference, loss=replace(config.loss, kl_coef=10.0))
    assert metrics["kl"] == pytest.approx(0, abs=1e-12)
    close(with_it, gradient_of(make_groups())[0])


@pytest.mark.parametrize("rewards", [[1.0, 1.0, 1.0], [None, None, 0.5]])
def test_nothing_to_learn_changes_no_bit(make_groups, make_policy, config, rewards):
    dead = [[(prompt, ids, reward) for (prompt, ids, _), reward in zip(SAMPLES[0], rewards, strict=True)]]
    policy = make_policy()
    before = {name: tensor.clone() for name, tensor in policy.state_dict().items()}
    updater = Updater(policy, replace(config, weight_decay=0.1))
    updater.update(make_groups(), 0, 0, None)  # gives the optimiser some momentum
    policy.load_state_dict(before)
    results = updater.update([group for group in make_groups(dead) if group.advantages.alive], 1, 2, None)
    assert results["skipped_steps"] == 2
    assert all(torch.equal(tensor, before[name]) for name, tensor in policy.state_dict().items())


def test_a_gradient_that_is_no_number_changes_nothing_and_is_counted(make_groups, make_policy, config):
    policy = make_policy()
    before = {name: tensor.clone() for name, tensor in policy.state_dict().items()}
    groups = make_groups()
    groups[0] = replace(groups[0], advantages=replace(groups[0].advantages, values=(float("nan"), 0.0, 0.0)))
    results = Updater(policy, replace(config, **ONE_STEP)).update(groups, 0, 0, None)
    assert results["skipped_steps"] == 1
    assert all(torch.equal(tensor, before[name]) for name, tensor in policy.state_dict().items())

"""What tools wrote is read and is in no loss, ratio, mean, length or advantage: the update and the run around it."""

import json
import math
from dataclasses import replace
from itertools import compress

import pytest
import torch

from grpo_trainer.grpo.advantages import advantages
from grpo_trainer.rollout import Completion, Prompt, Rollout
from grpo_trainer.rollout.rollout_file import ROLLOUTS, read_rows
from grpo_trainer.training import FunctionScorer, ScoredRollouts, Scores, checkpoint
from grpo_trainer.training.logprobs import Rows, logprobs
from grpo_trainer.training.sft import Example, SFTConfig, sft
from grpo_trainer.training.update import Updater

P, T = True, False  # the policy, a tool
# Prompt ids, completion ids, whose they are, reward. In the middle, at the end, twice, and nowhere.
SAMPLES = [
    [
        ([3], [4, 5, 6, 7, 2], [P, T, T, P, P], 1.0),
        ([3], [7, 8, 9, 10, 2], [P, P, P, T, P], 0.0),
        ([3], [4, 4, 2], [P, P, P], 0.5),
    ],
    [
        ([5, 6, 7], [9, 3, 3, 4], [P, P, T, T], 0.0),
        ([5, 6, 7], [10, 3, 9, 8, 7, 6, 2], [P, T, P, T, T, P, P], 2.0),
        ([5, 6, 7], [4], [P], 1.0),
    ],
]
FLAT = [sample for group in SAMPLES for sample in group]
ONE_STEP = {"minibatches": 1, "max_grad_norm": 1e9, "micro_batch_tokens": 1000}


def place_logprobs(model, prompt, ids):
    """The log-probability of each completion token, by the plain forward pass over the whole sequence."""
    logits = model(torch.tensor([[*prompt, *ids]])).logits[0].log_softmax(-1)
    return torch.stack([logits[place, token] for place, token in enumerate(ids, len(prompt) - 1)])


@pytest.fixture
def make_groups(policy, config):
    """Groups as `collect` gives them, sampled by an engine that is `drift` away; at tools' tokens it says `noise`."""

    def make(samples=SAMPLES, drift=0.2, noise=0.0):
        torch.manual_seed(5)
        judged = advantages([[reward for *_, reward in group] for group in samples], config.advantage)
        return [
            ScoredRollouts(0, [rollout(*sample, drift, noise) for sample in group], scores(group), judgement)
            for group, judgement in zip(samples, judged, strict=True)
        ]

    def rollout(prompt, ids, mask, reward, drift, noise):
        with torch.no_grad():
            own = place_logprobs(policy, prompt, ids)
        # One draw a token of the policy's, so that samples which differ in tools' tokens alone get the same.
        drawn = [
            float(value + drift * torch.randn(())) if mine else noise for value, mine in zip(own, mask, strict=True)
        ]
        return Rollout(Prompt("a"), "0-0", 0, 3, prompt, ids, drawn, "", ids[-1] != 2, 0, mask=mask)

    def scores(group):
        rewards = [reward for *_, reward in group]
        return Scores(rewards, [None] * len(rewards), {})

    return make


@pytest.fixture
def gradient_of(make_policy, config):
    """(gradient, metrics) of one optimiser step of a fresh policy on the groups; `moved`: its weights differ from π_old."""

    def gradient(groups, reference=None, **settings):
        policy = make_policy()
        results = Updater(policy, replace(config, **(ONE_STEP | settings))).update(groups, 0, 0, reference)
        return torch.cat([parameter.grad.flatten() for parameter in policy.parameters()]), results

    return gradient


def close(one, other):
    torch.testing.assert_close(one, other, rtol=1e-4, atol=2e-6)


def weight(aggregation, length):
    lengths = [sum(mask) for _, _, mask, _ in FLAT]
    # The configuration's max_tokens is 5.
    return {"sequence": 1 / (6 * length), "token": 1 / sum(lengths), "constant": 1 / (6 * 5)}[aggregation]


def reference_loss(policy, groups, reference, loss):
    """Written out from the formulas, sample by sample, on the policy's own tokens alone; π_old is the policy."""
    total = torch.zeros(())
    for group in groups:
        for rollout, advantage in zip(group.rollouts, group.advantages.values, strict=True):
            own = torch.tensor(rollout.mask)
            logp, fixed = (place_logprobs(model, rollout.prompt_ids, rollout.ids)[own] for model in (policy, reference))
            sampled = torch.tensor(rollout.logprobs)[own]
            old = logp.detach()
            ratio = (logp - old).mean().exp() if loss.ratio == "sequence" else (logp - old).exp()
            gap = (old - sampled).sum() if loss.correction_level == "sequence" else old - sampled
            term = -ratio * advantage * gap.exp().clamp(max=loss.correction_high)
            if loss.off_policy_limit is not None and advantage < 0 and (sampled - old).mean() > loss.off_policy_limit:
                term = term * 0
            penalty = (fixed.detach() - logp).exp() - (fixed.detach() - logp) - 1
            total = total + weight(loss.aggregation, int(own.sum())) * (term + loss.kl_coef * penalty).sum()
    return total


@pytest.mark.parametrize("aggregation", ["sequence", "token", "constant"])
@pytest.mark.parametrize(
    "settings",
    [{}, {"ratio": "sequence"}, {"correction_level": "sequence"}, {"off_policy_limit": 0.05}],
    ids=lambda settings: next(iter(settings), "plain"),
)
def test_loss_and_gradient_are_the_formulas_on_the_policys_tokens(
    make_groups, gradient_of, make_policy, config, aggregation, settings
):
    loss = replace(config.loss, aggregation=aggregation, kl_coef=0.05, **settings)
    groups, policy, reference = make_groups(), make_policy(), make_policy(seed=1)
    exact = reference_loss(policy, groups, reference, loss)
    exact.backward()
    ours, metrics = gradient_of(groups, reference, loss=loss)
    close(ours, torch.cat([parameter.grad.flatten() for parameter in policy.parameters()]))
    assert metrics["loss"] == pytest.approx(exact.item(), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("aggregation", ["sequence", "token", "constant"])
def test_a_mask_that_were_left_out_would_have_been_seen(make_groups, gradient_of, config, aggregation):
    loss = replace(config.loss, aggregation=aggregation)
    masked, _ = gradient_of(make_groups(), loss=loss)
    whole = [[(prompt, ids, [P] * len(ids), reward) for prompt, ids, _, reward in group] for group in SAMPLES]
    assert (gradient_of(make_groups(whole), loss=loss)[0] - masked).abs().max() > 0.01


@pytest.mark.parametrize("noise", [-9.0, math.nan])
def test_what_an_engine_says_of_a_tools_tokens_moves_nothing(make_groups, gradient_of, make_policy, noise):
    one, metrics = gradient_of(make_groups(), make_policy(seed=1))
    other, again = gradient_of(make_groups(noise=noise), make_policy(seed=1))
    assert torch.equal(one, other)
    assert metrics == again


def test_a_tools_tokens_that_nothing_reads_move_nothing(make_groups, gradient_of, make_policy):
    """At the end of a completion no token of the policy's attends to them: other ones, or none, give the same gradient."""
    prompt, ids, mask, reward = SAMPLES[1][0]
    assert mask[2:] == [T, T]
    first, reference = SAMPLES[0], make_policy(seed=1)
    gradients = [
        gradient_of(
            make_groups([first, [(prompt, changed, mask[: len(changed)], reward), *SAMPLES[1][1:]]]), reference
        )[0]
        for changed in (ids, [*ids[:2], 8, 9], ids[:2])
    ]
    close(gradients[0], gradients[1])
    close(gradients[0], gradients[2])


def test_no_gradient_stands_at_a_tools_place(policy):
    """The logits that predict a tool's token have a gradient of exactly 0, those of the policy's tokens have one."""
    rows = Rows([(prompt, ids) for prompt, ids, _, _ in FLAT], policy.device, [mask for _, _, mask, _ in FLAT])
    kept = []
    hook = policy.model.norm.register_forward_hook(lambda module, inputs, output: kept.append(output.requires_grad_()))
    logp, entropy = logprobs(policy, rows, 1.0)
    hook.remove()
    (gradient,) = torch.autograd.grad(logp.sum(), kept[-1])
    for row, (prompt, _, mask, _) in enumerate(FLAT):
        for place, own in enumerate(mask, len(prompt) - 1):
            assert bool(gradient[row, place].any()) == own
    assert not logp[~rows.mask].any()
    assert not entropy[~rows.mask].any()
    assert int(rows.mask.sum()) == sum(sum(mask) for _, _, mask, _ in FLAT)


@pytest.mark.parametrize("aggregation", ["sequence", "token", "constant"])
def test_the_cut_into_micro_batches_changes_nothing(make_groups, gradient_of, make_policy, config, aggregation):
    loss, reference = replace(config.loss, aggregation=aggregation), make_policy(seed=1)
    whole, metrics = gradient_of(make_groups(), reference, loss=loss)
    for budget in (1, 9, 20):
        cut, again = gradient_of(make_groups(), reference, loss=loss, micro_batch_tokens=budget)
        close(cut, whole)
        assert again == pytest.approx(metrics, rel=1e-4, abs=1e-6)


def test_later_minibatches_use_the_old_policy_of_the_policys_tokens(make_groups, make_policy, config):
    settings = {"minibatches": 2, "learning_rate": 1e-12, "micro_batch_tokens": 1000}
    loss = replace(config.loss, clip_low=1e-3, clip_high=1e-3, kl_coef=0.0)
    still = Updater(make_policy(), replace(config, loss=loss, **settings)).update(make_groups(), 0, 0, None)
    assert still["clip_ratio/region_mean"] == 0
    assert math.isfinite(still["entropy"])


def test_fine_tuning_reads_a_tools_tokens_and_does_not_imitate_them(tmp_path, make_policy):
    config = SFTConfig(steps=60, batch=4, learning_rate=1e-2)
    model = make_policy()
    ids, mask = [4, 9, 9, 9, 5, 2], [P, T, T, T, P, P]
    sft(model, [Example([3], ids, mask)] * 4, config, seed=0, state=tmp_path / "state")
    logp = place_logprobs(model, [3], ids).exp()
    assert min(compress(logp.tolist(), mask)) > 0.9
    assert max(value for value, own in zip(logp.tolist(), mask, strict=True) if not own) < 0.5


# --- a run ------------------------------------------------------------------------------------------------------------


class Toolish:
    """An engine of which every completion has a tool's tokens in it, and some have failed."""

    own_weights = True

    def __init__(self, policy, failed=()):
        self._policy, self._failed = policy, failed

    def sync(self, policy):
        """It has the policy itself."""

    def release(self):
        """Nothing to give back."""

    def generate(self, prompts, sampling, limits=None):
        for row, prompt in enumerate(prompts):
            ids, mask = (
                [3 + row % 6, 9, 9, 4 + row % 3, 2][: sampling.max_tokens],
                [P, T, T, P, P][: sampling.max_tokens],
            )
            with torch.no_grad():
                logp = place_logprobs(self._policy, list(prompt), ids)
            drawn = [value if own else 0.0 for value, own in zip(logp.tolist(), mask, strict=True)]
            failure = "tool_failed" if row in self._failed else None
            calls = ["failed" if failure else "ok"]
            yield Completion(row, ids, drawn, False, mask=mask, session=f"s{row}", calls=calls, failure=failure)


def first_letter(rollout):
    return float(ord(rollout.text[0]))


def test_a_run_counts_the_policys_tokens_and_writes_who_wrote_what(policy, make_trainer, config, lines):
    make_trainer(policy, first_letter, engine=Toolish(policy), log_rollouts_every=1).run()
    line = lines()[0]
    assert line["completions/mean_length"] == line["completions/max_length"] == 3
    assert line["num_tokens"] == 3 * 18
    assert (line["tools/calls"], line["tools/callers"], line["tools/ok"], line["tools/tokens"]) == (1, 1, 18, 2)
    assert line["reward/failed_frac"] == 0
    row = next(iter(read_rows(config.run_dir / ROLLOUTS)))
    assert [part["role"] for part in row["completion"]] == ["assistant", "tool", "assistant"]
    assert row["completion"][1]["content"] == "gg"
    assert (row["tokens"], row["calls"], row["session"]) == (3, ["ok"], "s0")


def test_a_failed_episode_is_in_no_advantage_and_no_gradient(policy, make_policy, make_trainer, lines):
    """As if its sample had never been: the same weights as from a run whose scorer gives no verdict there."""
    failed = {0, 7, 17}

    class Silent(FunctionScorer):
        def result(self, group):
            scores = super().result(group)
            first = int(group.split("-")[1]) % 3 * 6
            gone = [first + index in failed for index in range(6)]
            rewards = [None if none else value for value, none in zip(scores.rewards, gone, strict=True)]
            return Scores(rewards, ["timeout" if none else None for none in gone], {})

    settings = {"total_steps": 2, "minibatches": 2}
    make_trainer(policy, first_letter, engine=Toolish(policy, failed), **settings).run()
    line = lines()[0]
    assert line["reward/failed_frac"] == 3 / 18
    assert line["failures/tool_failed"] == line["tools/failed"] == 3
    other = make_policy()
    config = make_trainer(other).config
    again = make_trainer(
        other,
        engine=Toolish(other),
        scorer=Silent(first_letter),
        run_dir=config.run_dir / "other",
        **settings,
    )
    again.run()
    for one, same in zip(policy.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, same)


def test_too_many_failures_stop_the_run(policy, make_trainer):
    from trainer_client.errors import TooManyFailures

    with pytest.raises(TooManyFailures, match="tool_failed 18"):
        make_trainer(policy, first_letter, engine=Toolish(policy, range(18))).run()


def test_a_rollout_survives_a_checkpoint(policy, make_trainer):
    batches = []
    keep = [lambda trainer, batch: batches.append(batch)]
    make_trainer(policy, first_letter, engine=Toolish(policy, {4}), callbacks=keep, total_steps=2).run()
    saved = json.loads(json.dumps(checkpoint.pack_batch(batches[0])))
    prompts = {group.position: group.rollouts[0].prompt for group in batches[0].groups}
    assert checkpoint.unpack_batch(saved, prompts) == batches[0]

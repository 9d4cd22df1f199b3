"""A prompt that several rows share is read once, and no log-probability, entropy or gradient changes by it."""

import random

import pytest
import torch
from torch import nn
from transformers import MambaConfig, MambaForCausalLM

from grpo_trainer.training.logprobs import Forward, Rows
from grpo_trainer.training.prompt_sharing import shared_states

CPU = torch.device("cpu")


def pairs(seed, prompts=3, siblings=4, longest_prompt=20, longest=6):
    rng = random.Random(seed)
    texts = [
        [rng.randrange(3, 11) for _ in range(rng.randint(longest_prompt // 2, longest_prompt))] for _ in range(prompts)
    ]
    rows = [
        (text, [rng.randrange(3, 11) for _ in range(rng.randint(1, longest))])
        for text in texts
        for _ in range(siblings)
    ]
    rng.shuffle(rows)
    return rows


def masks(rows, seed):
    rng = random.Random(seed)
    return [[True, *(rng.random() < 0.6 for _ in ids[1:])] for _, ids in rows]


def one_by_one(policy, rows, temperature):
    """(log-probabilities, entropies) of the tokens that count, each row alone in a plain forward pass."""
    values, entropies = [], []
    for (prompt, ids), row in zip(rows.pairs, range(len(rows.pairs)), strict=True):
        logits = policy(torch.tensor([[*prompt, *ids]])).logits[0, len(prompt) - 1 : -1] / temperature
        start = len(prompt) - 1 - rows.first
        counts = rows.mask[row, start : start + len(ids)]
        distribution = logits.log_softmax(-1)[counts]
        values.append(distribution.gather(-1, torch.tensor(ids)[counts][:, None])[:, 0])
        entropies.append(torch.special.entr(distribution.exp()).sum(-1))
    return torch.cat(values), torch.cat(entropies)


def tokens_read(policy, work):
    """How many tokens the first layer reads."""
    counts = []
    handle = policy.model.layers[0].register_forward_hook(
        lambda _, inputs, __: counts.append(inputs[0].shape[:2].numel())
    )
    work()
    handle.remove()
    return sum(counts)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("masked", [False, True], ids=["whole", "with a tool's tokens"])
def test_it_changes_no_value_and_no_gradient(make_policy, seed, masked):
    policy = make_policy(sliding_window=None)
    samples = pairs(seed)
    rows = Rows(samples, CPU, masks(samples, seed) if masked else None)
    weights = torch.randn(int(rows.mask.sum()), generator=torch.Generator().manual_seed(seed))

    logp, entropy = Forward().logprobs(policy, rows, 0.7)
    assert shared_states(policy.base_model, rows) is not None
    (logp[rows.mask] * weights).sum().backward()
    shared = torch.cat([parameter.grad.flatten() for parameter in policy.parameters()])

    policy.zero_grad()
    expected, entropies = one_by_one(policy, rows, 0.7)
    (expected * weights).sum().backward()
    alone = torch.cat([parameter.grad.flatten() for parameter in policy.parameters()])

    torch.testing.assert_close(logp[rows.mask], expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(entropy[rows.mask], entropies, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(shared, alone, rtol=1e-3, atol=1e-4)


def test_a_prompt_is_read_once(make_policy):
    policy = make_policy(sliding_window=None)
    rows = Rows([([3] * 20, [4, 5, 6]), ([3] * 20, [4, 2]), ([3] * 20, [7])], CPU)
    Forward().logprobs(policy, rows)  # looks at the model's head, once
    assert tokens_read(policy, lambda: Forward().logprobs(policy, rows)) == 20 + 3 * 3


@pytest.mark.parametrize(
    ("samples", "why"),
    [
        ([([3] * 20, [4, 5]), ([5] * 20, [4, 5])], "no two rows share a prompt"),
        ([([3] * 2, [4] * 20), ([3] * 2, [5] * 20)], "short prompts"),
    ],
)
def test_where_little_is_saved_the_rows_are_read_whole(make_policy, samples, why):
    policy = make_policy(sliding_window=None)
    assert shared_states(policy.base_model, Rows(samples, CPU)) is None, why


def test_a_model_with_a_window_reads_its_rows_whole(make_policy):
    policy = make_policy(sliding_window=8)
    rows = Rows(pairs(0), CPU)
    assert shared_states(policy.base_model, rows) is None
    logp, _ = Forward().logprobs(policy, rows)
    torch.testing.assert_close(logp[rows.mask], one_by_one(policy, rows, 1.0)[0], rtol=1e-5, atol=1e-5)


def test_a_model_without_attention_reads_its_rows_whole():
    torch.manual_seed(0)
    policy = MambaForCausalLM(MambaConfig(vocab_size=11, hidden_size=16, num_hidden_layers=1, state_size=4))
    rows = Rows(pairs(3, prompts=1, siblings=2), CPU)
    logp, _ = Forward().logprobs(policy, rows)
    torch.testing.assert_close(logp[rows.mask], one_by_one(policy, rows, 1.0)[0], rtol=1e-4, atol=1e-4)


def test_recomputed_layers_read_their_rows_whole(make_policy):
    """They would write into the cache again in the backward pass."""
    policy, rows = make_policy(sliding_window=None), Rows(pairs(1), CPU)
    gradients = []
    for recompute in (False, True):
        policy.zero_grad()
        Forward(recompute=recompute).logprobs(policy, rows)[0].sum().backward()
        gradients.append(nn.utils.parameters_to_vector([parameter.grad for parameter in policy.parameters()]))
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-4)


def test_in_bfloat16_it_stays_close(make_policy):
    policy, rows = make_policy(sliding_window=None), Rows(pairs(2), CPU)
    logp, _ = Forward(torch.bfloat16).logprobs(policy, rows)
    torch.testing.assert_close(logp[rows.mask], one_by_one(policy, rows, 1.0)[0], rtol=0.1, atol=0.1)

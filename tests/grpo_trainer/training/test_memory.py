"""What an update holds in memory, and that holding less changes no gradient."""

import pytest
import torch
from torch.profiler import ProfilerActivity, profile
from transformers import Gemma2Config, Gemma2ForCausalLM

from grpo_trainer.training.logprobs import CHUNK_BYTES, Forward, Rows, chunk_size
from grpo_trainer.training.sft import Example, SFTConfig, sft


def peak(work):
    """The most bytes that the CPU's allocator gave out above what it had at the start."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        work()
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    total = highest = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        total += event.nbytes()
        highest = max(highest, total)
    return highest


def gradient(policy, work):
    policy.zero_grad()
    work()
    return torch.cat([parameter.grad.flatten() for parameter in policy.parameters() if parameter.grad is not None])


def plain(policy, rows, temperature):
    """The formula, with all logits at once."""
    logits = policy(rows.ids).logits[:, rows.first : -1].float() / temperature
    distribution = logits.log_softmax(-1)
    chosen = distribution.gather(-1, rows.ids[:, rows.first + 1 :, None]).squeeze(-1)
    return (chosen * rows.mask), torch.special.entr(distribution.exp()).sum(-1) * rows.mask


@pytest.fixture
def wide(make_policy):
    """A vocabulary that is all of the memory: 20,000 tokens on a width of 16."""
    return make_policy(layers=1, hidden=16, vocab_size=20_000, max_position_embeddings=600)


@pytest.fixture
def long_rows():
    return Rows([([3, 4], list(range(5, 505))), ([3], list(range(6, 406)))], torch.device("cpu"))


@pytest.mark.slow
def test_log_probabilities_never_hold_all_logits(wide, long_rows):
    logits = int(long_rows.mask.sum()) * 20_000 * 4

    def update():
        logp, _ = Forward().logprobs(wide, long_rows, 0.7)
        (-logp.sum()).backward()

    update()
    wide.zero_grad()
    assert peak(update) < 1.2 * logits
    assert peak(lambda: plain(wide, long_rows, 0.7)[0].sum().backward()) > 3 * logits


def test_a_chunk_of_a_large_vocabulary_stays_small():
    tokens = chunk_size(65_536, 151_936)
    assert 4 * tokens * 151_936 * 4 < 1e9
    assert chunk_size(1, 10**9) == 1
    assert 4 * chunk_size(65_536, 151_936) * 151_936 <= CHUNK_BYTES


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_chunks_change_neither_value_nor_gradient(policy, temperature, monkeypatch):
    monkeypatch.setattr("grpo_trainer.training.logprobs.chunk_size", lambda tokens, vocabulary: 3)
    rows = Rows([([3], [4, 5, 6, 2]), ([5, 6, 7], [8, 9, 3, 4, 2])], torch.device("cpu"))
    ours, exact = Forward().logprobs(policy, rows, temperature), plain(policy, rows, temperature)
    for one, other in zip(ours, exact, strict=True):
        torch.testing.assert_close(one, other)
    mine = gradient(policy, lambda: Forward().logprobs(policy, rows, temperature)[0].sin().sum().backward())
    theirs = gradient(policy, lambda: plain(policy, rows, temperature)[0].sin().sum().backward())
    # By the length of the whole: which bits of a small number are lost depends on the processor.
    assert (mine - theirs).norm() < 1e-5 * theirs.norm()


def test_a_model_that_caps_its_logits_is_computed_whole_and_says_so():
    config = Gemma2Config(
        vocab_size=11,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        final_logit_softcapping=0.5,
        initializer_range=0.5,
    )
    model, rows = Gemma2ForCausalLM(config).eval(), Rows([([3], [4, 5, 2])], torch.device("cpu"))
    with pytest.warns(UserWarning, match="kept whole"):
        logp, _ = Forward().logprobs(model, rows)
    torch.testing.assert_close(logp, plain(model, rows, 1.0)[0])


def test_recomputed_layers_give_the_same_gradient_from_fewer_activations(make_policy):
    policy = make_policy(layers=8, hidden=64, max_position_embeddings=600)
    rows = Rows([([3], [4, 5, 6] * 150)], torch.device("cpu"))

    def update(recompute):
        Forward(recompute=recompute).logprobs(policy, rows)[0].sum().backward()

    torch.testing.assert_close(gradient(policy, lambda: update(True)), gradient(policy, lambda: update(False)))
    peaks = {}
    for recompute in (True, False):
        policy.zero_grad()
        peaks[recompute] = peak(lambda recompute=recompute: update(recompute))
    assert peaks[True] < 0.5 * peaks[False]
    assert "forward" not in vars(policy.model.layers[0])


@pytest.mark.parametrize("budget", [1, 9, 30])
def test_the_cut_of_an_sft_batch_changes_no_gradient(make_policy, tmp_path, budget):
    examples = [Example([3] * (1 + place % 3), [4 + place % 5] * (1 + place % 6) + [2]) for place in range(12)]
    examples.append(Example([], [4, 5, 2]))

    def trained(budget):
        policy, norms = make_policy(), []
        config = SFTConfig(steps=2, batch=13, grad_clip=1e9, micro_batch_tokens=budget)
        weights, state = {4: 3.0}, tmp_path / f"{budget}"
        sft(policy, examples, config, seed=0, state=state, weights=weights, on_step=lambda _, one: norms.append(one))
        return norms

    for one, other in zip(trained(budget), trained(10_000), strict=True):
        assert one == pytest.approx(other, rel=1e-4)

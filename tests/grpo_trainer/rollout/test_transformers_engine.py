"""Rollouts by transformers, and the guard that compares an engine with the trainer."""

from collections import Counter

import pytest
import torch

from grpo_trainer.rollout import Completion, Sampling, sync_guard
from grpo_trainer.rollout.transformers_engine import TransformersEngine, sample
from grpo_trainer.training.logprobs import Rows, logprobs

END = 2
PROMPTS = [[3], [4, 5, 6, 7, 8], [3], [9, 10], [4, 5, 6, 7, 8], [5] * 9]


@pytest.fixture
def engine(policy):
    return TransformersEngine(policy, [END])


def in_order(engine, sampling, prompts=PROMPTS):
    return sorted(engine.generate(prompts, sampling), key=lambda completion: completion.row)


def trainers(policy, temperature):
    def compute(pairs):
        rows = Rows(pairs, policy.device)
        with torch.no_grad():
            return [values.tolist() for values in rows.gather(logprobs(policy, rows, temperature)[0])]

    return compute


@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_behaviour_log_probabilities_are_the_policys(engine, policy, temperature):
    results = in_order(engine, Sampling(20, temperature, seed=3))
    assert [completion.row for completion in results] == list(range(len(PROMPTS)))
    assert len({len(completion.ids) for completion in results}) > 2
    expected = trainers(policy, temperature)([(PROMPTS[one.row], one.ids) for one in results])
    for completion, mine in zip(results, expected, strict=True):
        assert completion.logprobs == pytest.approx(mine, abs=1e-5)


def test_a_completion_ends_with_the_end_token_or_is_truncated(engine):
    results = in_order(engine, Sampling(12, seed=3))
    assert {completion.truncated for completion in results} == {True, False}
    for completion in results:
        assert (completion.ids[-1] == END) == (not completion.truncated)
        assert END not in completion.ids[:-1]
        assert len(completion.ids) <= 12
        assert len(completion.ids) == 12 or not completion.truncated


def test_a_row_stops_at_a_pause_that_is_worth_it_and_at_no_other(engine):
    """Each stop costs reading the whole row again."""
    pauses = (3, 4, 5, 6)

    def is_pause(ids):
        assert ids[-1] in pauses
        return ids[-1] == 3

    results = in_order(engine, Sampling(30, seed=3, pauses=pauses, is_pause=is_pause), PROMPTS * 4)
    assert {one.ids[-1] for one in results if not one.truncated} == {END, 3}
    assert all(3 not in one.ids[:-1] for one in results)
    assert any(token in pauses for one in results for token in one.ids[:-1])
    every = in_order(engine, Sampling(30, seed=3, pauses=pauses), PROMPTS * 4)
    assert all(token not in pauses for one in every for token in one.ids[:-1])


def test_what_is_done_is_given_back_while_others_go_on(engine):
    lengths = [len(completion.ids) for completion in engine.generate(PROMPTS, Sampling(20, seed=3))]
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[-1]


def test_a_seed_repeats_a_batch(engine):
    one, again, other = (in_order(engine, Sampling(12, seed=seed)) for seed in (3, 3, 4))
    assert one == again
    assert one != other


def test_greedy_rows_do_not_depend_on_their_batch(policy):
    greedy = Sampling(12, temperature=0.0)
    small = in_order(TransformersEngine(policy, [END], batch=2), greedy)
    assert [one.ids for one in small] == [one.ids for one in in_order(TransformersEngine(policy, [END]), greedy)]
    assert small[0].ids == small[2].ids


def test_greedy_is_what_transformers_generates(policy, engine):
    ids = torch.tensor([[4, 5, 6, 7, 8]])
    theirs = policy.generate(ids, max_new_tokens=12, do_sample=False, attention_mask=torch.ones_like(ids))
    assert in_order(engine, Sampling(12, temperature=0.0))[1].ids == theirs[0, 5:].tolist()


def test_top_p_draws_from_the_nucleus_and_says_with_which_probability():
    logits = torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log().repeat(4000, 1)
    tokens, logprob = sample(logits, Sampling(1, top_p=0.79), torch.Generator().manual_seed(0))
    shares = {token: count / 4000 for token, count in Counter(tokens.tolist()).items()}
    assert shares == pytest.approx({0: 5 / 8, 1: 3 / 8}, abs=0.03)
    assert logprob.exp().unique().tolist() == pytest.approx([3 / 8, 5 / 8])


@pytest.mark.parametrize(
    ("prompts", "message"), [([[3], []], "no tokens"), ([[3] * 50], "max_tokens: 20 after a prompt of 50")]
)
def test_what_does_not_fit_is_refused(engine, prompts, message):
    with pytest.raises(ValueError, match=message):
        list(engine.generate(prompts, Sampling(20)))


@pytest.mark.parametrize(
    "settings", [{"max_tokens": 0}, {"max_tokens": 1, "temperature": -1}, {"max_tokens": 1, "top_p": 0}]
)
def test_bad_sampling_is_named(settings):
    with pytest.raises(ValueError, match=list(settings)[-1]):
        Sampling(**settings)


def test_an_engine_with_weights_of_its_own_follows_only_when_synced(policy, make_policy):
    engine = TransformersEngine(policy, [END], copy_weights=True)
    before = in_order(engine, Sampling(8, seed=1))
    policy.load_state_dict(make_policy(seed=9).state_dict())
    assert in_order(engine, Sampling(8, seed=1)) == before
    engine.sync(policy)
    for mine, theirs in zip(
        in_order(engine, Sampling(8, seed=1)),
        in_order(TransformersEngine(policy, [END]), Sampling(8, seed=1)),
        strict=True,
    ):
        assert mine.ids == theirs.ids
        assert mine.logprobs == pytest.approx(theirs.logprobs, abs=1e-5)


class TestGuard:
    sampling = Sampling(8, seed=1)

    def test_passes_an_engine_in_step(self, engine, policy):
        gap = sync_guard.measure(engine, PROMPTS, self.sampling, trainers(policy, 1.0))
        assert gap.max < 1e-5
        assert gap.tokens > 10
        sync_guard.check(gap, 1e-4)

    def test_trips_on_stale_weights(self, policy):
        engine = TransformersEngine(policy, [END], copy_weights=True)
        with torch.no_grad():
            policy.model.layers[0].mlp.up_proj.weight += 0.01
        with pytest.raises(sync_guard.EngineOutOfSync, match="tied embeddings"):
            sync_guard.check(sync_guard.measure(engine, PROMPTS, self.sampling, trainers(policy, 1.0)), 1e-3)

    def test_trips_on_a_tied_head_that_was_not_reloaded(self, policy, make_policy):
        """What vLLM does to a tied model on reload: new embeddings, old head."""
        engine = TransformersEngine(policy, [END], copy_weights=True)
        engine.model.lm_head.weight = torch.nn.Parameter(engine.model.lm_head.weight.clone())
        new = make_policy(seed=9)
        weights = {name: tensor for name, tensor in new.state_dict().items() if name != "lm_head.weight"}
        engine.model.load_state_dict(weights, strict=False)
        gap = sync_guard.measure(engine, PROMPTS, self.sampling, trainers(new, 1.0))
        assert gap.mean > 0.1

    def test_trips_on_another_temperature(self, engine, policy):
        gap = sync_guard.measure(engine, PROMPTS, self.sampling, trainers(policy, 0.9))
        with pytest.raises(sync_guard.EngineOutOfSync):
            sync_guard.check(gap, 1e-3)

    def test_trips_on_a_number_that_is_none(self, policy):
        class Broken:
            def generate(self, prompts, sampling):
                yield Completion(0, [3], [float("nan")], truncated=True)

        with pytest.raises(sync_guard.EngineOutOfSync):
            sync_guard.check(sync_guard.measure(Broken(), PROMPTS, self.sampling, trainers(policy, 1.0)), 1e9)

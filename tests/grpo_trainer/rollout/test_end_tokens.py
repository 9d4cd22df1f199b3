import pytest

from grpo_trainer.rollout import Sampling
from grpo_trainer.rollout.end_tokens import end_tokens
from grpo_trainer.rollout.transformers_engine import TransformersEngine


@pytest.mark.parametrize(
    ("generation", "config", "tokens"),
    [(None, None, [2]), (6, None, [2, 6]), ([1, 6], None, [1, 2, 6]), ([6], [7, 2], [2, 6, 7])],
)
def test_every_declared_end_token_ends(policy, tokenizer, generation, config, tokens):
    policy.generation_config.eos_token_id, policy.config.eos_token_id = generation, config
    assert end_tokens(policy, tokenizer) == tokens


def test_they_survive_a_checkpoint(policy, tokenizer, tmp_path):
    policy.generation_config.eos_token_id = [2, 6]
    policy.save_pretrained(tmp_path)
    again = type(policy).from_pretrained(tmp_path)
    assert end_tokens(again, tokenizer) == [2, 6]


def test_a_model_without_one_is_refused(policy, tokenizer):
    policy.generation_config.eos_token_id = policy.config.eos_token_id = None
    silent = type("Silent", (), {"eos_token_id": None})
    with pytest.raises(ValueError, match="eos_token_id"):
        end_tokens(policy, silent)


def test_a_completion_ends_at_any_of_them(policy, tokenizer):
    policy.generation_config.eos_token_id = [2, 5, 7]
    engine = TransformersEngine(policy, end_tokens(policy, tokenizer))
    ends = {done.ids[-1] for done in engine.generate([[3]] * 200, Sampling(20)) if not done.truncated}
    assert ends == {2, 5, 7}

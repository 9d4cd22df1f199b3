"""Which engine a recipe's stages get, and with which end tokens."""

import pytest
import torch

from grpo_trainer import tiny
from grpo_trainer.recipe import Recipe
from grpo_trainer.stages import context as context_module
from grpo_trainer.stages.context import RunContext


class VLLM:
    """Stands where VLLMEngine would."""

    def __init__(self, policy, ends, **options):
        self.ends, self.options, self.synced = ends, options, 0

    def sync(self, policy):
        self.synced += 1


@pytest.fixture
def make_context(tmp_path, monkeypatch):
    monkeypatch.setattr(context_module, "VLLMEngine", VLLM)

    def make(dtype="float32", **engine):
        recipe = Recipe.model_validate(
            {
                "name": "x",
                "model": {"dtype": dtype},
                "engine": engine,
                "sources": {"signs": {"task": "signs", "domain": "signs"}},
                "stages": [{"kind": "sft", "name": "a", "traces": 1, "train": {"steps": 1}}],
            }
        )
        policy = tiny.decoder(1, 16, 1)
        policy.generation_config.eos_token_id = [1, 6]
        return RunContext(recipe, tmp_path, None, 0, "x-0-abc", policy, tiny.tokenizer())

    return make


def test_one_vllm_serves_the_whole_run(make_context):
    context = make_context(kind="vllm", max_length=64, dtype="bfloat16", options={"enable_sleep_mode": True})
    first, again = context.engine(), context.engine()
    assert first is again is context.shared_engine
    assert first.ends == [1, 6]
    assert first.options == {"max_tokens": 64, "dtype": torch.bfloat16, "enable_sleep_mode": True}
    assert first.synced == 1


def test_the_length_of_a_vllm_is_the_models_unless_it_is_set(make_context):
    assert make_context(kind="vllm").engine().options["max_tokens"] == tiny.MAX_POSITIONS


def test_transformers_gets_its_rows_its_dtype_and_every_end_token(make_context):
    context = make_context(kind="transformers", rows=3, dtype="bfloat16")
    engine = context.engine()
    assert engine._batch == 3
    assert engine._end.tolist() == [1, 6]
    assert engine.model.dtype == torch.bfloat16
    assert context.policy.dtype == torch.float32
    assert context.shared_engine is None


def test_options_of_vllm_need_a_vllm(make_context):
    with pytest.raises(ValueError, match="kind: vllm"):
        make_context(options={"enforce_eager": True})

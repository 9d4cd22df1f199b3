"""A tokenizer of eleven tokens, a model of a few thousand parameters, and a trainer around both."""

import json
from dataclasses import replace

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import MistralConfig, MistralForCausalLM, PreTrainedTokenizerFast

from grpo_trainer.grpo.loss import LossConfig
from grpo_trainer.rollout import Prompt
from grpo_trainer.rollout.transformers_engine import TransformersEngine
from grpo_trainer.training import FunctionScorer, GRPOConfig, Trainer

LETTERS = "abcdefgh"
END = 2


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tokenizer():
    """One token a letter: "a" is 3."""
    vocabulary = {token: number for number, token in enumerate(["<pad>", "<s>", "</s>", *LETTERS])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<pad>"))
    inner.pre_tokenizer, inner.decoder = pre_tokenizers.Split("", "isolated"), decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="<pad>", bos_token="<s>", eos_token="</s>")


@pytest.fixture
def make_policy():
    def make(seed=0, layers=2, hidden=32, **more):
        torch.manual_seed(seed)
        settings = {
            "vocab_size": 3 + len(LETTERS),
            "hidden_size": hidden,
            "intermediate_size": 2 * hidden,
            "num_hidden_layers": layers,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 64,
            "initializer_range": 0.3,
            "tie_word_embeddings": True,
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": END,
        }
        return MistralForCausalLM(MistralConfig(**(settings | more)))

    return make


@pytest.fixture
def policy(make_policy):
    return make_policy()


@pytest.fixture
def config(tmp_path):
    return GRPOConfig(
        run_dir=tmp_path / "run",
        total_steps=8,
        prompts_per_rollout=3,
        group_size=6,
        max_tokens=5,
        minibatches=2,
        micro_batch_tokens=40,
        learning_rate=3e-3,
        loss=LossConfig(kl_coef=0.01),
        reference_every=4,
        loggers=(),
    )


PROMPTS = [Prompt(text) for text in ("a", "bc", "def", "gh", "hgfe")]


def share_of_b(rollout):
    """A reward with many values: the share of "b" in the completion."""
    return rollout.text.count("b") / max(len(rollout.text), 1)


@pytest.fixture
def make_trainer(tokenizer, config):
    """`make_trainer(policy, score, prompts, ahead=1, …)`: any setting of the configuration by its name."""

    def make(policy, score=share_of_b, prompts=PROMPTS, *, engine=None, scorer=None, callbacks=(), **settings):
        chosen = replace(config, **settings)
        engine = engine or TransformersEngine(policy, [END], copy_weights=bool(chosen.ahead))
        return Trainer(policy, tokenizer, engine, scorer or FunctionScorer(score), prompts, chosen, callbacks=callbacks)

    return make


@pytest.fixture
def lines(config):
    """What the run wrote to metrics.jsonl."""
    return lambda: [json.loads(line) for line in (config.run_dir / "metrics.jsonl").read_text().splitlines()]

"""GRPO with vLLM as the engine, in an environment of its own; test_vllm_engine.py runs it. Its output is one line of JSON.

loop    12 rollouts of 128 samples of a policy with tied embeddings, one process
tied    the same model exported tied: vLLM's reload keeps the old head, and the guard must see it
"""

import json
import os
import sys
import time
from pathlib import Path

os.environ |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1"}

import torch
from transformers import MistralConfig, MistralForCausalLM

from grpo_trainer.grpo.loss import LossConfig
from grpo_trainer.rollout import Prompt, export, sync_guard, vllm_engine
from grpo_trainer.training import FunctionScorer, GRPOConfig, Trainer

END, LETTERS = 2, "abcdefgh"


class Tokenizer:
    """One token a letter; this environment's transformers need not read ours from disk."""

    def encode(self, text, add_special_tokens):
        return [3 + LETTERS.index(letter) for letter in text]

    def decode(self, ids, **_):
        return "".join(LETTERS[number - 3] if number >= 3 else "." for number in ids)

    def save_pretrained(self, folder):
        pass


def policy():
    torch.manual_seed(0)
    return MistralForCausalLM(
        MistralConfig(
            vocab_size=11,
            hidden_size=128,
            intermediate_size=256,
            num_hidden_layers=3,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=128,
            tie_word_embeddings=True,
            eos_token_id=END,
        )
    )


def trained(run_dir):
    model = policy()
    engine = vllm_engine.VLLMEngine(model, [END], max_tokens=96, enforce_eager=True, max_num_seqs=128)
    config = GRPOConfig(
        run_dir=run_dir,
        total_steps=12,
        prompts_per_rollout=8,
        group_size=16,
        max_tokens=40,
        minibatches=1,
        learning_rate=1e-3,
        loss=LossConfig(clip_low=0.2, clip_high=0.28, kl_coef=0.0, aggregation="token"),
        guard_threshold=1e-5,
        loggers=(),
    )
    prompts = [Prompt(letter * (1 + place)) for place, letter in enumerate(LETTERS)]
    share = FunctionScorer(lambda rollout: rollout.text.count("b") / len(rollout.ids))
    Trainer(model, Tokenizer(), engine, share, prompts, config).run()
    lines = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    names = ("reward", "sync/logp_gap_max", "sync_s", "sampling/sampling_logp_difference/max", "generate_s", "update_s")
    return {name: [line[name] for line in lines] for name in names}


def tied(run_dir):
    # As a tied model is saved: its head is the embeddings, and no weight of its own.
    vllm_engine.save_untied = lambda policy, folder, dtype: export.save(policy, folder)
    vllm_engine.untied_weights = lambda policy, dtype: {
        name: weight for name, weight in policy.state_dict().items() if name != "lm_head.weight"
    }
    model = policy()
    engine = vllm_engine.VLLMEngine(model, [END], max_tokens=96, enforce_eager=True, max_num_seqs=128)
    with torch.no_grad():
        model.model.embed_tokens.weight.add_(0.05 * torch.randn_like(model.model.embed_tokens.weight))
    engine.sync(model)
    from grpo_trainer.rollout import Sampling
    from grpo_trainer.training.logprobs import Rows, logprobs

    def ours(pairs):
        rows = Rows(pairs, model.device)
        with torch.no_grad():
            return [values.tolist() for values in rows.gather(logprobs(model, rows, 1.0)[0])]

    gap = sync_guard.measure(engine, [[3, 4], [5]], Sampling(16), ours)
    return {"max": gap.max, "mean": gap.mean}


if __name__ == "__main__":
    start = time.perf_counter()
    results = {"loop": trained, "tied": tied}[sys.argv[1]](Path(sys.argv[2]))
    print(json.dumps(results | {"seconds": time.perf_counter() - start}))

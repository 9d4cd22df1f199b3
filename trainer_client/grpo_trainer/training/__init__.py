"""GRPO from a policy to a trained policy.

    config = GRPOConfig(run_dir="runs/zero", total_steps=200, prompts_per_rollout=8, …)   # or GRPOConfig.from_mapping(yaml)
    engine = TransformersEngine(policy, end_tokens(policy, tokenizer))
    trainer = Trainer(policy, tokenizer, engine, GatewayScorer(client), prompts, config, callbacks=[evaluate])
    trainer.resume()          # True when run_dir held a checkpoint
    trainer.run()             # until total_steps, or Ctrl-C, which leaves a checkpoint

prompts: a sequence of rollout.Prompt. A callback is called after every rollout as callback(trainer, batch) and returns
more metrics, e.g. {"eval/signs/pass@1": 0.8}, or None. In run_dir: metrics.jsonl (a line a rollout), rollouts.jsonl.zst (a
line a completion), what `loggers` write, and checkpoints/step-00000050/policy, which `from_pretrained` loads.

Data flows one way:  prompts ─▶ collect (engine, scorer, advantages) ─▶ update (old, reference, loss, step) ─▶ metrics,
checkpoint
"""

from grpo_trainer.training.collector import RolloutBatch, ScoredRollouts
from grpo_trainer.training.config import GRPOConfig
from grpo_trainer.training.loop import Trainer
from grpo_trainer.training.scorer import FunctionScorer, GatewayScorer, Scorer, Scores

__all__ = [
    "FunctionScorer",
    "GRPOConfig",
    "GatewayScorer",
    "RolloutBatch",
    "ScoredRollouts",
    "Scorer",
    "Scores",
    "Trainer",
]

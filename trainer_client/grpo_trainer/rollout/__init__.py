"""Rollouts: prompts in, completions with the log-probability of every token out, as they finish.

contract        Prompt, Rollout, Sampling, and GenerationEngine: what every engine is
transformers    TransformersEngine: batched, KV cache, runs anywhere torch does
vllm            VLLMEngine: vLLM
export          a policy on disk, for an engine that reads it from there
guard           after each weight sync: do engine and trainer agree?
"""

from grpo_trainer.rollout.engine import Completion, GenerationEngine, Prompt, Rollout, Sampling

__all__ = ["Completion", "GenerationEngine", "Prompt", "Rollout", "Sampling"]

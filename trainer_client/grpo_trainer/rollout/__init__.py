"""Rollouts: prompts in, completions with the log-probability of every token out, as they finish.

engine               Prompt, Rollout, Sampling, and GenerationEngine: the interface of every engine
transformers_engine  TransformersEngine: batched, KV cache, runs anywhere torch does
vllm_engine          VLLMEngine: vLLM
turns                Turns: an engine whose rows may call tools
tools                Tools, ToolService: who runs a call; calculator, search: tools in this process
call_format          how a call and an output are written
transcript           a completion as text, and who wrote what
prompt_template      from a prompt to the text that the policy reads
end_tokens           the tokens that end a completion
weights              copies of a policy, with adapters or without
export               a policy on disk, for an engine that reads it from there
sync_guard           after each weight sync: do engine and trainer agree?
"""

from grpo_trainer.rollout.engine import Completion, GenerationEngine, Prompt, Rollout, Sampling

__all__ = ["Completion", "GenerationEngine", "Prompt", "Rollout", "Sampling"]

"""The stages of R1, each a function from a model to a model, resumable, with a folder of its own.

sft      cold start, and the second fine-tuning on what was kept
grpo     reinforcement learning on the gateway's rewards
distill  on-policy distillation from earlier stages' policies
sample   rejection sampling through the gateway
run      a recipe's stages in order, with an evaluation after each that trains
"""

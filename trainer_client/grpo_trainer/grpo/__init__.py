"""The mathematics of GRPO: numbers in, numbers out, each formula with its source. No I/O, no model, no loop.

advantages    rewards of groups        -> one advantage a sample (no torch)
minibatch     samples of a rollout     -> optimiser steps, micro-batches (no torch)
aggregation   lengths of one step      -> one weight a token: the loss is the weighted sum
kl            log-probabilities        -> KL penalty per token
loss          log-probabilities        -> loss per token, with what was clipped
"""

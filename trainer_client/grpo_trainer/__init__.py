"""A GRPO trainer on the thin client: rollouts, losses, stages, evaluation and report. Needs the extra `train`."""

"""The gateway: from a rollout group to explained rewards."""

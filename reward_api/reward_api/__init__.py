"""The gateway: `POST /score` takes a rollout group and returns explained rewards."""

"""`python -m reward_api` is `touchstone`."""

from reward_api.cli import app

app()

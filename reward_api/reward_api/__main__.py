"""`python -m reward_api` is `touchstone`."""

from reward_api.cli.main import app

app()

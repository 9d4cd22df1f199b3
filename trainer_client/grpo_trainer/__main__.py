"""`python -m grpo_trainer RECIPE`, and `report`: the trainer's commands where the services are not installed."""

from grpo_trainer.commands import app

if __name__ == "__main__":
    app()

"""`python -m grpo_trainer train|report`: the trainer's commands where the services are not installed."""

import typer

from grpo_trainer.commands import report, train

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
app.command()(train)
app.command()(report)

if __name__ == "__main__":
    app()

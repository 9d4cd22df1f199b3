"""The command `touchstone`, one module a command."""

"""Tools that a policy may call while it answers, as a service beside any trainer: see docs/tools.md."""

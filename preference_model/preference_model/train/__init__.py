"""Training and measuring reward models: `touchstone preference train` and `touchstone preference eval`."""

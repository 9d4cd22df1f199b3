"""Training and measuring reward models: `touchstone train-preference` and `touchstone eval-preference`."""

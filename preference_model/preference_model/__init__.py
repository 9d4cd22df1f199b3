"""Reward models as a service: preference scores of completions, with a guard before every model. Imports nothing heavy."""

"""Domains: which verifiers judge a kind of task. The shipped ones are in `data/`."""

"""Where verifiers run: worker processes that can be killed at any moment, forked from one that has everything imported."""

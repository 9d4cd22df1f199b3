"""Rubrics: a list of criteria for a prompt, judged one by one, with a budget."""

"""Four completions of one question. The examples also send one whose row has no answer: that is no verdict, and not a 0."""

from __future__ import annotations

QUESTION = "What is 1/2 + 1/3?"
THOUGHT = "The common denominator is six, so we have three sixths and two sixths.</think>\n"
COMPLETIONS = [
    THOUGHT + "<answer>\\boxed{\\frac{5}{6}}</answer>",
    THOUGHT + "<answer>2/5</answer>",
    THOUGHT + "5/6",
    THOUGHT + "<answer>0.8333333333333334</answer>",
]

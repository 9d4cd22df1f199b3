"""Attacks that are made of references: for every kind, texts that would meet it and say nothing; and honest variants."""

import sys
from pathlib import Path

import pytest

from reward_verifiers.instructions import InstructionsOptions, InstructionsReference, InstructionsVerifier
from reward_verifiers.instructions.kinds import KINDS
from reward_verifiers.instructions.segment import words
from reward_verifiers.verifier import Sample

sys.path.insert(0, str(Path(__file__).parents[2] / "data" / "instructions"))
from instruction_cases import CASES, PROMPT

pytestmark = pytest.mark.slow

FILLERS = ("ok", "idk", "N/A", "sure thing", "yes", "I do not know", "lorem ipsum dolor sit amet", "text here", "...")
ECHO = 5
"""Words: fewer from the prompt may be an answer, as in "Mars or Venus?"."""
RELEVANT = (
    "Barges carry gravel past Linz while storks nest near Hainburg; engineers at Freudenau measure silt each winter,"
    " and children in Tulln learn rowing before skating."
)
"""Says something: added to a right response, where the kind allows that."""


def verdict(text, name, arguments, prompt=PROMPT, **options):
    reference = InstructionsReference.model_validate({"instruction_id_list": [name], "kwargs": [arguments]})
    return InstructionsVerifier().verify(Sample(text, InstructionsOptions(**options), reference, prompt=prompt))


def texts_of(arguments):
    for value in arguments.values():
        yield from (
            [value]
            if isinstance(value, str)
            else [one for one in value if isinstance(one, str)]
            if isinstance(value, list)
            else []
        )


def attacks(arguments, right):
    """(completion, prompt): an echo of a prompt that would be right, filler, and what the arguments give away."""
    given = [text for text in texts_of(arguments) if len(text) <= 60]
    for text in right:
        if len(words(text)) >= ECHO:
            yield text, f"Please repeat nothing of this. {text}"
            yield f"Sure! {text}", f"{text} Write something like it."
    for filler in FILLERS:
        yield from ((filler, PROMPT), (f"{filler} " * 40, PROMPT), (f"{filler}\n\n***\n\n" * 5, PROMPT))
        yield " ".join([filler, *given]), PROMPT
    yield from (("", PROMPT), (" \n", PROMPT), ("?!" * 100, PROMPT), (PROMPT, PROMPT), (PROMPT.upper() + ".", PROMPT))
    yield from (((" ".join(given) + " ") * count, PROMPT) for count in (1, 20) if given)
    yield f"<think>{' '.join(right)}", PROMPT
    yield f"<think>{' '.join(right)}</think>", PROMPT


def variants(text):
    yield text
    yield f"<think>First I plan, with commas, and UPPER case.</think>{text}"
    yield f"<answer>{text}</answer>"
    yield f"<think>Hm.</think><answer>{text}</answer><|im_end|>"


def test_nothing_said_is_not_paid_by_any_kind():
    tried, paid = 0, []
    for name, arguments, right, _ in CASES:
        if not KINDS[name].has_content:
            continue
        for text, prompt in attacks(arguments, right):
            tried += 1
            if (one := verdict(text, name, arguments, prompt)).score > 0:
                paid.append((name, text[:100], one.reason))
    assert tried >= 4000
    assert paid == [], "\n".join(map(str, paid))


def test_wrong_responses_are_not_paid_by_saying_more_and_right_ones_are_paid_in_any_wrapping():
    refused, paid, honest = [], [], 0
    for name, arguments, right, wrong in CASES:
        for text in right:
            for one in variants(text):
                if one != text and ("<think>" in text or "<answer>" in text):
                    continue
                honest += 1
                if verdict(one, name, arguments, min_content=0).score != 1:
                    refused.append((name, one))
        paid += [(name, text) for text in wrong if verdict(f"<think>{right[0]}</think>{text}", name, arguments).score]
    assert honest >= 700
    assert (paid, refused) == ([], [])


def test_the_same_with_something_said_is_paid():
    """Where more text is still right by the kind alone, it is right with content asked for, too."""
    refused, honest = [], 0
    for name, arguments, right, _ in CASES:
        for text in right:
            for one in (f"{text}\n\n{RELEVANT}", f"{RELEVANT}\n\n{text}"):
                if verdict(one, name, arguments, min_content=0).score == 1:
                    honest += 1
                    if (got := verdict(one, name, arguments)).score != 1:
                        refused.append((name, one[:200], got.reason))
    assert honest >= 100
    assert refused == []

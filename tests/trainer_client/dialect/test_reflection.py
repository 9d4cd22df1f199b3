"""R1's reflective words: one list for the verifier and for the trainer's log."""

import pytest

from reward_verifiers.contract import Verdict
from reward_verifiers.shaping import ReflectionVerifier
from reward_verifiers.verifier import Options, ReferenceModel, Sample
from trainer_client.dialect.reflection import RUNNING, SPACED, count_reflections


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("Wait, wait! But that is wrong.", {"wait": 2, "but": 1, "wrong": 1}),
        ("等等，不对，再检查一下。", {"wait": 1, "wrong": 1, "check": 1}),
        ("await the buttons", {}),
        ("", {}),
        ("Однако подожди; sin embargo check", {"however": 2, "wait": 1, "check": 1}),
        ("やり直す", {"retry": 1}),
    ],
)
def test_the_verifier_counts_what_the_log_counts(text, counts):
    assert {word: count for word, count in count_reflections(text).items() if count} == counts
    verdict: Verdict = ReflectionVerifier().verify(
        Sample(text, options=Options(), reference=ReferenceModel(), prompt="", prefix="")
    )
    assert (verdict.score, verdict.evidence["counts"]) == (sum(counts.values()), counts)


def test_there_are_ten_words():
    assert SPACED.keys() == RUNNING.keys() == count_reflections("").keys()
    assert len(SPACED) == 10

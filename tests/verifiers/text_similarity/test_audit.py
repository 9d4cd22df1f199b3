"""Attacks that are made of references, and honest variants of them: how far apart their scores are."""

import random
import unicodedata

import pytest

from reward_verifiers.text_similarity import (
    TextSimilarityOptions,
    TextSimilarityReference,
    TextSimilarityVerifier,
)
from reward_verifiers.verifier import Sample

TEXTS = (
    "The river rose by two metres overnight, and the old bridge was closed to traffic until Friday.",
    "Three astronauts returned to Earth after six months on the station; their capsule landed near the coast.",
    "Parliament passed the budget late on Tuesday, after a debate that lasted more than eleven hours.",
    "A new vaccine against malaria has shown good results in a trial with four thousand children.",
    "Der Zug nach Köln hatte wegen eines Sturms mehr als vier Stunden Verspätung, sagte die Bahn.",
    "Les vignerons craignent une récolte très faible cette année, car le gel a détruit les bourgeons.",
    "Ученые обнаружили в Антарктиде подземное озеро, которое не замерзает даже зимой.",
    "El museo abrió ayer una exposición con ochenta cuadros que nunca se habían visto juntos.",
)
METRICS = ("rouge_l", "chrf", "bleu")
PAID = 0.9
PROMPT = "Summarize the article in one sentence."


def score(text, right, metric):
    reference = TextSimilarityReference.model_validate({"answer": right})
    return (
        TextSimilarityVerifier()
        .verify(Sample(text, TextSimilarityOptions(metric=metric), reference, question=PROMPT))
        .score
    )


def attacks(right, others, rng):
    words = right.split()
    shuffled = rng.sample(words, len(words))
    yield from ("", ".", "the", PROMPT, "I cannot summarize it.", words[0], " ".join(words[:4]), f"<think>{right}")
    yield f"<think>{right}</think>"
    yield f"<think>{right}</think><answer></answer>"
    yield from others
    yield " ".join([right, *others])
    yield "\n".join([*others, right])
    yield " ".join([right] * 3)
    yield " ".join(shuffled)
    yield " ".join(sorted(words))
    yield " ".join(reversed(words))
    yield " ".join(words[: len(words) // 2])
    yield " ".join(word for word in words for _ in range(2))
    yield f"{right} " + "and so on " * 10
    yield " ".join(words[::2])
    yield " ".join(sorted(set("".join(words))))


def variants(right):
    yield from (
        right,
        f" {right}\n",
        f"<think>Short.</think>{right}",
        f"<answer>{right}</answer>",
        f"{right}<|im_end|>",
    )
    yield unicodedata.normalize("NFD", right)


@pytest.mark.parametrize("metric", METRICS)
def test_no_attack_is_paid_and_honest_variants_are(metric):
    rng = random.Random(24)
    tried, paid, refused = 0, [], []
    for right in TEXTS:
        others = [text for text in TEXTS if text != right]
        for _ in range(3):
            run_together = [] if metric == "chrf" else ["".join(right.split())]  # chrF sees no spaces
            for text in [*attacks(right, rng.sample(others, 4), rng), *run_together]:
                tried += 1
                if (one := score(text, right, metric)) >= PAID:
                    paid.append((one, text))
        refused += [(right, text) for text in variants(right) if score(text, right, metric) < 0.999]
    assert tried >= 500
    assert (paid, refused) == ([], [])

"""R1's reflective words, counted for the log: the "aha moment" as a curve. Give it weight 0.

The ten English words are the paper's (supplement C.2); the others are their equivalents.
"""

from __future__ import annotations

from collections import Counter

from reward_verifiers.contract import Verdict
from reward_verifiers.verifier import Options, ReferenceModel, Sample, Verifier
from trainer_client.dialect.reflection import count_reflections


class ReflectionVerifier(Verifier[Options, ReferenceModel]):
    """Counts reflective words. For the log: weight 0."""

    name = "reflection"
    version = "1.0.0"
    score_range = (0.0, 1e9)

    def verify(self, sample: Sample[Options, ReferenceModel]) -> Verdict:
        counts = +Counter(count_reflections(sample.completion))
        reason = ", ".join(f"{word} {count}" for word, count in counts.most_common()) or "none of the ten words"
        return Verdict.scored(counts.total(), reason, counts=dict(counts))

"""`text_similarity`: how near a text is to a reference, by ROUGE-L, chrF or BLEU."""

# A missing package is said when the verifier is loaded, and not at its first sample.
import rapidfuzz  # noqa: F401
import sacrebleu  # noqa: F401

from reward_verifiers.text_similarity.verifier import (
    TextSimilarityOptions,
    TextSimilarityReference,
    TextSimilarityVerifier,
)

__all__ = ["TextSimilarityOptions", "TextSimilarityReference", "TextSimilarityVerifier"]

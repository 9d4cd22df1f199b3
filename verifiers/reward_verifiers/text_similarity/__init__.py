"""`text_similarity`: how near a text is to a reference, by ROUGE-L, chrF or BLEU."""

from reward_verifiers.text_similarity.verifier import (
    TextSimilarityOptions,
    TextSimilarityReference,
    TextSimilarityVerifier,
)

__all__ = ["TextSimilarityOptions", "TextSimilarityReference", "TextSimilarityVerifier"]

"""A text against reference texts, for translation and summaries. The best of all references counts.

    rouge_l   F1 of the longest common subsequence of words (Lin, 2004), by rapidfuzz
    chrf      F2 of character n-grams up to 6 (Popović, 2015), by sacrebleu
    bleu      word n-grams up to 4 with a brevity penalty (Papineni et al., 2002), of one text, by sacrebleu

Each says how alike two texts are, and not whether one is right: a text with "not" in it scores nearly the same.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any, Literal

from pydantic import Field
from rapidfuzz.distance import LCSseq
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from reward_verifiers.completion import answer_text
from reward_verifiers.contract import Verdict
from reward_verifiers.verifier import BadReference, Options, ReferenceModel, Sample, Verifier
from reward_verifiers.words import f1, spaced

MAX_CHARS = 50_000
SHOWN = 300
_WORD = re.compile(r"\w+")


class TextSimilarityOptions(Options):
    metric: Literal["rouge_l", "chrf", "bleu"] = "rouge_l"
    tokenizer: Literal["13a", "intl", "zh", "char"] = Field(default="13a", description="Of `bleu`: sacrebleu's.")
    source: Literal["tag", "auto"] = Field(
        default="auto", description="`tag`: the last <answer>; `auto`: without one, the whole text after the thinking."
    )


class TextSimilarityReference(ReferenceModel):
    answer: str | list[str] | None = Field(default=None, description="The reference text, or several.")
    aliases: list[str] = Field(default_factory=list, description="Further reference texts.")

    @property
    def texts(self) -> list[str]:
        own = self.answer if isinstance(self.answer, list) else [] if self.answer is None else [self.answer]
        return [*own, *self.aliases]


class TextSimilarityVerifier(Verifier[TextSimilarityOptions, TextSimilarityReference]):
    """How near is the text to a reference text, by ROUGE-L, chrF or BLEU?"""

    name = "text_similarity"
    version = "1.0.0"
    options_model = TextSimilarityOptions
    reference_model = TextSimilarityReference

    def warm_up(self) -> None:
        _rouge_l("a", "a")
        _metric("chrf", "13a")

    def check_reference(self, options: TextSimilarityOptions, reference: TextSimilarityReference) -> None:
        """Raises BadReference."""
        if not reference.texts or not all(words(text) for text in reference.texts):
            raise BadReference("reference.answer: there is no text to compare with")
        if any(len(text) > MAX_CHARS for text in reference.texts):
            raise BadReference(f"reference.answer: longer than {MAX_CHARS} characters")

    def verify(self, sample: Sample[TextSimilarityOptions, TextSimilarityReference]) -> Verdict:
        options, reference = sample.options, sample.reference
        self.check_reference(options, reference)
        text = answer_text(sample.completion, sample.prefix, options.source)
        if text is None:
            return Verdict.scored(0, "there is no text")
        if len(text) > MAX_CHARS:
            return Verdict.scored(0, f"longer than {MAX_CHARS} characters")
        text = unicodedata.normalize("NFC", text).encode("utf-8", "replace").decode()
        scores = [_score(text, unicodedata.normalize("NFC", one), options) for one in reference.texts]
        best = max(scores)
        evidence = {"extracted": text[:SHOWN], "metric": options.metric, "reference": scores.index(best)}
        return Verdict.scored(round(best, 6), f"{options.metric} {best:.4g}", **evidence)


def words(text: str) -> list[str]:
    """Words without case and punctuation.

    >>> words("The police, killed 東京!")
    ['the', 'police', 'killed', '東', '京']
    """
    return _WORD.findall(spaced(text).lower())


def _score(text: str, right: str, options: TextSimilarityOptions) -> float:
    if options.metric == "rouge_l":
        return _rouge_l(text, right)
    if not text:
        return 0.0
    score = _metric(options.metric, options.tokenizer).sentence_score(text, [right]).score
    return min(max(float(score) / 100, 0.0), 1.0)


def _rouge_l(text: str, right: str) -> float:
    text_words, reference_words = words(text), words(right)
    return f1(LCSseq.similarity(text_words, reference_words), len(text_words), len(reference_words))


@lru_cache(maxsize=8)
def _metric(name: str, tokenizer: str) -> Any:
    return CHRF() if name == "chrf" else BLEU(tokenize=tokenizer, effective_order=True)

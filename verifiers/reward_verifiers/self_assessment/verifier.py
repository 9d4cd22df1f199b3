"""A completion's own score or confidence, on its last line, against the score of another component.

    absolute   1 - |claim - score|        DeepSeekMath-V2's reward for self-evaluation (arXiv 2511.22570)
    brier      1 - (claim - score)²       a proper scoring rule: honest confidence is the best policy (Brier, 1950)

A policy that claims 1 always earns what it scores, so give this less weight than the score itself (DeepSeekMath-V2: 0.24
beside 0.76). A claim is a number from 0 to 1, a percentage, or a fraction such as 7/10.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from reward_verifiers.completion import without_end
from reward_verifiers.contract import FailureKind, Verdict
from reward_verifiers.verifier import GroupVerifier, Options, ReferenceModel, Sample, Unsupported

LINE = 400
"""Characters of the last line that are read."""
_NUMBER = r"(?P<number>\d{1,6}(?:\.\d{1,12})?|\.\d{1,12})"
_UNIT = r"[ ]?\}?(?P<unit>[ ]?\\?%|[ ]?/[ ]?\d{1,6}(?:\.\d{1,6})?)?"
_CLAIM = rf"[^\d\n.\\-]{{0,24}}(?:\\boxed\{{[ ]?)?{_NUMBER}{_UNIT}[^\d\n]{{0,8}}$"
PATTERNS = {
    "score": (re.compile(rf"\bscore\b{_CLAIM}", re.IGNORECASE),),
    "confidence": (
        re.compile(rf"\bconfiden(?:ce|t)\b{_CLAIM}", re.IGNORECASE),
        re.compile(rf"(?<![\d.-]){_NUMBER}(?P<unit>[ ]?\\?%) (?:confident|sure|certain)\b", re.IGNORECASE),
    ),
}


class SelfAssessmentOptions(Options):
    of: str = Field(default="answer", description="The component whose score is claimed; name it in `after` too.")
    claim: Literal["score", "confidence"] = Field(
        default="confidence", description="The word before the number on the last line."
    )
    formula: Literal["absolute", "brier"] = "absolute"
    scores: dict[str, list[float | None]] = Field(
        default_factory=dict, description="Filled by the gateway with the scores of the components in `after`."
    )


class SelfAssessmentVerifier(GroupVerifier[SelfAssessmentOptions, ReferenceModel]):
    """Scores how near a completion's own score or confidence is to the score it got."""

    name = "self_assessment"
    version = "1.0.0"
    options_model = SelfAssessmentOptions
    # It looks at the scores of this very request, but at no sibling: no need to wait for them, and nothing to remember.
    whole_group = False
    pure = False

    def verify_group(self, samples: Sequence[Sample[SelfAssessmentOptions, ReferenceModel]]) -> list[Verdict]:
        options = samples[0].options
        scores = options.scores.get(options.of)
        if scores is None or len(scores) != len(samples):
            raise Unsupported(f"there are no scores of {options.of!r}; give the component `after: [{options.of}]`")
        return [_judge(sample, score) for sample, score in zip(samples, scores, strict=True)]


def _judge(sample: Sample[SelfAssessmentOptions, ReferenceModel], score: float | None) -> Verdict:
    options = sample.options
    if score is None:
        return Verdict.failed(FailureKind.UNSUPPORTED, f"{options.of!r} gave no verdict")
    if not 0 <= score <= 1:
        return Verdict.failed(FailureKind.UNSUPPORTED, f"the score of {options.of!r} is not between 0 and 1")
    claim = claim_of(sample.completion, options.claim)
    if claim is None:
        return Verdict.scored(0, f"the last line claims no {options.claim} between 0 and 1")
    gap = abs(claim - score)
    value = 1 - (gap if options.formula == "absolute" else gap * gap)
    return Verdict.scored(
        round(value, 6), f"claims {claim:g}, and {options.of} is {score:g}", claim=claim, actual=score
    )


def claim_of(completion: str, word: str) -> float | None:
    """The number on the last line behind the word, 0 to 1; None where there is none.

    >>> claim_of("It is 4.\\nConfidence: 85%", "confidence"), claim_of("Score: 7/10", "score"), claim_of("4", "score")
    (0.85, 0.7, None)
    """
    text = without_end(completion).rstrip()
    line = re.sub(r"</?answer>|[*_`$]", "", text[text.rfind("\n") + 1 :][-LINE:]).strip()
    match = next((match for pattern in PATTERNS[word] if (match := pattern.search(line))), None)
    if match is None:
        return None
    number, unit = float(match["number"]), (match["unit"] or "").strip()
    if unit.endswith("%"):
        number /= 100
    elif unit:
        whole = float(unit.lstrip("/ "))
        number = number / whole if whole else -1.0
    return number if 0 <= number <= 1 else None

"""Short answers by exact match or by F1 of their words.

    exact match   equal in normal form: lower case, no punctuation, no a, an, the, single spaces (SQuAD, arXiv 1606.05250)
                  two numbers are equal by their value, since the normal form of -3.14 is 314
    f1            of the words in normal form, each as often as it stands there; the best of all right answers

Search-R1 (arXiv 2503.09516) pays the exact match of the last <answer>. "I cannot find it" is an abstention, with a score of
its own; where the question has no answer, it is the right answer (SQuAD 2.0, arXiv 1806.03822).
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import Field

from reward_verifiers.completion import answer_text
from reward_verifiers.contract import Verdict
from reward_verifiers.verifier import BadReference, Options, ReferenceModel, Sample, Verifier
from reward_verifiers.words import f1, spaced

MAX_ANSWER = 10_000
"""Characters of an answer that are compared; a longer one is wrong."""
SHOWN = 300
_NUMBER = re.compile(r"([-−]?)[$€£¥]?(\d{1,3}(?:,\d{3})+|\d{1,40})?(\.\d{1,40})?")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_CANNOT = "can ?not|cant|could not|couldnt|was unable to|unable to|not able to|did not|didnt"
_ABSTAINS = re.compile(
    rf"(?:(?:sorry )?(?:but )?(?:i|we) )?(?:am |are )?(?:(?:{_CANNOT}) (?:find|answer|determine|tell)\b.*"
    r"|(?:do not|dont) (?:know|have (?:enough|sufficient|that)) ?.*|not sure|no idea)"
    r"|(?:(?:answer|there) is )?(?:unknown|unanswerable|not found|not known|none|na|no answer|not mentioned|not given"
    r"|insufficient information|not enough information|cannot be (?:determined|answered|found))"
)
"""Whole answers in normal form that say that there is none."""

Answer = str | int | float


class QaOptions(Options):
    score: Literal["exact", "f1"] = Field(default="exact", description="`exact`: 1 or 0; `f1`: of the words, 0 to 1.")
    source: Literal["tag", "auto"] = Field(
        default="tag",
        description="`tag`: the last <answer>, and no other text; `auto`: the text after the thinking without one.",
    )
    abstain: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = Field(
        default=0.0, description="The score of `I cannot find it` where there is an answer."
    )


class QaReference(ReferenceModel):
    answer: Answer | list[Answer] | None = Field(default=None, description="The right answer, or several.")
    aliases: list[Answer] = Field(default_factory=list, description="Further right answers.")
    target: Answer | list[Answer] | None = Field(default=None, description="Search-R1's name for `answer`.")
    unanswerable: bool = Field(default=False, description="The question has no answer: to say so is right.")

    @property
    def answers(self) -> list[str]:
        values: list[Any] = []
        for value in (self.answer, self.target, self.aliases):
            values += value if isinstance(value, list) else [] if value is None else [value]
        return [str(value) for value in values]


class QaVerifier(Verifier[QaOptions, QaReference]):
    """Is the short answer one of the right ones, by exact match or by F1?"""

    name = "qa"
    version = "1.0.0"
    options_model = QaOptions
    reference_model = QaReference

    def check_reference(self, options: QaOptions, reference: QaReference) -> None:
        """Raises BadReference."""
        if reference.unanswerable:
            if reference.answers:
                raise BadReference("unanswerable: but there is an answer")
            return
        if not reference.answers:
            raise BadReference("reference.answer: it is missing; set unanswerable where the question has none")
        if empty := [answer for answer in reference.answers if not normal(answer)]:
            raise BadReference(f"reference.answer: nothing is left of {empty[0][:50]!r} in normal form")

    def verify(self, sample: Sample[QaOptions, QaReference]) -> Verdict:
        options, reference = sample.options, sample.reference
        self.check_reference(options, reference)
        text = answer_text(sample.completion, sample.prefix, options.source)
        if text is None:
            return Verdict.scored(0, "there is no answer")
        if len(text) > MAX_ANSWER:
            return Verdict.scored(0, f"the answer is longer than {MAX_ANSWER} characters")
        evidence = {"extracted": text[:SHOWN], "normal": normal(text)[:SHOWN]}
        best, right = max((_score(text, right, options.score), right) for right in reference.answers or [""])
        if best < 1 and abstains(text):
            score = 1.0 if reference.unanswerable else options.abstain
            return Verdict.scored(score, "it says that there is no answer", abstains=True, **evidence)
        if reference.unanswerable:
            return Verdict.scored(0, "it answers a question that has no answer", **evidence)
        how = "exact match" if options.score == "exact" else f"F1 {best:.4g}"
        reason = f"{how} with {right[:SHOWN]!r}" if best else "none of the right answers"
        return Verdict.scored(round(best, 6), reason, matched=right[:SHOWN], **evidence)


def normal(text: str) -> str:
    """SQuAD's normal form.

    >>> normal("The  Eiffel-Tower, in Paris!")
    'eiffeltower in paris'
    """
    text = unicodedata.normalize("NFC", text).lower().translate(_PUNCTUATION)
    if not text.isascii():
        text = "".join(char for char in text if not unicodedata.category(char).startswith("P"))
    return " ".join(_ARTICLES.sub(" ", text).split())


def words(text: str) -> list[str]:
    """The words of the normal form; characters where the writing has no spaces.

    >>> words("The 東京 tower")
    ['東', '京', 'tower']
    """
    return spaced(normal(text)).split()


def abstains(text: str) -> bool:
    """Whether the whole answer says that there is none."""
    return len(text) <= SHOWN and _ABSTAINS.fullmatch(normal(text)) is not None


def _number(text: str) -> Fraction | None:
    """The value of a text that is a number and nothing else."""
    match = _NUMBER.fullmatch(text.strip().removesuffix(".")) if len(text) <= SHOWN else None
    if match is None or not (match[2] or match[3]):
        return None
    value = Fraction((match[2] or "0").replace(",", "") + (match[3] or ""))
    return -value if match[1] else value


def _score(text: str, right: str, score: str) -> float:
    value, reference = _number(text), _number(right)
    if value is not None and reference is not None:
        return float(value == reference)
    if score == "exact":
        return float(bool(normal(right)) and normal(text) == normal(right))
    answer_words, reference_words = words(text), words(right)
    common = sum((Counter(answer_words) & Counter(reference_words)).values())
    return f1(common, len(answer_words), len(reference_words))

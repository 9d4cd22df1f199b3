"""Is the final answer right?

completion  "<think>…</think> so \\boxed{\\frac12}"     reference  {"answer": "0.5"}
verdict     1.0 "equal: rational numbers"  {"extracted": "\\frac12", …}
"""

from __future__ import annotations

import re
from fractions import Fraction

from reward_verifiers.answer import symbolic
from reward_verifiers.answer.extract import Extraction, candidates, last_box
from reward_verifiers.answer.options import AnswerOptions, AnswerReference
from reward_verifiers.base import BadReference, Sample, Verifier
from reward_verifiers.completion import after_think
from reward_verifiers.contract import FailureKind, Verdict

_EVIDENCE = 500
_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d{1,400})(?:\.\d{1,400})?(?:/\d{1,400})?")


def _shown(text: str) -> str:
    """Text fit for JSON and a log: bounded, without lone surrogates."""
    return text[:_EVIDENCE].encode("utf-8", "replace").decode("utf-8")


def _number(text: str) -> Fraction | None:
    plain = text.strip().strip("$").removesuffix(".").replace("\\$", "").replace("$", "").strip()
    if not _NUMBER.fullmatch(plain):
        return None
    try:
        return Fraction(plain.replace(",", ""))
    except (ValueError, ZeroDivisionError):
        return None


def _reference_text(reference: AnswerReference) -> str:
    text = str(reference.answer).strip()
    boxed = last_box(text)
    text = boxed.text if boxed and boxed.text else text
    return text.strip().removeprefix("$").removesuffix("$").strip()


class AnswerVerifier(Verifier[AnswerOptions, AnswerReference]):
    """Scores 1 when the completion's final answer equals the reference, else 0."""

    name = "answer"
    version = "0.1.0"
    options_model = AnswerOptions
    reference_model = AnswerReference
    item_timeout_s = 2.0

    def warm_up(self) -> None:
        symbolic.equal("\\frac{1}{2}", "0.5")

    def check_reference(self, options: AnswerOptions, reference: AnswerReference) -> None:
        """Raises BadReference when the reference cannot be understood."""
        gold = _reference_text(reference)
        if not gold:
            raise BadReference("the reference answer is empty")
        if options.kind == "math" and _number(gold) is None and not symbolic.parsed(gold):
            raise BadReference(f"the reference answer cannot be read as mathematics: {_shown(gold)!r}")

    def verify(self, sample: Sample[AnswerOptions, AnswerReference]) -> Verdict:
        self.check_reference(sample.options, sample.reference)
        gold = _reference_text(sample.reference)
        found = self._find(sample)
        evidence = {"source": found.source, "reference": _shown(gold)}
        if found.text is None:
            return Verdict.scored(0.0, f"no answer: {found.problem}", **evidence)
        evidence["extracted"] = _shown(found.text)
        equal, rule = self._equal(gold, found.text, sample.options)
        return Verdict.scored(float(equal), f"{'equal' if equal else 'not equal'}: {rule}", rule=rule, **evidence)

    def _find(self, sample: Sample[AnswerOptions, AnswerReference]) -> Extraction:
        options = sample.options
        text = after_think(sample.completion, sample.prefix)
        if text is None:
            return Extraction(None, "after_think", "the thinking was never closed")
        single = options.one_final_answer
        found = candidates(text, options.sources(), single, options.boxes == "all_agree")
        return next(iter(found), Extraction(None, "none", "nothing that looks like one was found"))

    def _equal(self, gold: str, answer: str, options: AnswerOptions) -> tuple[bool, str]:
        plain_gold, plain = " ".join(gold.split()), " ".join(answer.strip(" $").split())
        if options.kind == "exact":
            return plain_gold == plain, "same text"
        if options.kind == "choice":
            return plain_gold.strip("()").upper() == plain.strip("().").upper(), "same choice"
        numbers = _number(gold), _number(answer)
        if None not in numbers:
            return numbers[0] == numbers[1], "rational numbers"
        return symbolic.equal(gold, answer), "math-verify"

    def gave_up(self, sample: Sample[AnswerOptions, AnswerReference], kind: FailureKind, limit: str) -> Verdict | None:
        if _number(_reference_text(sample.reference)) is None:
            return None
        return Verdict.scored(0.0, f"gave up after {limit}: the answer is too costly to compare")

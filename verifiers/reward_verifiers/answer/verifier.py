"""Is the final answer right?

completion  "<think>…</think> so \\boxed{\\frac12}"     reference  {"answer": "0.5"}
verdict     1.0 "equal as rational numbers"  {"extracted": "\\frac12", "canonical": "1/2", …}

text ──▶ extract ──▶ judge of the kind ──▶ verdict with evidence
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from reward_verifiers.answer.extraction import sources as extract
from reward_verifiers.answer.extraction.guards import taken_back
from reward_verifiers.answer.extraction.prose import lists_options
from reward_verifiers.answer.extraction.spans import Extraction
from reward_verifiers.answer.judged import UNKNOWN, Judged, clipped
from reward_verifiers.answer.kinds import choices, collections, gym, mathematics, structured, texts
from reward_verifiers.answer.options import AnswerOptions, AnswerReference, effective
from reward_verifiers.answer.presets import SENTINELS
from reward_verifiers.answer.reading import words
from reward_verifiers.completion import after_think, without_end, without_results
from reward_verifiers.contract import ANSWER_NOT_READ, FailureKind, Verdict
from reward_verifiers.verifier import BadReference, Sample, Unsupported, Verifier

_MATHS = frozenset({"math", "number", "unit"})
_COLLECTIONS = frozenset({"set", "list"})
_INSIDE_PROSE = ("boxed", "phrase", "emphasised", "worked", "last_line", "sentence_end", "sentence_number")
_FROM_THE_END = frozenset(
    {"emphasised", "worked", "short", "last_line", "sentence_end", "final_number", "last_math", "last_number"}
)
_TAKEN_BACK = _MATHS | _COLLECTIONS | {"choice", "date"}
"""Kinds for which "That is wrong." is no answer."""
_LOOSE = frozenset({"answer_tag", "phrase"}) | _FROM_THE_END
"""Sources whose text may be a sentence to look into."""

_WORDS = {(True, True): "right", (False, True): "in part", (False, False): "wrong", (True, False): "wrong"}
_CHECKS: dict[str, Callable[[Any, AnswerOptions], None]] = {
    **dict.fromkeys(_MATHS, mathematics.check),
    **dict.fromkeys(_COLLECTIONS, collections.check),
    "exact": texts.check_text,
    "text": texts.check_text,
    "choice": choices.check,
    "regex": texts.check_regex,
    "json": structured.check_json,
    "date": structured.check_date,
}
_JUDGES: dict[str, Callable[[Any, str, AnswerOptions], Judged]] = {
    **dict.fromkeys(_MATHS, mathematics.judge),
    **dict.fromkeys(_COLLECTIONS, collections.judge),
    "exact": texts.judge_text,
    "text": choices.judge_words,
    "choice": choices.judge,
    "regex": texts.judge_regex,
    "json": structured.judge_json,
    "date": structured.judge_date,
}


@lru_cache(maxsize=64)
def _options(dumped: str) -> AnswerOptions:
    return AnswerOptions.model_validate_json(dumped)


@lru_cache(maxsize=2048)
def _check_text(answer: str, options: str) -> None:
    policy = _options(options)
    _CHECKS[policy.kind](answer, policy)


@lru_cache(maxsize=8192)
def _judged_text(answer: str, text: str, options: str) -> Judged:
    """A pure function of three strings: groups repeat answers, so most of a group is looked up."""
    policy = _options(options)
    return _JUDGES[policy.kind](answer, text, policy)


def _judged(answer: Any, text: str, options: AnswerOptions) -> Judged:
    if isinstance(answer, str | int | float) and len(text) < 2000:
        return _judged_text(str(answer), text, options.key)
    return _JUDGES[options.kind](answer, text, options)


class AnswerVerifier(Verifier[AnswerOptions, AnswerReference]):
    """Scores 1 when the completion's final answer equals the reference, else 0."""

    name = "answer"
    version = "1.0.0"
    options_model = AnswerOptions
    reference_model = AnswerReference
    item_timeout_s = 2.0

    def warm_up(self) -> None:
        for gold, answer in (
            ("\\sqrt{2}", "1.41421"), ("(1,2)", "(1,3)"), ("x^2", "y^2"), ("5 km", "5 m"), ("12", "十二"), ("12", "twelve"),
            ("2", "\\lim_{x\\to0}2=2"), ("\\int_0^1 x dx", "\\frac12"),
        ):  # fmt: skip
            mathematics.judge(gold, answer, AnswerOptions())

    def check_reference(self, options: AnswerOptions, reference: AnswerReference) -> None:
        """Raises BadReference when the reference cannot be understood."""
        options = effective(options, reference)
        if options.kind == "reasoning_gym":
            gym.check(reference)
            return
        for answer in _accepted(reference, options):
            if options.preset and isinstance(answer, str) and answer.strip().casefold() in SENTINELS:
                raise BadReference(f"{answer.strip()!r} stands where the answer is missing")
            if isinstance(answer, str):
                _check_text(answer, options.key)
            else:
                _CHECKS[options.kind](answer, options)

    def verify(self, sample: Sample[AnswerOptions, AnswerReference]) -> Verdict:
        started = time.perf_counter()
        options = effective(sample.options, sample.reference)
        self.check_reference(sample.options, sample.reference)
        candidate = self._find(sample, options)
        evidence: dict[str, Any] = {"source": candidate.source}
        if candidate.text is None:
            return Verdict.scored(0.0, f"no answer: {candidate.problem}", rule="no answer", **evidence)
        try:
            judged = self._judge(candidate.text, sample.reference, options)
        except Unsupported as error:
            return Verdict.failed(FailureKind.UNSUPPORTED, str(error), extracted=clipped(candidate.text), **evidence)
        except (BadReference, MemoryError):
            raise
        except Exception as error:  # the reference was checked, so it is the answer that nothing can be made of
            self._judge_reference(sample.reference, options)
            rule = f"the answer cannot be compared: {type(error).__name__}"
            evidence |= {"extracted": clipped(candidate.text), "undecided": True}
            return Verdict.scored(0.0, f"wrong: {rule}", rule=rule, **evidence)
        if judged.left_over or judged.rule.startswith(UNKNOWN.rule):
            evidence["undecided"] = True
        if judged.left_over:
            evidence |= {"left_over": clipped(judged.left_over, 200), "flags": [ANSWER_NOT_READ]}
        evidence |= {
            "extracted": clipped(candidate.text),
            "canonical": clipped(judged.canonical),
            "reference_canonical": clipped(judged.reference),
            "rule": judged.rule,
            "stage": judged.stage,
            "ms": round((time.perf_counter() - started) * 1000, 3),
        }
        score = float(judged.equal) if judged.score is None else judged.score
        return Verdict.scored(score, f"{_WORDS[bool(judged.equal), bool(score)]}: {judged.rule}", **evidence)

    def gave_up(self, sample: Sample[AnswerOptions, AnswerReference], kind: FailureKind, limit: str) -> Verdict | None:
        options = effective(sample.options, sample.reference)
        cheap = options.kind in _MATHS and mathematics.understood(sample.reference.answer)
        if not cheap and options.kind in (
            "reasoning_gym",
            "json",
            *_MATHS,
            *_COLLECTIONS,
        ):  # a schema may be what is costly
            return None
        return Verdict.scored(
            0.0,
            f"gave up after {limit}: the answer is too costly to compare",
            rule="gave up",
            stage="second",
            undecided=True,
        )

    def _judge_reference(self, reference: AnswerReference, options: AnswerOptions) -> None:
        """Raises what the reference raises against itself: then it is not the answer that is to blame."""
        self._judge(str(reference.answer), reference, options)

    def _find(self, sample: Sample[AnswerOptions, AnswerReference], options: AnswerOptions) -> Extraction:
        text = after_think(without_results(sample.completion), sample.prefix)
        if text is None:
            return Extraction(None, "after_think", "the thinking was never closed")
        single, labels = options.one_final_answer, options.kind in ("exact", "text", "choice")
        text = extract.as_seen(without_end(text))
        if single and options.kind in _TAKEN_BACK and not _is_truth(sample.reference.answer) and taken_back(text):
            return Extraction(None, "last_sentence", "the answer is taken back")
        unread: Extraction | None = None
        for candidate in extract.candidates(text, options.sources(), single, options.boxes == "all_agree", labels):
            if candidate.text is None or options.kind not in _MATHS or candidate.source not in _LOOSE:
                return candidate
            if single and candidate.source in _FROM_THE_END and lists_options(text):
                return Extraction(None, candidate.source, "a line for every option")
            if candidate.source == "last_math" and mathematics.is_aside(candidate.text, sample.reference.answer):
                continue
            if mathematics.answers(candidate.text, sample.reference.answer):
                return candidate
            unread = unread or candidate
            if candidate.source in ("answer_tag", "phrase"):
                inner = self._inside(candidate.text, sample.reference.answer, single)
                return inner or candidate
        return unread or Extraction(None, "none", "nothing that looks like one was found")

    def _inside(self, text: str, reference: Any, single: bool) -> Extraction | None:
        """An answer in a sentence that is not read whole."""
        for candidate in extract.candidates(text, _INSIDE_PROSE, single, False):
            if candidate.text is None or mathematics.answers(candidate.text, reference):
                return candidate
        return None

    def _judge(self, text: str, reference: AnswerReference, options: AnswerOptions) -> Judged:
        """Against the reference and every alias of it: the first that is equal, else the reference itself."""
        if options.kind == "reasoning_gym":
            return gym.judge(reference, text)
        answer, *others = _accepted(reference, options)
        first = _judged(answer, text, options)
        if first.equal or not others:
            return first
        return next((judged for other in others if (judged := _judged(other, text, options)).equal), first)


def _is_truth(answer: Any) -> bool:
    return isinstance(answer, bool) or words.synonym(str(answer)) in ("true", "false")


def _accepted(reference: AnswerReference, options: AnswerOptions) -> list[Any]:
    if reference.answer is None:
        raise BadReference(f"kind {options.kind} needs an answer")
    return [reference.answer, *reference.aliases, *options.aliases.get(str(reference.answer), [])]

"""The kinds that are words: exact, text, regex."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

from reward_verifiers.answer.judged import Judged, clipped
from reward_verifiers.answer.options import AnswerOptions
from reward_verifiers.answer.reading import words
from reward_verifiers.answer.reading.normalise import TEXT_COMMAND
from reward_verifiers.verifier import BadReference, Unsupported

_WRAP = " \t\r\n*`\"'"
_AROUND_SIGNS = re.compile(r"\s*([<>=≤≥≠≡+*/^×÷±∧∨⊕→←↔⇒⇔∪∩∈⊂⊆])\s*")
"""p < q is p<q."""


def bare(text: str) -> str:
    """Without emphasis, quotes and \\text{} around it; one space between words; composed Unicode."""
    text = TEXT_COMMAND.sub(r"\1", text) if "\\" in text else text
    text = unicodedata.normalize("NFKC", text).strip(_WRAP)
    if len(text) > 2 and text[0] == text[-1] == "$":
        text = text.strip("$")
    return " ".join(text.strip(_WRAP).split())


def _folded(text: str, options: AnswerOptions) -> str:
    """The form in which texts of this kind are compared."""
    text = bare(text)
    if options.kind == "exact":
        return text.casefold() if options.case == "ignore" else text
    if options.case == "match":
        return " ".join(text.strip(".,;:!?。").split())
    return _AROUND_SIGNS.sub(r"\1", words.plain(words.unled(text)))


def _spellings(answer: str, options: AnswerOptions) -> set[str]:
    groups = [[name, *others] for name, others in options.aliases.items()]
    variants = {answer}
    for group in groups:
        if _folded(answer, options) in {_folded(spelling, options) for spelling in group}:
            variants.update(group)
    return {_folded(spelling, options) for spelling in variants}


def check_text(answer: Any, options: AnswerOptions) -> None:
    """Raises BadReference when there is nothing to compare with."""
    if isinstance(answer, list | dict):
        raise BadReference(f"the reference answer is no text: {clipped(repr(answer), 100)}")
    if not bare(str(answer)):
        raise BadReference("the reference answer is empty")


def judge_text(answer: Any, text: str, options: AnswerOptions) -> Judged:
    """exact: the same characters but for white space; text: the same words."""
    check_text(answer, options)
    answer_text, wanted = _folded(text, options), _folded(str(answer), options)
    if options.match == "containment":
        held = any(f" {spelling} " in f" {answer_text} " for spelling in _spellings(str(answer), options))
        rule = "the reference's words are in it" if held else "the reference's words are not in it"
        return Judged(held, rule, "first", answer_text, wanted)
    same = answer_text in _spellings(str(answer), options)
    return Judged(same, "the same text" if same else "other text", "first", answer_text, wanted)


# --- regular expressions ----------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _pattern(source: str) -> Any:
    try:
        import re2
    except ImportError as error:  # pragma: no cover - the extra brings it
        raise Unsupported("kind regex needs the package google-re2") from error
    options = re2.Options()
    options.max_mem = 8 << 20
    options.log_errors = False
    try:
        return re2.compile(source, options)
    except re2.error as error:
        raise BadReference(f"the reference is no RE2 pattern: {clipped(str(error), 200)}") from error


def check_regex(answer: Any, options: AnswerOptions) -> None:
    """Raises BadReference for a pattern that RE2 refuses."""
    if not isinstance(answer, str):
        raise BadReference("the reference is no RE2 pattern: it is no text")
    _pattern(str(answer))


def judge_regex(answer: Any, text: str, options: AnswerOptions) -> Judged:
    """The whole answer matches the pattern, in linear time."""
    answer_text = text.strip().encode("utf-8", "replace").decode("utf-8")
    same = _pattern(str(answer)).fullmatch(answer_text) is not None
    return Judged(
        same, "matches the pattern" if same else "does not match the pattern", "first", answer_text, str(answer)
    )

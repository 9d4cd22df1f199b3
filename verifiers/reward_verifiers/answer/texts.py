"""The kinds that are words: exact, text, choice, regex."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

from reward_verifiers.answer import words
from reward_verifiers.answer.judged import Judged, clipped
from reward_verifiers.answer.normalise import TEXT_COMMAND
from reward_verifiers.answer.options import AnswerOptions, Choices
from reward_verifiers.verifier import BadReference, Unsupported

_WRAP = " \t\r\n*`$\"'"


def bare(text: str) -> str:
    """Without emphasis, quotes and \\text{} around it; one space between words; composed Unicode."""
    text = TEXT_COMMAND.sub(r"\1", text) if "\\" in text else text
    return " ".join(unicodedata.normalize("NFKC", text).strip(_WRAP).split())


def _folded(text: str, options: AnswerOptions) -> str:
    """The form in which texts of this kind are compared."""
    text = bare(text)
    if options.kind == "exact":
        return text.casefold() if options.case == "ignore" else text
    if options.case == "match":
        return " ".join(text.strip(".,;:!?。").split())
    return words.plain(text)


def _spellings(answer: str, options: AnswerOptions) -> set[str]:
    groups = [[name, *others] for name, others in options.aliases.items()]
    found = {answer}
    for group in groups:
        if _folded(answer, options) in {_folded(spelling, options) for spelling in group}:
            found.update(group)
    return {_folded(spelling, options) for spelling in found}


def check_text(answer: Any, options: AnswerOptions) -> None:
    """Raises BadReference when there is nothing to compare with."""
    if not bare(str(answer)):
        raise BadReference("the reference answer is empty")


def judge_text(answer: Any, text: str, options: AnswerOptions) -> Judged:
    """exact: the same characters but for white space; text: the same words."""
    check_text(answer, options)
    said, wanted = _folded(text, options), _folded(str(answer), options)
    same = said in _spellings(str(answer), options)
    return Judged(same, "the same text" if same else "other text", "first", said, wanted)


# --- choices ----------------------------------------------------------------------------------------------------------

_LEAD = re.compile(
    r"(?:(?:the\s)?(?:correct\s)?(?:option|choice|answer)(?:\sis)?|选项|选|答案是?)\s{0,3}[:：]?\s{0,3}", re.I
)
_LABEL = re.compile(r"[(\[（]?([A-Za-z])[)\]）]?(?=$|[\s.):：、,，;。\]）])")
_REST = re.compile(r"[\s.):：、\]）-]{0,5}")
_SEVERAL = re.compile(r"[\s,，、;&/]|and\b|or\b|和|或", re.I)


def table(choices: Choices | None) -> dict[str, str]:
    """Letter → text; a list is lettered from A."""
    if choices is None:
        return {}
    if isinstance(choices, dict):
        return {str(letter).strip("(). ").upper(): str(text) for letter, text in choices.items()}
    return {chr(ord("A") + index): str(text) for index, text in enumerate(choices[:26])}


def _letters(text: str, options: dict[str, str], strict: bool = False) -> tuple[str, ...] | None:
    """The letters that an answer names, in order; () when it contradicts itself; None when it names none."""
    plain = bare(text).strip("{}\\ ")
    lead = _LEAD.match(plain)
    plain = plain[lead.end() :].strip(_WRAP) if lead else plain
    by_text = [letter for letter, said in options.items() if _same_option(said, plain)]
    if len(by_text) == 1:
        return (by_text[0],)
    label = _LABEL.match(plain)
    if label is None:
        run = plain.strip("().")
        return tuple(run) if run.isascii() and run.isalpha() and run.isupper() and 1 < len(run) <= 8 else None
    first = label.group(1).upper()
    bracketed = label.group() != label.group(1) or plain[label.end() : label.end() + 1] in tuple(".):：、，,;")
    rest = plain[_REST.match(plain, label.end()).end() :].strip()  # type: ignore[union-attr]
    if not rest:
        return (first,) if label.group(1).isupper() or bracketed or len(plain) == 1 else None
    others = [
        match.group(1)
        for match in _LABEL.finditer(rest[:40])
        if match.start() == 0 or rest[match.start() - 1] in " ,，、;&/和或("
    ]
    if others and not _SEVERAL.sub("", re.sub(r"[(\[（]?\b[A-Za-z]\b[)\]）]?\.?", "", rest)):
        return tuple(sorted({first, *(letter.upper() for letter in others)}))
    if any(_same_option(said, rest) and letter != first for letter, said in options.items()):
        return ()  # the letter of one option, the text of another
    if bracketed or _same_option(options.get(first, ""), rest) or rest.startswith(("because", "since", "as ", "因为")):
        return (first,)
    return None


def _same_option(said: str, text: str) -> bool:
    return bool(said) and words.plain(bare(said)) == words.plain(text)


def _gold_letters(answer: Any, options: AnswerOptions) -> tuple[str, ...]:
    rows = table(options.choices)
    text = ", ".join(map(str, answer)) if isinstance(answer, list) else str(answer)
    letters = _letters(text, rows)
    if not letters or (rows and not set(letters) <= set(rows)):
        raise BadReference(f"the reference names no option: {clipped(text, 100)!r}")
    return letters


def check_choice(answer: Any, options: AnswerOptions) -> None:
    """Raises BadReference when the reference is none of the options."""
    _gold_letters(answer, options)


def judge_choice(answer: Any, text: str, options: AnswerOptions) -> Judged:
    """The same option, named by its letter or by its text."""
    wanted = _gold_letters(answer, options)
    rows = table(options.choices)
    named = _letters(text, rows)
    if named is None and "\n" not in text.strip() and len(text) < 400:
        # "… so it must be (B)": the last bracketed letter, when there is only one.
        bracketed = {letter.upper() for letter in re.findall(r"[(（]([A-Z])[)）]", text)}
        named = tuple(bracketed) if len(bracketed) == 1 else None
    shown = "".join(named or ()) or bare(text)
    if named is None:
        return Judged(False, "names no option", "first", shown, "".join(wanted))
    if not named:
        return Judged(False, "the letter of one option with the text of another", "first", shown, "".join(wanted))
    same = set(named) == set(wanted)
    return Judged(same, "the same option" if same else "another option", "first", shown, "".join(wanted))


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
    _pattern(str(answer))


def judge_regex(answer: Any, text: str, options: AnswerOptions) -> Judged:
    """The whole answer matches the pattern, in linear time."""
    said = text.strip().encode("utf-8", "replace").decode("utf-8")
    same = _pattern(str(answer)).fullmatch(said) is not None
    return Judged(same, "matches the pattern" if same else "does not match the pattern", "first", said, str(answer))

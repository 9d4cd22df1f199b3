"""The functions of open-instruct's RLVR-IFeval rows (arXiv 2411.15124), by their own names: `{"func_name": …, "N": …}`.

They are IFEval's kinds over again, with other bounds: exact numbers, `at most` and `around`.
"""

from __future__ import annotations

import re

from reward_verifiers.instructions.checks.ifeval import is_json, placeholders
from reward_verifiers.instructions.dominant_language import LanguageCode, is_in_language
from reward_verifiers.instructions.kinds import (
    Count,
    Letter,
    Need,
    Phrase,
    Phrases,
    Positive,
    Quantifier,
    Result,
    around,
    compared,
    kind,
)
from reward_verifiers.instructions.text import Text

SOURCE = "RLVR-IFeval"
_CAPITALS = re.compile(r"(?<!\w)[A-Z]+(?!\w)")


def _tenth(bound: int) -> int:
    return max(round(bound * 0.1), 1)


@kind("verify_keywords", SOURCE)
def verify_keywords(text: Text, keyword_list: Phrases) -> Result:
    """Every keyword stands in the text, whatever its case."""
    missing = [word for word in keyword_list if word.lower() not in text.lower]
    return Result(False, f"missing: {', '.join(missing)}", Need.MORE) if missing else Result(True)


@kind("verify_keyword_frequency", SOURCE)
def verify_keyword_frequency(text: Text, word: Phrase, N: Count) -> Result:  # noqa: N803 - the data sets' name
    """The word stands there exactly so often."""
    return compared(text.word_counts[word.lower()], "exactly", N, f"times {word!r}")


@kind("validate_forbidden_words", SOURCE)
def validate_forbidden_words(text: Text, forbidden_words: Phrases) -> Result:
    """None of these stands there, not even inside a word."""
    there = [word for word in forbidden_words if word.lower() in text.lower]
    return Result(False, f"forbidden: {', '.join(there)}", Need.LESS) if there else Result(True)


@kind("verify_letter_frequency", SOURCE)
def verify_letter_frequency(text: Text, letter: Letter, N: Count) -> Result:  # noqa: N803
    """The letter stands there exactly so often, in this case."""
    return compared(text.raw.count(letter), "exactly", N, f"times {letter!r}")


@kind("validate_response_language", SOURCE)
def validate_response_language(text: Text, language: LanguageCode) -> Result:
    """Most of the text is in this language."""
    return is_in_language(text, language)


@kind("verify_paragraph_count", SOURCE)
def verify_paragraph_count(text: Text, N: Count) -> Result:  # noqa: N803
    """Exactly so many paragraphs with * * * between them."""
    parts = text.raw.split("* * *")
    if not all(part.strip() for part in parts):
        return Result(False, "an empty paragraph")
    return compared(len(parts), "exactly", N, "paragraphs")


@kind("validate_word_constraint", SOURCE)
def validate_word_constraint(text: Text, N: Count, quantifier: Quantifier) -> Result:  # noqa: N803
    """So many words; around: within a tenth."""
    size = len(text.pieces) if text.raw.isascii() else max(len(text.pieces), _unspaced_words(text))
    return around(size, quantifier, N, _tenth(N), "words")._replace(need=None)  # a part in Chinese may have more


def _unspaced_words(text: Text) -> int:
    """Words where there are no spaces between them; elsewhere, what stands between spaces counts."""
    return len(text.words) if len(text.words) > 2 * len(text.pieces) else 0


@kind("verify_sentence_constraint", SOURCE)
def verify_sentence_constraint(text: Text, N: Count, quantifier: Quantifier) -> Result:  # noqa: N803
    """So many sentences; around: one more or less."""
    return around(len(text.sentences), quantifier, N, 1, "sentences")


def _paragraph_is_there(N: int, first_word: str, i: int) -> str:  # noqa: N803
    return "" if i <= N else "i: there are fewer paragraphs"


@kind("validate_paragraphs", SOURCE, demand=_paragraph_is_there)
def validate_paragraphs(text: Text, N: Positive, first_word: Phrase, i: Positive) -> Result:  # noqa: N803
    """So many paragraphs with an empty line between them, and the i-th begins with this word."""
    parts = text.raw.split("\n\n")
    met = len(parts) == N and parts[i - 1].strip().startswith(first_word)
    return Result(met, f"{len(parts)} paragraphs, {N} wanted")


@kind("verify_postscript", SOURCE)
def verify_postscript(text: Text, postscript_marker: Phrase) -> bool:
    """The marker, and text behind it."""
    _, marker, behind = text.raw.partition(postscript_marker)
    return bool(marker and behind.strip())


@kind("validate_placeholders", SOURCE)
def validate_placeholders(text: Text, N: Count) -> Result:  # noqa: N803
    """At least so many placeholders in square brackets."""
    return compared(placeholders(text), "at least", N, "placeholders")


@kind("verify_bullet_points", SOURCE)
def verify_bullet_points(text: Text, N: Count) -> Result:  # noqa: N803
    """Exactly so many lines that begin with * or -."""
    lines = sum(1 for line in text.lines if line.strip().startswith(("*", "-")))
    return compared(lines, "exactly", N, "bullets")


@kind("validate_title", SOURCE)
def validate_title(text: Text) -> bool:
    """A title in <<double angular brackets>>."""
    return any(0 <= line.find("<<") <= line.rfind(">>") - 2 for line in text.lines)


@kind("validate_choice", SOURCE, has_content=False, need=Need.MORE)
def validate_choice(text: Text, options: Phrases) -> bool:
    """One of the options stands there."""
    return any(option in text.raw for option in options)


@kind("validate_highlighted_sections", SOURCE)
def validate_highlighted_sections(text: Text, N: Count) -> Result:  # noqa: N803
    """At least so many pairs of asterisks on one line."""
    pairs = sum(line.count("*") // 2 for line in text.lines)
    return compared(pairs, "at least", N, "highlights")


@kind("validate_sections", SOURCE)
def validate_sections(text: Text, N: Count, section_splitter: Phrase) -> Result:  # noqa: N803
    """At least so many sections that begin with the word and a number."""
    headings = re.findall(re.escape(section_splitter.strip()) + r"\s?\d", text.raw, re.IGNORECASE)
    return compared(len(headings), "at least", N, "sections")


@kind("validate_json_format", SOURCE)
def validate_json_format(text: Text) -> bool:
    """The whole text is JSON."""
    return is_json(text.stripped)


@kind("validate_repeat_prompt", SOURCE)
def validate_repeat_prompt(text: Text, original_prompt: Phrase) -> bool:
    """It begins with the request, letter for letter."""
    return text.stripped.startswith(original_prompt.strip())


@kind("validate_two_responses", SOURCE)
def validate_two_responses(text: Text) -> bool:
    """Two different responses with ****** between them."""
    parts = [part.strip() for part in text.raw.split("******")]
    return len(parts) == 2 and parts[0] != parts[1]


@kind("validate_uppercase", SOURCE)
def validate_uppercase(text: Text) -> bool:
    """No small letter."""
    return text.raw == text.raw.upper()


@kind("validate_lowercase", SOURCE)
def validate_lowercase(text: Text) -> bool:
    """No capital letter."""
    return text.raw == text.raw.lower()


@kind("validate_frequency_capital_words", SOURCE)
def validate_frequency_capital_words(text: Text, N: Count, quantifier: Quantifier) -> Result:  # noqa: N803
    """So many words in capital letters; around: within a tenth."""
    return around(len(_CAPITALS.findall(text.raw)), quantifier, N, _tenth(N), "words in capitals")


@kind("validate_end", SOURCE)
def validate_end(text: Text, end_phrase: Phrase) -> bool:
    """It ends with this phrase."""
    return text.stripped.endswith(end_phrase.strip())


@kind("validate_quotation", SOURCE)
def validate_quotation(text: Text) -> bool:
    """The whole text stands in double quotation marks."""
    return len(text.stripped) > 1 and text.stripped.startswith('"') and text.stripped.endswith('"')


@kind("validate_no_commas", SOURCE, need=Need.LESS)
def validate_no_commas(text: Text) -> bool:
    """No comma."""
    return "," not in text.raw

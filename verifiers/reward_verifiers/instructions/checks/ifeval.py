"""The kinds of IFEval (arXiv 2311.07911), and the four that its code defines and its data does not use."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from reward_verifiers.instructions.dominant_language import LanguageCode, is_in_language
from reward_verifiers.instructions.kinds import (
    Count,
    Letter,
    Need,
    Phrase,
    Phrases,
    Positive,
    Relation,
    Result,
    compared,
    kind,
    need_of,
    occurrences,
    within,
)
from reward_verifiers.instructions.segment import tokens, words
from reward_verifiers.instructions.text import Text

_OPTIONS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
_SINGLE = re.compile(r"\*[^\n*]*\*")
_DOUBLE = re.compile(r"\*\*[^\n*]*\*\*")
_DIVIDER = re.compile(r"\s?\*\*\*\s?")
_SMALL, _CAPITAL = re.compile("[a-z]"), re.compile("[A-Z]")
_MARKS = re.compile(r"[.,?!'\"]")
_JSON_BEGINS = frozenset('{["-0123456789tfnNI')
_FENCES = ("```json", "```Json", "```JSON", "```")
_MARKERS = {"P.P.S": re.compile(r"p\.\s?p\.\s?s"), "P.S.": re.compile(r"p\.\s?s\.")}


@kind("keywords:existence", "IFEval")
def existence(text: Text, keywords: Phrases) -> Result:
    """Every keyword stands in the text, whatever its case."""
    missing = [word for word in keywords if word.strip().lower() not in text.lower]
    return Result(False, f"missing: {', '.join(missing)}", Need.MORE) if missing else Result(True)


@kind("keywords:frequency", "IFEval")
def frequency(text: Text, keyword: Phrase, frequency: Count, relation: Relation) -> Result:
    """The keyword stands there so often."""
    return compared(occurrences(text, keyword), relation, frequency, f"times {keyword!r}")


@kind("keywords:forbidden_words", "IFEval")
def forbidden_words(text: Text, forbidden_words: Phrases) -> Result:
    """None of these words stands there as a whole word."""
    there = [word for word in forbidden_words if has_word(text.lower, word)]
    return Result(False, f"forbidden: {', '.join(there)}", Need.LESS) if there else Result(True)


@kind("keywords:letter_frequency", "IFEval")
def letter_frequency(text: Text, letter: Letter, let_frequency: Count, let_relation: Relation) -> Result:
    """The letter stands there so often, in either case."""
    return compared(text.times(letter), let_relation, let_frequency, f"times {letter!r}")


@kind("language:response_language", "IFEval")
def response_language(text: Text, language: LanguageCode) -> Result:
    """Most of the text is in this language."""
    return is_in_language(text, language)


@kind("length_constraints:number_sentences", "IFEval")
def number_sentences(text: Text, num_sentences: Count, relation: Relation) -> Result:
    """So many sentences."""
    return compared(len(text.sentences), relation, num_sentences, "sentences")


@kind("length_constraints:number_paragraphs", "IFEval")
def number_paragraphs(text: Text, num_paragraphs: Count) -> Result:
    """Exactly so many paragraphs, with *** between them."""
    return divided(_DIVIDER.split(text.raw), num_paragraphs)


@kind("length_constraints:number_words", "IFEval")
def number_words(text: Text, num_words: Count, relation: Relation) -> Result:
    """So many words."""
    return compared(text.number_of_words, relation, num_words, "words")


def _nth_is_there(num_paragraphs: int, nth_paragraph: int, first_word: str) -> str:
    return "" if nth_paragraph <= num_paragraphs else "nth_paragraph: there are fewer paragraphs"


@kind("length_constraints:nth_paragraph_first_word", "IFEval", demand=_nth_is_there)
def nth_paragraph_first_word(
    text: Text, num_paragraphs: Positive, nth_paragraph: Positive, first_word: Phrase
) -> Result:
    """So many paragraphs with an empty line between them, and the n-th begins with this word."""
    paragraphs = text.raw.split("\n\n")
    number = sum(1 for one in paragraphs if one.strip())
    if number != num_paragraphs:
        return compared(number, "exactly", num_paragraphs, "paragraphs")
    chosen = paragraphs[nth_paragraph - 1].split(None, 1)
    word = _MARKS.split(chosen[0].lstrip("'").lstrip('"'), maxsplit=1)[0].lower() if chosen else ""
    return Result(word == first_word.strip().lower(), f"paragraph {nth_paragraph} begins with {word[:50]!r}")


@kind("detectable_content:number_placeholders", "IFEval", ignores_asterisks=True)
def number_placeholders(text: Text, num_placeholders: Count) -> Result:
    """At least so many placeholders in square brackets."""
    return compared(placeholders(text), "at least", num_placeholders, "placeholders")


@kind("detectable_content:postscript", "IFEval", need=Need.MORE)
def postscript(text: Text, postscript_marker: Phrase) -> bool:
    """A postscript that begins with the marker."""
    marker = postscript_marker.strip()
    if marker in _MARKERS:
        return _MARKERS[marker].search(text.lower) is not None
    return marker.lower() in text.lower


@kind("detectable_content:rephrase_paragraph", "IFEval")
def rephrase_paragraph(text: Text, original_paragraph: Phrase, low: Count, high: Count) -> Result:
    """It shares between low and high words with the paragraph."""
    shared = sum((text.word_counts & Counter(words(original_paragraph.lower()))).values())
    return within(shared, low, high, "words in common")


@kind("detectable_format:number_bullet_lists", "IFEval")
def number_bullet_lists(text: Text, num_bullets: Count) -> Result:
    """Exactly so many lines that begin with * or -."""
    return compared(bullets(text), "exactly", num_bullets, "bullets")


@kind("detectable_format:constrained_response", "IFEval", has_content=False, need=Need.MORE)
def constrained_response(text: Text) -> bool:
    """It says My answer is yes., My answer is no. or My answer is maybe."""
    return any(option in text.raw for option in _OPTIONS)


@kind("detectable_format:number_highlighted_sections", "IFEval")
def number_highlighted_sections(text: Text, num_highlights: Count) -> Result:
    """At least so many *highlighted* parts."""
    parts = [*_SINGLE.findall(text.raw), *_DOUBLE.findall(text.raw)] if "*" in text.raw else []
    return compared(sum(1 for part in parts if part.strip("*").strip()), "at least", num_highlights, "highlights")


@kind("detectable_format:multiple_sections", "IFEval")
def multiple_sections(text: Text, section_spliter: Phrase, num_sections: Count) -> Result:
    """At least so many sections that begin with the word and a number."""
    word = section_spliter.strip()
    headings = _heading(word).findall(text.raw) if word in text.raw else []
    return compared(len(headings), "at least", num_sections, "sections")


@lru_cache(maxsize=256)
def _heading(word: str) -> re.Pattern[str]:
    return re.compile(re.escape(word) + r"\s?\d")


@kind("detectable_format:json_format", "IFEval")
def json_format(text: Text) -> bool:
    """The whole text is JSON, in a fence or not."""
    body = text.stripped
    for fence in _FENCES:
        body = body.removeprefix(fence)
    return is_json(body.removesuffix("```").strip())


@kind("detectable_format:title", "IFEval", need=Need.MORE)
def title(text: Text) -> bool:
    """A title in <<double angular brackets>>."""
    for line in text.lines if "<<" in text.raw else ():
        begin, end = line.find("<<"), line.rfind(">>")
        if 0 <= begin < end - 2 and line[begin : end + 2].lstrip("<").rstrip(">").strip():
            return True
    return False


@kind("detectable_format:rephrase", "IFEval")
def rephrase(text: Text, original_message: Phrase) -> bool:
    """Equal to the message but between the first and the last asterisk of each line."""
    return "*" in text.raw and _without_changes(text.raw) == _without_changes(original_message)


@kind("multi-turn:constrained_start", "IFEval", need=Need.MORE)
def constrained_start(text: Text, starter: Phrase) -> bool:
    """A line begins with this phrase."""
    return any(line.lstrip().startswith(starter.strip()) for line in text.lines)


@kind("keywords:key_sentences", "IFEval")
def key_sentences(text: Text, key_sentences: Phrases, num_sentences: Count) -> Result:
    """Exactly so many of these sentences stand there."""
    there = set(text.sentences)
    number = sum(1 for one in key_sentences if one in there)
    return Result(number == num_sentences, f"{number} of the sentences, {num_sentences} wanted")


@kind("combination:two_responses", "IFEval")
def two_responses(text: Text) -> Result:
    """Two different responses with ****** between them."""
    if "******" not in text.raw:
        return Result(False, "1 responses", Need.MORE)
    parts = [part.strip() for part in text.raw.split("******")]
    if any(not part for part in parts[1:-1]):
        return Result(False, "an empty response")
    parts = [part for part in parts if part]
    return Result(len(parts) == 2 and parts[0] != parts[1], f"{len(parts)} responses")


@kind("combination:repeat_prompt", "IFEval")
def repeat_prompt(text: Text, prompt_to_repeat: Phrase) -> Result:
    """It begins with the request, word for word."""
    phrase = prompt_to_repeat.strip()
    return Result(begins_with(text.stripped, phrase), need=need_of(text, phrase))


@kind("startend:end_checker", "IFEval")
def end_checker(text: Text, end_phrase: Phrase) -> Result:
    """It ends with this phrase."""
    phrase = end_phrase.strip()
    return Result(ends_with(text.stripped.strip('"'), phrase), need=need_of(text, phrase))


@kind("startend:quotation", "IFEval")
def quotation(text: Text) -> Result:
    """The whole text stands in double quotation marks."""
    if text.raw.count('"') < 2:
        return Result(False, need=Need.MORE)
    return Result(text.stripped[0] == '"' == text.stripped[-1])


@kind("change_case:capital_word_frequency", "IFEval")
def capital_word_frequency(text: Text, capital_frequency: Count, capital_relation: Relation) -> Result:
    """So many words in capital letters."""
    pieces = [piece for piece in text.pieces if not piece.islower() and not _is_title(piece)]
    capitals = sum(1 for token in tokens(" ".join(pieces)) if token.isupper())
    return compared(capitals, capital_relation, capital_frequency, "words in capitals")


@kind("change_case:english_capital", "IFEval")
def english_capital(text: Text) -> Result:
    """English in capital letters alone."""
    if text.raw.isupper():
        return is_in_language(text, "en")
    return Result(False, "there is a small letter", Need.LESS if _SMALL.search(text.raw) else None)


@kind("change_case:english_lowercase", "IFEval")
def english_lowercase(text: Text) -> Result:
    """English in small letters alone."""
    if text.raw.islower():
        return is_in_language(text, "en")
    return Result(False, "there is a capital letter", Need.LESS if _CAPITAL.search(text.raw) else None)


@kind("punctuation:no_comma", "IFEval", need=Need.LESS, ignores_asterisks=True)
def no_comma(text: Text) -> bool:
    """No comma."""
    return "," not in text.raw


# --- shared -----------------------------------------------------------------------------------------------------------


def begins_with(text: str, phrase: str) -> bool:
    """Whatever the case."""
    # The first letters of ASCII are those of the whole in lower case; of other writings, their neighbours matter.
    head = text[: len(phrase)] if text.isascii() else text
    return head.lower().startswith(phrase.lower())


def ends_with(text: str, phrase: str) -> bool:
    """Whatever the case."""
    tail = text[-len(phrase) :] if text.isascii() else text
    return tail.lower().endswith(phrase.lower())


def whole_words(text: str, phrase: str) -> int:
    """How often the phrase stands in the text as whole words, whatever its case."""
    return sum(1 for _ in _places_of_word(text.lower(), phrase.strip().lower()))


def has_word(lower: str, phrase: str) -> bool:
    """Whether the phrase stands in a text in lower case as a whole word."""
    return next(_places_of_word(lower, phrase.strip().lower()), None) is not None


def _places_of_word(text: str, phrase: str) -> Iterator[int]:
    at = 0
    while (at := text.find(phrase, at)) >= 0:
        end = at + len(phrase)
        is_whole = not (at and _joined(text[at - 1], phrase[0])) and not _joined(phrase[-1], text[end : end + 1])
        if is_whole:
            yield at
        at = end if is_whole else at + 1


def _joined(one: str, other: str) -> bool:
    return (one.isalnum() or one == "_") and (other.isalnum() or other == "_")


def divided(parts: list[str], wanted: int) -> Result:
    """Parts between dividers; an empty first or last one does not count, and another is wrong."""
    if any(not part.strip() for part in parts[1:-1]):
        return Result(False, "an empty paragraph")
    edges = parts if len(parts) == 1 else [parts[0], parts[-1]]
    number = len(parts) - sum(1 for part in edges if not part.strip())
    return compared(number, "exactly", wanted, "paragraphs")


def placeholders(text: Text) -> int:
    """Pairs of square brackets on one line."""
    number = 0
    for line in text.lines:
        begin = line.find("[")
        while begin >= 0 and (end := line.find("]", begin)) >= 0:
            number += 1
            begin = line.find("[", end)
    return number


def _is_title(piece: str) -> bool:
    """One word with a capital letter and then small ones."""
    return len(piece) > 1 and piece.isalpha() and piece.istitle()


def bullets(text: Text) -> int:
    """Lines that begin with - or with one *."""
    lines = [line.lstrip() for line in text.lines]
    return sum(1 for line in lines if line[:1] == "-" or (line[:1] == "*" and line[1:2] not in ("*", "")))


def is_json(text: str) -> bool:
    """Whether the whole text is JSON, nested no deeper than Python reads."""
    if text.lstrip()[:1] not in _JSON_BEGINS or (len(text) > 4000 and text.lstrip()[:1] not in ("{", "[", '"')):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _without_changes(text: str) -> str:
    lines = []
    for line in text.split("\n"):
        begin, end = line.find("*"), line.rfind("*")
        lines.append(line if begin == end else line[:begin] + line[end + 1 :])
    return "\n".join(lines)

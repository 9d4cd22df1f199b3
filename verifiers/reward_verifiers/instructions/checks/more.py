"""Kinds beyond the public lists. Ranges are `minimum` to `maximum`; the one that is left out is open."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import Any

import emoji
import re2

from reward_verifiers.instructions import segment
from reward_verifiers.instructions.kinds import MAX_ARGUMENT, Count, Letter, Phrase, Phrases, Positive, Result, kind
from reward_verifiers.instructions.text import EDGES, Text
from reward_verifiers.verifier import Unsupported

SOURCE = "Touchstone"
_NO_LIMIT = 1_000_000
_NUMBERED = re.compile(r"\s{0,20}(\d{1,6})[.)]\s")
_HEADING = re.compile(r" {0,3}(#{1,6}) +\S")
_RULE = re.compile(r"\|?(?:\s*:?-+:?\s*\|)+\s*(?::?-+:?)?\s*")
_LINK = re.compile(r"https?://\S|www\.\S")


def _range_is_one(minimum: int = 0, maximum: int = _NO_LIMIT, **_: Any) -> str:
    if (minimum, maximum) == (0, _NO_LIMIT):
        return "minimum, maximum: neither is there"
    return "" if minimum <= maximum else "minimum: above maximum"


def _within(number: int, minimum: int, maximum: int, unit: str) -> Result:
    wanted = f"at least {minimum}" if maximum == _NO_LIMIT else f"{minimum} to {maximum}"
    return Result(minimum <= number <= maximum, f"{number} {unit}, {wanted} wanted")


@kind("length:words", SOURCE, demand=_range_is_one)
def length_words(text: Text, minimum: Count = 0, maximum: Count = _NO_LIMIT) -> Result:
    """Words, in any writing."""
    return _within(len(text.words), minimum, maximum, "words")


@kind("length:sentences", SOURCE, demand=_range_is_one)
def length_sentences(text: Text, minimum: Count = 0, maximum: Count = _NO_LIMIT) -> Result:
    """Sentences."""
    return _within(len(text.sentences), minimum, maximum, "sentences")


@kind("length:paragraphs", SOURCE, demand=_range_is_one)
def length_paragraphs(text: Text, minimum: Count = 0, maximum: Count = _NO_LIMIT) -> Result:
    """Paragraphs: what stands between empty lines."""
    number = sum(1 for paragraph in text.raw.split("\n\n") if paragraph.strip())
    return _within(number, minimum, maximum, "paragraphs")


@kind("length:lines", SOURCE, demand=_range_is_one)
def length_lines(text: Text, minimum: Count = 0, maximum: Count = _NO_LIMIT) -> Result:
    """Lines that are not empty."""
    return _within(sum(1 for line in text.lines if line.strip()), minimum, maximum, "lines")


@kind("length:characters", SOURCE, demand=_range_is_one)
def length_characters(text: Text, minimum: Count = 0, maximum: Count = _NO_LIMIT) -> Result:
    """Characters, without white space at the ends."""
    return _within(len(text.stripped), minimum, maximum, "characters")


@kind("length:tokens", SOURCE, demand=_range_is_one)
def length_tokens(text: Text, minimum: Count = 0, maximum: Count = _NO_LIMIT) -> Result:
    """Tokens of the whole completion, as the trainer counts them in `tokens`."""
    if text.tokens_sampled is None:
        raise Unsupported("length:tokens needs the number of tokens of each completion: send `tokens`")
    return _within(text.tokens_sampled, minimum, maximum, "tokens")


@kind("length:sentence_words", SOURCE, demand=_range_is_one)
def length_sentence_words(text: Text, minimum: Count = 0, maximum: Count = _NO_LIMIT) -> Result:
    """Words of every sentence."""
    for place, sentence in enumerate(text.sentences, start=1):
        result = _within(len(segment.words(sentence)), minimum, maximum, f"words in sentence {place}")
        if not result.met:
            return result
    return Result(True)


@kind("list:numbered", SOURCE, demand=_range_is_one)
def list_numbered(text: Text, minimum: Count = 0, maximum: Count = _NO_LIMIT) -> Result:
    """Items of a numbered list: 1., 2., 3. at the beginning of lines, in order."""
    numbers = [int(match[1]) for line in text.lines if (match := _NUMBERED.match(line))]
    if numbers != list(range(1, len(numbers) + 1)):
        return Result(False, f"numbers {numbers[:20]}")
    return _within(len(numbers), minimum, maximum, "items")


@kind("list:bullets", SOURCE, demand=_range_is_one)
def list_bullets(text: Text, minimum: Count = 0, maximum: Count = _NO_LIMIT) -> Result:
    """Items of a list: -, * or • and a space at the beginning of lines."""
    number = sum(1 for line in text.lines if line.lstrip().startswith(("- ", "* ", "• ", "+ ")))
    return _within(number, minimum, maximum, "items")


@kind("heading:count", SOURCE, demand=_range_is_one)
def heading_count(text: Text, minimum: Count = 0, maximum: Count = _NO_LIMIT, level: Count = 0) -> Result:
    """Markdown headings, of any level or of one (1 to 6)."""
    levels = [len(match[1]) for line in text.lines if (match := _HEADING.match(line))]
    return _within(sum(1 for one in levels if level in (0, one)), minimum, maximum, "headings")


@kind("table:rows", SOURCE, demand=_range_is_one)
def table_rows(text: Text, minimum: Count = 0, maximum: Count = _NO_LIMIT, columns: Count = 0) -> Result:
    """Rows of a Markdown table below its header, and its columns where they are named."""
    for place, line in enumerate(text.lines):
        if place and "|" in line and "-" in line and len(line) < 2000 and _RULE.fullmatch(line.strip()):
            return _of_table(text.lines[place - 1 : place], text.lines[place + 1 :], minimum, maximum, columns)
    return Result(False, "no table")


def _of_table(header: list[str], below: list[str], minimum: int, maximum: int, columns: int) -> Result:
    rows = []
    for line in below:
        if "|" not in line:
            break
        rows.append(line)
    widths = {len(line.strip().strip("|").split("|")) for line in [*header, *rows]}
    if len(widths) > 1 or (columns and widths != {columns}):
        return Result(False, f"columns: {sorted(widths)}")
    return _within(len(rows), minimum, maximum, "rows")


@kind("code:blocks", SOURCE, demand=_range_is_one)
def code_blocks(text: Text, minimum: Count = 0, maximum: Count = _NO_LIMIT) -> Result:
    """Fenced blocks of code that are closed."""
    fences = sum(1 for line in text.lines if line.lstrip().startswith("```"))
    return _within(fences // 2 if fences % 2 == 0 else 0, minimum, maximum, "blocks")


@kind("start:phrase", SOURCE)
def start_phrase(text: Text, phrase: Phrase) -> bool:
    """It begins with this phrase, whatever its case."""
    return text.stripped.lower().startswith(phrase.strip().lower())


@kind("letters:without", SOURCE)
def letters_without(text: Text, letter: Letter) -> Result:
    """The letter stands nowhere, in neither case."""
    number = text.times(letter)
    return Result(not number, f"{number} times {letter!r}")


@kind("letters:acrostic", SOURCE)
def letters_acrostic(text: Text, word: Phrase) -> Result:
    """The first letters of the lines spell the word."""
    begins = [stripped[0].lower() for line in text.lines if (stripped := line.strip().lstrip(EDGES))]
    return Result(begins == list(word.strip().lower()), "".join(begins)[:50])


@kind("keywords:in_order", SOURCE)
def keywords_in_order(text: Text, keywords: Phrases) -> Result:
    """The keywords stand there in this order."""
    at = 0
    for word in keywords:
        at = text.lower.find(word.lower(), at)
        if at < 0:
            return Result(False, f"{word!r} does not follow")
        at += len(word)
    return Result(True)


def _pattern_is_one(pattern: str) -> str:
    try:
        _compiled(pattern)
    except re2.error:
        return "pattern: RE2 cannot read it"
    return ""


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


def _matches(text: Text, pattern: str) -> bool:
    return _compiled(pattern).search(text.raw.encode("utf-8", "replace").decode()) is not None


@kind("pattern:present", SOURCE, demand=_pattern_is_one)
def pattern_present(text: Text, pattern: Phrase) -> bool:
    """The RE2 pattern matches a part of the text."""
    return _matches(text, pattern)


@kind("pattern:absent", SOURCE, demand=_pattern_is_one)
def pattern_absent(text: Text, pattern: Phrase) -> bool:
    """The RE2 pattern matches no part of the text."""
    return not _matches(text, pattern)


@kind("punctuation:without", SOURCE)
def punctuation_without(text: Text, marks: Phrase) -> Result:
    """None of these marks stands there."""
    there = sorted({mark for mark in marks if not mark.isspace() and mark in text.raw})
    return Result(not there, "".join(there))


@kind("emoji:count", SOURCE, demand=_range_is_one)
def emoji_count(text: Text, minimum: Count = 0, maximum: Count = _NO_LIMIT) -> Result:
    """Emoji."""
    number = 0 if text.raw.isascii() else emoji.emoji_count(text.raw[:MAX_ARGUMENT])
    return _within(number, minimum, maximum, "emoji")


@kind("links:count", SOURCE, demand=_range_is_one)
def links_count(text: Text, minimum: Count = 0, maximum: Count = _NO_LIMIT) -> Result:
    """Web addresses."""
    return _within(len(_LINK.findall(text.raw)), minimum, maximum, "addresses")


@kind("digits:without", SOURCE)
def digits_without(text: Text) -> bool:
    """No digit."""
    return not any(map(str.isdigit, text.raw))


@kind("lines:sorted", SOURCE)
def lines_sorted(text: Text) -> Result:
    """The lines stand in the order of the alphabet."""
    lines = [stripped.lower() for line in text.lines if (stripped := line.strip().lstrip(EDGES))]
    wrong = next((other for one, other in pairwise(lines) if one > other), "")
    return Result(not wrong and len(lines) > 1, f"{wrong[:50]!r} stands too late" if wrong else f"{len(lines)} lines")


@kind("sentences:in_order_of_length", SOURCE)
def sentences_in_order_of_length(text: Text) -> Result:
    """Each sentence has more words than the one before."""
    sizes = [len(segment.words(sentence)) for sentence in text.sentences]
    return Result(len(sizes) > 1 and all(one < other for one, other in pairwise(sizes)), f"words: {sizes[:20]}")


@kind("words:longest", SOURCE)
def words_longest(text: Text, characters: Positive) -> Result:
    """No word is longer than this."""
    longest = max(text.words, key=len, default="")
    return Result(len(longest) <= characters, f"{longest[:50]!r} has {len(longest)} characters")

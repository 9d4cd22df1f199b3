"""The further kinds of IFEval-G, which IF-RLVR trains with (arXiv 2507.02833)."""

from __future__ import annotations

import re
from itertools import pairwise

from reward_verifiers.instructions import segment
from reward_verifiers.instructions.checks.ifeval import divided, letter_frequency
from reward_verifiers.instructions.kinds import (
    Count,
    Phrase,
    Positive,
    Relation,
    Result,
    compared,
    kind,
    occurrences,
)
from reward_verifiers.instructions.segment import is_letter
from reward_verifiers.instructions.text import Text

_DIVIDER = re.compile(r"\s?\*\*\*\s?")
_LOWERCASE = re.compile(r"(?<!\w)[a-z]+(?!\w)")
_NOT_WORD = re.compile(r"[^\w\s]")


kind("letters:letter_counting2", "IFEval-G")(letter_frequency)


@kind("keywords:word_once", "IFEval-G")
def word_once(text: Text, keyword: Phrase) -> Result:
    """The keyword stands there once."""
    return compared(occurrences(text, keyword), "exactly", 1, f"times {keyword!r}")


@kind("keywords:word_count_different_numbers", "IFEval-G")
def word_count_different_numbers(text: Text, keyword: Phrase, frequency: Count, relation: Relation) -> Result:
    """The keyword stands there so often."""
    return compared(occurrences(text, keyword), relation, frequency, f"times {keyword!r}")


@kind("keywords:exclude_word_harder", "IFEval-G")
def exclude_word_harder(text: Text, keyword: Phrase) -> bool:
    """The keyword does not stand between two spaces."""
    return f" {keyword.strip()} " not in text.raw


@kind("keywords:no_adjacent_consecutive", "IFEval-G")
def no_adjacent_consecutive(text: Text) -> Result:
    """No word begins with the letter after the first letter of the word before it."""
    for one, other in pairwise(text.pieces):
        first, second = one[0].lower(), other[0].lower()
        if len(first) != 1 or len(second) != 1 or ord(second) - ord(first) == 1:
            return Result(False, f"{one[:30]} {other[:30]}")
    return Result(True)


@kind("keywords:palindrome", "IFEval-G")
def palindrome(text: Text) -> bool:
    """A word that reads the same from behind."""
    return any(piece == piece[::-1] for piece in text.pieces)


@kind("keywords:keyword_specific_position", "IFEval-G")
def keyword_specific_position(text: Text, keyword: Phrase, n: Positive, m: Positive) -> Result:
    """The keyword is the m-th token of the n-th sentence."""
    if len(text.sentences) < n:
        return Result(False, f"{len(text.sentences)} sentences")
    tokens = text.tokens_of(text.sentences[n - 1])
    token = tokens[m - 1] if len(tokens) >= m else ""
    return Result(token == keyword.strip(), f"there stands {token[:50]!r}")


@kind("keywords:start_end", "IFEval-G")
def start_end(text: Text) -> bool:
    """It begins and ends with the same word, and nothing follows that."""
    return len(text.tokens) > 1 and text.tokens[0].lower() == text.tokens[-1].lower()


@kind("letters:letter_counting", "IFEval-G")
def letter_counting(text: Text, N: Count, relation: Relation) -> Result:  # noqa: N803 - the data sets' name
    """So many letters."""
    return compared(sum(1 for char in text.raw if is_letter(char)), relation, N, "letters")


@kind("paragraphs:paragraphs", "IFEval-G")
def paragraphs(text: Text) -> Result:
    """Two paragraphs with *** between them."""
    return divided(_DIVIDER.split(text.raw), 2)


@kind("paragraphs:paragraphs2", "IFEval-G")
def paragraphs2(text: Text) -> Result:
    """Two paragraphs with an empty line between them."""
    return divided(text.raw.split("\n\n"), 2)


@kind("first_word:first_word_sent", "IFEval-G")
def first_word_sent(text: Text, first_word: Phrase) -> bool:
    """Every sentence begins with this word."""
    return all(one.split()[0].lower() == first_word.strip().lower() for one in text.sentences)


@kind("first_word:first_word_answer", "IFEval-G")
def first_word_answer(text: Text, first_word: Phrase) -> bool:
    """It begins with this word."""
    return bool(text.pieces) and text.pieces[0].lower() == first_word.strip().lower()


@kind("last_word:last_word_sent", "IFEval-G")
def last_word_sent(text: Text, last_word: Phrase) -> bool:
    """Every sentence ends with this word, punctuation left out."""
    return all(_plain(one.split()[-1]) == last_word.strip().lower() for one in text.sentences)


@kind("last_word:last_word_answer", "IFEval-G")
def last_word_answer(text: Text, last_word: Phrase) -> bool:
    """It ends with this word, punctuation left out."""
    return bool(text.pieces) and _plain(text.pieces[-1]) == last_word.strip().lower()


@kind("detectable_format:sentence_hyphens", "IFEval-G")
def sentence_hyphens(text: Text) -> bool:
    """Sentences are joined by hyphens, without spaces."""
    parts = text.raw.split("-")
    plain = segment.sentences(text.raw.replace("-", " "))
    return all(part == part.strip() == sentence for part, sentence in zip(parts, plain, strict=False))


@kind("detectable_format:square_brackets", "IFEval-G")
def square_brackets(text: Text) -> bool:
    """Every word stands in square brackets."""
    return all(piece[0] == "[" and piece[-1] == "]" for piece in text.pieces)


@kind("detectable_format:bigram_wrapping", "IFEval-G")
def bigram_wrapping(text: Text) -> bool:
    """Every two words stand in <<double angular brackets>>."""
    pieces = text.pieces
    pairs = zip(pieces[::2], pieces[1::2], strict=False)
    return all(one.startswith("<<") and other.endswith(">>") for one, other in pairs)


@kind("punctuation:punctuation_dot", "IFEval-G")
def punctuation_dot(text: Text) -> bool:
    """No full stop."""
    return "." not in text.raw


@kind("punctuation:punctuation_exclamation", "IFEval-G")
def punctuation_exclamation(text: Text) -> bool:
    """No exclamation mark."""
    return "!" not in text.raw


@kind("count:lowercase_counting", "IFEval-G")
def lowercase_counting(text: Text, N: Count) -> Result:  # noqa: N803
    """At most so many words in small letters."""
    return compared(len(_LOWERCASE.findall(text.raw)), "at most", N, "words in small letters")


@kind("count:counting_composition", "IFEval-G")
def counting_composition(text: Text, n_sent: Positive, n_words: Positive) -> Result:
    """Three paragraphs with *** between them, each of n_sent sentences of n_words tokens."""
    parts = [part for part in _DIVIDER.split(text.raw) if part.strip()]
    for part in parts:
        sentences = segment.sentences(part)
        if len(sentences) != n_sent:
            return Result(False, f"a paragraph of {len(sentences)} sentences")
        for sentence in sentences:
            if (size := len(segment.tokens(sentence))) != n_words:
                return Result(False, f"a sentence of {size} tokens")
    return compared(len(parts), "exactly", 3, "paragraphs")


@kind("count:count_unique", "IFEval-G")
def count_unique(text: Text) -> Result:
    """No token stands there twice."""
    return compared(len(text.tokens) - len(set(text.tokens)), "exactly", 0, "repeated tokens")


@kind("count:count_increment_word", "IFEval-G")
def count_increment_word(text: Text, keyword1: Phrase, keyword2: Phrase) -> Result:
    """The first keyword stands there once, the second twice."""
    one, two = occurrences(text, keyword1), occurrences(text, keyword2)
    return Result(one == 1 and two == 2, f"{one} and {two} times")


@kind("copy:repeat_phrase", "IFEval-G")
def repeat_phrase(text: Text, phrase: Phrase, small_n: Positive) -> Result:
    """The phrase stands there exactly so often, each time with one of its inner words changed."""
    wanted = phrase.split()
    matches = _spans(text.pieces, wanted)
    if len(matches) != small_n:
        return Result(False, f"{len(matches)} times, {small_n} wanted")
    changed = [sum(1 for one, other in zip(match, wanted, strict=True) if one != other) for match in matches]
    return Result(max(changed) <= 1 and changed[-1] == 1, f"words changed: {changed[:10]}")


@kind("copy:copy", "IFEval-G", has_content=False)
def copy(text: Text, prompt_to_repeat: Phrase) -> bool:
    """The request and nothing else."""
    return _same(text.raw, prompt_to_repeat)


@kind("copy:copying_simple", "IFEval-G", has_content=False)
def copying_simple(text: Text, prompt_to_repeat: Phrase) -> bool:
    """The request and nothing else."""
    return _same(text.raw, prompt_to_repeat)


@kind("copy:copying_multiple", "IFEval-G", has_content=False)
def copying_multiple(text: Text, prompt_to_repeat: Phrase, N: Positive) -> Result:  # noqa: N803
    """The request so often, with ****** between."""
    parts = text.raw.split("******")
    return Result(len(parts) == N and all(_same(part, prompt_to_repeat) for part in parts), f"{len(parts)} parts")


def _span_is_there(prompt_to_repeat: str, n_start: int, n_end: int) -> str:
    return "" if prompt_to_repeat[n_start:n_end].strip() else "n_start, n_end: nothing stands there"


@kind("new:copy_span_idx", "IFEval-G", has_content=False, demand=_span_is_there)
def copy_span_idx(text: Text, prompt_to_repeat: Phrase, n_start: Count, n_end: Count) -> bool:
    """The characters of the request from n_start up to n_end."""
    return _same(text.raw, prompt_to_repeat[n_start:n_end])


# --- shared -----------------------------------------------------------------------------------------------------------


def _plain(word: str) -> str:
    return _NOT_WORD.sub("", word).lower()


def _same(text: str, other: str) -> bool:
    return text.strip().lower() == other.strip().lower()


def _spans(pieces: list[str], wanted: list[str]) -> list[list[str]]:
    """Spans as long as the phrase with its first and last word, one after the other."""
    spans, size, at = [], len(wanted), 0
    edges = ".,;:!?\"'()*"
    while at + size <= len(pieces):
        if pieces[at].strip(edges) == wanted[0] and pieces[at + size - 1].strip(edges) == wanted[-1].strip(edges):
            spans.append([piece.strip(edges) for piece in pieces[at : at + size]])
            at += size
        else:
            at += 1
    return spans

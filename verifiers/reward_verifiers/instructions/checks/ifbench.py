"""The kinds of IFBench (arXiv 2507.02833) that are about words; the others are in `ifbench_format`."""

from __future__ import annotations

import re
import string
from collections import Counter
from functools import lru_cache
from itertools import pairwise

import syllapy

from reward_verifiers.instructions import segment
from reward_verifiers.instructions.checks.ifeval import whole_words
from reward_verifiers.instructions.kinds import (
    Count,
    Percent,
    Phrase,
    Positive,
    Result,
    compared,
    kind,
)
from reward_verifiers.instructions.text import EDGES, Text, bare
from reward_verifiers.instructions.verbs import is_verb
from reward_verifiers.instructions.word_lists import CONJUNCTIONS, NAMES, PRONOUNS, STOP_WORDS

_ALPHABET = string.ascii_lowercase
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxyz]{2}")
_JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_DIGITS = re.compile(r"\d+")
_PRIMES = frozenset(
    number for number in range(2, 98) if all(number % divisor for divisor in range(2, int(number**0.5) + 1))
)


def _range_is_one(min_words: int, max_words: int) -> str:
    return "" if min_words <= max_words else "min_words: above max_words"


@kind("count:word_count_range", "IFBench", demand=_range_is_one)
def word_count_range(text: Text, min_words: Count, max_words: Count) -> Result:
    """From min_words to max_words words."""
    size = len(text.words)
    return Result(min_words <= size <= max_words, f"{size} words, {min_words} to {max_words} wanted")


@kind("count:unique_word_count", "IFBench")
def unique_word_count(text: Text, N: Count) -> Result:  # noqa: N803 - the data sets' name
    """At least so many different words."""
    different = {piece.strip(EDGES) for piece in text.lower.split()}
    return compared(len(different), "at least", N, "different words")


@kind("count:conjunctions", "IFBench")
def conjunctions(text: Text, small_n: Count) -> Result:
    """At least so many different ones of and, but, for, nor, or, so, yet."""
    there = {piece for piece in text.pieces if piece.strip(EDGES).lower() in CONJUNCTIONS}
    return compared(len(there), "at least", small_n, "conjunctions")


@kind("count:person_names", "IFBench")
def person_names(text: Text, N: Count) -> Result:  # noqa: N803
    """At least so many different names of the fifty."""
    return compared(len(NAMES.intersection(text.words)), "at least", N, "names")


@kind("count:numbers", "IFBench")
def numbers(text: Text, N: Count) -> Result:  # noqa: N803
    """Exactly so many numbers."""
    return compared(len(_DIGITS.findall(bare(text.raw))), "exactly", N, "numbers")


@kind("count:pronouns", "IFBench")
def pronouns(text: Text, N: Count) -> Result:  # noqa: N803
    """At least so many pronouns."""
    tokens = segment.tokens([text.lower.replace("/", " ")])
    return compared(sum(1 for token in tokens if token in PRONOUNS), "at least", N, "pronouns")


@kind("count:punctuation", "IFBench")
def punctuation(text: Text) -> Result:
    """Each of . , ! ? ; : and an interrobang."""
    if "‽" not in text.raw and "?!" not in text.raw and "!?" not in text.raw:
        return Result(False, "no interrobang")
    rest = text.raw.replace("?!", "", 1) if "?!" in text.raw else text.raw.replace("!?", "", 1)
    missing = [mark for mark in ".,!?;:" if mark not in rest]
    return Result(not missing, f"missing: {' '.join(missing)}" if missing else "")


@kind("count:words_japanese", "IFBench")
def words_japanese(text: Text, N: Positive) -> Result:  # noqa: N803
    """Every N-th word is Japanese."""
    for place, piece in enumerate(text.pieces[N - 1 :: N], start=1):
        word = piece.strip(EDGES)
        if word and not word.isdigit() and not _JAPANESE.search(word):
            return Result(False, f"word {place * N} is {word[:30]!r}")
    return Result(True)


@kind("count:keywords_multiple", "IFBench")
def keywords_multiple(
    text: Text, keyword1: Phrase, keyword2: Phrase, keyword3: Phrase, keyword4: Phrase, keyword5: Phrase
) -> Result:
    """The keywords stand there 1, 2, 3, 5 and 7 times."""
    for word, wanted in zip((keyword1, keyword2, keyword3, keyword4, keyword5), (1, 2, 3, 5, 7), strict=True):
        if (number := whole_words(text.lower, word)) != wanted:
            return Result(False, f"{number} times {word!r}, {wanted} wanted")
    return Result(True)


@kind("ratio:stop_words", "IFBench")
def stop_words(text: Text, percentage: Percent) -> Result:
    """At most this percentage of the words are function words."""
    size = len(text.words)
    found = sum(map(STOP_WORDS.__contains__, map(str.lower, text.words)))
    return Result(size > 0 and 100 * found / size <= percentage, f"{found} of {size} words")


@kind("ratio:sentence_type", "IFBench")
def sentence_type(text: Text) -> Result:
    """Twice as many sentences end with . as with ?"""
    ends = _ends(text)
    return Result(ends["."] == 2 * ends["?"], f"{ends['.']} with . and {ends['?']} with ?")


@kind("ratio:sentence_balance", "IFBench")
def sentence_balance(text: Text) -> Result:
    """As many sentences end with . as with ? and with !"""
    ends = _ends(text)
    return Result(ends["."] == ends["?"] == ends["!"], f"{ends['.']}, {ends['?']} and {ends['!']}")


@kind("ratio:overlap", "IFBench")
def overlap(text: Text, reference_text: Phrase, percentage: Percent) -> Result:
    """This percentage of the text's different trigrams stands in the reference text, give or take 2."""
    own, other = _trigrams(text.tokens), _trigrams_of(reference_text)
    share = 100 * len(own & other) / len(own) if own else -100.0
    return Result(percentage - 2 <= share <= percentage + 2, f"{share:.3g} %, {percentage:g} % wanted")


@kind("ratio:sentence_words", "IFBench")
def sentence_words(text: Text) -> Result:
    """Three sentences of the same number of characters, without a word that stands there twice."""
    sizes = {len(one) for one in text.sentences}
    repeated = len(text.bare_pieces) - len(set(text.bare_pieces))
    met = len(text.sentences) == 3 and len(sizes) == 1 and not repeated
    return Result(met, f"{len(text.sentences)} sentences, {len(sizes)} lengths, {repeated} repeated words")


@kind("words:alphabet", "IFBench")
def alphabet(text: Text) -> Result:
    """Each word begins with the next letter of the alphabet."""
    words = text.bare_pieces
    if not words or words[0][0] not in _ALPHABET:
        return Result(False, "it begins with no letter")
    begin = _ALPHABET.index(words[0][0])
    for place, word in enumerate(words):
        if word[0] != _ALPHABET[(begin + place) % 26]:
            return Result(False, f"word {place + 1} is {word[:30]!r}")
    return Result(True)


@kind("words:vowel", "IFBench")
def vowel(text: Text) -> Result:
    """One paragraph with at most three different vowels."""
    there = {letter for letter in "aeiou" if letter in text.lower}
    return Result("\n" not in text.stripped and len(there) <= 3, f"vowels {''.join(sorted(there))}")


@kind("words:consonants", "IFBench")
def consonants(text: Text) -> Result:
    """Each word has two consonants beside each other."""
    for piece in text.lower.split():
        if not _CONSONANTS.search(piece):
            return Result(False, f"not in {piece[:30]!r}")
    return Result(True)


@kind("words:palindrome", "IFBench")
def palindromes(text: Text) -> Result:
    """At least ten palindromes of five letters or more."""
    found = sum(1 for word in text.bare_pieces if len(word) >= 5 and word == word[::-1])
    return compared(found, "at least", 10, "palindromes")


@kind("words:prime_lengths", "IFBench")
def prime_lengths(text: Text) -> Result:
    """The length of each word is a prime number."""
    for word in text.bare_pieces:
        if len(word) not in _PRIMES:
            return Result(False, f"{word[:30]!r} has {len(word)} characters")
    return Result(True)


@kind("words:start_verb", "IFBench")
def start_verb(text: Text) -> Result:
    """It begins with a verb."""
    first = text.tokens[0] if text.tokens else ""
    return Result(is_verb(first), f"it begins with {first[:30]!r}")


@kind("words:repeats", "IFBench")
def repeats(text: Text, small_n: Count) -> Result:
    """No word stands there more often."""
    word, number = max(Counter(text.bare_pieces).items(), key=lambda item: item[1], default=("", 0))
    return Result(number <= small_n, f"{word[:30]!r} {number} times, at most {small_n} wanted")


@kind("words:odd_even_syllables", "IFBench")
def odd_even_syllables(text: Text) -> Result:
    """Words with odd and even numbers of syllables take turns."""
    before: tuple[str, int] | None = None
    for word in text.bare_pieces:
        number = syllapy.count(word[:60])
        if before and before[1] % 2 == number % 2:
            return Result(False, f"{before[0][:30]} {before[1]}, {word[:30]} {number}")
        before = (word, number)
    return Result(True)


@kind("words:last_first", "IFBench")
def last_first(text: Text) -> bool:
    """The last word of each sentence is the first of the next one."""
    for one, other in pairwise(text.sentences):
        last, first = one.rstrip(EDGES).split(), other.lstrip(EDGES).split()
        if not last or not first or last[-1].lower() != first[0].lower():
            return False
    return True


@kind("words:paragraph_last_first", "IFBench")
def paragraph_last_first(text: Text) -> Result:
    """Each line ends with the word that it begins with."""
    for line in text.lower.split("\n"):
        words = line.strip().strip(EDGES).split()
        if words and words[0] != words[-1]:
            return Result(False, f"{words[0][:30]} … {words[-1][:30]}")
    return Result(True)


@kind("words:no_consecutive", "IFBench")
def no_consecutive(text: Text) -> Result:
    """No two neighbouring words begin with the same letter."""
    for one, other in pairwise(text.bare_pieces):
        if one[0] == other[0]:
            return Result(False, f"{one[:30]} {other[:30]}")
    return Result(True)


@kind("words:keywords_specific_position", "IFBench")
def keywords_specific_position(text: Text, keyword: Phrase, n: Positive, m: Positive) -> Result:
    """The keyword is the m-th word of the n-th sentence."""
    if len(text.sentences) < n:
        return Result(False, f"{len(text.sentences)} sentences")
    words = _words_of(text.tokens_of(text.sentences[n - 1]))
    word = words[m - 1] if len(words) >= m else ""
    return Result(word.lower() == keyword.strip().lower(), f"there stands {word[:50]!r}")


@kind("words:words_position", "IFBench")
def words_position(text: Text, keyword: Phrase) -> Result:
    """The second word and the last but one are the keyword."""
    words = _edge_words(text)
    if len(words) < 2:
        return Result(False, "fewer than two words")
    return Result(
        words[1].lower() == words[-2].lower() == keyword.strip().lower(), f"{words[1][:30]}, {words[-2][:30]}"
    )


@kind("sentence:alliteration_increment", "IFBench")
def alliteration_increment(text: Text) -> Result:
    """Each sentence has more words in alliteration than the one before."""
    before = -1
    for sentence in text.sentences:
        number = _alliterating([word for piece in sentence.lower().split() if (word := piece.lstrip(EDGES))])
        if number <= before:
            return Result(False, f"{before}, then {number}")
        before = number
    return Result(True)


@kind("sentence:increment", "IFBench")
def increment(text: Text, small_n: Count) -> Result:
    """Each sentence has so many words more than the one before."""
    sizes = [len(bare(sentence).split()) for sentence in text.sentences]
    return Result(all(other == one + small_n for one, other in pairwise(sizes)), f"words: {sizes[:20]}")


@kind("sentence:keyword", "IFBench")
def keyword_in_sentence(text: Text, word: Phrase, N: Positive) -> Result:  # noqa: N803
    """The N-th sentence has this word."""
    if len(text.sentences) < N:
        return Result(False, f"{len(text.sentences)} sentences")
    return Result(whole_words(text.sentences[N - 1], word) > 0, f"of {len(text.sentences)} sentences")


# --- shared -----------------------------------------------------------------------------------------------------------


def _ends(text: Text) -> Counter[str]:
    return Counter(sentence[-1] for sentence in text.sentences)


def _trigrams(tokens: list[str]) -> set[tuple[str, str, str]]:
    return set(zip(tokens, tokens[1:], tokens[2:], strict=False))


def _edge_words(text: Text) -> list[str]:
    """Words of the first sentences, two or more, and then of the last ones; all of them in a short text."""
    if len(text.sentences) < 8:
        return _words_of(text.tokens)
    head: list[str] = []
    place = 0
    while len(head) < 2 and place < len(text.sentences) - 3:
        head += _words_of(text.tokens_of(text.sentences[place]))
        place += 1
    return head + [
        word for one in text.sentences[max(place, len(text.sentences) - 3) :] for word in _words_of(text.tokens_of(one))
    ]


@lru_cache(maxsize=64)
def _trigrams_of(reference_text: str) -> set[tuple[str, str, str]]:
    return _trigrams(Text(reference_text).tokens)


def _words_of(tokens: list[str]) -> list[str]:
    return [token for token in tokens if token.isalnum() or any(map(str.isalnum, token))]


def _alliterating(words: list[str]) -> int:
    """Words that begin like a neighbour, run by run."""
    number, is_run = 0, False
    for one, other in pairwise(words):
        if one[0] == other[0]:
            number += 1 if is_run else 2
            is_run = True
        else:
            is_run = False
    return number

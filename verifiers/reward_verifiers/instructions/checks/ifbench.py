"""The kinds of IFBench (arXiv 2507.02833) that are about words; the others are in `ifbench_format`."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain, islice, pairwise

import syllapy

from reward_verifiers.instructions import segment
from reward_verifiers.instructions.checks.ifeval import has_word, whole_words
from reward_verifiers.instructions.kinds import (
    Count,
    Need,
    Percent,
    Phrase,
    Positive,
    Result,
    compared,
    kind,
    need_of,
    within,
)
from reward_verifiers.instructions.text import EDGES, Tally, Text, bare, line_bounds
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
    return within(text.number_of_words, min_words, max_words, "words")


@kind("count:unique_word_count", "IFBench")
def unique_word_count(text: Text, N: Count) -> Result:  # noqa: N803 - the data sets' name
    """At least so many different words."""
    different = {piece.strip(EDGES) for piece in set(text.lower.split())}
    return compared(len(different), "at least", N, "different words")


@kind("count:conjunctions", "IFBench")
def conjunctions(text: Text, small_n: Count) -> Result:
    """At least so many different ones of and, but, for, nor, or, so, yet."""
    there = {piece for piece in set(text.pieces) if piece.strip(EDGES).lower() in CONJUNCTIONS}
    return compared(len(there), "at least", small_n, "conjunctions")


@kind("count:person_names", "IFBench")
def person_names(text: Text, N: Count) -> Result:  # noqa: N803
    """At least so many different names of the fifty."""
    return compared(len(NAMES.intersection(text.words)), "at least", N, "names")


@kind("count:numbers", "IFBench", ignores_asterisks=True)
def numbers(text: Text, N: Count) -> Result:  # noqa: N803
    """Exactly so many numbers."""
    return compared(len(_DIGITS.findall(bare(text.raw))), "exactly", N, "numbers")


@kind("count:pronouns", "IFBench")
def pronouns(text: Text, N: Count) -> Result:  # noqa: N803
    """At least so many pronouns."""
    tokens = segment.tokens(text.lower.replace("/", " "))
    number = sum(map(PRONOUNS.__contains__, tokens))
    result = compared(number, "at least", N, "pronouns")
    return result if number + 1 < N else result._replace(need=None)  # a full stop at a part's end frees one more


@kind("count:punctuation", "IFBench")
def punctuation(text: Text) -> Result:
    """Each of . , ! ? ; : and an interrobang."""
    if "‽" not in text.raw and "?!" not in text.raw and "!?" not in text.raw:
        return Result(False, "no interrobang", Need.MORE)
    rest = text.raw.replace("?!", "", 1) if "?!" in text.raw else text.raw.replace("!?", "", 1)
    missing = [mark for mark in ".,!?;:" if mark not in rest]
    return Result(False, f"missing: {' '.join(missing)}", Need.MORE) if missing else Result(True)


@kind("count:words_japanese", "IFBench")
def words_japanese(text: Text, N: Positive) -> Result:  # noqa: N803
    """Every N-th word is Japanese."""
    for place, piece in enumerate(islice(text.each_piece(), N - 1, None, N), start=1):
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
            return compared(number, "exactly", wanted, f"times {word!r}")
    return Result(True)


@kind("ratio:stop_words", "IFBench")
def stop_words(text: Text, percentage: Percent) -> Result:
    """At most this percentage of the words are function words."""
    size, hits = text.word_tally("stop words", _stop_words)
    return Result(size > 0 and 100 * hits / size <= percentage, f"{hits} of {size} words")


def _stop_words(text: str) -> Tally:
    """The number of words, and of function words among them."""
    own = segment.words(text.lower())
    return len(own), sum(map(STOP_WORDS.__contains__, own))


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
    least, most = percentage - 2, percentage + 2
    bounds = line_bounds(text.raw)
    smallest = text.part(*bounds[1:3]) if bounds else None
    highest = 100 * _most_shared(text.raw, reference_text) / _least_trigrams(smallest or text)
    if highest < least and (smallest or "\n" not in text.stripped):
        return Result(False, f"at most {highest:.3g} %, {percentage:g} % wanted", Need.MORE)
    tokens = text.tokens
    shared = set(filter(_trigrams_of(reference_text).__contains__, _trigrams(tokens)))
    # A trigram for each word that begins one: quicker to count than the trigrams, and enough for most texts.
    share = 100 * len(shared) / max(1, len(set(tokens[:-2])))
    if share < least:
        return Result(False, f"at most {share:.3g} %, {percentage:g} % wanted")
    own = len(set(_trigrams(tokens)))
    share = 100 * len(shared) / own if own else -100.0
    return Result(least <= share <= most, f"{share:.3g} %, {percentage:g} % wanted")


@kind("ratio:sentence_words", "IFBench")
def sentence_words(text: Text) -> Result:
    """Three sentences of the same number of characters, without a word that stands there twice."""
    sentences = list(islice(text.each_sentence(), 4))
    if len(sentences) != 3:
        return Result(False, f"{len(sentences) if len(sentences) < 3 else 'more than 3'} sentences, 3 wanted")
    sizes = {len(one) for one in sentences}
    repeated = len(text.bare_pieces) - len(set(text.bare_pieces))
    return Result(len(sizes) == 1 and not repeated, f"{len(sizes)} lengths, {repeated} repeated words")


@kind("words:alphabet", "IFBench", ignores_asterisks=True)
def alphabet(text: Text) -> Result:
    """Each word begins with the next letter of the alphabet."""
    words = text.each_bare_piece()
    first = next(words, "")
    if not first or first[0] not in _ALPHABET:
        return Result(False, "it begins with no letter", Need.LESS if first else None)
    begin = _ALPHABET.index(first[0])
    for place, word in enumerate(words, start=1):
        if word[0] != _ALPHABET[(begin + place) % 26]:
            return Result(False, f"word {place + 1} is {word[:30]!r}", Need.LESS)
    return Result(True)


@kind("words:vowel", "IFBench")
def vowel(text: Text) -> Result:
    """One paragraph with at most three different vowels."""
    there = [letter for letter in "aeiou" if letter in text.lower]
    if len(there) > 3:
        return Result(False, f"vowels {''.join(there)}", Need.LESS)
    return Result(False, "more than one line") if "\n" in text.stripped else Result(True)


@kind("words:consonants", "IFBench")
def consonants(text: Text) -> Result:
    """Each word has two consonants beside each other."""
    for piece in map(str.lower, text.each_piece()):
        if not _CONSONANTS.search(piece):
            return Result(False, f"not in {piece[:30]!r}", Need.LESS)
    return Result(True)


@kind("words:palindrome", "IFBench", ignores_asterisks=True)
def palindromes(text: Text) -> Result:
    """At least ten palindromes of five letters or more."""
    hits = sum(1 for word in text.bare_pieces if len(word) >= 5 and word == word[::-1])
    return compared(hits, "at least", 10, "palindromes")


@kind("words:prime_lengths", "IFBench", ignores_asterisks=True)
def prime_lengths(text: Text) -> Result:
    """The length of each word is a prime number."""
    for word in text.each_bare_piece():
        if len(word) not in _PRIMES:
            return Result(False, f"{word[:30]!r} has {len(word)} characters", Need.LESS)
    return Result(True)


@kind("words:start_verb", "IFBench")
def start_verb(text: Text) -> Result:
    """It begins with a verb."""
    first = next(text.each_token(), "")
    return Result(is_verb(first), f"it begins with {first[:30]!r}")


@kind("words:repeats", "IFBench", ignores_asterisks=True)
def repeats(text: Text, small_n: Count) -> Result:
    """No word stands there more often."""
    counts = Counter(text.bare_pieces)
    number = max(counts.values(), default=0)
    if number <= small_n:
        return Result(True)
    word = next(word for word, count in counts.items() if count == number)
    return Result(False, f"{word[:30]!r} {number} times, at most {small_n} wanted", Need.LESS)


@kind("words:odd_even_syllables", "IFBench", ignores_asterisks=True)
def odd_even_syllables(text: Text) -> Result:
    """Words with odd and even numbers of syllables take turns."""
    before: tuple[str, int] | None = None
    for word in text.each_bare_piece():
        number = syllapy.count(word[:60])
        if before and before[1] % 2 == number % 2:
            return Result(False, f"{before[0][:30]} {before[1]}, {word[:30]} {number}", Need.LESS)
        before = (word, number)
    return Result(True)


@kind("words:last_first", "IFBench")
def last_first(text: Text) -> bool:
    """The last word of each sentence is the first of the next one."""
    for one, other in pairwise(text.each_sentence()):
        last, first = one.rstrip(EDGES).split(), other.lstrip(EDGES).split()
        if not last or not first or last[-1].lower() != first[0].lower():
            return False
    return True


@kind("words:paragraph_last_first", "IFBench")
def paragraph_last_first(text: Text) -> Result:
    """Each line ends with the word that it begins with."""
    for line in text.lines:
        words = line.strip().strip(EDGES).lower().split()
        if words and words[0] != words[-1]:
            return Result(False, f"{words[0][:30]} … {words[-1][:30]}", Need.LESS)
    return Result(True)


@kind("words:no_consecutive", "IFBench", ignores_asterisks=True)
def no_consecutive(text: Text) -> Result:
    """No two neighbouring words begin with the same letter."""
    for one, other in pairwise(text.each_bare_piece()):
        if one[0] == other[0]:
            return Result(False, f"{one[:30]} {other[:30]}", Need.LESS)
    return Result(True)


@kind("words:keywords_specific_position", "IFBench")
def keywords_specific_position(text: Text, keyword: Phrase, n: Positive, m: Positive) -> Result:
    """The keyword is the m-th word of the n-th sentence."""
    sentence = next(islice(text.each_sentence(), n - 1, None), None)
    if sentence is None:
        return Result(False, f"fewer than {n} sentences", Need.MORE)
    word = next(islice(filter(_is_word, text.tokens_of(sentence)), m - 1, None), "")
    met = word.lower() == keyword.strip().lower()
    return Result(met, f"there stands {word[:50]!r}", need_of(text, keyword))


@kind("words:words_position", "IFBench")
def words_position(text: Text, keyword: Phrase) -> Result:
    """The second word and the last but one are the keyword."""
    wanted = keyword.strip().lower()
    second = _second_word(text.each_sentence(), text)
    if second.lower() != wanted:
        return Result(False, f"the second word is {second[:30]!r}", need_of(text, keyword))
    last_but_one = _second_word(reversed(text.sentences), text, backwards=True)
    return Result(last_but_one.lower() == wanted, f"the last word but one is {last_but_one[:30]!r}")


@kind("sentence:alliteration_increment", "IFBench")
def alliteration_increment(text: Text) -> Result:
    """Each sentence has more words in alliteration than the one before."""
    before = -1
    for sentence in text.each_sentence():
        number = text.of_sentence(sentence, _alliterating)
        if number <= before:
            return Result(False, f"{before}, then {number}")
        before = number
    return Result(True)


@kind("sentence:increment", "IFBench")
def increment(text: Text, small_n: Count) -> Result:
    """Each sentence has so many words more than the one before."""
    sizes = (text.of_sentence(sentence, _size) for sentence in text.each_sentence())
    for place, (one, other) in enumerate(pairwise(sizes), start=2):
        if other != one + small_n:
            return Result(False, f"sentence {place} has {other} words, {one + small_n} wanted")
    return Result(True)


@kind("sentence:keyword", "IFBench")
def keyword_in_sentence(text: Text, word: Phrase, N: Positive) -> Result:  # noqa: N803
    """The N-th sentence has this word."""
    sentence = next(islice(text.each_sentence(), N - 1, None), None)
    if sentence is None:
        return Result(False, f"fewer than {N} sentences", Need.MORE)
    return Result(has_word(sentence.lower(), word), f"it is not in {sentence[:50]!r}", need_of(text, word))


# --- shared -----------------------------------------------------------------------------------------------------------


def _ends(text: Text) -> Counter[str]:
    return Counter([sentence[-1] for sentence in text.sentences])


def _most_shared(text: str, reference_text: str) -> int:
    """At most so many trigrams of the reference stand in the text: those whose tokens all stand somewhere."""
    trigrams = _trigrams_of(reference_text)
    there = {token for token in set(chain.from_iterable(trigrams)) if token in text}
    return sum(map(there.issuperset, trigrams))


def _least_trigrams(text: Text) -> int:
    """At least so many trigrams stand in the text: different words between spaces begin different ones."""
    return max(1, len({piece for piece in text.pieces if piece.isalpha()}) - 2)


def _trigrams(tokens: list[str]) -> Iterator[tuple[str, str, str]]:
    return zip(tokens, tokens[1:], tokens[2:], strict=False)


def _second_word(sentences: Iterable[str], text: Text, backwards: bool = False) -> str:
    """Of the text, or of the text read from its end; empty where there is none."""
    step = -1 if backwards else 1
    words = (token for sentence in sentences for token in text.tokens_of(sentence)[::step] if _is_word(token))
    return next(islice(words, 1, None), "")


@lru_cache(maxsize=64)
def _trigrams_of(reference_text: str) -> set[tuple[str, str, str]]:
    return set(_trigrams(Text(reference_text).tokens))


def _is_word(token: str) -> bool:
    return token.isalnum() or any(map(str.isalnum, token))


def _size(sentence: str) -> int:
    return len(bare(sentence).split())


def _alliterating(sentence: str) -> int:
    """Words that begin like a neighbour, run by run."""
    words = [word for piece in sentence.lower().split() if (word := piece.lstrip(EDGES))]
    number, is_run = 0, False
    for one, other in pairwise(words):
        if one[0] == other[0]:
            number += 1 if is_run else 2
            is_run = True
        else:
            is_run = False
    return number

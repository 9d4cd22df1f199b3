"""What is looked up once: a word's row, a character's properties, whether a text is composed."""

import unicodedata

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reward_verifiers.language.clean import clean
from reward_verifiers.language.lexicon import Lexicon
from reward_verifiers.language.repeats import weights
from reward_verifiers.language.words import split

TEXT = "payments symptoms nights breaks nonzero zzzqq sixths"


def test_a_words_evidence_does_not_hang_on_what_was_looked_up_before() -> None:
    fresh, used = (Lexicon(["en", "fr", "de"], "latin") for _ in range(2))
    used.rows(split("breaks nonzero sixths"), np.arange(3))
    words, numbers = split(TEXT), np.arange(7)
    first, again = (used.rows(words, numbers)[0] for _ in range(2))
    assert (first == fresh.rows(words, numbers)[0]).all()
    assert (again == first).all()


@given(st.text(max_size=12))
def test_a_text_is_composed_as_unicode_says(text: str) -> None:
    visible = "".join(char for char in text if char.isalpha() or unicodedata.combining(char)).replace("ß", "")
    assert unicodedata.is_normalized("NFC", clean(visible))


def test_every_composing_pair_is_composed() -> None:
    decomposed = [
        unicodedata.normalize("NFD", chr(code)) for code in range(0x30000) if unicodedata.decomposition(chr(code))
    ]
    letters = [pair for pair in decomposed if all(char.isalpha() or unicodedata.combining(char) for char in pair)]
    text = " ".join(letters)
    assert unicodedata.is_normalized("NFC", clean(text))
    assert not unicodedata.is_normalized("NFC", text)


def test_a_repeated_clause_counts_less_each_time() -> None:
    hashes = np.array([5, 7, 5, 7, 5, 7, 5, 7, 9], dtype=np.uint64)
    clauses = np.array([0, 0, 1, 1, 2, 2, 3, 3, 4])
    assert weights(hashes, clauses, 3).tolist() == [1, 1, 0.25, 0.25, 0.0625, 0.0625, 0, 0, 1]

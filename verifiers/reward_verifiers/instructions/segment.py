"""Words, tokens and sentences of a text in any writing, each in one pass.

words       runs of letters and digits, with their marks; ICU's words where a writing has no spaces
tokens      words with their punctuation apart, as a treebank splits them: do n't, John 's, ( see )
sentences   up to a mark that ends one; a full stop after an abbreviation or an initial does not
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import cast

from icu4py.breakers import WordBreaker

from reward_verifiers.instructions.word_lists import ABBREVIATIONS, STARTERS, TITLES

_JOINERS = "\u200c\u200d"
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003134f]"
)
"""Thai, Lao, Burmese, Khmer, kana and Chinese characters."""
_BETWEEN_WORDS = bytes(code if re.match(rb"[a-zA-Z0-9_]", bytes([code])) else ord(" ") for code in range(256))
"""Of ASCII: all that is no part of a word is a space."""
_SHAPE = bytes(ord(" ") if byte == ord(" ") else ord("w") for byte in _BETWEEN_WORDS)
"""The same, and all that is part of a word is a w."""


_MARKED = re.compile("[\u0300-\u1fff\u200c\u200d\u20d0-\u20ff\ua000-\uabff\ufb1e\ufe20-\ufe2f]")
"""Where marks and joiners of letters may be."""
_PLAIN_WORD = re.compile(r"\w+")


@lru_cache(maxsize=1)
def _word() -> re.Pattern[str]:
    r"""A word: `\w+`, but the marks of its letters do not end it, such as the vowels of Hindi and Thai."""
    marks = "".join(chr(code) for code in range(0x300, 0xFFFF) if unicodedata.category(chr(code)) in ("Mn", "Mc"))
    return re.compile(rf"\w[\w{marks}{_JOINERS}]*")


def words(text: str) -> list[str]:
    """The words of a text, without punctuation.

    >>> words("It's 3.5 km."), words("我们今天去北京。")
    (['It', 's', '3', '5', 'km'], ['我们', '今天', '去', '北京'])
    """
    if text.isascii():
        return text.encode().translate(_BETWEEN_WORDS).decode().split()
    pieces = (_word() if _MARKED.search(text) else _PLAIN_WORD).findall(text)
    return _split_unspaced(pieces) if _UNSPACED.search(text) else pieces


def number_of_words(text: str) -> int:
    """How many words a text has."""
    if not text.isascii():
        return len(words(text))
    return (" " + text).encode().translate(_SHAPE).count(b" w")


def _split_unspaced(parts: list[str]) -> list[str]:
    split: list[str] = []
    for part in parts:
        if _UNSPACED.search(part):
            split += [word for word in WordBreaker(part, "en") if any(map(str.isalnum, word))]
        else:
            split.append(part)
    return split


# --- tokens -----------------------------------------------------------------------------------------------------------

_CLITIC = r"'(?:[sSmMdD]|ll|LL|re|RE|ve|VE)(?!\w)"
_TOKEN = re.compile(
    r"[A-Za-z]++(?=\s|,\D)|\.{2,}|--+|n't(?!\w)|N'T(?!\w)"
    rf"|{_CLITIC}"
    r"|(?:[^\s;@#$%&?!()\[\]{}<>\"“”‘’«»„`*,:'.nN\u2012-\u2015-]+|[nN](?!'[tT](?!\w))|[,:](?=\d)|-(?!-)|\.(?!\.)"
    rf"|(?!{_CLITIC})'(?=\w))+"
    r"|\S"
)
_CLOSERS = frozenset("\"'”’»)]}>")


_SHORT_PIECE = 30


def tokens(sentence: str) -> list[str]:
    """The tokens of a sentence.

    >>> tokens("I don't know (yet).")
    ['I', 'do', "n't", 'know', '(', 'yet', ')', '.']
    """
    pieces: list[str] = []
    for piece in sentence.split():
        if piece.isalpha():
            pieces.append(piece)
        else:
            pieces += _tokens_of_piece(piece) if len(piece) <= _SHORT_PIECE else _TOKEN.findall(piece)
    _split_last_stop(pieces)
    return pieces if sentence.isascii() or not _UNSPACED.search(sentence) else _split_unspaced(pieces)


@lru_cache(maxsize=10_000)
def _tokens_of_piece(piece: str) -> tuple[str, ...]:
    return tuple(_TOKEN.findall(piece))


def _split_last_stop(parts: list[str]) -> None:
    """The full stop that ends a sentence is a token."""
    last = len(parts) - 1
    while last >= 0 and parts[last] in _CLOSERS:
        last -= 1
    if last >= 0 and len(parts[last]) > 1 and parts[last].endswith(".") and not parts[last].endswith(".."):
        parts[last : last + 1] = [parts[last][:-1], "."]


# --- sentences --------------------------------------------------------------------------------------------------------

_ENDS_ALONE = "。！？｡؟۔।॥"
"""Marks that end a sentence with no space behind them, too."""
_AFTER = ")\";}]*:@'({[!?”’»"
_MAY_FOLLOW = re.escape(_AFTER.replace("?", "").replace("!", ""))
_LONG_ABBREVIATIONS = ("pprox", "essrs")
_SURE_STOP = r"(?<=[a-z]{5}\.)" + "".join(rf"(?<!{end}\.)" for end in _LONG_ABBREVIATIONS)
_END = re.compile(
    rf"[.?!…{_ENDS_ALONE}](?:(?=\s)(?:(?<=[?!{_ENDS_ALONE}])|{_SURE_STOP})()|(?=[\s{_MAY_FOLLOW}])|\Z|(?<=[{_ENDS_ALONE}]))"
)
"""A mark that may end a sentence; the empty group is there where it surely does, so that nothing more is looked at."""
_CLOSING = re.compile(r"[\"')\]}”’»」』）]+(?=\s|$|--)|[”’»」』）]+")
_OPENING = "\"'([{*_“‘«`#-–—"
_FOLLOWING = re.compile(rf"[\s{re.escape(_OPENING + _AFTER)}]*+((?:[^\W_]++|')*+)")
_INITIAL = re.compile(r"[^\W\d_]\Z")
_NUMBER = re.compile(r"-?[\d.,:/-]*\d\Z")


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order.

    >>> sentences("Dr. Li left. Did she? Yes, at 5 p.m. today.")
    ['Dr. Li left.', 'Did she?', 'Yes, at 5 p.m. today.']
    """
    places = list(each_end(text))
    parts = [text[begin:end] for begin, end in zip([0, *places], [*places, len(text)], strict=True)]
    return [part for one in parts if (part := one.strip())]


def each_end(text: str) -> Iterator[int]:
    """Where the sentences of a text end. Those of a part of the text are the same."""
    begin = 0
    for match in _END.finditer(text):
        end = match.end()
        if not match.lastindex:
            mark, following = text[end - 1], text[end : end + 1]
            if following.isspace():
                if not (_is_sure(text, end, mark) or _ends(text, begin, end, mark)):
                    continue
            elif _may_end(text, begin, end, mark, following):
                closing = _CLOSING.match(text, end)
                end = closing.end() if closing else end
            else:
                continue
        yield end
        begin = end


def _is_sure(text: str, end: int, mark: str) -> bool:
    """A full stop after five small letters shortens nothing, but for approx. and messrs."""
    before = text[max(0, end - 6) : end - 1]
    return mark not in ".…" or (before.islower() and before.isalpha() and before not in _LONG_ABBREVIATIONS)


def _may_end(text: str, begin: int, end: int, mark: str, following: str) -> bool:
    """Of a mark with no space behind it."""
    if not following:
        return True
    if mark in "。！？｡":
        return following not in "。！？｡?!"
    return mark in _ENDS_ALONE or _ends(text, begin, end, mark)


def _ends(text: str, begin: int, end: int, mark: str) -> bool:
    """Whether the mark before `end` ends a sentence."""
    if mark in "?!" or mark in _ENDS_ALONE:
        return True
    word = _word_before(text, begin, end - 1)
    if mark == "." and len(word) > 1 and word.isalpha() and word.lower() not in ABBREVIATIONS:
        return True
    following = _word_after(text, end)
    if not following:
        return True
    starts = following[0].isupper() and following.lower() in STARTERS
    if mark == "…" or word.endswith("."):
        return starts
    lowered = word.lower()
    if lowered in TITLES:
        return False
    if lowered in ABBREVIATIONS or ("." in lowered and lowered.replace(".", "").isalpha() and len(lowered) <= 9):
        return starts
    if _INITIAL.match(word):
        return starts or (word == "I" and not following[0].islower())
    return not (_NUMBER.match(word) and following[0].islower())


def _word_before(text: str, begin: int, end: int) -> str:
    near = text[max(begin, end - 40) : end]
    return "" if not near or near[-1].isspace() else near.rsplit(None, 1)[-1].lstrip(_OPENING)


def _word_after(text: str, start: int) -> str:
    match = cast("re.Match[str]", _FOLLOWING.match(text, start, start + 200))
    return match[1] or text[match.end() : match.end() + 1]


def is_letter(char: str) -> bool:
    """Whether the character is a letter of the Latin alphabet without marks."""
    return char.isascii() and char.isalpha()

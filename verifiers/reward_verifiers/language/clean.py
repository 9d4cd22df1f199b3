"""The text as it is counted: composed, escapes decoded, styled letters plain, nothing that cannot be seen."""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from reward_verifiers.language.data import word_list
from reward_verifiers.language.words import utf32

COMMANDS = frozenset(word_list("commands"))
"""LaTeX's own commands: those that read like words of some language, and all that begin with n, r or t."""
_INVISIBLE = re.compile("[\u00ad\u034f\u180e\u200b\u2060-\u2064\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]")
_JOINERS = re.compile(
    "(?<=[A-Za-z\u0400-\u04ff])[\u200c\u200d]+|(?<![\u200c\u200d])[\u200c\u200d]+(?=[A-Za-z\u0400-\u04ff])"
)
_STYLED = re.compile("[\U0001d400-\U0001d7ff\uff21-\uff3a\uff41-\uff5a\u249c-\u24e9\U0001f110-\U0001f169]")
# Each pattern begins with one sign, which makes looking for it fast.
_REFERENCE = re.compile(r"&#(?:\d{2,6}|x[0-9A-Fa-f]{2,5});")
_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})")
_BREAK = re.compile(r"\\([nrt])([A-Za-z]{0,40})")
_REGIONAL = re.compile("[\U0001f1e6-\U0001f1ff]")
_LAST = 0x30000  # and all beyond it
_MOST_FLAGS = 40  # beyond this, they are letters and no flags

_COMPOSES, _IS_INVISIBLE, _IS_STYLED = 1, 2, 4


def clean(text: str) -> str:
    """The text composed, without characters that cannot be seen; escaped and styled letters are plain ones."""
    if "&" in text:
        text = _REFERENCE.sub(lambda match: html.unescape(match[0]), text)
    if "\\" in text:
        text = _ESCAPE.sub(lambda match: chr(int(match[0][2:], 16)), text)
        text = _BREAK.sub(_broken, text)
    if text.isascii():
        return text
    signs = _signs(text)
    if signs & _COMPOSES:
        text = unicodedata.normalize("NFC", text)
    text = text.replace("ß", "ss")  # as the lists have it
    if signs & _IS_INVISIBLE:
        text = _INVISIBLE.sub("", text)
    if "\u200c" in text or "\u200d" in text:
        text = _JOINERS.sub("", text)
    if signs & _IS_STYLED:
        text = _STYLED.sub(lambda match: unicodedata.normalize("NFKC", match[0]).strip("()")[:1], text)
        if len(_REGIONAL.findall(text)) > _MOST_FLAGS:
            text = _REGIONAL.sub(lambda match: chr(ord(match[0]) - 0x1F1E6 + ord("a")), text)
    return text


def _signs(text: str) -> int:
    """Whether the text has characters that may compose, that cannot be seen, or that are styled: a bit each."""
    codes = np.minimum(utf32(text), _LAST).astype(np.intp)
    return int(np.bitwise_or.reduce(_sign_of()[codes], initial=0))


@lru_cache(maxsize=1)
def _sign_of() -> npt.NDArray[np.uint8]:
    """By code point. One that is neither a mark, nor decomposed, nor the second of a pair leaves a text composed."""
    table = np.zeros(_LAST + 1, dtype=np.uint8)
    letters = "".join(map(chr, range(_LAST)))
    for pattern, sign in ((_INVISIBLE, _IS_INVISIBLE), (_STYLED, _IS_STYLED), (_REGIONAL, _IS_STYLED)):
        table[[match.start() for match in pattern.finditer(letters)]] |= sign
    for code, letter in enumerate(letters):
        pair = unicodedata.decomposition(letter).split()
        if pair and pair[0][0] != "<":
            table[[int(part, 16) for part in pair[1:]]] |= _COMPOSES
            table[code] |= _COMPOSES * (not unicodedata.is_normalized("NFC", letter))
        elif unicodedata.combining(letter):
            table[code] |= _COMPOSES
    table[0x1161:0x1176] |= _COMPOSES  # vowels and endings of Hangul's syllables, which are composed by a rule
    table[0x11A8:0x11C3] |= _COMPOSES
    table[_LAST] = _IS_INVISIBLE
    return table


def _broken(match: re.Match[str]) -> str:
    """The escape of a line's end or a tab, and the word behind it; a command of LaTeX stays."""
    return match[0] if match[1] + match[2] in COMMANDS else f"\n{match[2]}"

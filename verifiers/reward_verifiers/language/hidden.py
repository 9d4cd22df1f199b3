"""Which parts of a text are no prose: code, mathematics, tags, addresses, commands.

    visible   words count
    hidden    words count only where they are prose all the same (see `prose`)
    dropped   never words: `https`, the name of a LaTeX command
    not own   another's words (see `turns`)

The text stays as it is; a mask beside it says what each character is. A delimiter that is never closed hides nothing.
Every step is one pass; a closer that was once missing is not looked for again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

import numpy as np
import numpy.typing as npt

from reward_verifiers.language.clean import COMMANDS
from reward_verifiers.language.data import word_list

VISIBLE, HIDDEN, DROPPED, NOT_OWN = 0, 1, 2, 3
Mask = npt.NDArray[np.uint8]

# Opening and closing, longest opening first. Inline ones end in their own line or not at all.
_SPANS = {"```": "```", "~~~": "~~~", "<!--": "-->", "$$": "$$", "\\[": "\\]", "\\(": "\\)", "`": "`", "$": "$"}
_BY_SIGN = {
    sign: tuple(opener for opener in _SPANS if opener[0] == sign) for sign in sorted({key[0] for key in _SPANS})
}
_SIGNS = np.array([ord(sign) for sign in _BY_SIGN], dtype=np.uint32)
_INLINE = frozenset({"`", "$"})
_MAX_INLINE = 2000
_MAX_EMAILS = 20_000
# Each begins with letters of its own, which makes looking for it fast.
_ADDRESSES = tuple(re.compile(start + r"([^\s<>()\u3000-\u9fff]{1,2000})") for start in ("https?://", r"www\."))
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{1,64}", re.ASCII)
_AT = re.compile("@")
_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,200}>|<\|[^<>|\n]{1,200}\|>")
_COMMAND = re.compile(r"\\([A-Za-z]{1,40})")
_ARGUMENT = re.compile(r"\\(?:begin|end|label|ref|eqref|cite|tag)\{([^{}\n]{0,200})\}")
_TEXT = re.compile(r"\\(?:text|mbox|textbf|textit|textrm|mathrm|operatorname)\*?\{([^{}]{0,4000})\}")
_PATH = re.compile(r"/[\w.-]{1,80}(?:/[\w.-]{1,80}){0,40}", re.ASCII)
_THIRD_WORD = re.compile(r"\S+\s+\S+\s+\S")

ENVIRONMENTS = frozenset(word_list("environments"))


def mask(text: str, codes: npt.NDArray[np.uint32]) -> Mask:
    """What each character of the text is. codes: its code points."""
    states = np.zeros(len(text), dtype=np.uint8)
    is_sign = np.zeros(128, dtype=bool)
    is_sign[_SIGNS] = True
    _spans(text, states, np.flatnonzero((codes < 128) & is_sign[codes & 127]).tolist())
    _addresses(text, states)
    if "@" in text:
        _emails(text, states)
    if "<" in text:
        for match in _TAG.finditer(text):
            states[match.start() : match.end()] = HIDDEN
    if "/" in text:
        for match in _PATH.finditer(text):
            before = text[match.start() - 1 : match.start()]
            if not (states[match.start()] or before.isalnum() or before in ("/", "_", "<")):
                states[match.start() : match.end()] = HIDDEN
    if "\\" in text:
        _commands(text, states)
    return states


def _addresses(text: str, states: Mask) -> None:
    end = 0
    matches = (match for pattern in _ADDRESSES for match in pattern.finditer(text))
    for match in sorted(matches, key=re.Match.start):
        if match.start() >= end:
            end = match.end()
            states[match.start() : match.start(1)] = DROPPED
            states[match.start(1) : end] = HIDDEN


def _spans(text: str, states: Mask, starts: Iterable[int]) -> None:
    gone: set[str] = set()
    position = 0
    for start in starts:
        if start < position:
            continue
        opener = next((opener for opener in _BY_SIGN[text[start]] if text.startswith(opener, start)), "")
        if not opener:
            continue
        position = start + len(opener)
        close = -1 if opener in gone else _closing(text, opener, position)
        if close == -1 and opener not in _INLINE:
            gone.add(opener)
        if close >= 0:
            states[position:close] = HIDDEN
            position = close + len(_SPANS[opener])


def _closing(text: str, opener: str, start: int) -> int:
    """Where the span closes, or below 0."""
    if opener not in _INLINE:
        return text.find(_SPANS[opener], start)
    close = text.find(opener, start, start + _MAX_INLINE)
    return -2 if close >= 0 and text.find("\n", start, close) >= 0 else close


def _emails(text: str, states: Mask) -> None:
    """From each sign: a pattern that looks for its beginning itself would try every letter."""
    for sign in islice(_AT.finditer(text), _MAX_EMAILS):
        start = sign.start()
        while start and sign.start() - start < 64 and (text[start - 1].isalnum() or text[start - 1] in "._+-"):
            start -= 1
        match = _EMAIL.match(text, start)
        if match:
            states[match.start() : match.end()] = HIDDEN


def _commands(text: str, states: Mask) -> None:
    """A command's own name is dropped, a word behind a backslash is hidden, and longer prose in `\\text` is visible."""
    for match in _TEXT.finditer(text):
        inside = text[match.start(1) : match.end(1)]
        states[match.start(1) : match.end(1)] = VISIBLE if _THIRD_WORD.search(inside) else HIDDEN
    for match in _ARGUMENT.finditer(text):
        states[match.start(1) : match.end(1)] = DROPPED if match[1] in ENVIRONMENTS else HIDDEN
    for match in _COMMAND.finditer(text):
        states[match.start() : match.end()] = DROPPED if match[1] in COMMANDS else HIDDEN

"""From a completion to the words that are to be judged: strip what is no language, split the rest by script.

Stripped: fenced and inline code, LaTeX, URLs, paths, tags, numbers, single letters. Inside code and LaTeX, `\\text{…}` and
letters beyond ASCII stay: prose is not hidden by putting it there. A delimiter that is never closed hides nothing.
Every step is one pass; a closer that was once not found is not looked for again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

# Opening and closing of what is stripped, longest opening first. Math in dollars ends in its own line or not at all.
_SPANS = {
    "```": "```",
    "$$": "$$",
    "\\[": "\\]",
    "\\(": "\\)",
    "`": "`",
    "$": "$",
}
_OPENERS = re.compile("|".join(re.escape(opener) for opener in _SPANS))
_MAX_INLINE = 2000
_NOISE = re.compile(
    r"https?://[^\s<>()\u3000-\u9fff]{1,2000}"
    r"|www\.[^\s<>()\u3000-\u9fff]{1,2000}"
    r"|[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{1,64}"
    r"|</?[A-Za-z][^<>\n]{0,80}>"
    r"|<\|[^<>|\n]{1,40}\|>"
    r"|\\(?:begin|end|label|ref|cite)\{[^{}\n]{0,80}\}"
    r"|\\[A-Za-z]{1,40}"
    r"|(?<![\w/])~?/[A-Za-z0-9_.-]{1,80}(?:/[A-Za-z0-9_.-]{1,80}){0,40}"
)
_TEXT = re.compile(r"\\(?:text|mbox|textbf|textit|mathrm)\{([^{}]{0,2000})\}")
_ASCII_LETTERS = re.compile(r"[A-Za-z]+")

# One group a script. Combining marks belong to the word; Han and kana are runs, split further by their neighbours.
SCRIPTS: dict[str, str] = {
    "latin": r"[A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff]"
    r"[A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff\u0300-\u036f]*",
    "han": r"[\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]+",
    "kana": r"[\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\uff66-\uff9f]+",
    "cyrillic": r"[\u0400-\u052f\u0300-\u036f]+",
    "arabic": r"[\u0610-\u061a\u0620-\u065f\u066e-\u06d3\u06d5-\u06ed\u06fa-\u06ff\u0750-\u077f"
    r"\ufb50-\ufdff\ufe70-\ufefc\u200c]+",
    "hangul": r"[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]+",
    "devanagari": r"[\u0900-\u0963\u0970-\u097f\u200c\u200d]+",
    "greek": r"[\u0370-\u03ff\u1f00-\u1fff]+",
    "hebrew": r"[\u0591-\u05f4]+",
    "thai": r"[\u0e01-\u0e3a\u0e40-\u0e4e]+",
    "bengali": r"[\u0980-\u09ff]+",
    "tamil": r"[\u0b80-\u0bff]+",
    "other": r"[^\W\d_]+",
}
_TOKEN = re.compile(
    "|".join(f"(?P<{name}>{pattern})" for name, pattern in SCRIPTS.items())
    + r"|(?P<digits>[\d_]+)|(?P<stop>[.!?;:,\n\u3002\uff01\uff1f\uff1b\uff0c\u3001\u061f\u060c\u0964])"
)


class Token(NamedTuple):
    """A word, or a run of a script that does not space its words; lower case."""

    script: str
    text: str
    start: int


def strip(text: str) -> str:
    """The text without what is no language. One pass, and never longer than the text."""
    kept: list[str] = []
    gone: set[str] = set()
    position = 0
    while (opening := _OPENERS.search(text, position)) is not None:
        opener = opening[0]
        close = -1 if opener in gone else _closing(text, opener, opening.end())
        if close == -1 and opener not in ("`", "$"):
            gone.add(opener)
        if close < 0:
            kept.append(text[position : opening.end()])
            position = opening.end()
            continue
        kept.append(text[position : opening.start()])
        kept.append(_of_span(text[opening.end() : close]))
        position = close + len(_SPANS[opener])
    kept.append(text[position:])
    return _NOISE.sub(" ", _TEXT.sub(r" \1 ", "".join(kept)))


def _closing(text: str, opener: str, start: int) -> int:
    """Where the span closes, or below 0. Inline ones close near by and in the same paragraph."""
    if opener not in ("`", "$"):
        return text.find(_SPANS[opener], start)
    close = text.find(_SPANS[opener], start, start + _MAX_INLINE)
    return -2 if close >= 0 and text.find("\n", start, close) >= 0 else close


def _of_span(inside: str) -> str:
    """What of code or mathematics is language all the same."""
    texts = " ".join(match[1] for match in _TEXT.finditer(inside)) if "\\" in inside else ""
    others = "" if inside.isascii() else _ASCII_LETTERS.sub(" ", _TEXT.sub(" ", inside))
    return f" {texts} {others} "


def tokens(text: str) -> Iterator[Token]:
    """The words and runs of a stripped text, with `stop` tokens where a clause ends. Words with digits are none."""
    after_digits = -1
    make = tuple.__new__  # half the price of the named tuple's own, a hundred thousand times a completion
    for match in _TOKEN.finditer(unicodedata.normalize("NFC", text)):
        script = match.lastgroup
        start, end = match.span()
        if script == "digits":
            after_digits = end
        elif script == "stop":
            yield make(Token, ("stop", "", start))
        elif start != after_digits and (end - start > 1 or script != "latin"):
            yield make(Token, (script, match[0].lower(), start))

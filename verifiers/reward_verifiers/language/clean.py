"""The text as it is counted: composed, escapes decoded, styled letters plain, nothing that cannot be seen."""

from __future__ import annotations

import html
import re
import unicodedata

from reward_verifiers.language.data import word_list
from reward_verifiers.language.words import code_points

COMMANDS = frozenset(word_list("commands"))
"""LaTeX's own commands: those that read like words of some language, and all that begin with n, r or t."""
_INVISIBLE = re.compile("[\u00ad\u034f\u180e\u200b\u2060-\u2064\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]")
_JOINERS = re.compile(
    "(?<=[A-Za-z\u0400-\u04ff])[\u200c\u200d]+|(?<![\u200c\u200d])[\u200c\u200d]+(?=[A-Za-z\u0400-\u04ff])"
)
_STYLED = re.compile("[\U0001d400-\U0001d7ff\uff21-\uff3a\uff41-\uff5a\u249c-\u24e9\U0001f110-\U0001f169]")
_ESCAPED = re.compile(r"&#(?:\d{2,6}|x[0-9A-Fa-f]{2,5});|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}")
_BREAK = re.compile(r"\\([nrt])([A-Za-z]{0,40})")
_REGIONAL = re.compile("[\U0001f1e6-\U0001f1ff]")
_MOST_FLAGS = 40  # beyond this, they are letters and no flags


def clean(text: str) -> str:
    """The text composed, without characters that cannot be seen; escaped and styled letters are plain ones."""
    if "&#" in text or "\\u" in text or "\\x" in text:
        text = _ESCAPED.sub(_decoded, text)
    if "\\n" in text or "\\t" in text or "\\r" in text:
        text = _BREAK.sub(_broken, text)
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", text).replace("ß", "ss")  # as the lists have it
    codes = code_points(text)
    if (((codes >= 0x2060) & (codes <= 0x2064)) | (codes > 0x1D3FF)).any() or any(
        sign in text for sign in "\u00ad\u034f\u180e\u200b\ufe0f\ufeff"
    ):
        text = _INVISIBLE.sub("", text)
    if "\u200c" in text or "\u200d" in text:
        text = _JOINERS.sub("", text)
    if (((codes >= 0xFF21) & (codes <= 0xFF5A)) | ((codes >= 0x249C) & (codes <= 0x24E9)) | (codes > 0x1D3FF)).any():
        text = _STYLED.sub(lambda match: unicodedata.normalize("NFKC", match[0]).strip("()")[:1], text)
        if len(_REGIONAL.findall(text)) > _MOST_FLAGS:
            text = _REGIONAL.sub(lambda match: chr(ord(match[0]) - 0x1F1E6 + ord("a")), text)
    return text


def _broken(match: re.Match[str]) -> str:
    """The escape of a line's end or a tab, and the word behind it; a command of LaTeX stays."""
    return match[0] if match[1] + match[2] in COMMANDS else f"\n{match[2]}"


def _decoded(match: re.Match[str]) -> str:
    if match[0].startswith("&"):
        return html.unescape(match[0])
    return chr(int(match[0][2:], 16))

"""How numbers and logarithms are written where a data set has its own way: applied to a text before it is read.

decimal_comma   "3,14" ──▶ "3.14"     "1.234,5" ──▶ "1234.5"     "1,5; 2,5" ──▶ "1.5; 2.5"
log: 10         "\\log 5" ──▶ "\\log_{10} 5"
"""

from __future__ import annotations

import re

from reward_verifiers.answer.options import AnswerOptions

_BARE_LOG = re.compile(r"(?:\\|(?<![A-Za-z\\]))log(?![A-Za-z])(?!\s{0,3}_)")
_DOTTED_THOUSANDS = re.compile(r"(?<![0-9.,])[0-9]{1,3}(?:\.[0-9]{3})+(?![0-9.])")
_COMMA = re.compile(r"(?<=[0-9])(?:,|\{,\})(?=[0-9])")


def in_plain_notation(text: str, options: AnswerOptions) -> str:
    """The text with decimal points and with the base of every logarithm."""
    if options.decimal_comma and ("," in text or "." in text):
        text = _DOTTED_THOUSANDS.sub(lambda match: match.group().replace(".", ""), text)
        text = _COMMA.sub(".", text)
    if options.log_base is not None and "log" in text:
        text = _BARE_LOG.sub(rf"\\log_{{{options.log_base}}}", text)
    return text

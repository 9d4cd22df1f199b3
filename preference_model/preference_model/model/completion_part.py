"""Which part of an output a model sees: R1 shows the helpful model the final answer alone, the safe one all of it."""

from __future__ import annotations

import re

from reward_verifiers.completion import after_think, without_end

# Markdown that dresses text up: emphasis, headings, bullets, numbering, rules, tables' bars. Code stays as it is.
_LINE = re.compile(
    r"^[ \t]{0,16}(?:#{1,6}[ \t]+|[-*+•][ \t]+|\d{1,3}[.)][ \t]+|>[ \t]?|[-*_]{3,}[ \t]*$)", re.MULTILINE
)
_INLINE = re.compile(r"\*{1,3}|__|~~|`{1,3}")


def completion_part(completion: str, prefix: str, part: str) -> str | None:
    """The part's text, without end tokens. None when the output has no such part."""
    text = without_end(prefix + completion)
    if part == "all":
        return text
    if part == "think":
        return _think(text)
    answer = after_think(text)
    return None if answer is None else _inside_answer(answer)


def _think(text: str) -> str | None:
    start = text.find("<think>")
    end = text.rfind("</think>")
    if start < 0 and end < 0:
        return None
    begin = start + len("<think>") if start >= 0 else 0
    return text[begin : end if end >= begin else len(text)].strip()


def _inside_answer(text: str) -> str:
    """What stands between the first <answer> and the last </answer>; all of it where there are none."""
    start, end = text.find("<answer>"), text.rfind("</answer>")
    begin = start + len("<answer>") if start >= 0 else 0
    return text[begin : end if end >= begin else len(text)].strip()


def without_markdown(text: str) -> str:
    """The words without their dress. One pass, nothing goes back.

    >>> without_markdown("## **Yes**\\n- one\\n- two")
    'Yes\\none\\ntwo'
    """
    return _INLINE.sub("", _LINE.sub("", text))

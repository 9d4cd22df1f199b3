"""Whose words they are: in a transcript, tool output and the user's turns are not the assistant's.

A quotation of the question is the user's too. Everything here is one bounded pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_OUTPUTS = (
    "tool_response",
    "tool_result",
    "information",
    "interpreter",
    "observation",
    "output",
    "result",
    "search_results",
)
_OUTPUT_OPENING = re.compile(f"<({'|'.join(_OUTPUTS)})>")
_CALL = re.compile(
    r"<(?:tool_call|search|query|code|python|function|invoke|minimax:tool_call)\b|\[TOOL_CALLS\]|to=functions"
)
_OTHER_TURN = re.compile(
    r"<\|im_start\|>(?!assistant)\w+|<\|start_header_id\|>(?!assistant)\w+|<\|(?:user|system|observation|tool)\|>"
    r"|<\|start\|>(?!assistant)[\w.]+|<｜User｜>|<｜tool▁outputs▁begin｜>|<start_of_turn>user|\[TOOL_RESULTS\]|\[INST\]"
)
_OWN_TURN = re.compile(
    r"<\|im_start\|>assistant|<\|start_header_id\|>assistant|<\|assistant\|>|<\|start\|>assistant|<｜Assistant｜>"
    r"|<｜tool▁outputs▁end｜>|<start_of_turn>model|\[/TOOL_RESULTS\]|\[/INST\]"
)
_TURN_SIGNS = {"<": ("|", "｜", "start_of_turn>"), "[": ("TOOL_RESULTS]", "INST]")}
"""One of them stands in every mark of a turn. Looking for one sign, and then behind it, is faster than the pattern."""
_USER_TURN = re.compile(
    r"<\|im_start\|>user|<\|start_header_id\|>user<\|end_header_id\|>|<\|user\|>|<｜User｜>|<start_of_turn>user|\[INST\]"
)
_QUOTES = re.compile(
    r"[“„]([^“”]{10,2000})[”“]|\"([^\"\n]{10,2000})\"|[「『]([^」』]{4,2000})[」』]|«([^»]{10,2000})»|^>[ \t]?(.{4,2000})$",
    re.MULTILINE,
)
_MAX_SPANS = 1000


def last_question(prompt: str) -> str:
    """What the user wrote last, where a prompt is a string with the marks of turns."""
    last = None
    for last in _USER_TURN.finditer(prompt):  # noqa: B007
        pass
    if last is None:
        return prompt
    end = _OWN_TURN.search(prompt, last.end())
    return prompt[last.end() : end.start() if end else len(prompt)]


def not_own(text: str, question: str = "") -> Iterator[tuple[int, int]]:
    """The spans of a text that are not the assistant's own words."""
    yield from _outputs(text)
    if any(part.startswith(rest) for sign, rest in _TURN_SIGNS.items() for part in text.split(sign)[1:]):
        yield from _other_turns(text)
    if question:
        yield from _quoted(text, question)


def _outputs(text: str) -> Iterator[tuple[int, int]]:
    """What stands in a tag of tool output behind a call. Without a call it is the assistant's own."""
    if not _OUTPUT_OPENING.search(text) or (call := _CALL.search(text)) is None:
        return
    position, count = call.end(), 0
    while count < _MAX_SPANS and (opening := _OUTPUT_OPENING.search(text, position)) is not None:
        close = text.find(f"</{opening[1]}>", opening.end())
        position, count = opening.end(), count + 1
        if close >= 0:
            yield opening.end(), close
            position = close


def _other_turns(text: str) -> Iterator[tuple[int, int]]:
    position, count = 0, 0
    while count < _MAX_SPANS and (turn := _OTHER_TURN.search(text, position)) is not None:
        own = _OWN_TURN.search(text, turn.end())
        if own is None:
            return
        yield turn.start(), own.start()
        position, count = own.end(), count + 1


def _quoted(text: str, question: str) -> Iterator[tuple[int, int]]:
    flat = " ".join(question.split())
    for count, match in enumerate(_QUOTES.finditer(text)):
        if count >= _MAX_SPANS:
            return
        inside = " ".join((match[match.lastindex or 0] or "").split()).rstrip(".,;:!?。，？")
        if inside and inside in flat:
            yield match.start(), match.end()

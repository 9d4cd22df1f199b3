"""Harmony, the wire of gpt-oss: messages on channels.

    <|channel|>analysis<|message|>…<|end|><|start|>assistant<|channel|>final<|message|>…<|return|>
    <|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{…}<|call|>

Analysis comes first, then further analysis, commentary and calls, and a final message or a call at the end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from reward_verifiers.format.calls import json_object

_HEAD = re.compile(
    r"\s*(?:<\|start\|>assistant)?(?P<before> to=[\w.:-]{1,128})?<\|channel\|>(?P<channel>analysis|commentary|final)"
    r"(?P<behind> to=[\w.:-]{1,128})? ?(?:<\|constrain\|>[a-z]{1,20}|json)?<\|message\|>"
)
_TAIL = re.compile(r"<\|(?:end|return|call)\|>")
_MAX_MESSAGES = 1000


@dataclass(slots=True)
class Messages:
    """What a completion has: thinking, the answer (a final message, or calls), and (code, offset, what) of each fault."""

    think: list[str] = field(default_factory=list)
    final: str | None = None
    calls: list[str] = field(default_factory=list)
    faults: list[tuple[str, int | None, str]] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    """Where messages' texts stand, which may hold no control token."""


def read(text: str) -> Messages:
    """The messages of a text. Reading stops where no message begins."""
    found, position = Messages(), 0
    for _ in range(_MAX_MESSAGES):
        head = _HEAD.match(text, position)
        if head is None:
            break
        tail = _TAIL.search(text, head.end())
        end = tail.start() if tail else len(text)
        _take(found, head, text[head.end() : end], tail[0] if tail else "")
        found.spans.append((head.end(), end))
        position = tail.end() if tail else len(text)
    if text[position:].strip():
        found.faults.append(("text_after" if found.spans else "text_before", position, ""))
    _check(found)
    return found


def _take(found: Messages, head: re.Match[str], body: str, tail: str) -> None:
    is_call = bool(head["before"] or head["behind"])
    if found.final is not None:
        found.faults.append(("repeated", head.start(), head["channel"]))
    if is_call:
        found.calls.append(body)
        if head["channel"] == "final" or json_object(body) is None:
            found.faults.append(("bad_call", head.end(), "commentary"))
    elif head["channel"] == "final":
        found.final = body
    elif head["channel"] == "analysis":
        found.think.append(body)
    if not tail and not is_call and head["channel"] != "final":
        found.faults.append(("missing", None, "<|end|>"))


def _check(found: Messages) -> None:
    if not found.think:
        found.faults.append(("missing", None, "<|channel|>analysis<|message|>"))
    if found.final is None and not found.calls:
        found.faults.append(("missing", None, "<|channel|>final<|message|>"))

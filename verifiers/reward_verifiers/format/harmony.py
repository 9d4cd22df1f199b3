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
    recipients: list[str] = field(default_factory=list)
    """Whom each call is to, such as functions.f."""
    faults: list[tuple[str, int | None, str]] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    """Where messages' texts stand, which may hold no control token."""


def read(text: str) -> Messages:
    """The messages of a text. Reading stops where no message begins."""
    messages, position = Messages(), 0
    for _ in range(_MAX_MESSAGES):
        head = _HEAD.match(text, position)
        if head is None:
            break
        tail = _TAIL.search(text, head.end())
        end = tail.start() if tail else len(text)
        _take(messages, head, text[head.end() : end], tail[0] if tail else "")
        messages.spans.append((head.end(), end))
        position = tail.end() if tail else len(text)
    if text[position:].strip():
        messages.faults.append(("text_after" if messages.spans else "text_before", position, ""))
    _check(messages)
    return messages


def _take(messages: Messages, head: re.Match[str], body: str, tail: str) -> None:
    is_call = bool(head["before"] or head["behind"])
    if messages.final is not None:
        messages.faults.append(("repeated", head.start(), head["channel"]))
    if is_call:
        messages.calls.append(body)
        messages.recipients.append((head["before"] or head["behind"]).removeprefix(" to="))
        if head["channel"] == "final" or json_object(body) is None:
            messages.faults.append(("bad_call", head.end(), "commentary"))
    elif head["channel"] == "final":
        messages.final = body
    elif head["channel"] == "analysis":
        messages.think.append(body)
    if not tail and not is_call and head["channel"] != "final":
        messages.faults.append(("missing", None, "<|end|>"))


def _check(messages: Messages) -> None:
    if not messages.think:
        messages.faults.append(("missing", None, "<|channel|>analysis<|message|>"))
    if messages.final is None and not messages.calls:
        messages.faults.append(("missing", None, "<|channel|>final<|message|>"))

"""Prompts and completions as text: a string, or chat messages with role, text and reasoning.

{"role": "user", "content": [{"type": "image", …}, {"type": "text", "text": "How many?"}]}
──▶ {"role": "user", "content": "How many?"}
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from trainer_client.dialect.end_tokens import END_TOKENS, without_end

Text = str | Sequence[Mapping[str, Any]]
"""A prompt or a completion: a string, or chat messages."""
TEXT_PARTS = {"text": "text", "output_text": "text", "input_text": "text", "refusal": "refusal"}
"""The kinds of message parts that are text, and the key of their text."""
REASONING = ("reasoning_content", "reasoning", "thinking")
"""Where inference servers put the reasoning that they split off, the first that is there."""


def readable(text: Text) -> Text:
    """The text, or the messages, with what the gateway reads of them. Images and the like are left out."""
    return clean(text) if isinstance(text, str) else [_message(message) for message in text]


def clean(text: str) -> str:
    """The text without NUL. A model can write it, and neither JSON readers nor jails take it."""
    return text.replace("\0", "\ufffd")


def message_text(message: Mapping[str, Any]) -> str:
    """A readable message as one text, its reasoning as a closed think section."""
    reasoning, content = message.get("reasoning_content"), message.get("content") or ""
    return str(content) if reasoning is None else f"<think>{reasoning}</think>{content}"


def ended(completion: Text, tokens: Sequence[str] = END_TOKENS) -> Text:
    """A readable completion without the end tokens that a decoder left at its end, or at the end of an assistant's turn."""
    if isinstance(completion, str):
        return without_end(completion, tokens)
    return [
        {**message, "content": without_end(message["content"], tokens)} if _is_spoken(message) else message
        for message in completion
    ]


def _is_spoken(message: Mapping[str, Any]) -> bool:
    return message.get("role") == "assistant" and isinstance(message.get("content"), str)


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    if isinstance(content, list | tuple):
        content = "".join(map(_part, content))
    reasoning = next((message[name] for name in REASONING if isinstance(message.get(name), str)), None)
    fields = {
        "role": message.get("role"),
        "content": content,
        "reasoning_content": reasoning,
        "tool_calls": _calls(message.get("tool_calls")) or None,
    }
    return {
        name: clean(value) if isinstance(value, str) else value for name, value in fields.items() if value is not None
    }


def _calls(calls: Any) -> list[dict[str, Any]]:
    """Calls that the server already split off; their arguments as JSON text."""
    return [_call(call) for call in calls if isinstance(call, Mapping)] if isinstance(calls, list | tuple) else []


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    function = function if isinstance(function, Mapping) else call
    arguments = function.get("arguments")
    if not isinstance(arguments, str):  # an empty list is no object, so it must not become one
        arguments = json.dumps({} if arguments is None else arguments, default=str)
    return {"function": {"name": clean(str(function.get("name") or "")), "arguments": clean(arguments)}}


def _part(part: Any) -> str:
    """The text of one part. A part without a type is text."""
    if not isinstance(part, Mapping):
        return part if isinstance(part, str) else ""
    key = TEXT_PARTS.get(str(part.get("type", "text")))
    value = part.get(key) if key else None
    return value if isinstance(value, str) else ""

"""The calls in a completion: in its messages' `tool_calls`, or in its text in one of the five wires.

Calls inside the thinking and inside code are text. A call that cannot be read makes the whole answer wrong: whoever runs
the tools could not read it either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reward_verifiers.completion import MAX_TAGS, scan, section, thinking_marks, visible, without_end
from reward_verifiers.contract import Message
from reward_verifiers.format import harmony
from reward_verifiers.format.calls import ToolCall, json_object, read_calls
from reward_verifiers.tool_call.options import MAX_CALLS

MAX_ARGUMENTS = 256
_TAGS = [section("tool_call")]
_HARMONY = "<|channel|>"


class Unreadable(ValueError):
    """There is a call that cannot be read, or the thinking never ends."""


def calls_of(text: str, prefix: str, turns: Sequence[Message], only_last: bool) -> tuple[list[ToolCall], bool]:
    """The calls in order, and whether anything is said beside them. Raises Unreadable."""
    if not turns:
        calls, says = _text_calls(prefix + text)
    else:
        calls, says = [], False
        for message in turns[-1:] if only_last else turns:
            more, speaks = _message_calls(message)
            calls, says = calls + more, says or speaks
    if len(calls) > MAX_CALLS:
        raise Unreadable(f"there are more than {MAX_CALLS} calls")
    if any(len(call.arguments) > MAX_ARGUMENTS for call in calls):
        raise Unreadable(f"a call has more than {MAX_ARGUMENTS} arguments")
    return calls, says


def _message_calls(message: Message) -> tuple[list[ToolCall], bool]:
    text = message.text()
    if not message.tool_calls:
        return _text_calls(text)
    if len(message.tool_calls) > MAX_CALLS:
        raise Unreadable(f"there are more than {MAX_CALLS} calls")
    return [_api_call(call) for call in message.tool_calls], bool(visible(text, 1))


def _api_call(call: dict[str, Any]) -> ToolCall:
    """A call of a chat API: its arguments are JSON text, or an object."""
    function = call.get("function", call)
    if not isinstance(function, dict) or not isinstance(function.get("name"), str) or not function["name"]:
        raise Unreadable("a call has no name")
    arguments = function.get("arguments", {})
    if isinstance(arguments, str):
        arguments = json_object(arguments) if arguments.strip() else {}
    if not isinstance(arguments, dict):
        raise Unreadable(f"the arguments of {function['name'][:50]!r} are no JSON object")
    return ToolCall(function["name"], arguments)


def _text_calls(text: str) -> tuple[list[ToolCall], bool]:
    if _HARMONY in text:
        return _harmony_calls(text)
    text = without_end(without_thinking(text))
    tags = scan(text, _TAGS, skip_code=True)
    if not tags:
        bare = _bare_calls(text)
        return (bare, False) if bare is not None else ([], bool(visible(text, 1)))
    if len(tags) % 2 or len(tags) == MAX_TAGS:
        raise Unreadable("a <tool_call> is never closed")
    calls: list[ToolCall] = []
    prose, position = [], 0
    for opening, closing in zip(tags[::2], tags[1::2], strict=True):
        if opening.closing or not closing.closing:
            raise Unreadable("the <tool_call> tags do not pair")
        if text[max(opening.start - 1, 0) : opening.start] == "`":  # code that goes over several lines
            continue
        calls += _section_calls(text[opening.end : closing.start])
        prose.append(text[position : opening.start])
        position = closing.end
    prose.append(text[position:])
    return calls, bool(visible("".join(prose), 1))


def _section_calls(body: str) -> list[ToolCall]:
    calls = read_calls(body)
    if calls is None:
        raise Unreadable("a <tool_call> holds no call that can be read")
    return calls


def _bare_calls(text: str) -> list[ToolCall] | None:
    """Calls that are the whole text: JSON objects, one a line or in a list, a pythonic list, or <function=…>."""
    text = text.strip()
    if text.startswith("<function="):
        parts = [f"{part}</function>" for part in text.split("</function>")[:-1]]
        sections = [read_calls(part) for part in parts[: MAX_CALLS + 1]]
        whole = text.endswith("</function>")
        return _joined(sections) if whole else None
    if text.startswith("{") and '"name"' in text:
        return _joined([read_calls(line) for line in _lines(text)])
    if text.startswith("[") and text.endswith("]"):
        return read_calls(text) or _json_list(text)
    return None


def _lines(text: str) -> list[str]:
    """The whole as one object, or one object a line."""
    return [text] if json_object(text) is not None else text.split("\n")[: MAX_CALLS + 1]


def _json_list(text: str) -> list[ToolCall] | None:
    wrapped = json_object(f'{{"calls": {text}}}')
    rows = wrapped["calls"] if wrapped else None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) and "name" in row for row in rows):
        return None
    return [_api_call(row) for row in rows]


def _joined(sections: list[list[ToolCall] | None]) -> list[ToolCall] | None:
    return [call for calls in sections for call in calls or []] if sections and all(sections) else None


def _harmony_calls(text: str) -> tuple[list[ToolCall], bool]:
    messages = harmony.read(text)
    calls = []
    for recipient, body in zip(messages.recipients, messages.calls, strict=True):
        arguments = json_object(body)
        if arguments is None:
            raise Unreadable("the arguments of a call are no JSON object")
        calls.append(ToolCall(recipient.removeprefix("functions."), arguments))
    return calls, bool(messages.final and visible(messages.final, 1))


def without_thinking(text: str) -> str:
    """The text without its thinking, turn by turn. Raises Unreadable where it never ends.

    >>> without_thinking("<think>a</think>b<think>c</think>d")
    'bd'
    """
    opening, closing = thinking_marks(text)
    first = text.find(closing)
    if first >= 0 and not 0 <= text.find(opening) < first:  # opened by the chat template
        text = text[first + len(closing) :]
    kept, position = [], 0
    while (start := text.find(opening, position)) >= 0:
        end = text.find(closing, start)
        if end < 0:
            raise Unreadable("the thinking was never closed")
        kept.append(text[position:start])
        position = end + len(closing)
    return "".join(kept) + text[position:]

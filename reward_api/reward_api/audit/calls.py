"""Attempts on graders of tool calls: calls made from the tools' schemas alone, and the right calls with one fault."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from reward_api.audit.attempts import Attempt
from reward_api.audit.documents import instance_of
from reward_api.audit.frames import THINK, Frame, call_text
from reward_api.audit.items import Item

Call = dict[str, Any]


def attempts(item: Item, frame: Frame) -> Iterator[Attempt]:
    right: list[Call] = [call.get("function", call) for call in item.reference.get("calls") or ()]
    tools = [_plain(tool) for tool in item.reference.get("tools") or ()]
    yield from _blind(right, tools, frame)
    if right:
        yield from _faults(right, frame)
        yield from _misplaced(right, frame)


def _plain(tool: dict[str, Any]) -> dict[str, Any]:
    inner = tool.get("function", tool)
    return inner if isinstance(inner, dict) else {}


def _blind(right: list[Call], tools: list[dict[str, Any]], frame: Frame) -> Iterator[Attempt]:
    """From the schemas alone; a call that happens to be right is left out."""
    filled = [
        {"name": tool.get("name", "tool"), "arguments": instance_of(tool.get("parameters", {}))} for tool in tools
    ]
    names = list(dict.fromkeys([*(call["name"] for call in filled), *(call["name"] for call in right)]))
    bare = [{"name": name, "arguments": {}} for name in names] or [{"name": "search", "arguments": {}}]
    for name, calls in [("each tool with values from its schema", filled), ("each tool without arguments", bare)]:
        for call in calls:
            if [call] != [_bare(one) for one in right]:
                yield Attempt(
                    "call_argument",
                    name,
                    frame.text(call_text([call])),
                    "its values are made up",
                    partial=False,
                    blind=True,
                )
        if len(calls) > 1 and calls != [_bare(one) for one in right]:
            yield Attempt(
                "call_extra",
                f"all tools: {name}",
                frame.text(call_text(calls)),
                "it calls every tool",
                partial=False,
                blind=True,
            )
    if right:
        for text in ("<tool_call></tool_call>", "<tool_call>{}</tool_call>", "[]", "{}", "I call the tool now."):
            yield Attempt("template", text, frame.text(text), "it calls nothing", partial=False, blind=True)


def _bare(call: Call) -> Call:
    return {"name": call["name"], "arguments": call.get("arguments", {})}


def _faults(right: list[Call], frame: Frame) -> Iterator[Attempt]:
    first, rest = right[0], right[1:]
    arguments, rules = first.get("arguments", {}), first.get("rules", {})
    for name in dict.fromkeys((f"{first['name']}_other", first["name"].swapcase())):
        if name != first["name"]:
            other = {"name": name, "arguments": arguments}
            yield Attempt("call_name", name, frame.text(call_text([other, *rest])), "no such tool is expected")
    for name, value in arguments.items():
        if name in rules:
            continue  # its rule may allow other values
        changed = {**first, "arguments": {**arguments, name: _changed(value)}}
        yield Attempt("call_argument", "one value changed", frame.text(call_text([changed, *rest])), f"{name} differs")
        if isinstance(value, int | float) and not isinstance(value, bool):
            typed = {**first, "arguments": {**arguments, name: str(value)}}
            yield Attempt(
                "call_argument", "a number as text", frame.text(call_text([typed, *rest])), f"{name} is no text"
            )
        less = {**first, "arguments": {key: one for key, one in arguments.items() if key != name}}
        yield Attempt(
            "call_argument", "one argument missing", frame.text(call_text([less, *rest])), f"{name} is missing"
        )
    added = {**first, "arguments": {**arguments, "made_up": 1}}
    yield Attempt(
        "call_argument", "one argument more", frame.text(call_text([added, *rest])), "nobody asks for made_up"
    )
    extra = {"name": "delete_everything", "arguments": {"confirm": True}}
    yield Attempt(
        "call_extra", "one call more", frame.text(call_text([*right, extra])), "nobody asks for the last call"
    )
    yield Attempt(
        "call_extra", "one call more, first", frame.text(call_text([extra, *right])), "nobody asks for the first call"
    )
    yield Attempt("call_extra", "each call twice", frame.text(call_text([*right, *right])), "nobody asks for it twice")
    if rest:
        yield Attempt("call_missing", "the first call alone", frame.text(call_text([first])), "calls are missing")
        yield Attempt("call_missing", "the last call alone", frame.text(call_text([right[-1]])), "calls are missing")


def _misplaced(right: list[Call], frame: Frame) -> Iterator[Attempt]:
    """The right calls where they are not made."""
    text = call_text(right)
    yield Attempt(
        "call_prose",
        "described",
        frame.text(f"I would call {right[0]['name']} with {json.dumps(right[0].get('arguments', {}))}."),
        "nothing is called",
    )
    yield Attempt("call_prose", "denied", frame.text("I will not call any tool."), "nothing is called", blind=True)
    if frame.thinks:
        yield Attempt(
            "think", "calls in the thinking", f"<think>{THINK}\n{text}</think>\nDone.", "calls in the thinking are none"
        )


def _changed(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 7
    return f"{value} changed" if isinstance(value, str) else ["changed"]

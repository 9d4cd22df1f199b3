"""How a policy writes a call, and how it reads what the tool answers.

tags    <calculate>17*23</calculate>                                         <output>391</output>
json    <tool_call>{"name": "calculate", "arguments": {…}}</tool_call>       <tool_response>391</tool_response>

A call is what the policy itself has written, from an opening mark to the closing one that it stopped at. What a tool writes
is never looked at for calls, and its text never becomes a control token of the tokenizer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from grpo_trainer.rollout.tools import ToolReply
from grpo_trainer.tasks.marks import OUTPUT, call_marks

CallStyle = Literal["tags", "json"]
MAX_CALL_CHARACTERS = 32_768
_JSON_CALL = ("<tool_call>", "</tool_call>")
_JSON_OUTPUT = ("<tool_response>", "</tool_response>")
CUT = "\n[cut]"
_TAIL = 48
"""Tokens among which a closing mark lies that the last of them completes."""


@dataclass(frozen=True)
class Call:
    """name, arguments: for the tool; error: why it is none that can be run, for the policy to read."""

    name: str = ""
    arguments: Mapping[str, Any] | None = None
    error: str = ""


class CallFormat:
    """schemas: of the tools. max_output_tokens: of one output, after which it is cut, with a mark.

    Raises ValueError for tools that cannot be called in this style.
    """

    def __init__(
        self,
        tokenizer: Any,
        schemas: Sequence[Mapping[str, Any]],
        style: CallStyle = "tags",
        max_output_tokens: int = 512,
    ) -> None:
        self._tokenizer, self._most = tokenizer, max_output_tokens
        functions = [schema["function"] for schema in schemas]
        self._arguments = {function["name"]: _text_argument(function) for function in functions}
        if style == "tags" and (unfit := [name for name, argument in self._arguments.items() if argument is None]):
            raise ValueError(f"tools.calls: {unfit[0]} takes more than one text, which tags cannot hold; use `json`")
        self._style = style
        self._marks = {name: call_marks(name) for name in self._arguments} if style == "tags" else {"": _JSON_CALL}
        # `</s>` and the like hold a bracket too, and end a completion.
        added = tokenizer.added_tokens_decoder.items()
        self._control = {*tokenizer.all_special_ids, *(token for token, one in added if one.special)}
        self._opening, self._closing = (self._ids(mark) for mark in (OUTPUT if style == "tags" else _JSON_OUTPUT))
        self.pauses = tuple(sorted({token for _, closing in self._marks.values() for token in self._last(closing)}))

    def ends_call(self, ids: Sequence[int]) -> bool:
        """Whether the last of these tokens has completed a closing mark."""
        tail = list(ids[-_TAIL:])
        now, before = (self._tokenizer.decode(part, clean_up_tokenization_spaces=False) for part in (tail, tail[:-1]))
        return any(now.count(closing) > before.count(closing) for _, closing in self._marks.values())

    def read(self, ids: Sequence[int]) -> Call | None:
        """The call that ends these tokens of the policy's, which are those of its turn; None where none does."""
        text = self._tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        calls = [(place, name) for name, (_, closing) in self._marks.items() if (place := text.rfind(closing)) >= 0]
        if not calls:
            return None
        end, name = max(calls)
        opening, _ = self._marks[name]
        start = text.rfind(opening, 0, end)
        if start < 0:
            return None
        body = text[start + len(opening) : end]
        if len(body) > MAX_CALL_CHARACTERS:
            return Call(error=f"a call has at most {MAX_CALL_CHARACTERS} characters")
        if self._style == "tags":
            argument = self._arguments[name]
            return Call(name, {argument: body}) if argument else None
        return self._json_call(body)

    def output(self, reply: ToolReply) -> list[int]:
        """The tokens that the policy reads."""
        # What a tool says of control tokens is text: it ends no turn, and begins none.
        ids = self._tokenizer.encode(reply.output, add_special_tokens=False, split_special_tokens=True)
        if len(ids) > self._most:
            ids = [*ids[: self._most], *self._ids(CUT)]
        return [*self._opening, *ids, *self._closing]

    def _json_call(self, body: str) -> Call:
        try:
            document = json.loads(body)
            name, arguments = document["name"], document.get("arguments", {})
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return Call(error='a call is JSON: {"name": …, "arguments": {…}}')
        if not isinstance(name, str) or name not in self._arguments:
            return Call(error=f"there is no such tool; there are: {', '.join(self._arguments)}")
        if not isinstance(arguments, dict):
            return Call(error="the arguments of a call are an object")
        return Call(name, arguments)

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False)
        return ids

    def _last(self, closing: str) -> list[int]:
        """The tokens that may complete a closing mark: itself where it is one token, else all that hold its last letter."""
        ids = self._ids(closing)
        if len(ids) == 1:
            return ids
        texts = ((token, self._tokenizer.decode([token])) for token in range(len(self._tokenizer)))
        return [token for token, text in texts if closing[-1] in text and token not in self._control]


def _text_argument(function: Mapping[str, Any]) -> str | None:
    """The one argument of a tool that has one, a text."""
    properties = function.get("parameters", {}).get("properties", {})
    required = function.get("parameters", {}).get("required", list(properties))
    texts = [name for name in required if properties.get(name, {}).get("type") == "string"]
    return texts[0] if len(texts) == len(required) == 1 else None

"""OpenAI's Responses objects, as far as a verifier looks at them: what was asked, and what the model wrote."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from reward_api.trainers.endpoint import Body
from reward_verifiers.contract import Message
from trainer_client.dialect.messages import TEXT_PARTS

MAX_ITEMS = 10_000
_PARTS = TEXT_PARTS | {"summary_text": "text", "reasoning_text": "text"}
Parts = str | list[dict[str, Any]] | None


class Item(Body):
    """One item of `input` or `output`. The results of tool calls are not read."""

    type: str = "message"
    role: str = "assistant"
    content: Parts = None
    summary: Parts = None
    name: str | None = Field(default=None, description="Of a function_call.")
    arguments: str | None = Field(default=None, description="Of a function_call, as JSON text.")


class CreateParams(Body):
    input: str | list[Item] = Field(description="What was asked.")
    instructions: str | None = None


class Incomplete(Body):
    reason: str | None = None


class Usage(Body):
    output_tokens: int | None = Field(default=None, ge=0)


class Response(Body):
    output: list[Item] = Field(max_length=MAX_ITEMS)
    incomplete_details: Incomplete | None = None
    usage: Usage | None = None

    @property
    def truncated(self) -> bool | None:
        return self.incomplete_details.reason == "max_output_tokens" if self.incomplete_details else None

    @property
    def tokens(self) -> int | None:
        return self.usage.output_tokens if self.usage else None


def prompt_of(params: CreateParams) -> list[Message] | str:
    """The prompt as messages; a string stays one where there are no instructions."""
    if isinstance(params.input, str) and params.instructions is None:
        return params.input
    system = [] if params.instructions is None else [Message(role="system", content=params.instructions)]
    if isinstance(params.input, str):
        return [*system, Message(role="user", content=params.input)]
    return system + [Message(role=one.role, content=text(one.content)) for one in params.input if one.type == "message"]


def completion_of(response: Response) -> list[Message]:
    """What the model wrote, message after message, each with the reasoning before it as its think section, and the calls
    behind it."""
    messages: list[Message] = []
    thought = ""
    for item in response.output:
        if item.type == "reasoning":
            thought += text(item.content) or text(item.summary)
        elif item.type == "message":
            messages.append(Message(role="assistant", content=text(item.content), reasoning_content=thought or None))
            thought = ""
        elif item.type == "function_call":
            if thought or not messages:
                messages.append(Message(role="assistant", content="", reasoning_content=thought or None))
                thought = ""
            messages[-1] = _with_call(messages[-1], item)
    if thought or not messages:
        messages.append(Message(role="assistant", content="", reasoning_content=thought or None))
    return messages


def _with_call(message: Message, item: Item) -> Message:
    call = {"function": {"name": item.name or "", "arguments": item.arguments or "{}"}}
    return message.model_copy(update={"tool_calls": [*(message.tool_calls or []), call]})


def text(parts: Parts) -> str:
    if isinstance(parts, str):
        return parts
    keys = ((part, _PARTS.get(str(part.get("type")))) for part in parts or [])
    return "".join(str(part.get(key) or "") for part, key in keys if key)

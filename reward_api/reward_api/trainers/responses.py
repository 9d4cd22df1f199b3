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
    """One item of `input` or `output`. Tool calls and their results are not read."""

    type: str = "message"
    role: str = "assistant"
    content: Parts = None
    summary: Parts = None


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
    """What the model wrote, message after message, each with the reasoning before it as its think section."""
    messages, thought = [], ""
    for item in response.output:
        if item.type == "reasoning":
            thought += text(item.content) or text(item.summary)
        elif item.type == "message":
            messages.append(Message(role="assistant", content=text(item.content), reasoning_content=thought or None))
            thought = ""
    if thought or not messages:
        messages.append(Message(role="assistant", content="", reasoning_content=thought or None))
    return messages


def text(parts: Parts) -> str:
    if isinstance(parts, str):
        return parts
    keys = ((part, _PARTS.get(str(part.get("type")))) for part in parts or [])
    return "".join(str(part.get(key) or "") for part, key in keys if key)

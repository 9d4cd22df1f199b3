"""What a tool is: a name, the model of its arguments, and a result; and how a call can go wrong.

`Refused` is the model's doing: an argument that it wrote wrongly, or a budget that it has spent. Any other exception is a
failure of ours, and the episode has no verdict. The two are never confused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict


class Arguments(BaseModel):
    """Base of every tool's arguments."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Refused(Exception):
    """The call is the model's mistake; the message is what the model reads."""

    def __init__(self, message: str, cause: Literal["argument", "budget"] = "argument", dropped: int = 0) -> None:
        super().__init__(message)
        self.cause: Literal["argument", "budget"] = cause
        self.dropped = dropped


@dataclass(frozen=True, slots=True)
class Output:
    """What a tool gives back. dropped: bytes beyond what it kept, where it has not kept all."""

    text: str
    dropped: int = 0
    raised: bool = False
    """The code of the call ended with an exception, which the text shows."""


class Tool(Protocol):
    """One tool, for all sessions. What it keeps of a session lies in `SessionState`, by its name."""

    name: str
    description: str

    @property
    def arguments_model(self) -> type[Arguments]: ...

    async def ready(self) -> str:
        """Why it is not offered here; empty when it is."""

    async def run(self, state: SessionState, arguments: Any) -> Output:
        """Raises Refused."""


class Closable(Protocol):
    async def aclose(self) -> None: ...


class SessionState:
    """What the tools of one session keep from call to call, closed with it."""

    def __init__(self) -> None:
        self.kept: dict[str, Closable] = {}

    async def aclose(self) -> None:
        """End everything. A second time does nothing."""
        kept, self.kept = self.kept, {}
        for one in kept.values():
            await one.aclose()


def schema_of(tool: Tool) -> dict[str, Any]:
    """The JSON schema of its arguments, as a chat request has it."""
    schema = tool.arguments_model.model_json_schema()
    properties = {name: _plain(one) for name, one in schema["properties"].items()}
    return {
        "type": "object",
        "properties": properties,
        "required": schema.get("required", []),
        "additionalProperties": False,
    }


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "title"}

"""What a data set may ask of the calls in a completion."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import Field, model_validator

from reward_verifiers.contract import StrictModel
from reward_verifiers.verifier import Options, ReferenceModel

MAX_CALLS = 64


class ArgumentRule(StrictModel):
    """How one argument is compared with the right value. Without a rule it must be there and be equal."""

    compare: Literal["equal", "text", "number", "date", "set"] = Field(
        default="equal",
        description="`equal`: same type and value, 1 and 1.0 are one number. `text`: without case and extra spaces. "
        "`date`: the same day in any spelling. `set`: a list in any order.",
    )
    tolerance: float = Field(default=1e-9, ge=0, allow_inf_nan=False, description="Of numbers, relative or absolute.")
    any_of: list[Any] | None = Field(default=None, min_length=1, description="Further right values.")
    pattern: str | None = Field(default=None, max_length=1000, description="RE2 pattern of the whole text instead.")
    optional: bool = Field(default=False, description="It may be missing.")
    absent: bool = Field(default=False, description="It must not be there.")
    anything: bool = Field(default=False, description="Any value is right.")


class ExpectedCall(StrictModel):
    """One right call."""

    name: str = Field(min_length=1, max_length=256)
    arguments: dict[str, Any] = Field(default_factory=dict, description="The right values, by argument.")
    rules: dict[str, ArgumentRule] = Field(default_factory=dict, description="By argument, how it is compared.")


class ToolCallOptions(Options):
    score: Literal["exact", "f1", "weighted"] = Field(
        default="exact",
        description="`exact`: 1 when the calls are the right ones; `f1`: of right calls among those expected and made; "
        "`weighted`: as `f1`, where a call with the right name counts by its share of right arguments.",
    )
    ordered: bool = Field(default=False, description="The calls must come in the reference's order.")
    extra: Literal["cost", "free"] = Field(
        default="cost", description="Calls beside the right ones: `cost`, or `free` (milestones on the way)."
    )
    turns: Literal["all", "last"] = Field(
        default="all", description="Of chat messages: the calls of the whole trajectory, or of the last message."
    )


class ToolCallReference(ReferenceModel):
    calls: list[ExpectedCall] | None = Field(
        default=None, max_length=MAX_CALLS, description="The right calls; an empty list: no call is right."
    )
    alternatives: list[list[ExpectedCall]] = Field(
        default_factory=list, max_length=32, description="Further right answers, each a list of calls."
    )
    tools: list[dict[str, Any]] = Field(
        default_factory=list,
        max_length=256,
        description="JSON schemas of the tools, as in a chat request: names, types, required and extra arguments count.",
    )

    expected_action: dict[str, Any] | None = Field(
        default=None,
        description="NeMo Gym's form of `calls`: `function_call`, `function_call_batch`, or `message`: no call is right.",
    )

    @property
    def answers(self) -> list[list[ExpectedCall]]:
        return ([] if self.calls is None else [self.calls]) + self.alternatives

    @model_validator(mode="before")
    @classmethod
    def _calls_are_written_as_a_model_writes_them(cls, data: Any) -> Any:
        """A call in the form of a chat API is read, too."""
        if not isinstance(data, dict):
            return data
        if isinstance(data.get("expected_action"), dict) and data.get("calls") is None:
            data = {**data, "calls": _of_action(data["expected_action"])}
        answers = {key: data[key] for key in ("calls", "alternatives") if isinstance(data.get(key), list)}
        if "calls" in answers:
            answers["calls"] = [_plain(call) for call in answers["calls"]]
        if "alternatives" in answers:
            answers["alternatives"] = [
                [_plain(call) for call in answer] if isinstance(answer, list) else answer
                for answer in answers["alternatives"]
            ]
        return {**data, **answers}


def _of_action(action: dict[str, Any]) -> Any:
    """The calls of NeMo Gym's expected action; the action itself, which fits no list, where it is of no type there is."""
    kind = action.get("type")
    if kind == "message":
        return []
    calls = {"function_call": [action], "function_call_batch": action.get("calls")}.get(str(kind), action)
    if not isinstance(calls, list):
        return calls
    return [
        {"name": call.get("name"), "arguments": _arguments(call.get("arguments"))} if isinstance(call, dict) else call
        for call in calls
    ]


def _arguments(written: Any) -> Any:
    if not isinstance(written, str):
        return written
    try:
        return json.loads(written)
    except (ValueError, RecursionError):  # a text is no object of arguments: the field is named
        return written


def _plain(call: Any) -> Any:
    """Of {"type": "function", "function": {…}}, the function."""
    return call["function"] if isinstance(call, dict) and isinstance(call.get("function"), dict) else call

"""What a domain may ask of the format: a preset by name, and options that change it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from reward_verifiers.completion import END_TOKENS
from reward_verifiers.verifier import Options

TagName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}$")]

Preset = Literal["think_answer", "r1", "open_r1", "qwen3", "think_rest", "tool_call"]

_R1: dict[str, Any] = {"tags": ["think", "answer"], "answer": "tag"}
PRESETS: dict[str, dict[str, Any]] = {
    "think_answer": _R1,
    "r1": _R1,
    "open_r1": {**_R1, "newlines": True},
    # Its chat template may open the section for the model, and thinking may be off: then it is there and empty.
    "qwen3": {"tags": ["think"], "answer": "rest", "prefill_auto": True, "min_think_chars": 0},
    "think_rest": {"tags": ["think"], "answer": "rest"},
    "tool_call": {"tags": ["think", "tool_call"], "answer": "calls"},
}


class FormatOptions(Options):
    """Options that are not given are the preset's."""

    template: Preset = Field(default="think_answer", description="The preset that the other options change.")
    tags: list[TagName] = Field(
        default=["think", "answer"], min_length=1, max_length=8, description="The sections' tags, in order."
    )
    answer: Literal["tag", "rest", "calls"] = Field(
        default="tag",
        description="The answer is the last tag's section, or the rest behind the last closing tag, "
        "or one or more sections of the last tag, each a JSON tool call.",
    )
    prefill: str = Field(default="", max_length=1000, description="What the chat template wrote before the completion.")
    prefill_auto: bool = Field(
        default=False,
        description="The first opening tag may stand at the end of the prompt instead of in the completion.",
    )
    text_outside: Literal["whitespace", "any"] = Field(
        default="whitespace", description="What may stand before, between and behind the sections."
    )
    newlines: bool = Field(default=False, description="Each tag on a line of its own, as open-r1 lays it out.")
    case_sensitive: bool = True
    tag_whitespace: bool = Field(default=False, description="Spaces inside the tag's brackets are accepted.")
    ignore_in_code: bool = Field(default=False, description="Tags in fenced or inline code are text.")
    min_think_chars: int = Field(default=1, ge=0, description="Least visible characters of the first section.")
    min_answer_chars: int = Field(default=1, ge=0, description="Least visible characters of the answer.")
    require_boxed: bool = Field(default=False, description="The answer holds a closed \\boxed{…} with something in it.")
    eos: list[str] = Field(
        default=list(END_TOKENS), description="End tokens: dropped from the very end, an error anywhere else."
    )
    partial_credit: bool = Field(
        default=False, description="A failure scores half the share of tags that are in place, at most 0.5."
    )

    @field_validator("tags")
    @classmethod
    def _distinct(cls, tags: list[str]) -> list[str]:
        if len({tag.lower() for tag in tags}) < len(tags):
            raise ValueError("each tag may be named once, whatever its case")
        return tags

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {**PRESETS.get(str(given.get("template", "think_answer")), {}), **given}

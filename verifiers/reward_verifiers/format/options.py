"""What a domain may choose for the format: a preset by name, and options that change it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from reward_verifiers import completion
from reward_verifiers.completion import END_TOKENS
from reward_verifiers.format.presets import PRESETS, check_preset
from reward_verifiers.verifier import Options

TagName = Annotated[str, StringConstraints(pattern=r"^[^\s<>/\x00-\x1f][^\s<>\x00-\x1f]{0,63}$")]
Literally = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class SectionMarks(BaseModel):
    """The marks around a section, as the model writes them; any text, no pattern."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    opening: Literally
    closing: Literally


class FormatOptions(Options):
    """Options that are not given are those of the preset."""

    template: Annotated[str, AfterValidator(check_preset)] = Field(
        default="think_answer",
        description="The preset that the other options change.",
        json_schema_extra={"enum": list(PRESETS)},
    )
    tags: list[TagName] = Field(
        default=[], max_length=8, description="Short for `sections` whose marks are `<tag>` and `</tag>`, in order."
    )
    sections: list[SectionMarks] = Field(
        default=[], max_length=8, description="The sections in order, each with its opening and closing mark."
    )
    answer: Literal["tag", "rest", "calls", "rest_or_calls", "harmony"] = Field(
        default="tag",
        description="The answer is the last section; or the rest behind the last closing mark; or one or more sections of "
        "the last kind, each a tool call; or such calls, the rest, or both; or the final channel of harmony.",
    )
    prefill: str = Field(default="", max_length=1000, description="What the chat template wrote before the completion.")
    prefill_auto: bool = Field(
        default=False,
        description="The chat template may have opened the first section. A prompt that shows its template decides.",
    )
    text_outside: Literal["whitespace", "before_calls", "any"] = Field(
        default="whitespace",
        description="What may stand before, between and behind the sections; `before_calls`: text before the first call.",
    )
    interleaved: bool = Field(
        default=False,
        description="Sections may come again in any order, as over several turns; only the first and an answer must be.",
    )
    think_optional: bool = Field(default=False, description="The first section may be missing.")
    newlines: bool = Field(default=False, description="Each mark on a line of its own, as open-r1 lays it out.")
    case_sensitive: bool = True
    tag_whitespace: bool = Field(default=False, description="Spaces inside the brackets of a tag are accepted.")
    ignore_in_code: bool = Field(default=False, description="Marks in fenced or inline code are text.")
    min_think_chars: int = Field(default=1, ge=0, description="Least visible characters of the first section.")
    min_answer_chars: int = Field(default=1, ge=0, description="Least visible characters of the answer.")
    require_boxed: bool = Field(default=False, description="The answer holds a closed \\boxed{…} with something in it.")
    eos: list[str] = Field(
        default=[*END_TOKENS, "<|user|>", "<|observation|>"],
        description="End tokens: dropped from the very end, an error anywhere else. A preset adds those of its family.",
    )
    own_tokens: list[str] = Field(
        default=[], max_length=100, description="Control tokens of the family that may stand in the answer."
    )
    partial_credit: bool = Field(
        default=False,
        description="A failure scores half the share of marks that are in place, at most 0.5; half of that where a section "
        "is empty or repeated.",
    )

    @property
    def marks(self) -> tuple[completion.Section, ...]:
        """The sections, whichever option named them."""
        if self.sections:
            return tuple(completion.Section(marks.opening, marks.closing) for marks in self.sections)
        return tuple(completion.section(tag) for tag in self.tags)

    @field_validator("tags")
    @classmethod
    def _distinct(cls, tags: list[str]) -> list[str]:
        if len({tag.lower() for tag in tags}) < len(tags):
            raise ValueError("each tag may be named once, whatever its case")
        return tags

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        preset = dict(PRESETS.get(str(values.get("template", "think_answer")), {}))
        if "tags" in values or "sections" in values:
            preset.pop("tags", None)
            preset.pop("sections", None)
        elif values.get("answer") == "rest" and preset.get("answer") in ("tag", "calls"):
            kind = "sections" if "sections" in preset else "tags"
            preset[kind] = preset[kind][:-1]
        if "eos" in preset:
            preset["eos"] = list(dict.fromkeys((*preset["eos"], *END_TOKENS)))
        return {**preset, **values}

    @model_validator(mode="after")
    def _sections_fit(self) -> Self:
        if bool(self.tags) == bool(self.sections):
            raise ValueError("name the sections by `tags` or by `sections`, one of them, with at least one section")
        opening = [pair.opening.lower() for pair in self.marks]
        if len(set(opening)) < len(opening) or set(opening) & {pair.closing.lower() for pair in self.marks}:
            raise ValueError("each opening mark may stand for one section, and be no closing mark")
        return self

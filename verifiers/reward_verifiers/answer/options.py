"""What a domain may choose about answers, and what it must give per item."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from reward_verifiers.answer.extraction.named import check_pattern
from reward_verifiers.answer.extraction.sources import SOURCES, WITH_ARGUMENT
from reward_verifiers.answer.presets import with_preset
from reward_verifiers.verifier import BadReference, Options, ReferenceModel

Kind = Literal[
    "math", "number", "choice", "exact", "text", "set", "list", "regex", "json", "date", "unit", "reasoning_gym"
]
Preset = Literal[
    "math500", "aime", "gsm8k", "numina", "dapo", "deepmath", "scibench", "minerva", "theoremqa", "olympiad", "gpqa",
    "gaokao", "college_math",
]  # fmt: skip
Choices = dict[str, str] | list[str]

_PROSE = ("answer_tag", "boxed", "####", "phrase", "emphasised", "after_think")
_MATHS = (
    "answer_tag", "boxed", "####", "phrase", "emphasised", "worked", "short", "last_line", "sentence_end", "final_number",
    "last_math", "last_number",
)  # fmt: skip
AUTO: dict[Kind, tuple[str, ...]] = {
    "math": _MATHS,
    "number": _MATHS,
    "unit": _MATHS,
    "set": ("answer_tag", "boxed", "####", "phrase", "after_think"),
    "list": ("answer_tag", "boxed", "####", "phrase", "after_think"),
    "choice": ("answer_tag", "declared", "boxed", "####", "after_think"),
    "exact": _PROSE,
    "text": _PROSE,
    "date": _PROSE,
    "regex": ("answer_tag", "boxed", "after_think"),
    "json": ("answer_tag", "after_think"),
    "reasoning_gym": ("answer_tag", "boxed", "after_think"),
}


class Tolerance(BaseModel):
    """How far from the reference a number may be. Near enough by any bound that is set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    relative: float | None = Field(default=None, ge=0, lt=1, description="As a share of the reference.")
    absolute: float | None = Field(default=None, ge=0, allow_inf_nan=False, description="In the reference's own unit.")
    figures: Literal["reference"] | None = Field(
        default=None, description="reference: half a unit of the last place that the reference is written with."
    )
    significant: int | None = Field(default=None, ge=1, le=30, description="Significant figures that must agree.")


class AnswerOptions(Options):
    preset: Preset | None = Field(
        default=None,
        description="A public data set: its kind, tolerance and extraction, under the options named beside it. Its markers "
        "for a missing answer (proof, notfound, N/A, …) are bad references.",
    )
    kind: Kind = Field(default="math", description="What sort of answer the reference is.")
    form: Literal["evaluated", "any", "reduced", "factored", "expanded"] = Field(
        default="evaluated",
        description="evaluated: integrals, sums, limits, products, powers of numbers, … left standing are no answers "
        "unless the reference itself is written so.",
    )
    tolerance: Tolerance | None = Field(
        default=None,
        description="For numbers. None: exact, but a decimal of five significant figures or more may stand for the "
        "value that it rounds.",
    )
    units: Literal["ignore", "require", "convert"] = Field(
        default="ignore",
        description="ignore: a unit may be missing, but a different one that does not convert is wrong; "
        "require: the same unit must be there; convert: a unit must be there and may be another of the same dimension.",
    )
    order: Literal["auto", "strict", "any"] = Field(
        default="auto", description="auto: tuples in order, sets and bare lists in any."
    )
    percent: Literal["lenient", "value", "ignore"] = Field(
        default="lenient",
        description="value: 5% is 0.05 and nothing else; lenient: 5 also stands for a reference of 5%, never 5% for 5; "
        "ignore: the sign does not matter.",
    )
    base: Literal["digits", "value"] | int = Field(
        default="digits",
        description="digits: 101_2 is 101_2, or 101 without a base; value: any base of the same value; "
        "a number: the base of references written without one.",
    )
    log_base: Literal[2, 10] | None = Field(
        default=None, description="The base of \\log without one, in references and answers; None: natural."
    )
    decimal_comma: bool = Field(
        default=False, description="Numbers are written 3,14 and 1.234,5, in references and answers; lists with ;."
    )
    variables: Literal["complex", "real", "positive"] = Field(
        default="complex",
        description="What unknowns may stand for. complex: what only holds for some numbers is another function; real: "
        "what differs at complex numbers alone is the same; positive: \\ln(x^2) is 2\\ln x.",
    )
    match: Literal["equal", "containment", "f1"] = Field(
        default="equal",
        description="For sets, lists and text. containment: the reference's items, or its words, are in the answer, which "
        "may have more; f1: the harmonic mean of precision and recall of a set's items, a score between 0 and 1.",
    )
    case: Literal["auto", "ignore", "match"] = Field(
        default="auto", description="Case of text (not of symbols). auto: it matters for kind exact alone."
    )
    aliases: dict[str, list[str]] = Field(default_factory=dict, description="Text → other spellings of it.")
    choices: Choices | None = Field(default=None, description="The option table, when every item has the same.")
    extract: Literal["auto"] | list[str] = Field(
        default="auto",
        description="Where the answer is looked for, in order: "
        + ", ".join(SOURCES)
        + ", tag:<name>, regex:<RE2 pattern>, json:<dotted path>. 'auto' is a good order for the kind.",
    )
    boxes: Literal["last", "all_agree"] = Field(
        default="last", description="Which box counts; all_agree refuses completions whose boxes differ."
    )
    one_final_answer: bool = Field(default=True, description="Hedges, negations and lists of guesses are not answers.")

    @model_validator(mode="before")
    @classmethod
    def _under_the_preset(cls, value: Any) -> Any:
        return with_preset(value) if isinstance(value, dict) else value

    @field_validator("extract", mode="before")
    @classmethod
    def _sources_exist(cls, value: Any) -> Any:
        if isinstance(value, str) and value != "auto":
            value = [value]
        for source in value if isinstance(value, list) else ():
            if source not in SOURCES and not str(source).startswith(WITH_ARGUMENT):
                raise ValueError(
                    f"unknown source {source!r}; one of {', '.join(SOURCES)}, tag:<name>, regex:<RE2>, json:<path>"
                )
            if str(source).startswith("regex:"):
                check_pattern(str(source)[6:])
        return value

    @model_validator(mode="after")
    def _match_fits(self) -> Self:
        kinds = {"equal": None, "containment": ("set", "list", "exact", "text"), "f1": ("set", "list")}[self.match]
        if kinds is not None and self.kind not in kinds:
            raise ValueError(f"match: {self.match} is for the kinds {', '.join(kinds)}, not for {self.kind}")
        return self

    @field_validator("base")
    @classmethod
    def _possible_base(cls, value: Any) -> Any:
        if isinstance(value, int) and not 2 <= value <= 36:
            raise ValueError("a base is between 2 and 36")
        return value

    @cached_property
    def key(self) -> str:
        """These options as text: equal options have equal keys."""
        return self.model_dump_json()

    def sources(self) -> tuple[str, ...]:
        return AUTO[self.kind] if self.extract == "auto" else tuple(self.extract)


Answer = str | int | float | bool | list[Any] | dict[str, Any]


class AnswerReference(ReferenceModel):
    answer: Answer | None = Field(
        default=None,
        description="The right answer; LaTeX may be bare, in $…$ or in \\boxed{…}. For json: a schema; for regex: a "
        "pattern; for set and list: an array, or text.",
    )
    kind: Kind | None = Field(default=None, description="The item's own kind, in place of the domain's.")
    aliases: list[str] = Field(default_factory=list, description="Other answers that are just as right.")
    choices: Choices | None = Field(default=None, description="The item's options: letter → text, or texts in order.")
    policy: dict[str, Any] = Field(default_factory=dict, description="Options of this item, over the domain's.")
    task: str | None = Field(default=None, description="For reasoning_gym: the name of the data set.")
    entry: dict[str, Any] | None = Field(default=None, description="For reasoning_gym: the item as the task made it.")

    @model_validator(mode="after")
    def _something_to_compare_with(self) -> AnswerReference:
        if self.answer is None and self.entry is None:
            raise ValueError("answer is missing")
        return self


def effective(options: AnswerOptions, reference: AnswerReference) -> AnswerOptions:
    """The domain's options with the item's over them. Raises BadReference when the item's do not fit."""
    own: dict[str, Any] = dict(reference.policy)
    if reference.kind is not None:
        own["kind"] = reference.kind
    if reference.choices is not None:
        own["choices"] = reference.choices
    if not own:
        return options
    try:
        return AnswerOptions.model_validate({**options.model_dump(exclude_unset=True), **own})
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, detail["loc"])) for detail in error.errors())
        raise BadReference(f"the item's policy does not fit: {fields}") from error

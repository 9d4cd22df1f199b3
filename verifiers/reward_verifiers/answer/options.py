"""What a domain may choose about answers, and what it must give per item."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from reward_verifiers.answer.extract import SOURCES
from reward_verifiers.base import Options, ReferenceModel

Kind = Literal["math", "exact", "choice"]

AUTO: dict[Kind, tuple[str, ...]] = {
    "math": ("answer_tag", "boxed", "####", "phrase", "last_math", "last_number"),
    "exact": ("answer_tag", "boxed", "####", "phrase", "after_think"),
    "choice": ("answer_tag", "boxed", "####", "phrase", "after_think"),
}


class AnswerOptions(Options):
    kind: Kind = Field(default="math", description="What sort of answer the reference is.")
    extract: Literal["auto"] | list[str] = Field(
        default="auto",
        description="Where the answer is looked for, in order: "
        + ", ".join(SOURCES)
        + ", or json:<dotted path>. 'auto' is a good order for the kind.",
    )
    boxes: Literal["last", "all_agree"] = Field(
        default="last", description="Which box counts; all_agree refuses completions whose boxes differ."
    )
    one_final_answer: bool = Field(default=True, description="Hedges, negations and lists of guesses are not answers.")

    @field_validator("extract", mode="before")
    @classmethod
    def _known_sources(cls, value: Any) -> Any:
        if isinstance(value, str) and value != "auto":
            value = [value]
        for source in value if isinstance(value, list) else ():
            if source not in SOURCES and not str(source).startswith("json:"):
                raise ValueError(f"unknown source {source!r}; one of {', '.join(SOURCES)}, json:<path>")
        return value

    def sources(self) -> tuple[str, ...]:
        return AUTO[self.kind] if self.extract == "auto" else tuple(self.extract)


class AnswerReference(ReferenceModel):
    answer: str | int | float = Field(description="The right answer; LaTeX may be bare, in $…$ or in \\boxed{…}.")

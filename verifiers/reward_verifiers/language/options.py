"""What a domain may choose about language, and what an item may choose."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from reward_verifiers.language.languages import CODES, check_code
from reward_verifiers.verifier import Options, ReferenceModel

Code = Annotated[str, AfterValidator(check_code)]


def _code_or_prompt(value: str) -> str:
    return value if value == "prompt" else check_code(value)


class LanguageOptions(Options):
    target: Annotated[str, AfterValidator(_code_or_prompt)] = Field(
        default="en",
        description="ISO 639-1 code, or `prompt`: the language of the prompt. The target of an item goes first.",
    )
    scope: Literal["think", "answer", "all"] = Field(default="think", description="The part that is scored.")
    candidates: list[Code] = Field(
        default=list(CODES), min_length=1, description="The languages that words may be of; the target is added."
    )
    allow: list[str] = Field(
        default=[], max_length=10_000, description="Words that count for no language: names, units, terms of the field."
    )
    allow_share: float = Field(
        default=0.0,
        ge=0,
        le=0.5,
        description="Share of the words that may be of another language without costing anything.",
    )
    min_words: int = Field(default=8, ge=1, description="Fewer words than this earn only their part of the score.")
    mode: Literal["ratio", "threshold"] = Field(
        default="ratio", description="The share itself, as in R1, or 1 from `threshold` on and else 0."
    )
    threshold: float = Field(default=0.9, gt=0, le=1)
    repeats: int = Field(default=3, ge=1, description="A clause that is repeated counts at most so many times.")


class LanguageReference(ReferenceModel):
    target_language: Code | None = Field(
        default=None, description="The language that this item wants; else the option decides."
    )

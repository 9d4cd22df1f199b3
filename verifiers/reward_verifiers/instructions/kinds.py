"""The table of kinds: an id, the arguments it takes, and the function that checks it.

    @kind("length_constraints:number_words", "IFEval")
    def number_words(text: Text, num_words: Count, relation: Relation) -> Result: ...

The arguments and their types are the function's own: what does not fit them is a bad reference.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model

from reward_verifiers.instructions.text import Text

MAX_ARGUMENT = 100_000


class Result(NamedTuple):
    """Whether a constraint is met, and what was counted."""

    met: bool
    detail: str = ""
    is_final: bool = False
    """No part of the text meets it, either: loose scoring need not look."""


Check = Callable[..., Result | bool]


def _first(value: Any) -> Any:
    """Some data sets write a word as a list of one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _relation(value: Any) -> Any:
    return " ".join(value.lower().replace("_", " ").split()) if isinstance(value, str) else value


Relation = Annotated[str, BeforeValidator(_relation), Field(pattern="^(at least|at most|less than|more than|exactly)$")]
Quantifier = Annotated[str, BeforeValidator(_relation), Field(pattern="^(at least|at most|around)$")]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Positive = Annotated[int, Field(ge=1, le=1_000_000)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Phrase = Annotated[str, BeforeValidator(_first), Field(min_length=1, max_length=MAX_ARGUMENT, pattern=r"\S")]
Phrases = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]], Field(min_length=1, max_length=500)
]
Letter = Annotated[str, Field(min_length=1, max_length=1)]


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _AnyArguments(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of constraint."""

    id: str
    source: str
    about: str
    arguments: type[BaseModel]
    check: Check
    has_content: bool
    """Text that meets it says something of its own; not so where it is copied, or one of a few options."""
    demand: Callable[..., str] | None
    """What is wrong with arguments that fit their types; empty when nothing is."""


KINDS: dict[str, Kind] = {}


def kind(
    name: str,
    source: str,
    *,
    has_content: bool = True,
    any_arguments: bool = False,
    demand: Callable[..., str] | None = None,
) -> Callable[[Check], Check]:
    """Enter a check into the table."""

    def enter(check: Check) -> Check:
        base = _AnyArguments if any_arguments else _Arguments
        about = " ".join((check.__doc__ or "").split())
        KINDS[name] = Kind(name, source, about, _model(name, check, base), check, has_content, demand)
        return check

    return enter


def _model(name: str, check: Check, base: type[BaseModel]) -> type[BaseModel]:
    hints = get_type_hints(check, include_extras=True)
    parameters = list(inspect.signature(check).parameters.values())[1:]
    fields: dict[str, Any] = {
        one.name: (hints[one.name], ... if one.default is inspect.Parameter.empty else one.default)
        for one in parameters
    }
    return create_model(name, __base__=base, **fields)


# --- what many checks do ----------------------------------------------------------------------------------------------


def compared(count: int, relation: str, bound: int, unit: str) -> Result:
    """A number of things against a bound."""
    met = {
        "at least": count >= bound,
        "at most": count <= bound,
        "less than": count < bound,
        "more than": count > bound,
        "exactly": count == bound,
    }[relation]
    return Result(met, f"{count} {unit}, {relation} {bound} wanted", not met and relation in ("at least", "more than"))


def around(count: int, quantifier: str, bound: int, tolerance: int, unit: str) -> Result:
    """The same with `around`."""
    if quantifier == "around":
        return Result(abs(count - bound) <= tolerance, f"{count} {unit}, around {bound} wanted")
    return compared(count, quantifier, bound, unit)


def occurrences(text: Text, phrase: str) -> int:
    """How often a phrase stands in the text, whatever its case."""
    return text.lower.count(phrase.strip().lower())

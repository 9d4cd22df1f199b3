"""The table of kinds: an id, the arguments it takes, and the function that checks it.

    @kind("length_constraints:number_words", "IFEval")
    def number_words(text: Text, num_words: Count, relation: Relation) -> Result: ...

The arguments and their types are the function's own: what does not fit them is a bad reference.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, NamedTuple, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model

from reward_verifiers.instructions.text import Text

MAX_ARGUMENT = 100_000


class Need(Enum):
    """What a text that does not meet a constraint has too little or too much of; parts of it never have more."""

    MORE = "more"
    LESS = "less"


class Result(NamedTuple):
    """Whether a constraint is met, and what was counted."""

    met: bool
    detail: str = ""
    need: Need | None = None
    """With `MORE`, no part of the text meets it, either; with `LESS`, no text that this one is a part of. None: unclear."""


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
    need: Need | None
    """Of every text that does not meet it, where the check says no more than that."""
    ignores_asterisks: bool
    """Asterisks change nothing."""
    demand: Callable[..., str] | None
    """What is wrong with arguments that fit their types; empty when nothing is."""


KINDS: dict[str, Kind] = {}


def kind(
    name: str,
    source: str,
    *,
    has_content: bool = True,
    any_arguments: bool = False,
    need: Need | None = None,
    ignores_asterisks: bool = False,
    demand: Callable[..., str] | None = None,
) -> Callable[[Check], Check]:
    """Enter a check into the table."""

    def enter(check: Check) -> Check:
        base = _AnyArguments if any_arguments else _Arguments
        about = " ".join((check.__doc__ or "").split())
        model = _model(name, check, base)
        KINDS[name] = Kind(name, source, about, model, check, has_content, need, ignores_asterisks, demand)
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
    """A number of things, of which a part of the text never has more, against a bound."""
    met = _RELATIONS[relation](count, bound)
    return Result(met, f"{count} {unit}, {relation} {bound} wanted", None if met else _need(count, relation, bound))


def _need(count: int, relation: str, bound: int) -> Need:
    return Need.MORE if relation in ("at least", "more than") or count < bound else Need.LESS


_RELATIONS: dict[str, Callable[[int, int], bool]] = {
    "at least": operator.ge,
    "at most": operator.le,
    "less than": operator.lt,
    "more than": operator.gt,
    "exactly": operator.eq,
}


def within(count: int, least: int, most: int, unit: str) -> Result:
    """The same against two bounds."""
    need = Need.MORE if count < least else Need.LESS if count > most else None
    return Result(need is None, f"{count} {unit}, {least} to {most} wanted", need)


def around(count: int, quantifier: str, bound: int, tolerance: int, unit: str) -> Result:
    """The same with `around`."""
    if quantifier == "around":
        return Result(abs(count - bound) <= tolerance, f"{count} {unit}, around {bound} wanted")
    return compared(count, quantifier, bound, unit)


def need_of(text: Text, phrase: str) -> Need | None:
    """What a text lacks that must have the phrase, whatever its case, and does not where it must.

    Beyond ASCII, a letter's neighbours may decide on its lower case.
    """
    return Need.MORE if text.raw.isascii() and phrase.strip().lower() not in text.lower else None


def occurrences(text: Text, phrase: str) -> int:
    """How often a phrase stands in the text, whatever its case."""
    return text.lower.count(phrase.strip().lower())

"""What somebody may have meant: names near to a misspelt one, of a model's keys or of anything else."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

MAX_KEY = 64
MAX_NAMES = 24
_REASONS = {
    "extra_forbidden": "unknown key",
    "missing": "is missing",
    "list_type": "must be a list, such as [a, b]",
    "model_type": "must be a mapping, such as {key: value}",
    "model_attributes_type": "must be a mapping, such as {key: value}",
    "dict_type": "must be a mapping, such as {key: value}",
}
# pydantic names the branch of a union in the location, such as list[Message]: it is no place in the document.
_BRANCH = re.compile(r"(?:list|dict|tuple|function-[a-z]+|nullable|union)\[.*\]")
Fault = tuple[tuple[int | str, ...], str, str]
"""Where, pydantic's type of error, and the reason."""


def did_you_mean(name: str, names: Iterable[str], aliases: Mapping[str, str] | None = None) -> str:
    """`; did you mean 'math'?`, or what there is to choose from."""
    names = sorted(names)
    if alias := (aliases or {}).get(name):
        return f"; did you mean {alias!r}?"
    if close := difflib.get_close_matches(name, names, n=1):
        return f"; did you mean {close[0]!r}?"
    shown = ", ".join(names[:MAX_NAMES]) + (", …" if len(names) > MAX_NAMES else "")
    return f"; there are: {shown}" if names else ""


def faults_of(error: ValidationError, kind: Any = None) -> list[Fault]:
    """What pydantic refused, in our words, without the input. With the model or type `kind`, misspelt keys are
    corrected."""
    return reworded(error.errors(include_url=False, include_context=False, include_input=False), kind)


def reworded(items: Iterable[Any], kind: Any = None) -> list[Fault]:
    """pydantic's errors. A key that is missing is left out where a misspelt one is corrected to it."""
    faults: list[Fault] = []
    corrected: set[tuple[int | str, ...]] = set()
    for item in items:
        location = tuple(part for part in item["loc"] if not _BRANCH.fullmatch(str(part)))
        reason = _REASONS.get(item["type"], _plain(item["msg"]))
        if item["type"] == "extra_forbidden":
            hint = _hint(location, kind)
            reason += hint
            corrected.add((*location[:-1], hint.removeprefix("; did you mean ").strip("'?").partition(".")[0]))
        faults.append((location, item["type"], reason))
    return [fault for fault in faults if fault[1] != "missing" or fault[0] not in corrected]


def _plain(message: str) -> str:
    """pydantic's message without its own words."""
    return message.removeprefix("Value error, ").replace("List should", "should").replace(" after validation", "")


def is_key(part: int | str) -> bool:
    """Whether it looks like a name, so that an error may repeat it."""
    return isinstance(part, int) or (len(part) <= MAX_KEY and part.isascii() and part.replace("-", "_").isidentifier())


def _hint(location: tuple[int | str, ...], kind: Any) -> str:
    models = list(_models(kind))
    for part in location[:-1]:
        inner = [one.model_fields[part].annotation for one in models if part in one.model_fields]
        models = [one for annotation in inner for one in _models(annotation)] if inner else models
    aliases: dict[str, str] = {}
    for one in models:
        aliases |= getattr(one, "ALIASES", {})
    return did_you_mean(str(location[-1]), {name for one in models for name in one.model_fields}, aliases)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)

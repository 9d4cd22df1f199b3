"""Which completions to look at: what stands in the page's address, and the same as SQL."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self
from urllib.parse import urlencode

MAX_TEXT = 200
NULL = "null"
ANY = "any"
_RANGE = re.compile(r"(?P<low>-?[\d.eE+-]{0,24}?)\.\.(?P<open><?)(?P<high>[\d.eE+-]{0,24})")


class BadFilter(ValueError):
    """A filter cannot be read; the message names it and says how to write it."""


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from low to high, without high itself where it is open; or those that are missing."""

    low: float | None = None
    high: float | None = None
    is_open: bool = False
    is_null: bool = False

    @classmethod
    def of(cls, name: str, text: str) -> Range:
        """Of `1`, `0..1`, `..0.5`, `0..<1` or `null`. Raises BadFilter."""
        if text == NULL:
            return cls(is_null=True)
        match = _RANGE.fullmatch(text)
        try:
            if match is None:
                return cls(_number(text), _number(text))
            low, high = (_number(side) if side else None for side in (match["low"], match["high"]))
        except ValueError:
            raise BadFilter(f"{name}={text[:40]}: write a number, 0..1, 0..<1, ..1 or null") from None
        return cls(low, high, bool(match["open"]))

    def where(self, column: str) -> tuple[str, list[float]]:
        if self.is_null:
            return f"{column} IS NULL", []
        parts = [(f"{column} >= ?", self.low), (f"{column} {'<' if self.is_open else '<='} ?", self.high)]
        held = [(text, value) for text, value in parts if value is not None]
        return " AND ".join(text for text, _ in held) or f"{column} IS NOT NULL", [value for _, value in held]


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


@dataclass(frozen=True, slots=True)
class Filter:
    """None: any. reward, score: a `Range` as it is written. failure: its kind, or `any`. text: a part of the completion."""

    run: str | None = None
    domain: str | None = None
    version: str | None = None
    step: int | None = None
    reward: str | None = None
    component: str | None = None
    score: str | None = None
    failure: str | None = None
    flag: str | None = None
    text: str | None = None

    @classmethod
    def of(cls, params: Mapping[str, str]) -> Self:
        """Raises BadFilter. An empty value is none, but an empty run is the run without a name."""
        values: dict[str, Any] = {
            one.name: params[one.name]
            for one in fields(cls)
            if one.name in params and (params[one.name] or one.name == "run")
        }
        try:
            if "step" in values:
                values["step"] = int(values["step"][:18])
        except ValueError:
            raise BadFilter("step: write a whole number") from None
        for name in ("reward", "score"):
            if name in values:
                Range.of(name, values[name])
        if len(values.get("text", "")) > MAX_TEXT:
            raise BadFilter(f"text: write at most {MAX_TEXT} characters")
        return cls(**values)

    def but(self, **changes: Any) -> Self:
        return replace(self, **changes)

    @property
    def is_narrow(self) -> bool:
        """Whether it says more than run, domain, version and step."""
        return any(value is not None for value in (self.reward, self.score, self.failure, self.flag, self.text))

    def query(self, **more: Any) -> str:
        """As a query string."""
        values = {one.name: getattr(self, one.name) for one in fields(self)} | more
        return urlencode({name: value for name, value in values.items() if value is not None})

    def place(self) -> Self:
        """Run, domain, version and step alone."""
        return type(self)(run=self.run, domain=self.domain, version=self.version, step=self.step)

    def where(self) -> tuple[str, list[Any]]:
        """SQL over a row of samples, without run, domain, version and text."""
        parts: list[tuple[str, list[Any]]] = []
        if self.step is not None:
            parts.append(("step = ?", [self.step]))
        if self.reward is not None:
            parts.append(Range.of("reward", self.reward).where("reward"))
        if self.component is not None and self.score is not None:
            text, values = Range.of("score", self.score).where("scores ->> ?")
            path = path_of(self.component)
            parts.append((text, [path, *(part for value in values for part in (value, path))][: text.count("?")]))
        if self.failure is not None:
            is_any = self.failure == ANY
            parts.append(("failure IS NOT NULL", []) if is_any else ("failure = ?", [self.failure]))
        if self.flag is not None:
            parts.append(("? IN (SELECT value FROM json_each(flags))", [self.flag]))
        return " AND ".join(f"({text})" for text, _ in parts) or "1", [value for _, values in parts for value in values]

    def like(self) -> str | None:
        """The pattern of its text."""
        if self.text is None:
            return None
        return "%" + re.sub(r"([\\%_])", r"\\\1", self.text) + "%"


def path_of(component: str) -> str:
    """A component's score in the column `scores`."""
    return '$."' + component.replace('"', "") + '"'

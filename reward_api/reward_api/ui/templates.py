"""The templates, and how numbers and texts stand in them."""

from __future__ import annotations

import hashlib
import json
import time
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reward_api.ui.marked import visible, visible_text

HERE = Path(__file__).parent
STATIC = HERE / "static"
MAX_VALUE = 20_000
"""Characters of one value of evidence that are shown."""
_SHORT = 120
NOTHING = "–"


@cache
def environment() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(
        number=number,
        percent=percent,
        count=lambda value: f"{value:,}",
        ago=ago,
        short=short,
        visible=visible,
        line=line,
        value=value_of,
        paid=paid_class,
        moment=lambda at: time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)),
        json=lambda value: json.dumps(value, ensure_ascii=True),
    )
    templates.globals["build"] = build()
    return templates


def render(template: str, **values: Any) -> str:
    return environment().get_template(template).render(**values)


@cache
def build() -> str:
    """Changes with the page's files, so that a browser keeps none that are old."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*.*")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def number(value: float | None, places: int = 3) -> str:
    """Aligned where it stands below others: always so many places, but for whole numbers."""
    if value is None:
        return "null"
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.{places}f}"


def percent(share: float | None) -> str:
    return NOTHING if share is None else f"{share:.1%}" if 0 < share < 0.1 else f"{share:.0%}"


def ago(at: float) -> str:
    seconds = max(0, time.time() - at)
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {name} ago"
    return "just now"


def short(version: str) -> str:
    """A digest as it is told apart."""
    return visible_text(version.removeprefix("sha256:")[:8])


def line(text: object, most: int = 200) -> Markup:
    """The beginning of a text on one line."""
    cut = str(text)[: most * 2].replace("\n", "⏎ ")
    return visible(cut if len(cut) <= most else cut[:most] + "…")


def value_of(value: object) -> Markup:
    """A value of evidence; a long one is folded."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    cut = text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}… ({len(text):,} characters)"
    if len(cut) <= _SHORT and "\n" not in cut:
        return Markup("<code>{}</code>").format(visible(cut))
    return Markup("<details><summary><code>{}</code></summary><pre>{}</pre></details>").format(
        line(cut, 80), visible(cut)
    )


def paid_class(reward: float | None, high: float | None) -> str:
    """How a reward is coloured: null, 0 and below, or paid, in three steps up to the highest of its run."""
    if reward is None:
        return "null"
    if reward <= 0:
        return "zero"
    share = reward / high if high and high > 0 else 1.0
    return "paid3" if share > 0.99 else "paid2" if share > 0.5 else "paid1"

"""The report as one HTML file, which opens without a network. All that comes from data and completions is escaped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_TEMPLATE = Path(__file__).with_name("page.html")


def page_of(document: dict[str, Any]) -> str:
    """Raises ImportError where Jinja2 is not installed."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["percent"] = lambda share: f"{share:.1%}"
    environment.filters["json"] = lambda value: visible(json.dumps(value, ensure_ascii=False, indent=1))
    environment.filters["visible"] = visible
    return environment.from_string(_TEMPLATE.read_text("utf-8")).render(audit=document)


def visible(text: str) -> str:
    """The text with what nobody would see, or what would turn it around, written as an escape."""
    return "".join(one if one.isprintable() or one == "\n" else ascii(one)[1:-1] for one in text) or "(nothing)"

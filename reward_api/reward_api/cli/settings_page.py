"""Writes docs/settings.md from the settings classes: `python -m reward_api.cli.settings_page`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

HEAD = """\
# Settings

<!-- Generated from the settings classes: make golden -->

Every setting is an environment variable. A flag, such as `--workers` of `touchstone serve`, wins over its variable.
Keys may stand in a file instead: `TOUCHSTONE_SCORE_KEYS_FILE`, `TOUCHSTONE_ADMIN_KEYS_FILE` and
`TOUCHSTONE_SERVICE_KEY_FILE` are paths, and a file that is not empty wins over the variable without `_FILE`.
"""
# Not imported by name: the gateway is independent of both services.
SECTIONS = (
    ("Every service", "reward_verifiers.service.settings:ServiceSettings", "The gateway and every verifier service."),
    ("The gateway", "reward_api.settings:GatewaySettings", "`touchstone serve`, `score`, `demo` and `domains`."),
    ("The sandbox", "reward_sandbox.settings:SandboxSettings", "The verifier `code`, in the gateway or as a service."),
    ("Tools", "reward_tools.settings:ToolsSettings", "`touchstone serve tools`, and the tools of `touchstone serve`."),
    ("Preference models", "preference_model.settings:PreferenceSettings", "The verifier `preference`, likewise."),
    ("The judge", "preference_model.settings:JudgeSettings", "The verifiers `preference` and `rubric`; see judges.md."),
)
ADAPTERS = """\
## Trainer adapters

Trainers name an adapter's function and pass no settings, so the adapters read these. `touchstone score` and
`touchstone train` read `TOUCHSTONE_URL` and `TOUCHSTONE_KEY`, too; `touchstone train` also `TOUCHSTONE_TOOLS_KEY`, the key
of the tools service that a recipe names.
"""
# Defaults that depend on the machine or the installation.
DEFAULTS = {
    "TOUCHSTONE_WORKERS": "one for each core",
    "TOUCHSTONE_DOMAINS": "the shipped domains",
    "TOUCHSTONE_SANDBOX_SLOTS": "one for each core",
    "TOUCHSTONE_TOOLS_CORPUS": "the shipped one",
    "TOUCHSTONE_TOOLS_MAX_INTERPRETERS": "as many as half of the memory holds, at 8 MiB each",
    "TOUCHSTONE_TOOLS_SLOTS": "two for each core",
    "TOUCHSTONE_SANDBOX_PYTHON": "the interpreter of the service",
    "TOUCHSTONE_PREFERENCE_REGISTRY": "the shipped one",
}


def page() -> str:
    """The whole page."""
    sections = [HEAD]
    shown: set[str] = set()
    for title, name, about in SECTIONS:
        module, _, settings = name.partition(":")
        rows = [row for row in _rows(getattr(import_module(module), settings)) if row[0] not in shown]
        shown |= {variable for variable, _, _ in rows}
        sections.append(f"## {title}\n\n{about}\n\n{_table(rows, default=True)}")
    sections.append(f"{ADAPTERS}\n{_table(_adapter_rows(), default=False)}")
    return "\n".join(sections)


def _rows(settings: type[BaseSettings]) -> Iterator[tuple[str, str, str]]:
    """(variable, default, meaning)"""
    prefix = settings.model_config["env_prefix"]
    for name, field in settings.model_fields.items():
        variable = prefix + name.upper()
        default = field.get_default(call_default_factory=True)
        if isinstance(default, BaseSettings):  # has a section of its own
            continue
        yield variable, DEFAULTS.get(variable) or _default_text(default), field.description or ""


def _default_text(value: Any) -> str:
    if value is PydanticUndefined:
        return "required"
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    if value is None or value in ("", {}, []):
        return "none"
    text = (
        ", ".join(value) if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else str(value)
    )
    return f"`{text}`"


def _adapter_rows() -> Iterator[tuple[str, str, str]]:
    """From the table in the adapters' own documentation."""
    about = import_module("trainer_client.adapters.settings").__doc__ or ""
    for variable, meaning in re.findall(r"^\| (TOUCHSTONE_\w+) \| (.*) \|$", about, re.MULTILINE):
        yield variable, "", meaning


def _table(rows: Iterable[tuple[str, str, str]], *, default: bool) -> str:
    names = ["variable", "default", "meaning"] if default else ["variable", "meaning"]
    lines = [names, ["---"] * len(names)]
    for variable, value, meaning in rows:
        cells = [f"`{variable}`", value, meaning] if default else [f"`{variable}`", meaning]
        lines.append([cell.replace("|", "\\|") for cell in cells])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(page())

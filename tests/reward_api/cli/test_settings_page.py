"""docs/settings.md is what the settings classes say. `TOUCHSTONE_WRITE_GOLDEN=1` writes it anew."""

import os
import re
from pathlib import Path

from reward_api.cli.settings_page import page

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "settings.md"
COMPOSE = {"METRICS_KEY_FILE", "PROMETHEUS", "GRAFANA", "GRAFANA_PORT", "TOOLS_PORT"}
# Of the build, of make and of tests; `DONE` is a word in a program.
BUILD = {
    "DONE",
    "BASE",
    "PORT",
    "TOOLS_PORT",
    "TORCH",
    "DATA",
    "WRITE_GOLDEN",
    "SANDBOX_PACKAGES",
    "VLLM",
    "SANDBOX_URL",
    "BUILD_NETWORK",
    "CPUS",
    "GPUS",
}


def test_the_page_is_current():
    if os.environ.get("TOUCHSTONE_WRITE_GOLDEN"):
        PAGE.write_text(page())
    assert PAGE.read_text() == page(), "run this test with TOUCHSTONE_WRITE_GOLDEN=1"


def test_every_setting_has_a_meaning():
    assert not re.findall(r"^\| (`TOUCHSTONE_\w+`) .*\|\s*\|$", page(), re.MULTILINE)


def test_every_variable_of_the_documentation_is_on_the_page():
    files = [ROOT / "README.md", ROOT / "docker-compose.yml", *(ROOT / "docs").rglob("*.md")]
    text = "\n".join(path.read_text() for path in files)
    variables = set(re.findall(r"TOUCHSTONE_([A-Z_]+[A-Z])\b(?!_)", text)) - BUILD - COMPOSE
    assert sorted(variables - set(re.findall(r"`TOUCHSTONE_(\w+)`", page()))) == []

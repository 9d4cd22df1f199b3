"""What a gateway of toys is started with."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

TOY = "components:\n  - {verifier: 'toys:Toy', name: toy}\n"
RELATIVE = "components:\n  - {verifier: 'toys:Relative', name: relative}\n"
EXACT = "components:\n  - {verifier: 'toys:ExactToy', name: toy}\n"
DOMAINS = {"toy": TOY, "exact": EXACT, "whole": TOY + "  - {verifier: 'toys:Relative', name: relative}\n"}
# No toy needs the real verifiers, and they take seconds to load.
HEAVY = ("answer", "code", "instructions", "language", "structured", "text_similarity", "tool_call")
ELSEWHERE = dict.fromkeys(HEAVY, "http://127.0.0.1:9")
REMOTE = json.dumps(ELSEWHERE)
SETTINGS = {"TOUCHSTONE_VERIFIER_URLS": REMOTE, "TOUCHSTONE_WORKERS": "2"}


def toy_environment() -> dict[str, str]:
    return {**os.environ, **SETTINGS, "PYTHONPATH": str(Path(__file__).parent)}


def write_domains(folder: Path, domains: Mapping[str, str]) -> Path:
    """The folder, with a file for each domain."""
    for name, text in domains.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder

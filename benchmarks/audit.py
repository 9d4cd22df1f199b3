"""`touchstone audit` on graders with one fault each and on sound ones. Public tools on the same graders: audit_peers.py.

    .venv/bin/python benchmarks/audit.py                     recall, false accusations, seconds
    .venv/bin/python benchmarks/audit.py --only code_        graders whose name begins so
    .venv/bin/python benchmarks/audit.py --only fresh_       the second set, written before the audit ran on it
    .venv/bin/python benchmarks/audit.py --only third_       the third set, likewise

Recall: of the graders with a fault, those of which one of the expected families is found (or, where right answers are
refused, the verdict is UNCALIBRATED). A false accusation: a hole or a warning of a sound grader.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TOYS = ROOT / "tests" / "toys"
DATA = ROOT / "tests" / "data" / "audit"
sys.path.insert(0, str(TOYS))
os.environ["PYTHONPATH"] = str(TOYS)
BUDGET_S = 120.0


async def measure(only: str, budget_s: float) -> list[dict[str, Any]]:
    """One row for each grader, audited through a gateway that serves a domain for each."""
    from graders.table import GRADERS

    from reward_api.audit.result import Plan
    from reward_api.audit.run import audit
    from reward_api.audit.scorer import domain_of
    from reward_api.cli.audit import read_items
    from reward_api.cli.score.gateway import client_for
    from reward_api.settings import GatewaySettings

    logging.getLogger().addHandler(logging.NullHandler())
    chosen = {name: entry for name, entry in GRADERS.items() if name.startswith(only)}
    with tempfile.TemporaryDirectory() as folder:
        for name, entry in chosen.items():
            (Path(folder) / f"{name}.yaml").write_text(entry.domain(name))
        settings = GatewaySettings(domains=Path(folder), cache_mb=0, workers=2)
        rows = []
        async with client_for(None, settings, "", None) as client:
            for name, entry in chosen.items():
                domain = domain_of((await client.get(f"/domains/{name}")).raise_for_status().json())
                items, left_out = read_items(str(DATA / f"{entry.data}.jsonl"), name, None, 50)
                begun = time.monotonic()
                result = await audit(client, domain, items, left_out, Plan(budget_s, deep=entry.deep))
                rows.append(_row(name, entry, result, time.monotonic() - begun))
                print(_line(rows[-1]), flush=True)
    return rows


def _row(name: str, entry: Any, result: Any, seconds: float) -> dict[str, Any]:
    accused = [one.family for one in result.findings if one.severity != "note"]
    verdict = result.verdict.value
    if entry.is_sound:
        is_right = not accused and verdict != "UNCALIBRATED"
    elif "UNCALIBRATED" in entry.families:
        is_right = verdict == "UNCALIBRATED"
    else:
        is_right = bool(entry.families & set(accused))
    return {
        "name": name, "sound": entry.is_sound, "cause": entry.cause, "verdict": verdict, "families": accused,
        "right": is_right, "seconds": seconds, "attempts": result.tally.attempts, "why": result.why,
    }  # fmt: skip


def _line(row: dict[str, Any]) -> str:
    mark = "ok  " if row["right"] else "MISS"
    families = ", ".join(row["families"][:6]) if row["verdict"] != "UNCALIBRATED" else row["why"][:90]
    return f"{mark} {row['seconds']:6.1f} s  {row['name']:36} {row['verdict']:14} {families}"


def summary(rows: list[dict[str, Any]]) -> str:
    broken, sound = ([row for row in rows if row["sound"] is is_sound] for is_sound in (False, True))
    caught, accused = sum(row["right"] for row in broken), sum(not row["right"] for row in sound)
    slowest = max(rows, key=lambda row: row["seconds"])
    return (
        f"broken: {caught} of {len(broken)} found; sound: {accused} of {len(sound)} accused; "
        f"slowest {slowest['seconds']:.0f} s ({slowest['name']})"
    )


def _set_of(name: str) -> str:
    return next((prefix for prefix in ("fresh_", "third_") if name.startswith(prefix)), "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="graders whose name begins so")
    parser.add_argument("--budget", type=float, default=BUDGET_S)
    parser.add_argument("--json", type=Path, help="also write the rows here")
    options = parser.parse_args()
    rows = asyncio.run(measure(options.only, options.budget))
    for title, prefix in (("first set", ""), ("second set", "fresh_"), ("third set", "third_")):
        if chosen := [row for row in rows if _set_of(row["name"]) == prefix]:
            print(f"{title}: {summary(chosen)}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()

"""The report as it stands on a terminal, and the card to publish."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from reward_api.audit.report.page import visible

SHOWN = 300


def card_of(document: dict[str, Any]) -> str:
    """A few lines of Markdown for a README: what was measured, and against what."""
    numbers = document["numbers"]
    low, high = numbers["ceiling"]["interval"]
    return "\n".join(
        [
            f"**Audit of `{document['domain']}`: {document['verdict']}**",
            "",
            f"- False-pass ceiling: {numbers['ceiling']['share']:.1%} (95 %: {low:.1%} to {high:.1%})",
            f"- Lazy-policy reward: {numbers['lazy']['share']:.1%}",
            f"- False-fail rate: {numbers['false_fail']['share']:.1%} of {numbers['false_fail']['total']} right completions",
            f"- {document['attempts']} attempts on {document['measured']} items, seed {document['seed']}",
            f"- {document['version']}",
        ]
    )


def terminal_of(document: dict[str, Any]) -> RenderableType:
    numbers = document["numbers"]
    table = Table("number", "share", "", title=Text(f"{document['domain']}: {document['verdict']}"))
    for name, label in (("ceiling", "false-pass ceiling"), ("false_fail", "false-fail rate")):
        low, high = numbers[name]["interval"]
        detail = f"{numbers[name]['hits']} of {numbers[name]['total']}, 95 %: {low:.1%} to {high:.1%}"
        table.add_row(label, f"{numbers[name]['share']:.1%}", detail)
    table.add_row(
        "lazy-policy reward", f"{numbers['lazy']['share']:.1%}", Text(visible(numbers["lazy"]["policy"])[:80])
    )
    table.add_row("reward without a right answer", f"{numbers['unearned']['share']:.1%}", "")
    table.add_row("attempts", str(document["attempts"]), f"on {document['measured']} of {document['items']} items")
    panels = [_panel(finding) for finding in document["findings"]]
    return Group(table, Text(visible(document["why"])), *panels)


def _panel(finding: dict[str, Any]) -> RenderableType:
    rate, reach = finding["rate"], finding["reach"]
    grid = Table.grid(padding=(0, 2))
    shown = visible(finding["completion"])
    rows = {
        "paid": f"{rate['hits']} of {rate['total']} attempts, on {reach['hits']} of {reach['total']} items",
        "note": visible(finding["note"]) if finding["note"] else "",
        "shortest": shown if len(shown) <= SHOWN else f"{shown[:SHOWN]} …",
        "right": visible(finding["right"])[:SHOWN],
        "wrong, since": visible(finding["proof"]),
        "why": visible("; ".join(f"{name}: {part['reason']}" for name, part in finding["components"].items())),
        "advice": finding["advice"],
    }
    for name, text in rows.items():
        if text:
            grid.add_row(name, Text(text))
    return Panel(grid, title=Text(f"{finding['severity']}: {finding['title']}"), title_align="left")

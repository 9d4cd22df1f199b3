"""What `show` and `diff` print, as one HTML page that needs nothing else."""

from __future__ import annotations

import io
from html import escape
from pathlib import Path

from rich.console import Console, RenderableType

from reward_api.cli.console import failure

WIDTH = 140
# Rich escapes what it prints; the other braces are doubled for its `str.format`.
PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>TITLE</title>
<style>
body {{ color: {foreground}; background: {background}; margin: 1.5rem; }}
pre {{ font: 14px/1.3 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }}
{stylesheet}
</style>
</head>
<body>
<pre>{code}</pre>
</body>
</html>
"""


def write_page(path: Path, title: str, parts: RenderableType) -> None:
    """Exits with 2 when the page cannot be written."""
    page = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, markup=False, highlight=False)
    page.print(parts)
    title = escape(title).replace("{", "{{").replace("}", "}}")
    try:
        path.write_text(page.export_html(code_format=PAGE.replace("TITLE", title)), "utf-8")
    except OSError as error:
        raise failure(f"--html {path}: {error.strerror}", 2) from None

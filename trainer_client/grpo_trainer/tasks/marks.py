"""How a call and what a tool answers are written in a text: the tags of the tiny tokenizer and of the tasks' traces."""

from __future__ import annotations

OUTPUT = ("<output>", "</output>")
"""Around what a tool writes."""
TOOLS = ("calculate", "search")
"""Tools whose tags are tokens of the tiny tokenizer."""


def call_marks(tool: str) -> tuple[str, str]:
    """Around the argument of a call."""
    return f"<{tool}>", f"</{tool}>"


def call_text(tool: str, argument: str) -> str:
    opening, closing = call_marks(tool)
    return f"{opening}{argument}{closing}"


def output_text(output: str) -> str:
    return f"{OUTPUT[0]}{output}{OUTPUT[1]}"

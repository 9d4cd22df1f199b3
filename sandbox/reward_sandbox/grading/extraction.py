"""The program in a completion: the last complete fenced block of the right language, after the thinking."""

from __future__ import annotations

import re
from itertools import islice

from reward_sandbox.languages.table import Language
from reward_verifiers.completion import after_think, without_end

# A fence stands at the start of a line. One pass: no part of it can go back over what another has read.
_FENCE = re.compile(r"^[ \t]*(?P<fence>```)[ \t]*(?P<word>[^\s`]{0,40})[^\n]*$", re.M)
MAX_BLOCKS = 1000


def program(completion: str, language: Language, prefix: str = "") -> str | None:
    """The code, or None when there is no complete block of the language. A block that names none counts for any."""
    text = after_think(completion, prefix)
    if text is None:
        return None
    names = {language.name, *language.aliases, ""}
    found, opened = None, None
    for fence in islice(_FENCE.finditer(text), 2 * MAX_BLOCKS):
        if opened is None:
            opened = fence
            continue
        if opened["word"].lower() in names:
            found = text[opened.end() + 1 : fence.start("fence")]
        opened = None
    return without_end(found) if found is not None and found.strip() else None

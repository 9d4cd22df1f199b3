"""The program in a completion: the last complete fenced block of the right language, after the thinking."""

from __future__ import annotations

from reward_sandbox.languages import LANGUAGES, Language
from reward_verifiers.completion import after_think, without_end

_FENCE = "```"
MAX_BLOCKS = 1000


def program(completion: str, language: Language, prefix: str = "") -> str | None:
    """The code, or None when there is no complete block of the language. A block that names none counts for any.

    One pass over the text: a fence opens at the start of a line, and the next such fence closes it.
    """
    text = after_think(completion, prefix)
    if text is None:
        return None
    names = {language.name, *language.aliases}
    others = {name for other in LANGUAGES.values() if other is not language for name in (other.name, *other.aliases)}
    found, opened, said = None, -1, ""
    position = 0
    for _ in range(2 * MAX_BLOCKS):
        start = text.find(_FENCE, position)
        if start < 0:
            break
        line_end = text.find("\n", start)
        line_end = len(text) if line_end < 0 else line_end
        position = line_end
        if text[text.rfind("\n", 0, start) + 1 : start].strip():
            position = start + len(_FENCE)  # within a line: no fence
            continue
        if opened < 0:
            words = text[start + len(_FENCE) : min(line_end, start + 100)].strip().lower().split()
            said, opened = (words[0] if words else ""), line_end + 1
        else:
            if said in names or (said not in others and not said):
                found = text[opened:start]
            opened = -1
    return without_end(found) if found is not None and found.strip() else None

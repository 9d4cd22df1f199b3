"""Where the document stands in a completion: after the thinking, in the answer's tags, in a fence, or between sentences."""

from __future__ import annotations

from reward_verifiers.completion import after_think, tagged_answer, without_end, without_results

_EDGES = {"json": ("{[", "}]"), "xml": ("<", ">")}
"""First and last characters of a document that may stand between sentences without a fence."""
_NAMES = {"json": ("json", "jsonc"), "yaml": ("yaml", "yml"), "xml": ("xml",), "toml": ("toml",), "csv": ("csv", "tsv")}
MAX_FENCES = 50


class NoDocument(ValueError):
    """There is no document, or it is not clear which one it is."""


def document(completion: str, prefix: str, kind: str, alone: bool) -> str:
    """The text of the one document. Raises NoDocument.

    >>> document('<think>hm</think>Here: ```json\\n{"a": 1}\\n```', "", "json", False)
    '{"a": 1}'
    """
    text = after_think(without_results(completion), prefix)
    if text is None:
        raise NoDocument("the thinking was never closed")
    text = without_end(text)
    tagged = tagged_answer(text)
    text = (text if tagged is None else tagged).strip()
    fenced, outside = _fenced(text, kind)
    if fenced is not None:
        if alone and outside:
            raise NoDocument("there is text beside the document")
        return fenced
    if kind in _EDGES and not alone:
        text = _between(text, *_EDGES[kind])
    if not text:
        raise NoDocument("there is no document")
    return text


def _fenced(text: str, kind: str) -> tuple[str | None, bool]:
    """The one fenced document, and whether text stands beside it. Raises NoDocument for several."""
    if not (text.startswith("```") or "\n```" in text):
        return None, False
    bodies: list[tuple[str, str]] = []
    outside: list[str] = []
    lines: list[str] | None = None
    name = ""
    for line in text.split("\n"):
        if line.lstrip(" ").startswith("```") and not line.startswith("    "):
            if lines is None:
                lines, name = [], line.strip().strip("`").strip().lower()
            else:
                bodies.append((name, "\n".join(lines)))
                lines = None
            if len(bodies) > MAX_FENCES:
                raise NoDocument("there are too many fences")
        else:
            (outside if lines is None else lines).append(line)
    if lines is not None:
        raise NoDocument("a fence is never closed")
    mine = [body for name, body in bodies if not name or name in _NAMES[kind]]
    if len(mine) > 1:
        raise NoDocument("there are several documents")
    if not mine:
        raise NoDocument(f"the fence is not {kind.upper()}" if bodies else "there is no document")
    return mine[0], any(line.strip() for line in outside) or len(bodies) > 1


def _between(text: str, opening: str, closing: str) -> str:
    """From the first opening to the last closing character; nothing where they do not stand so."""
    start = min((place for mark in opening if (place := text.find(mark)) >= 0), default=-1)
    end = max(text.rfind(mark) for mark in closing)
    if opening == "{[" and start != 0 and not (0 <= start < end):
        return text  # a bare scalar is JSON, too
    return text[start : end + 1] if 0 <= start < end else text

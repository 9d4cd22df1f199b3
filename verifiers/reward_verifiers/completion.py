"""Linear scanners over a completion: sections, the last box, fences.

Every function here is one pass of `str.find` over the text, never a backtracking regex: the text is hostile.
"""

from __future__ import annotations


def after_think(text: str, prefix: str = "") -> str | None:
    """What follows the last closed think section; the whole text when there is none; None when one is still open.

    >>> after_think("<think>1+1</think> 2")
    ' 2'
    """
    text = prefix + text
    close = text.rfind("</think>")
    if text.rfind("<think>") > close:
        return None
    return text if close < 0 else text[close + len("</think>") :]

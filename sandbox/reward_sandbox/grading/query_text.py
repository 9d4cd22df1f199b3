"""What the text of a reference query says of its result: whether its order matters, and where it may end in other ways."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"--[^\n]*|/\*.*?(?:\*/|\Z)|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]|[A-Za-z_]\w*|[()]|\d[\w.]*|\S",
    re.S,
)
_OFFSET = re.compile(r"\bOFFSET\s+(\d+)|\bLIMIT\s+(\d+)\s*,", re.I)
_BY_CHANCE = re.compile(r"\b(?:random|rand|uuid|gen_random_uuid)\s*\(", re.I)
_ANY_OFFSET = re.compile(r"\bOFFSET\b|\bLIMIT\b[^,]*,", re.I)


@dataclass(frozen=True, slots=True)
class QueryText:
    """A query, at its top: within no parentheses, texts or comments."""

    is_ordered: bool
    is_limited: bool
    whole: str
    """Without its limit, and open at its end for one more key of the order; nothing where that cannot be said."""
    offset: int
    """The first of the whole's rows that the query has."""

    def by_all_columns(self, columns: int, direction: str) -> str:
        """The whole, its ties in the order of all columns."""
        return self.whole + ", ".join(f"{column} {direction}" for column in range(1, columns + 1))


def parsed(query: str) -> QueryText:
    order, limit, end = -1, -1, len(query)
    depth, previous, before = 0, "", 0
    for token in _TOKEN.finditer(query):
        word = token[0].upper()
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth == 0 and word == "BY" and previous == "ORDER":
            order, limit = before, -1
        elif depth == 0 and word in ("LIMIT", "OFFSET", "FETCH") and limit < 0:
            limit = token.start()
        elif depth == 0 and word == ";":
            end = min(end, token.start())
        previous, before = word, token.start()
    tail = query[limit:end] if limit >= 0 else ""
    offset = _OFFSET.search(tail)
    is_clear = offset is not None or not _ANY_OFFSET.search(tail)
    head = query[: limit if limit >= 0 else end]
    if order >= 0 and _BY_CHANCE.search(head, order):  # which is no order
        head, order = head[:order], -1
    return QueryText(
        is_ordered=order >= 0,
        is_limited=limit >= 0,
        whole=head + ("\n, " if order >= 0 else "\nORDER BY ") if is_clear else "",
        offset=int(offset[1] or offset[2]) if offset else 0,
    )

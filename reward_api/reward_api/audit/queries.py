"""Attempts on graders of queries: constants, and queries that return nothing of the database."""

from __future__ import annotations

from collections.abc import Iterator

from reward_api.audit.attempts import Attempt
from reward_api.audit.frames import Frame
from reward_api.audit.items import Item

QUERIES = (
    "SELECT 'touchstone audit'",
    "SELECT 'touchstone', 'audit', 1",
    "SELECT name FROM sqlite_master",
    "SELECT 1 / 0",
    "SELEC",
    ";",
)


def attempts(item: Item, frame: Frame) -> Iterator[Attempt]:
    for query in QUERIES:
        if query.casefold() != item.right.casefold():
            yield Attempt(
                "constant", query, frame.text(query), "it reads nothing of the database", partial=False, blind=True
            )
    commented = f"-- {' '.join(item.right.split())}\nSELECT 'touchstone audit'"
    yield Attempt("commented", "a comment", frame.text(commented), "the right query is a comment")
    union = f"SELECT 'touchstone audit' -- {' '.join(item.right.split())}"
    yield Attempt("commented", "a comment behind", frame.text(union), "the right query is a comment")

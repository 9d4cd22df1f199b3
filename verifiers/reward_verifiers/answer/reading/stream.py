"""The tokens that a parser goes through, and where it stands in them."""

from __future__ import annotations

from reward_verifiers.answer.reading.tokens import CannotRead, Token

MAX_DEPTH = 60


class TokenStream:
    """A place in a row of tokens that ends with an `end`."""

    def __init__(self, stream: list[Token]) -> None:
        self.stream = stream
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.stream[self.at]

    def ahead(self, count: int = 1) -> Token:
        return self.stream[min(self.at + count, len(self.stream) - 1)]

    def is_op(self, *values: str) -> bool:
        token = self.stream[self.at]
        return token.value in values and token.kind in ("op", "cmd")

    def accept(self, *values: str) -> bool:
        if self.is_op(*values):
            self.at += 1
            return True
        return False

    def expect_end(self) -> None:
        self.accept("checkmark")
        if self.token.kind != "end":
            raise CannotRead(f"unexpected {self.token.value[:20]!r}")

    def close(self, closer: str) -> None:
        if not self.accept(closer):
            raise CannotRead(f"a {closer!r} is missing")

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise CannotRead(f"nested deeper than {MAX_DEPTH}")

    def written(self, start: int, end: int | None = None) -> str:
        """The tokens from `start` to `end`, or to here, as text."""
        return " ".join(token.value for token in self.stream[start : self.at if end is None else end])[:500].strip()

"""The loose variants of a response: without its first line, its last one, both; and each of these without asterisks."""

from __future__ import annotations

from reward_verifiers.instructions.text import Text, cached_property, line_bounds


class Variants:
    """A response and its variants, each made when it is asked for."""

    def __init__(self, whole: Text) -> None:
        self.whole = whole

    @cached_property
    def plain(self) -> Text | None:
        """The whole without asterisks; None where there are none, or where nothing else is there."""
        return self.whole.without_asterisks()

    @cached_property
    def parts(self) -> Parts | None:
        """Of the whole; None where it is one line."""
        bounds = line_bounds(self.whole.raw)
        return Parts(self.whole, *bounds) if bounds else None

    @cached_property
    def plain_parts(self) -> Parts | None:
        """The same without asterisks, where there are some."""
        if self.plain is None or self.parts is None:
            return None
        starred = self.whole.raw
        begin, second, last_but_one, end = (place - starred.count("*", 0, place) for place in self.parts.bounds)
        return Parts(self.plain, begin, second, last_but_one, end)


class Parts:
    """A text without its first line, without its last one, and without both."""

    def __init__(self, text: Text, begin: int, second: int, last_but_one: int, end: int) -> None:
        self.bounds = begin, second, last_but_one, end
        self._text = text
        self.smallest = text.part(second, last_but_one)
        """Without both: a part of the others. None where nothing is left of it."""

    @cached_property
    def all(self) -> list[Text]:
        begin, second, last_but_one, end = self.bounds
        parts = self._text.part(second, end), self._text.part(begin, last_but_one), self.smallest
        return [part for part in parts if part is not None]

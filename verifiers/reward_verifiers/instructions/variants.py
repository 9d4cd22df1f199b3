"""The loose variants of a response: without its first line, its last one, both; and each of these without asterisks."""

from __future__ import annotations

from collections.abc import Iterator

from reward_verifiers.instructions.text import Span, Text, cached_property


class Variants:
    """A response and its variants, each made when it is asked for."""

    def __init__(self, whole: Text) -> None:
        self.whole = whole

    @cached_property
    def plain(self) -> Text | None:
        """The whole without asterisks; None where there are none, or where nothing else is there."""
        return self.whole.without_asterisks()

    @cached_property
    def parts(self) -> Parts:
        return Parts(self.whole, self.whole.spans)

    @cached_property
    def plain_parts(self) -> Parts:
        """Where asterisks were: without them, parts are shorter."""
        plain = self.plain
        if plain is None:
            return Parts(self.whole, ())
        pairs = zip(plain.spans, self.whole.spans, strict=True)
        return Parts(plain, tuple(own for own, starred in pairs if own[1] - own[0] < starred[1] - starred[0]))


class Parts:
    """Parts of a text, each made when it is asked for."""

    def __init__(self, text: Text, spans: tuple[Span, ...]) -> None:
        self._text, self._spans = text, spans
        self._made: dict[Span, Text | None] = {}

    def __iter__(self) -> Iterator[Text]:
        """Those of which something is left; equal spans once."""
        for span in dict.fromkeys(self._spans):
            if (part := self._part(span)) is not None:
                yield part

    @property
    def smallest(self) -> Text | None:
        """A part of all the others; None where nothing is left of it."""
        return self._part(self._text.spans[-1]) if self._text.spans else None

    def _part(self, span: Span) -> Text | None:
        if span not in self._made:
            self._made[span] = self._text.part(span)
        return self._made[span]

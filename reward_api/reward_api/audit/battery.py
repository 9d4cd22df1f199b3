"""All attempts on one item, in every frame in which its right answer is paid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

from reward_api.audit import calls, documents, mutants, programs, queries
from reward_api.audit.attempts import Attempt
from reward_api.audit.control import Control
from reward_api.audit.frames import Frame
from reward_api.audit.items import Item
from reward_api.audit.negatives import misplaced, negatives
from reward_api.audit.policies import policies
from reward_api.audit.values import differ, normal

NULL_REFERENCES = 2


class Battery:
    """The attempts on the items of a control. tolerates: a near miss may be right."""

    def __init__(self, items: Sequence[Item], control: Control, *, tolerates: bool, seed: int) -> None:
        self._items, self._control, self._tolerates, self._seed = items, control, tolerates, seed
        self.answers = list(dict.fromkeys(item.right for item in items))

    def attempts(self, item: Item) -> Iterator[Attempt]:
        """Each text once for each reference, and never the right completion."""
        seen: set[tuple[str, int]] = set()
        for frame in self._control.frames:
            for attempts in self._in_frame(item, frame):
                for attempt in attempts:
                    key = (attempt.text, id(attempt.reference))
                    if key not in seen and (
                        attempt.reference or attempt.text != self._control.rights[item.number].text
                    ):
                        seen.add(key)
                        yield replace(attempt, name=f"{attempt.name} ({frame.name})")

    def _in_frame(self, item: Item, frame: Frame) -> Iterator[Iterator[Attempt]]:
        if item.kind != "calls" or item.reference.get("calls"):  # where no call is right, a text without one is right
            yield policies(item, frame)
        match item.kind:
            case "answer":
                rng = Random(f"{self._seed}:{item.number}")
                yield negatives(item, frame, self.answers, rng, tolerates=self._tolerates)
            case "program":
                yield programs.hacks(item, frame)
                yield programs.negatives(item, frame)
                yield programs.twins(item, frame)
                yield mutants.mutants(item, frame)
            case "query":
                yield queries.attempts(item, frame)
            case "calls":
                yield calls.attempts(item, frame)
            case "document":
                yield documents.attempts(item, frame)
            case "instructed":
                yield misplaced(item, frame)
                return  # a response to another prompt may keep to this one's constraints
        yield self._null_references(item)

    def _null_references(self, item: Item) -> Iterator[Attempt]:
        """The right completions of other items whose answers differ from this one's."""
        count = 0
        for other in self._items:
            if other.number in self._control.rights and _is_other(item, other) and count < NULL_REFERENCES:
                count += 1
                proof = f"{other.right[:80]} answers another prompt"
                yield Attempt(
                    "null_reference", f"item {other.number}'s", self._control.rights[other.number].text, proof
                )


def _is_other(item: Item, other: Item) -> bool:
    if other.question == item.question and item.question:
        return False
    if item.kind == "answer":
        return all(differ(other.right, right) for right in (item.right, *item.also_right))
    return normal(other.right) != normal(item.right) and other.reference != item.reference

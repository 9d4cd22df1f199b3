"""Whether a text meets a constraint: as it is, or in one of its loose variants."""

from __future__ import annotations

from reward_verifiers.instructions.kinds import Need, Result
from reward_verifiers.instructions.reading import Constraint
from reward_verifiers.instructions.text import Text
from reward_verifiers.instructions.variants import Parts, Variants


def strict(constraint: Constraint, text: Text) -> Result:
    """Of this text alone."""
    kind = constraint.kind
    result = kind.check(text, **constraint.arguments)
    if isinstance(result, Result):
        return result
    return Result(result, "", None if result else kind.need)


def loose(constraint: Constraint, variants: Variants) -> Result:
    """Of the first variant that meets it, else what is wrong with the whole response."""
    whole = strict(constraint, variants.whole)
    if whole.met:
        return whole
    plain = None if constraint.kind.ignores_asterisks or variants.plain is None else strict(constraint, variants.plain)
    if plain is not None and plain.met:
        return plain
    met = None
    if whole.need is not Need.MORE and variants.parts:
        met = _of_part(constraint, variants.parts, whole)
    if met is None and plain is not None and plain.need is not Need.MORE and variants.plain_parts:
        met = _of_part(constraint, variants.plain_parts, plain)
    return met or whole


def _of_part(constraint: Constraint, parts: Parts, whole: Result) -> Result | None:
    """Of the first part that meets the constraint, which the whole does not."""
    if whole.need is Need.LESS and parts.smallest and strict(constraint, parts.smallest).need is Need.LESS:
        return None
    return next((result for part in parts.all if (result := strict(constraint, part)).met), None)

"""An audit of a data set's references, before anybody trains on them.

    a reference against itself                     1, or null when it is not read
    against itself with a digit, sign or unit changed   0, or null
    against another item's                         0, or null, where the two are written with different numbers
    against itself in dressings                    1, or null

`read whole`, `not read` and `refused` are counted; every other finding is a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from reward_verifiers.answer.kinds import collections, mathematics
from reward_verifiers.answer.options import AnswerOptions, AnswerReference, effective
from reward_verifiers.answer.verifier import AnswerVerifier
from reward_verifiers.verifier import BadReference, Sample, Unsupported

_MATHS = frozenset({"math", "number", "unit"})
_DIGIT = re.compile(r"[0-9]")
_SIGN = re.compile(r"(?<![0-9a-zA-Z}])-(?=[0-9.\\])|(?<=[=(,\[{ ])-(?=[0-9a-z\\])")
_OPERATOR = re.compile(r"(?<=[0-9a-z})] )?(?<=[0-9a-z})])([+-])(?=[0-9a-z\\ ])")
_UNITS = {
    "cm": "m", "m": "km", "km": "cm", "kg": "g", "g": "kg", "hours": "minutes", "hour": "minute", "minutes": "hours",
    "seconds": "hours",
    "feet": "inches", "inches": "feet", "miles": "feet", "mph": "km/h", "dollars": "cents",
    "kN": "N", "N": "kN", "MHz": "GHz",
    "ft": "in", "mm": "cm", "days": "weeks", "liters": "milliliters", "kPa": "Pa", "mA": "A", "kW": "W", "kJ": "J",
}  # fmt: skip
_WORD = re.compile(r"(?<=[0-9}\s{])(" + "|".join(sorted(_UNITS, key=len, reverse=True)) + r")(?=$|[\s}.,^/])")
_MAX_EACH = 24
DRESSINGS = {
    "dollars": "${}$", "display": "\\displaystyle {}", "thin spaces": "\\,{}\\,", "bold": "**{}**", "a full stop": "{}.",
}  # fmt: skip


@dataclass
class Audit:
    """What was found in the references of a data set."""

    read: int = 0
    not_read: int = 0
    refused: int = 0
    checks: int = 0
    faults: list[str] = field(default_factory=list)
    """A reference that is refused, not read, or judged wrongly: one line each."""

    def summary(self) -> str:
        return f"references: {self.read} read whole, {self.not_read} not read, {self.refused} refused; {self.checks} checks"


def changed(text: str) -> Iterator[tuple[str, str]]:
    """(what was changed, the text with one digit, sign or unit changed)."""
    for match in list(_DIGIT.finditer(text))[:_MAX_EACH]:
        other = str((int(match.group()) + 3) % 10)
        yield f"digit {match.start() + 1}", text[: match.start()] + other + text[match.end() :]
    for match in list(_SIGN.finditer(text))[:_MAX_EACH]:
        yield f"sign {match.start() + 1}", text[: match.start()] + text[match.end() :]
    for match in list(_OPERATOR.finditer(text))[:_MAX_EACH]:
        other = "+" if match.group(1) == "-" else "-"
        yield f"sign {match.start() + 1}", text[: match.start()] + other + text[match.end() :]
    for match in list(_WORD.finditer(text))[:_MAX_EACH]:
        yield f"unit {match.group()}", text[: match.start()] + _UNITS[match.group()] + text[match.end() :]


class Auditor:
    """Audits references one by one; each is also held against the one before it."""

    def __init__(self, options: AnswerOptions) -> None:
        self.options = options
        self.verifier = AnswerVerifier()
        self.audit = Audit()
        self.last: str | None = None

    def add(self, reference: AnswerReference, where: str = "") -> None:
        """One item's reference. `where` stands before its findings."""
        where = f"{where}: " if where else ""
        try:
            options = effective(self.options, reference)
            self.verifier.check_reference(self.options, reference)
            left_over = self._left_over(reference, options)
        except (BadReference, Unsupported) as error:
            self.audit.refused += 1
            self.audit.faults.append(f"{where}refused: {error}")
            return
        if left_over is None:
            self.audit.read += 1
        else:
            self.audit.not_read += 1
            self.audit.faults.append(f"{where}not read: {left_over!r} is left over")
        if options.kind in _MATHS and isinstance(reference.answer, str):
            self._probe(reference, where)

    def _left_over(self, reference: AnswerReference, options: AnswerOptions) -> str | None:
        if options.kind in _MATHS:
            return mathematics.left_over(reference.answer, options)
        if options.kind in ("set", "list"):
            return collections.left_over(reference.answer, options)
        return None

    def _probe(self, reference: AnswerReference, where: str) -> None:
        text = mathematics.text_of(reference.answer)
        self._expect(reference, text, 1.0, where, "itself")
        for name, dressing in DRESSINGS.items():
            if "$" not in text:
                self._expect(reference, dressing.replace("{}", text), 1.0, where, f"itself in {name}")
        for what, other in changed(text):
            self._expect(reference, other, 0.0, where, f"itself with {what} changed, {other!r}")
        if self.last is not None and _DIGIT.findall(self.last) != _DIGIT.findall(text):
            self._expect(reference, self.last, 0.0, where, f"another item's, {self.last!r}")
        self.last = text

    def _expect(self, reference: AnswerReference, answer: str, score: float, where: str, what: str) -> None:
        self.audit.checks += 1
        sample: Sample[AnswerOptions, AnswerReference] = Sample(f"\\boxed{{{answer}}}", self.options, reference)
        verdict = self.verifier.verify(sample)
        if verdict.failure is not None:
            return
        if verdict.score != score and not (score == 0.0 and self._same_value(reference, answer)):
            self.audit.faults.append(f"{where}{verdict.score} against {what}: {verdict.reason}")

    def _same_value(self, reference: AnswerReference, answer: str) -> bool:
        """Whether a changed text is right after all, as 0/7 is 0/5: it is equal the other way round too, exactly."""
        return _is_idle(mathematics.text_of(reference.answer), answer)


def _is_idle(text: str, other: str) -> bool:
    """A change that no reader could see: of nought over anything, or one to any power; a turn back for a turn on."""
    from reward_verifiers.answer.comparing.progressions import same_numbers
    from reward_verifiers.answer.comparing.rationals import rational_or_none
    from reward_verifiers.answer.reading.reader import read

    left, right = read(text).node, read(other).node
    if left is None or right is None:
        return False
    value = rational_or_none(left)
    return (value is not None and value == rational_or_none(right)) or same_numbers(left, right)


def audited(options: AnswerOptions, references: Iterable[tuple[str, Any]]) -> Audit:
    """The audit of (where, reference) pairs."""
    auditor = Auditor(options)
    for where, reference in references:
        auditor.add(reference, where)
    return auditor.audit

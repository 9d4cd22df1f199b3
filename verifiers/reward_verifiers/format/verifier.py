"""Is the template kept? R1's format reward.

completion  "<think>1 + 1</think> <answer>2</answer>"
verdict     1.0 "the template is kept"  {"errors": [], "think": "1 + 1", "answer": "2"}

By default R1's template, strictly: each tag once, in order, both sections with something in them, only white space outside;
end-of-text tokens count as nothing at the very end, and are an error anywhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reward_verifiers.contract import Verdict
from reward_verifiers.format.options import FormatOptions
from reward_verifiers.format.parse import parse
from reward_verifiers.format.place import Fault
from reward_verifiers.verifier import ReferenceModel, Sample, Verifier

MAX_SHOWN = 200
MAX_ERRORS = 50
_HINT = "; the chat template probably prefills it: send `prefix`, or set `prefill`"


class FormatVerifier(Verifier[FormatOptions, ReferenceModel]):
    """Scores 1 when the completion keeps the template, else 0."""

    name = "format"
    version = "2.0.0"
    options_model = FormatOptions

    def verify(self, sample: Sample[FormatOptions, ReferenceModel]) -> Verdict:
        written = _written(sample)
        parsed = parse(sample.completion, sample.options, written)
        sections = {"think": parsed.think, "answer": parsed.answer}
        evidence: dict[str, Any] = {
            "errors": [fault._asdict() for fault in parsed.faults[:MAX_ERRORS]],
            **{name: section.strip()[:MAX_SHOWN] for name, section in sections.items() if section is not None},
        }
        if not parsed.faults:
            return Verdict.scored(1, "the template is kept", **evidence)
        reason = f"the template is not kept: {_summary(parsed.faults)}"
        if _lacks_only_the_opening(sample, written, parsed.faults):
            evidence["only_opening_missing"] = True
            reason += _HINT
        score = _partial(parsed.in_place, parsed.faults) if sample.options.partial_credit else 0
        return Verdict.scored(score, reason, **evidence)


def _partial(in_place: float, faults: Sequence[Fault]) -> float:
    """Marks that are repeated, or have nothing between them, earn half of what marks in their place earn."""
    is_padded = any(fault.code in ("repeated", "empty") for fault in faults)
    return in_place / (4 if is_padded else 2)


def _written(sample: Sample[FormatOptions, ReferenceModel]) -> str:
    """What the template wrote: what the request or the domain states, else, if allowed, what the prompt shows."""
    options, text, prompt = sample.options, sample.completion, sample.prompt.rstrip()
    stated = sample.prefix or options.prefill
    if not options.prefill_auto:
        return stated
    opening, closing = options.marks[0]
    # Some templates open the section and the model opens it again: either one counts, both count once.
    if text.lstrip().startswith(opening):
        return ""
    if prompt.endswith(closing) and not options.min_think_chars:
        return opening + closing
    if stated or prompt.endswith(opening):
        return stated or opening
    if prompt and not sample.is_chat:
        return ""
    # Messages do not show what the template makes of them: thinking that is closed was opened.
    close = text.find(closing)
    return opening if close >= 0 and not 0 <= text.find(opening) < close else ""


def _summary(faults: Sequence[Fault]) -> str:
    kinds = list(dict.fromkeys(f"{fault.code} {fault.what}".strip() for fault in faults))
    return ", ".join(kinds[:5]) + (f" and {len(kinds) - 5} more" if len(kinds) > 5 else "")


def _lacks_only_the_opening(
    sample: Sample[FormatOptions, ReferenceModel], written: str, faults: Sequence[Fault]
) -> bool:
    first = sample.options.marks[0].opening
    if [fault for fault in faults if fault.code == "missing"] != [Fault("missing", None, first)]:
        return False
    opening = first + ("\n" if sample.options.newlines else "")
    return not parse(sample.completion, sample.options, written + opening).faults

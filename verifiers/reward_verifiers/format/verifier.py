"""Is the template kept? R1's format reward.

completion  "<think>1 + 1</think> <answer>2</answer>"
verdict     1.0 "the template is kept"  {"errors": [], "think": "1 + 1", "answer": "2"}

By default R1's template, strictly: each tag once, in order, both sections with something in them, only white space outside;
end-of-text tokens count as nothing at the very end, and are an error anywhere else.
"""

from __future__ import annotations

from typing import Any

from reward_verifiers.base import ReferenceModel, Sample, Verifier
from reward_verifiers.contract import Verdict
from reward_verifiers.format.options import FormatOptions
from reward_verifiers.format.parse import Fault, Parsed, parse

MAX_SHOWN = 200
MAX_ERRORS = 50
_HINT = "; the chat template probably prefills it: send `prefix`, or set `prefill`"


class FormatVerifier(Verifier[FormatOptions, ReferenceModel]):
    """Scores 1 when the completion keeps the template, else 0."""

    name = "format"
    version = "1.0.0"
    options_model = FormatOptions

    def verify(self, sample: Sample[FormatOptions, ReferenceModel]) -> Verdict:
        options = sample.options
        opened = _opened(sample)
        parsed = parse(opened + sample.completion, options)
        evidence: dict[str, Any] = {
            "errors": [_told(fault, len(opened)) for fault in parsed.faults[:MAX_ERRORS]],
            **{name: section.strip()[:MAX_SHOWN] for name, section in parsed.sections.items()},
        }
        if not parsed.faults:
            return Verdict.scored(1, "the template is kept", **evidence)
        reason = f"the template is not kept: {_summary(parsed)}"
        if _lacks_only_the_opening(sample, parsed):
            evidence["only_opening_missing"] = True
            reason += _HINT
        return Verdict.scored(_partial(parsed) if options.partial_credit else 0, reason, **evidence)


def _opened(sample: Sample[FormatOptions, ReferenceModel]) -> str:
    """What stands before the completion: what the request or the domain says, else what the prompt ends in, if allowed."""
    options = sample.options
    stated = sample.prefix or options.prefill
    if not options.prefill_auto:
        return stated
    first = f"<{options.tags[0]}>"
    # Some templates open the section and the model opens it again: either one counts, both count once.
    if sample.completion.lstrip().startswith(first):
        return ""
    return stated or (first if sample.prompt.rstrip().endswith(first) else "")


def _told(fault: Fault, opened: int) -> dict[str, Any]:
    """A fault for the evidence; offsets count from the completion's start, below 0 in what the template wrote."""
    offset = None if fault.offset is None else fault.offset - opened
    return {"code": fault.code, "offset": offset, "what": fault.what}


def _summary(parsed: Parsed) -> str:
    kinds = dict.fromkeys(f"{fault.code} {fault.what}".strip() for fault in parsed.faults)
    shown = list(kinds)[:5]
    return ", ".join(shown) + (f" and {len(kinds) - 5} more" if len(kinds) > 5 else "")


def _lacks_only_the_opening(sample: Sample[FormatOptions, ReferenceModel], parsed: Parsed) -> bool:
    first = f"<{sample.options.tags[0]}>"
    if [fault.what for fault in parsed.faults if fault.code == "missing"] != [first]:
        return False
    return not parse(first + sample.prefix + sample.completion, sample.options).faults


def _partial(parsed: Parsed) -> float:
    return 0.5 * parsed.in_place / parsed.expected

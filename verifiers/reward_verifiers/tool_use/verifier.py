"""How an episode used its tools.

    trace of the tools service ──▶ valid calls · results used · budget kept · answer grounded ──▶ weighted mean

The calls are the trace's, never the completion's claims. Of the completion, the verifier reads what the model itself wrote:
what a tool wrote is taken out first. A call that failed by our doing leaves the episode without a verdict.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from reward_verifiers.completion import answer_text, without_results
from reward_verifiers.contract import FailureKind, Trace, Verdict
from reward_verifiers.tool_use import parts
from reward_verifiers.verifier import BadReference, Options, ReferenceModel, Sample, Verifier

Weight = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
SHOWN = 32


class ToolUseOptions(Options):
    valid: Weight = Field(default=1.0, description="Weight of the share of calls that were not refused as wrong.")
    used: Weight = Field(default=1.0, description="Weight of the share of results that were used.")
    budget: Weight = Field(default=1.0, description="Weight of the budget: `max_calls`, and those of the service.")
    grounded: Weight = Field(default=0.0, description="Weight of the answer's standing in what `sources` gave.")
    max_calls: int = Field(default=8, ge=0, le=1000, description="Calls of an episode that cost nothing.")
    sources: list[str] = Field(
        default=["search", "open"], max_length=64, description="Tools whose outputs ground an answer."
    )

    @model_validator(mode="after")
    def _some_weight(self) -> ToolUseOptions:
        if not self.valid + self.used + self.budget + self.grounded:
            raise ValueError("valid, used, budget, grounded: give one of them a weight")
        return self


class ToolUseReference(ReferenceModel):
    """It reads nothing of the reference."""


class ToolUseVerifier(Verifier[ToolUseOptions, ToolUseReference]):
    """Were the tools called rightly, and their results used? By the trace of the tools service."""

    name = "tool_use"
    version = "1.0.0"
    options_model = ToolUseOptions
    reference_model = ToolUseReference
    pure = False
    reads_traces = True

    def verify(self, sample: Sample[ToolUseOptions, ToolUseReference]) -> Verdict:
        options, trace = sample.options, sample.trace
        if trace is None:
            raise BadReference("sessions: the group names none, so there is no trace to read")
        if trouble := trace.failure():
            return Verdict.failed(FailureKind.VERIFIER_ERROR, trouble)
        answer = answer_text(_last_turn(sample), sample.prefix, "auto")
        every = {
            "valid": (options.valid, parts.valid(trace)),
            "used": (options.used, parts.used(trace, sample.prompt, _own_text(sample, trace))),
            "budget": (options.budget, parts.kept(trace, options.max_calls)),
            "grounded": (
                options.grounded,
                parts.grounded(trace, sample.question, answer, options.sources)
                if options.grounded
                else parts.Part(None, ""),
            ),
        }
        counted = {name: (weight, part) for name, (weight, part) in every.items() if weight and part.score is not None}
        total = sum(weight for weight, _ in counted.values())
        score = sum(weight * (part.score or 0) for weight, part in counted.values()) / total if total else 1.0
        reasons = [part.reason for _, part in counted.values() if part.reason]
        count = len(trace.calls) + trace.beyond
        return Verdict.scored(
            round(score, 6),
            "; ".join(reasons) or (f"nothing is wrong with its calls, {count} in number" if count else "no calls"),
            parts={name: part.score for name, (_, part) in every.items()},
            calls=[{"tool": call.tool, "outcome": call.outcome, "cause": call.cause} for call in trace.calls[:SHOWN]],
            count=count,
            session=trace.session,
        )


def _last_turn(sample: Sample[ToolUseOptions, ToolUseReference]) -> str:
    return sample.turns[-1].text() if sample.turns else sample.completion


def _own_text(sample: Sample[ToolUseOptions, ToolUseReference], trace: Trace) -> str:
    """What the model wrote. Of a text with everything in it, what a tool wrote is taken out: by its marks, and where it
    stands word for word.
    """
    if sample.turns:
        return "\n".join(message.text() for message in sample.turns)
    text = without_results(sample.completion[: 4 * parts.MAX_TEXT])
    for call in trace.calls:
        if len(call.output) >= 16:
            text = text.replace(call.output.strip(), " ", 1)
    return text

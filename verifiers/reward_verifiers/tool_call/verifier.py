"""The calls in a completion against those that are right.

    completion ──▶ calls ──▶ tools' schemas ──▶ best pairing with each acceptable answer ──▶ score

Calls that nobody asked for cost, so that calling every tool earns nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from reward_verifiers import json_schema
from reward_verifiers.contract import FailureKind, Verdict
from reward_verifiers.format.calls import ToolCall
from reward_verifiers.structured.fields import compiled
from reward_verifiers.tool_call.match import Tools, argument_share, best_pairs
from reward_verifiers.tool_call.options import ExpectedCall, ToolCallOptions, ToolCallReference
from reward_verifiers.tool_call.read import Unreadable, calls_of
from reward_verifiers.verifier import BadReference, Sample, Verifier

FLOOD = 2
"""With more calls than so many times those expected, and one, a completion earns nothing: it tries everything."""
SHOWN = 20


Checked = tuple[ToolCall, str]
"""A call, and what its tool's schema says against it."""


class _Fit(NamedTuple):
    """How well the calls fit one acceptable answer."""

    score: float
    reason: str
    right: int
    expected: int


class ToolCallVerifier(Verifier[ToolCallOptions, ToolCallReference]):
    """Did the model call the right tools with the right arguments?"""

    name = "tool_call"
    version = "1.0.0"
    options_model = ToolCallOptions
    reference_model = ToolCallReference

    def warm_up(self) -> None:
        json_schema.compiled("{}")
        compiled("a")

    _checked: tuple[ToolCallReference, Tools] | None = None
    """The reference of the sample before, which its siblings share."""

    def _tools(self, options: ToolCallOptions, reference: ToolCallReference) -> Tools:
        """Raises BadReference."""
        if self._checked is None or self._checked[0] is not reference:
            self.check_reference(options, reference)
            self._checked = (reference, Tools(reference.tools))
        return self._checked[1]

    def check_reference(self, options: ToolCallOptions, reference: ToolCallReference) -> None:
        """Raises BadReference."""
        if not reference.answers:
            raise BadReference("reference.calls: it is missing; an empty list means that no call is right")
        tools = Tools(reference.tools)
        for call in (call for answer in reference.answers for call in answer):
            for name, rule in call.rules.items():
                if rule.pattern is not None:
                    compiled(rule.pattern)
                elif name not in call.arguments and not (rule.any_of or rule.absent or rule.anything):
                    raise BadReference(f"rules.{name} of {call.name}: there is no right value in arguments")
            if reference.tools and tools.fault(ToolCall(call.name, {})) == "there is no such tool":
                raise BadReference(f"{call.name} is not one of the tools")

    def verify(self, sample: Sample[ToolCallOptions, ToolCallReference]) -> Verdict:
        options, reference = sample.options, sample.reference
        tools = self._tools(options, reference)
        try:
            calls, says = calls_of(sample.completion, sample.prefix, sample.turns, options.turns == "last")
        except Unreadable as error:
            return Verdict.scored(0, str(error))
        calls = [tools.typed(call) for call in calls]
        checked = [(call, tools.fault(call)) for call in calls]
        fits = [_fit(checked, says, answer, options, tools) for answer in reference.answers]
        best = max(fits, key=lambda fit: fit.score)
        evidence: dict[str, Any] = {
            "calls": [{"name": call.name[:100], "arguments": repr(call.arguments)[:300]} for call in calls[:SHOWN]],
            "right": best.right,
            "count": len(calls),
            "expected": best.expected,
        }
        return Verdict.scored(best.score, best.reason, **evidence)

    def gave_up(
        self, sample: Sample[ToolCallOptions, ToolCallReference], kind: FailureKind, limit: str
    ) -> Verdict | None:
        """Calls are to blame where there are no schemas: a schema may be what is costly."""
        if sample.reference.tools:
            return None
        return Verdict.scored(0, f"gave up after {limit}: the calls are too costly to compare")


def _fit(
    calls: Sequence[Checked], says: bool, answer: Sequence[ExpectedCall], options: ToolCallOptions, tools: Tools
) -> _Fit:
    if not answer:
        return _no_call(calls, says)
    if not calls:
        return _Fit(0.0, f"no call, and {len(answer)} expected", 0, len(answer))
    if len(calls) > FLOOD * len(answer) + 1 and options.extra == "cost":
        return _Fit(0.0, f"{len(calls)} calls where {len(answer)} are expected", 0, len(answer))
    shares = [[argument_share(*call, expected, tools) for call in calls] for expected in answer]
    whole = [[float(not fault) for _, fault in row] for row in shares]
    right = best_pairs(whole, options.ordered)
    weights = [[share for share, _ in row] for row in shares] if options.score == "weighted" else whole
    extra = len(calls) if options.extra == "cost" else len(answer)
    score = 2 * best_pairs(weights, options.ordered) / (len(answer) + extra)
    is_exact = right == len(answer) == extra
    if options.score == "exact":
        score = float(is_exact)
    return _Fit(round(score, 6), _reason(is_exact, int(right), len(calls), shares, options), int(right), len(answer))


def _no_call(calls: Sequence[Checked], says: bool) -> _Fit:
    if calls:
        return _Fit(0.0, f"a call of {calls[0][0].name[:50]!r} where none is right", 0, 0)
    return _Fit(1.0, "no call, as it should be", 0, 0) if says else _Fit(0.0, "no call, and nothing said", 0, 0)


def _reason(
    is_exact: bool,
    right: int,
    count: int,
    shares: Sequence[Sequence[tuple[float, str]]],
    options: ToolCallOptions,
) -> str:
    if is_exact:
        return f"all {right} calls are right" if right > 1 else "the call is right"
    head = f"{right} of {len(shares)} calls are right, of {count} made"
    near = [min(row, key=lambda one: -one[0])[1] for row in shares if all(fault for _, fault in row)]
    if near:
        return f"{head}; {near[0]}"
    return f"{head}, in another order" if options.ordered and right < len(shares) else head

"""What happens to rewards while the monitor's state is HACKING, where the domain file says so. Nothing changes silently.

    paid, and the second verifier refuses it   drop          null, with its cause     flag reward_dropped
                                               pessimistic   the lower score counts   flag reward_lowered
    paid, and the second verifier fails        both          null, with its cause     flag reward_dropped

Every sample of a run in state SUSPECT or HACKING has a flag, whatever the domain does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reward_api.domains.spec import DomainSpec
from reward_api.gateway import rewards
from reward_api.monitor.alarms import State
from reward_verifiers.contract import Failure, FailureKind, SampleResult, Verdict

STATE_FLAGS = {State.SUSPECT: "reward_suspect", State.HACKING: "reward_hacking"}
CANARY_FLAG, DROPPED_FLAG, LOWERED_FLAG = "canary", "reward_dropped", "reward_lowered"


def flagged(results: Sequence[SampleResult], state: State, *, is_canary: bool) -> list[SampleResult]:
    more = [flag for flag in (STATE_FLAGS.get(state), CANARY_FLAG if is_canary else None) if flag is not None]
    return [replace(result, flags=[*result.flags, *more]) for result in results]


def paid_places(spec: DomainSpec, results: Sequence[SampleResult]) -> list[int]:
    """Which samples are paid, and would be asked about again."""
    key = spec.judging().key
    scores = [result.components[key].score if result.valid else None for result in results]
    return [place for place, score in enumerate(scores) if score is not None and score >= spec.monitor.paid_at]


def applied(spec: DomainSpec, results: Sequence[SampleResult], seconds: Mapping[int, Verdict]) -> list[SampleResult]:
    """The results after the second verdicts, by place."""
    return [_applied(spec, one, seconds[at]) if at in seconds else one for at, one in enumerate(results)]


def _applied(spec: DomainSpec, result: SampleResult, second: Verdict) -> SampleResult:
    monitor, key = spec.monitor, spec.judging().key
    assert monitor.second is not None  # noqa: S101
    if second.score is None:
        cause = second.failure.message if second.failure else "it gave no verdict"
        kind = second.failure.kind if second.failure else FailureKind.VERIFIER_ERROR
        return _dropped(result, kind, key, f"the reward is being hacked, and the second verifier failed: {cause}")
    first = result.components[key].score
    if second.score >= monitor.second.paid_at or first is None or second.score >= first:
        return result
    if monitor.on_hack == "drop":
        message = f"the reward is being hacked, and {monitor.second.verifier} refuses what {key} pays: {second.reason}"
        return _dropped(result, FailureKind.UNSUPPORTED, key, message)
    scores = {name: component.score for name, component in result.components.items()} | {key: second.score}
    evidence = {**result.components[key].evidence, "second": {"score": second.score, "reason": second.reason}}
    component = replace(result.components[key], evidence=evidence)
    return replace(
        result,
        reward=rewards.reward_of(spec, scores),
        components={**result.components, key: component},
        flags=[*result.flags, LOWERED_FLAG],
    )


def _dropped(result: SampleResult, kind: FailureKind, key: str, message: str) -> SampleResult:
    failure = Failure(kind=kind, component=key, message=message)
    return replace(result, reward=None, valid=False, failure=failure, flags=[*result.flags, DROPPED_FLAG])

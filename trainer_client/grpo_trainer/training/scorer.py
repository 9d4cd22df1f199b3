"""What the loop needs of whoever gives rewards: samples go in as they finish, the scores of a whole group come out.

Scorer              submit(rollout), result(group), finish(), step_metrics()
  ├─ GatewayScorer  by the gateway, through a RewardClient
  └─ FunctionScorer by a function here: toys, tests, rewards that need no service
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from grpo_trainer.rollout import Rollout
from trainer_client.client import RewardClient
from trainer_client.wire import RolloutSample

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scores:
    """The verdicts on one group, in the order of its samples.

    rewards: a float, or None where there is no verdict. failures: the kind of failure there, e.g. "timeout"; None elsewhere.
    components: by name, each sample's score or None. version: the digest of what scored them, if it has one.
    reasons: for each sample one sentence a component, if whoever scored it says why.
    """

    rewards: list[float | None]
    failures: list[str | None]
    components: dict[str, list[float | None]]
    version: str | None = None
    reasons: list[dict[str, str]] = field(default_factory=list)


class Scorer(Protocol):
    """Never raises for a sample without a verdict: that is a reward of None with its kind of failure. A rollout that has
    a `failure` is such a sample: nobody looks at it.
    """

    def submit(self, rollout: Rollout) -> None:
        """A sample has finished; returns at once. May be called from another thread than `result`."""

    def result(self, group: str) -> Scores:
        """The scores of a group of which every sample was submitted; waits for them. Asked once a group."""

    def finish(self) -> None:
        """No more samples come in this rollout: what is still out holds up the training."""

    def step_metrics(self) -> Mapping[str, float]:
        """The scorer's own figures since the last call, e.g. `reward/exposed_s`; called once a rollout."""


class GatewayScorer:
    """Sends each sample to the gateway as it finishes, so that scoring hides behind the generation of its siblings.

    last_s: how many seconds verdicts may still take once generation has ended; None leaves the client's own deadline.
    sessions: name each episode's session, for a gateway that reads what the tools noted of it.
    """

    def __init__(self, client: RewardClient, *, last_s: float | None = None, sessions: bool = False) -> None:
        self._client = client
        self._last_s, self._sessions = last_s, sessions

    def submit(self, rollout: Rollout) -> None:
        """Raises BadGroup for a prompt with fields that cannot be sent."""
        prompt = rollout.prompt
        self._client.submit(
            RolloutSample(
                prompt.domain,
                rollout.whole,
                prompt.reference,
                group_id=rollout.group,
                group_size=rollout.size,
                index=rollout.index,
                truncated=rollout.truncated,
                tokens=rollout.length,
                session=rollout.session if self._sessions else None,
                failure=rollout.failure,
                step=rollout.version,
                **prompt.more,
            )
        )

    def result(self, group: str) -> Scores:
        """Raises BadGroup when the gateway knows neither key nor domain, and TooManyFailures as the client is set."""
        scored = self._client.group(group).result()
        failures = [None if failure is None else failure["kind"] for failure in scored.failures]
        reasons = [{name: texts[index] for name, texts in scored.reasons.items()} for index in range(len(scored))]
        return Scores(scored.rewards, failures, scored.components, scored.version, reasons)

    def finish(self) -> None:
        if self._last_s is not None:
            self._client.finish(self._last_s)

    def step_metrics(self) -> dict[str, float]:
        return self._client.step_metrics()


class FunctionScorer:
    """`score` gives one rollout its reward, or its components, or None when it cannot tell.

    Components are summed. An exception is logged, and is no verdict: the failure `verifier_error`.
    """

    def __init__(self, score: Callable[[Rollout], float | dict[str, float] | None]) -> None:
        self._score = score
        self._groups: defaultdict[str, dict[int, tuple[dict[str, float] | None, str | None]]] = defaultdict(dict)

    def submit(self, rollout: Rollout) -> None:
        if rollout.failure:
            self._groups[rollout.group][rollout.index] = (None, rollout.failure)
            return
        try:
            score = self._score(rollout)
        except Exception:
            _log.exception("no verdict on sample %d of group %s", rollout.index, rollout.group)
            self._groups[rollout.group][rollout.index] = (None, "verifier_error")
            return
        parts = {"reward": float(score)} if isinstance(score, int | float) else score
        self._groups[rollout.group][rollout.index] = (parts, None if parts is not None else "unsupported")

    def result(self, group: str) -> Scores:
        results = [one for _, one in sorted(self._groups.pop(group).items())]
        names = dict.fromkeys(name for parts, _ in results if parts for name in parts)
        return Scores(
            rewards=[None if parts is None else sum(parts.values()) for parts, _ in results],
            failures=[kind for _, kind in results],
            components={name: [None if parts is None else parts.get(name) for parts, _ in results] for name in names},
        )

    def finish(self) -> None:
        """Nothing is ever out."""

    def step_metrics(self) -> dict[str, float]:
        return {}

"""What the loop needs of whoever gives rewards: samples go in as they finish, the scores of a whole group come out.

Scorer              submit(rollout), result(group), finish(), step_metrics()
  ├─ GatewayScorer  by the gateway, through a RewardClient
  └─ FunctionScorer by a function here: toys, tests, rewards that need no service
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from trainer_client.client import RewardClient, ScoredGroup
from trainer_client.rollout import Rollout

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scores:
    """The verdicts on one group, in the order of its samples.

    rewards: a float, or None where there is no verdict. failures: the kind of failure there, e.g. "timeout"; None elsewhere.
    components: by name, each sample's score or None. version: the digest of what scored them, if it has one.
    """

    rewards: list[float | None]
    failures: list[str | None]
    components: dict[str, list[float | None]]
    version: str | None = None


class Scorer(Protocol):
    """Never raises for a sample without a verdict: that is a reward of None with its kind of failure."""

    def submit(self, rollout: Rollout) -> None:
        """A sample has finished; returns at once. May be called from another thread than `result`."""

    def result(self, group: str) -> Scores:
        """The scores of a group of which every sample was submitted; waits for them. Asked once a group."""

    def finish(self) -> None:
        """No more samples come in this rollout: what is still out holds up the training."""

    def step_metrics(self) -> Mapping[str, float]:
        """The scorer's own figures since the last call, e.g. `reward/exposed_s`; asked once a rollout."""


class GatewayScorer:
    """Sends each sample to the gateway as it finishes, so that scoring hides behind the generation of its siblings."""

    def __init__(self, client: RewardClient, *, run: str = "", connections: int = 32) -> None:
        self._client = client
        self._run = run
        self._pool = ThreadPoolExecutor(connections, thread_name_prefix="score")
        self._groups: defaultdict[str, dict[int, Future[ScoredGroup]]] = defaultdict(dict)

    def submit(self, rollout: Rollout) -> None:
        self._groups[rollout.group][rollout.index] = self._pool.submit(self._score, rollout)

    def result(self, group: str) -> Scores:
        parts = [future.result() for _, future in sorted(self._groups.pop(group).items())]
        names = dict.fromkeys(name for part in parts for name in part.components)
        return Scores(
            rewards=[part.rewards[0] for part in parts],
            failures=[_kind(part.failures[0]) for part in parts],
            components={name: [part.components.get(name, [None])[0] for part in parts] for name in names},
            version=next((part.version for part in parts if part.version), None),
        )

    def finish(self) -> None:
        """Every request has the client's deadline already."""

    def step_metrics(self) -> dict[str, float]:
        return {}

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _score(self, rollout: Rollout) -> ScoredGroup:
        prompt = rollout.prompt
        fields: dict[str, Any] = {
            "id": rollout.group,
            "group_size": rollout.size,
            "indices": [rollout.index],
            "truncated": [rollout.truncated],
            "tokens": [len(rollout.ids)],
            **({"run": self._run} if self._run else {}),
            **prompt.more,
        }
        return self._client.score(prompt.domain, [rollout.text], reference=prompt.reference, **fields)


def _kind(failure: dict[str, Any] | None) -> str | None:
    return None if failure is None else str(failure.get("kind", "unknown"))


class FunctionScorer:
    """`score` gives one rollout its reward, or its components, or None when it cannot tell.

    Components are summed. An exception is logged, and is no verdict: the failure `verifier_error`.
    """

    def __init__(self, score: Callable[[Rollout], float | dict[str, float] | None]) -> None:
        self._score = score
        self._groups: defaultdict[str, dict[int, tuple[dict[str, float] | None, str | None]]] = defaultdict(dict)

    def submit(self, rollout: Rollout) -> None:
        try:
            found = self._score(rollout)
        except Exception:
            _log.exception("no verdict on sample %d of group %s", rollout.index, rollout.group)
            self._groups[rollout.group][rollout.index] = (None, "verifier_error")
            return
        parts = {"reward": float(found)} if isinstance(found, int | float) else found
        self._groups[rollout.group][rollout.index] = (parts, None if parts is not None else "unsupported")

    def result(self, group: str) -> Scores:
        found = [one for _, one in sorted(self._groups.pop(group).items())]
        names = dict.fromkeys(name for parts, _ in found if parts for name in parts)
        return Scores(
            rewards=[None if parts is None else sum(parts.values()) for parts, _ in found],
            failures=[kind for _, kind in found],
            components={name: [None if parts is None else parts.get(name) for parts, _ in found] for name in names},
        )

    def finish(self) -> None:
        """Nothing is ever out."""

    def step_metrics(self) -> dict[str, float]:
        return {}

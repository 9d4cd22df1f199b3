"""What judging costs, and the hard budget of a run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from cachetools import LRUCache

from preference_model.outcome import ScoreFailure
from reward_verifiers.contract import FailureKind

RUNS = 1024
CHARS_PER_TOKEN = 3
"""For servers that do not report usage: fewer characters than a token has on average, so that a budget is not overrun."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Requests and tokens of some judgements; `cached`: judgements that an earlier one answered."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached: int = 0
    cost: float = 0.0
    """In the currency of the prices that are set; 0 where none are."""

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached + other.cached,
            self.cost + other.cost,
        )

    def priced(self, prompt: float, completion: float) -> Usage:
        """With what its tokens cost, at prices per million."""
        return replace(self, cost=(self.prompt_tokens * prompt + self.completion_tokens * completion) / 1e6)

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def evidence(self) -> dict[str, float]:
        """As it stands in a verdict."""
        counts: dict[str, float] = {
            "calls": self.calls,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cached": self.cached,
        }
        return {**counts, "cost": round(self.cost, 8)} if self.cost else counts


@dataclass(slots=True)
class Ledger:
    """What one verdict has cost so far, also where it gets none."""

    usage: Usage = Usage()

    def add(self, usage: Usage) -> None:
        self.usage += usage


def usage_of(reply: Any, sent: int, received: int) -> Usage:
    """The tokens that a reply reports; estimated from the characters where it reports none."""
    usage = reply.get("usage") if isinstance(reply, dict) else None
    usage = usage if isinstance(usage, dict) else {}
    counts = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
    estimates = (-(-sent // CHARS_PER_TOKEN), -(-received // CHARS_PER_TOKEN))
    prompt, completion = (
        count if isinstance(count, int) and count >= 0 else estimate
        for count, estimate in zip(counts, estimates, strict=True)
    )
    return Usage(prompt_tokens=prompt, completion_tokens=completion)


@dataclass(slots=True)
class Budget:
    """Calls and tokens per run. It is exceeded by what is in flight at most; a restart of the service begins anew."""

    max_calls: int | None = None
    max_tokens: int | None = None
    spent: LRUCache[str, Usage] = field(default_factory=lambda: LRUCache(RUNS))

    def enter(self, run: str) -> None:
        """Count one call. Raises ScoreFailure when the run has used its budget up."""
        usage = self.spent.get(run, Usage())
        for name, limit, used in (("calls", self.max_calls, usage.calls), ("tokens", self.max_tokens, usage.tokens)):
            if limit is not None and used >= limit:
                message = f"the judge's budget is used up: {used} of {limit} {name} in this run"
                raise ScoreFailure(FailureKind.BUDGET_EXHAUSTED, message)
        self.spent[run] = usage + Usage(calls=1)

    def add(self, run: str, usage: Usage) -> None:
        """The tokens of a call that `enter` has counted."""
        self.spent[run] = self.spent.get(run, Usage()) + Usage(0, usage.prompt_tokens, usage.completion_tokens)

    def refund(self, run: str) -> None:
        """A call that the server turned away."""
        self.spent[run] = self.spent.get(run, Usage()) + Usage(calls=-1)

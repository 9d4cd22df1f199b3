"""The weight-sync guard: after each sync, engine and trainer must give sampled tokens the same log-probabilities.

One check for many silent faults: weights that were never replaced (vLLM keeps the old head of tied embeddings on reload,
with no more than a warning), a prefix cache that kept old states, another dtype, temperature, chat template or position
scheme. Each of them makes every later step off-policy under a healthy-looking loss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress

from grpo_trainer.rollout.engine import Completion, GenerationEngine, Sampling

Logprobs = Callable[[Sequence[tuple[Sequence[int], Sequence[int]]]], list[list[float]]]
"""The trainer's: of (prompt ids, completion ids) pairs, the log-probability of every completion token."""


class EngineOutOfSync(RuntimeError):
    """The engine does not sample from the trainer's policy."""


@dataclass(frozen=True)
class Gap:
    """|log π_engine - log π_trainer| over `tokens` sampled tokens, in nats."""

    max: float
    mean: float
    tokens: int


def measure(engine: GenerationEngine, prompts: Sequence[Sequence[int]], sampling: Sampling, logprobs: Logprobs) -> Gap:
    """Sample one short completion of each prompt, and compare with the trainer's log-probabilities.

    A token that a tool wrote was not sampled; those after it were, and were conditioned on it.
    """
    completions: list[Completion] = list(engine.generate(prompts, sampling))
    ours = logprobs([(prompts[completion.row], completion.ids) for completion in completions])
    gaps = [
        abs(one - other)
        for completion, mine in zip(completions, ours, strict=True)
        for one, other in zip(completion.own_logprobs, compress(mine, completion.mask), strict=True)
    ]
    return Gap(max(gaps), sum(gaps) / len(gaps), len(gaps))


def check(gap: Gap, threshold: float) -> None:
    """Raises EngineOutOfSync above the threshold, and for a gap that is no number."""
    if not gap.mean <= threshold:
        raise EngineOutOfSync(
            f"after a weight sync the engine's log-probabilities differ from the trainer's by {gap.mean:.3g} nats "
            f"in the mean (up to {gap.max:.3g}, {gap.tokens} tokens; guard_threshold: {threshold:.3g}). The engine still "
            "has older weights, or another dtype, temperature or tokenizer: tied embeddings are a known cause, export them "
            "untied"
        )

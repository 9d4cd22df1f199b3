"""The interface of every engine. Token ids both ways: no tokenizer of an engine can differ from ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Prompt:
    """One question of the data set.

    text: what the policy reads, template and all; it is tokenised as it stands (no BOS is added).
    domain, reference: for the gateway. more: other fields of POST /score, e.g. {"prefix": "<think>\\n", "prompt": "…"}.
    """

    text: str
    domain: str = ""
    reference: Any = None
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sampling:
    """How to draw tokens. `max_tokens` counts the end token; `seed` makes a batch repeatable; temperature 0 is greedy."""

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens: must be at least 1, not {self.max_tokens}")
        if not self.temperature >= 0:
            raise ValueError(f"temperature: must be at least 0, not {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p: must be in (0, 1], not {self.top_p}")


@dataclass(frozen=True)
class Completion:
    """One answer of an engine.

    row: whose: the position in the list of prompts given to `generate`.
    ids: with the end token, when the policy ended by itself; truncated: it did not.
    logprobs: one a token, of the distribution that it was drawn from (behaviour log-probabilities).
    """

    row: int
    ids: list[int]
    logprobs: list[float]
    truncated: bool


@dataclass(frozen=True)
class Rollout:
    """One completion of a prompt on its way through scoring and update.

    group: unique in the run, and the same after a resume, so that a gateway scores it once.
    index: place among its `size` siblings. ids, logprobs, truncated: as in Completion. text: without the end token.
    version: of the policy that sampled it: rollouts trained on until then.
    """

    prompt: Prompt
    group: str
    index: int
    size: int
    prompt_ids: list[int]
    ids: list[int]
    logprobs: list[float]
    text: str
    truncated: bool
    version: int


class GenerationEngine(Protocol):
    """Samples completions from the policy. Used by one thread at a time.

    own_weights: it has a copy, which training does not touch between two syncs.
    """

    own_weights: bool

    def sync(self, policy: PreTrainedModel) -> None:
        """From now on sample from these weights: nothing that was computed from older ones may be used again."""

    def generate(self, prompts: Sequence[Sequence[int]], sampling: Sampling) -> Iterator[Completion]:
        """One completion of each row of token ids, yielded when it finishes. The same prompt may stand in many rows."""

    def release(self) -> None:
        """Give back what memory is not needed until the next `sync` or `generate`."""

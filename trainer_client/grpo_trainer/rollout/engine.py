"""The interface of every engine. Token ids both ways: no tokenizer of an engine can differ from ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import TYPE_CHECKING, Any, Protocol

from trainer_client.tools_client import Outcome

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
    """How to draw tokens. `max_tokens` counts the end token; `seed` makes a batch repeatable; temperature 0 is greedy.

    pauses: tokens after which a row stops as after an end token, and may be gone on with.
    is_pause: whether a row of these tokens, the last of them such a one, has to stop. Who does not ask stops in vain.
    """

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 0
    pauses: tuple[int, ...] = ()
    is_pause: Callable[[Sequence[int]], bool] | None = None

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens: must be at least 1, not {self.max_tokens}")
        if not self.temperature >= 0:
            raise ValueError(f"temperature: must be at least 0, not {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p: must be in (0, 1], not {self.top_p}")


class _Written:
    """What Completion and Rollout share: which of the tokens are the policy's own."""

    ids: list[int]
    logprobs: list[float]
    mask: list[bool]

    def __post_init__(self) -> None:
        if not self.mask:
            object.__setattr__(self, "mask", [True] * len(self.ids))

    @property
    def length(self) -> int:
        """Tokens that the policy wrote."""
        return sum(self.mask)

    @property
    def own_logprobs(self) -> list[float]:
        """Of the tokens that the policy wrote."""
        return list(compress(self.logprobs, self.mask))


@dataclass(frozen=True)
class Completion(_Written):
    """One answer of an engine.

    row: whose: the position in the list of prompts given to `generate`.
    ids: with the end token, when the policy ended by itself; truncated: it did not.
    logprobs: one a token, of the distribution that it was drawn from (behaviour log-probabilities); 0 where a tool wrote.
    mask: one a token: True where the policy wrote it, False where a tool did. Default: all are the policy's.
    session: the episode's name to the tools; "" where no call has reached them, None where there are none.
    calls: the outcome of each call, in order.
    failure: why it can have no verdict: a tool failed, and the policy is not to blame.
    """

    row: int
    ids: list[int]
    logprobs: list[float]
    truncated: bool
    mask: list[bool] = field(default_factory=list)
    session: str | None = None
    calls: list[Outcome] = field(default_factory=list)
    failure: str | None = None


@dataclass(frozen=True)
class Rollout(_Written):
    """One completion of a prompt on its way through scoring and update.

    group: unique in the run, and the same after a resume, so that a gateway scores it once.
    index: place among its `size` siblings. ids, logprobs, truncated, mask, session, calls, failure: as in Completion.
    text: what the policy wrote, without the end token and without what tools wrote.
    version: of the policy that sampled it: rollouts trained on until then.
    messages: where a tool wrote some of it, the whole as chat messages of the roles `assistant` and `tool`.
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
    mask: list[bool] = field(default_factory=list)
    messages: list[dict[str, str]] = field(default_factory=list)
    session: str | None = None
    calls: list[Outcome] = field(default_factory=list)
    failure: str | None = None

    @property
    def whole(self) -> str | list[dict[str, str]]:
        """What goes to the gateway: the text, or the messages, of which it reads the assistant's alone."""
        return self.messages or self.text


class GenerationEngine(Protocol):
    """Samples completions from the policy. Used by one thread at a time.

    own_weights: it has a copy, which training does not touch between two syncs.
    """

    own_weights: bool

    def sync(self, policy: PreTrainedModel) -> None:
        """From now on sample from these weights: nothing that was computed from older ones may be used again."""

    def generate(
        self, prompts: Sequence[Sequence[int]], sampling: Sampling, limits: Sequence[int] | None = None
    ) -> Iterator[Completion]:
        """One completion of each row of token ids, yielded when it finishes. The same prompt may stand in many rows.

        limits: of each row, the tokens that it may have; at most `max_tokens`, which is the default.
        """

    def release(self) -> None:
        """Give back what memory is not needed until the next `sync` or `generate`."""

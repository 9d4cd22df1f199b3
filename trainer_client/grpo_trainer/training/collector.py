"""One rollout: prompts are completed, samples are scored as they finish, groups get their advantages."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from grpo_trainer.grpo.advantages import GroupAdvantages, advantages, filtered
from grpo_trainer.rollout import GenerationEngine, Prompt, Rollout, Sampling
from grpo_trainer.rollout.transcript import own_text, transcript
from grpo_trainer.training.config import GRPOConfig
from grpo_trainer.training.prompt_stream import PromptStream
from grpo_trainer.training.scorer import Scorer, Scores


class CollectionStopped(Exception):
    """Asked to stop while generating: the unfinished rollout is abandoned."""


@dataclass(frozen=True)
class ScoredRollouts:
    """The completions of one prompt, at `position` of the stream, with verdicts and advantages in the same order."""

    position: int
    rollouts: list[Rollout]
    scores: Scores
    advantages: GroupAdvantages


@dataclass(frozen=True)
class RolloutBatch:
    """A rollout, ready to be trained on.

    groups: all that were sampled, dead ones too. drawn: prompts taken from the stream. tries: rounds of sampling.
    generate_s: seconds of generation; wait_s: seconds that the last verdicts took after it.
    """

    groups: list[ScoredRollouts]
    drawn: int
    tries: int
    generate_s: float
    wait_s: float

    @property
    def rollouts(self) -> list[Rollout]:
        return [rollout for group in self.groups for rollout in group.rollouts]

    def alive(self, limit: int) -> list[ScoredRollouts]:
        """The groups to train on: of those alive the first `limit`."""
        return [group for group in self.groups if group.advantages.alive][:limit]


class RolloutCollector:
    """`collect` may run in another thread than the update; it touches neither the policy nor the global random state."""

    def __init__(
        self, engine: GenerationEngine, scorer: Scorer, tokenizer: Any, stream: PromptStream, config: GRPOConfig
    ) -> None:
        self._engine, self._scorer, self._tokenizer = engine, scorer, tokenizer
        self._stream, self._config = stream, config

    def encode(self, prompt: Prompt) -> list[int]:
        """Raises ValueError for a prompt without a token."""
        ids: list[int] = self._tokenizer.encode(prompt.text, add_special_tokens=False)
        if not ids:
            raise ValueError(f"prompts: the tokenizer makes no token of {prompt.text[:40]!r}")
        return ids

    def collect(self, number: int, position: int, version: int, stopped: Callable[[], bool]) -> RolloutBatch:
        """Rollout `number`: prompts from `position` on, weights of `version`. Raises CollectionStopped when `stopped()`."""
        sampled: list[tuple[int, list[Rollout], Scores]] = []
        generate_s = wait_s = 0.0
        tries = drawn = 0
        while not tries or (tries < self._config.rollout_tries and self._missing(sampled)):
            count = self._missing(sampled) if tries else self._config.prompts_per_rollout
            positions = range(position + drawn, position + drawn + count)
            start = time.perf_counter()
            try:
                groups = self._generate(number, tries, positions, version, stopped)
            finally:
                self._scorer.finish()
            middle = time.perf_counter()
            sampled += zip(positions, groups, map(self._scores, groups), strict=True)
            generate_s, wait_s = generate_s + middle - start, wait_s + time.perf_counter() - middle
            drawn, tries = drawn + count, tries + 1
        return RolloutBatch(self._judge(sampled), drawn, tries, generate_s, wait_s)

    def _scores(self, group: Sequence[Rollout]) -> Scores:
        scores = self._scorer.result(group[0].group)
        if not len(scores.rewards) == len(scores.failures) == len(group):
            raise ValueError(
                f"the scorer gave {len(scores.rewards)} rewards for {len(group)} samples of {group[0].group}"
            )
        return without_failed(scores, [rollout.failure for rollout in group])

    def _judge(self, sampled: Sequence[tuple[int, list[Rollout], Scores]]) -> list[ScoredRollouts]:
        judged = advantages([scores.rewards for _, _, scores in sampled], self._config.advantage)
        if name := self._config.rollout_filter:
            pairs = zip(judged, sampled, strict=True)
            judged = [filtered(one, component(scores, name)) for one, (_, _, scores) in pairs]
        return [ScoredRollouts(*one, advantage) for one, advantage in zip(sampled, judged, strict=True)]

    def _missing(self, sampled: Sequence[tuple[int, list[Rollout], Scores]]) -> int:
        return self._config.prompts_per_rollout - sum(group.advantages.alive for group in self._judge(sampled))

    def _generate(
        self, number: int, tries: int, positions: Sequence[int], version: int, stopped: Callable[[], bool]
    ) -> list[list[Rollout]]:
        config, size = self._config, self._config.group_size
        prompts = [self._stream[position] for position in positions]
        encoded = [self.encode(prompt) for prompt in prompts]
        # From numbers that a checkpoint holds, so that there is no generator's state to save.
        seed = random.Random(f"{config.seed}/{number}/{tries}").getrandbits(31)  # noqa: S311
        sampling = Sampling(config.max_tokens, config.temperature, seed=seed)
        groups: list[list[Rollout]] = [[] for _ in prompts]
        for completion in self._engine.generate([ids for ids in encoded for _ in range(size)], sampling):
            if stopped():
                raise CollectionStopped
            place, index = divmod(completion.row, size)
            written = transcript(self._tokenizer, completion)
            rollout = Rollout(
                prompt=prompts[place],
                group=f"{number}-{positions[place]}",
                index=index,
                size=size,
                prompt_ids=encoded[place],
                ids=completion.ids,
                logprobs=completion.logprobs,
                text=own_text(written),
                truncated=completion.truncated,
                version=version,
                mask=completion.mask,
                messages=[] if isinstance(written, str) else written,
                session=completion.session,
                calls=completion.calls,
                failure=completion.failure,
            )
            self._scorer.submit(rollout)
            groups[place].append(rollout)
        return [sorted(group, key=lambda rollout: rollout.index) for group in groups]


def without_failed(scores: Scores, failures: Sequence[str | None]) -> Scores:
    """An episode that a failure of ours has ended has no verdict, whatever its half of a text was worth."""
    if not any(failures):
        return scores
    return replace(
        scores,
        rewards=[None if failure else reward for reward, failure in zip(scores.rewards, failures, strict=True)],
        failures=[failure or before for before, failure in zip(scores.failures, failures, strict=True)],
        components={
            name: [None if failure else score for score, failure in zip(values, failures, strict=True)]
            for name, values in scores.components.items()
        },
    )


def component(scores: Scores, name: str) -> list[float | None]:
    """The scores of one component. Raises ValueError when the domain has no such component, naming those that it has."""
    if name in scores.components:
        return scores.components[name]
    if not scores.components:
        # No verdict came with its components: nothing can be told apart.
        return [None] * len(scores.rewards)
    raise ValueError(f"rollout_filter: the domain has no component {name!r}; it has {', '.join(scores.components)}")

"""Does scoring disappear behind generation? A simulated generator of given speed against a running gateway, over HTTP.

    python benchmarks/overlap.py [ways|cut|r1|limit ...]      (default: all)

ways    one rollout, scored sample by sample as they finish, group by group, and after generation
cut     the same with a length limit that cuts off one in six: these end together, and with them nearly every group
r1      the same with all of R1's rollout: 8,192 completions, in an eighth of its time
limit   faster and faster generators, until the gateway is no longer hidden; what that means for 8 and for 512 GPUs

All of a rollout runs at once, as in R1: a completion ends when its last token is there, so the longest ends the rollout.
Every reward is compared with the truth. The generator, the client and the gateway share this machine.
"""

from __future__ import annotations

import os
import platform
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

import typer
from gateway import WORDS, running_suite

from trainer_client import RewardClient, RewardFuture, RolloutGroup, RolloutSample, ScoredGroup

GROUP = 16
BYTES_A_TOKEN = 3.6
MOST_TOKENS = 65_536
CUT_TOKENS = 14_000
SPREAD = 0.7
# R1-Zero on 512 H800: a rollout of 8,192 completions in 1,097 s.
R1_GROUPS = 8_192 // GROUP
R1_COMPLETIONS_S = 8_192 / 1_097
# Tokens a second of a 7B model: 8 GPUs as a small set-up generates, 512 GPUs as R1's scale.
SET_UPS = {8: 20_000.0, 512: 1_300_000.0}
HIDDEN = 0.05


@dataclass(frozen=True)
class Finished:
    """A completion, and when in the rollout it ends: 0 at the start, 1 with the longest."""

    at: float
    group: int
    index: int
    text: str
    answer: str
    is_right: bool


def rollout(groups: int, mean_tokens: float, seed: int, most_tokens: int = MOST_TOKENS) -> list[Finished]:
    """Completions in the order in which they end, lengths lognormal, a third of them wrong."""
    rng = random.Random(seed)
    size = int(MOST_TOKENS * BYTES_A_TOKEN)
    text = " ".join(rng.choice(WORDS) for _ in range(size))
    scale = mean_tokens / 2.718281828 ** (SPREAD**2 / 2)
    tokens = [min(rng.lognormvariate(0, SPREAD) * scale, most_tokens) for _ in range(groups * GROUP)]
    longest = max(tokens)
    finished = []
    for number, count in enumerate(tokens):
        group, index = divmod(number, GROUP)
        answer, is_right = str(seed * 100_000 + group), rng.random() > 0.33
        length = int(count * BYTES_A_TOKEN)
        start = rng.randrange(len(text) - length)
        thinking, boxed = text[start : start + length], answer if is_right else answer + "1"
        completion = f"<think>{thinking}</think><answer>\\boxed{{{boxed}}}</answer>"
        finished.append(Finished(count / longest, group, index, completion, answer, is_right))
    return sorted(finished, key=lambda one: one.at)


# --- three ways to score ----------------------------------------------------------------------------------------------
# Each is told of every completion as it ends, and then gives the rewards by group.


class BySample:
    name = "`submit`, sample by sample"

    def __init__(self, client: RewardClient) -> None:
        self._client = client

    def finished(self, one: Finished) -> None:
        self._client.submit(
            RolloutSample("math", one.text, one.answer, group_id=str(one.group), group_size=GROUP, index=one.index)
        )

    def rewards(self, groups: int) -> Iterator[ScoredGroup]:
        return (self._client.group(str(group)).result() for group in range(groups))


class Whole:
    """Keeps the completions until their group is whole."""

    def __init__(self, client: RewardClient) -> None:
        self._client = client
        self._groups: dict[int, dict[int, Finished]] = {}

    def finished(self, one: Finished) -> None:
        siblings = self._groups.setdefault(one.group, {})
        siblings[one.index] = one
        if len(siblings) == GROUP:
            self.whole(one.group, RolloutGroup("math", [siblings[i].text for i in range(GROUP)], one.answer))

    def whole(self, number: int, group: RolloutGroup) -> None:
        raise NotImplementedError


class ByGroup(Whole):
    name = "group by group"

    def __init__(self, client: RewardClient) -> None:
        super().__init__(client)
        self._handles: dict[int, RewardFuture[ScoredGroup]] = {}

    def whole(self, number: int, group: RolloutGroup) -> None:
        self._handles[number] = self._client.submit(group)

    def rewards(self, groups: int) -> Iterator[ScoredGroup]:
        return (self._handles[group].result() for group in range(groups))


class Afterwards(Whole):
    name = "after generation"

    def __init__(self, client: RewardClient) -> None:
        super().__init__(client)
        self._whole: dict[int, RolloutGroup] = {}

    def whole(self, number: int, group: RolloutGroup) -> None:
        self._whole[number] = group

    def rewards(self, groups: int) -> Iterator[ScoredGroup]:
        return iter(self._client.score_many([self._whole[group] for group in range(groups)]))


Way = BySample | ByGroup | Afterwards


@dataclass(frozen=True)
class Played:
    generation_s: float
    exposed_s: float
    hidden_frac: float
    missing: int

    @property
    def share(self) -> float:
        """Of a step that is generation and the wait after it; the update would make it smaller, and is left out."""
        return self.exposed_s / (self.generation_s + self.exposed_s)


def play(url: str, completions: list[Finished], seconds: float, way: Callable[[RewardClient], Way]) -> Played:
    """One rollout that takes `seconds` to generate. Raises ValueError when a reward is not the right one."""
    with RewardClient(url, deadline_s=300) as client:
        client.score("math", ["warm"], reference="1")
        client.step_metrics()
        chosen = way(client)
        begun = time.monotonic()
        for one in completions:
            time.sleep(max(begun + one.at * seconds - time.monotonic(), 0))
            chosen.finished(one)
        generated = time.monotonic()
        groups = len(completions) // GROUP
        scored = list(chosen.rewards(groups))
        exposed = time.monotonic() - generated
        hidden = client.step_metrics()["reward/hidden_frac"]
    missing = 0
    for one in completions:
        answered = scored[one.group].components.get("answer", [None] * GROUP)[one.index]
        missing += answered is None
        if answered not in (None, float(one.is_right)):
            raise ValueError(f"the reward of {one.answer} is {answered}")
    return Played(generated - begun, exposed, hidden, missing)


# --- tables -----------------------------------------------------------------------------------------------------------


def ways(most_tokens: int = MOST_TOKENS, groups: int = 64, mean_tokens: float = 8_900, seconds: float = 40.0) -> None:
    count = groups * GROUP
    print(
        f"{groups} groups of {GROUP}, {mean_tokens:,.0f} tokens on average (before the limit), at most {most_tokens:,}; "
        f"generated in {seconds:.0f} s: "
        f"{count / seconds:.1f} completions/s, {count / seconds / R1_COMPLETIONS_S:.1f} times R1's 512 GPUs.\n"
    )
    print(
        "| way | generation s | exposed s | share of the step | hidden | client's `reward/hidden_frac` | no verdict |"
    )
    print("|---|---|---|---|---|---|---|")
    results = []
    with running_suite() as (url, _):
        for seed, way in enumerate((Afterwards, ByGroup, BySample), 1):
            results.append((way.name, play(url, rollout(groups, mean_tokens, seed, most_tokens), seconds, way)))
    at_the_end = results[0][1].exposed_s
    for name, played in results:
        print(
            f"| {name} | {played.generation_s:.1f} | {played.exposed_s:.2f} | {played.share:.2%} "
            f"| {1 - played.exposed_s / at_the_end:.1%} | {played.hidden_frac:.1%} | {played.missing} |"
        )


def limit(groups: int = 64) -> None:
    print(f"`submit`, {groups} groups of {GROUP}; hidden is up to {HIDDEN:.0%} of the step.\n")
    print("| tokens a completion | completions/s | exposed s | share of the step | hidden |")
    print("|---|---|---|---|---|")
    limits: dict[float, float] = {}
    with running_suite() as (url, _):
        for mean_tokens in (2_000.0, 8_900.0):
            for turn, seconds in enumerate((32.0, 16.0, 8.0, 4.0, 2.0)):
                completions = rollout(groups, mean_tokens, seed=10 + turn + int(mean_tokens))
                played = play(url, completions, seconds, BySample)
                rate = len(completions) / played.generation_s
                is_hidden = played.share <= HIDDEN
                print(
                    f"| {mean_tokens:,.0f} | {rate:.0f} | {played.exposed_s:.2f} | {played.share:.1%} "
                    f"| {'yes' if is_hidden else 'no'} |"
                )
                if not is_hidden:
                    break
                limits[mean_tokens] = rate
    print(
        "\n| GPUs | tokens/s | tokens a completion | completions/s | this gateway is hidden up to | of what is needed |"
    )
    print("|---|---|---|---|---|---|")
    for gpus, tokens_s in SET_UPS.items():
        for mean_tokens, most in limits.items():
            needed = tokens_s / mean_tokens
            print(
                f"| {gpus} | {tokens_s:,.0f} | {mean_tokens:,.0f} | {needed:.1f} "
                f"| {most:.0f}/s = {most * mean_tokens:,.0f} tokens/s | {most / needed:.2f} × |"
            )


PARTS: dict[str, Callable[[], None]] = {
    "ways": ways,
    "cut": lambda: ways(CUT_TOKENS),
    "r1": lambda: ways(groups=R1_GROUPS, seconds=137.0),
    "limit": limit,
}


def main(parts: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}\n")
    for part in parts or PARTS:
        PARTS[part]()
        print()
        sys.stdout.flush()


if __name__ == "__main__":
    typer.run(main)

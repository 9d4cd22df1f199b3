"""Turns: any engine, with tools. A row stops at a call, the call is run, what the tool writes is appended, the row goes on.

    prompt │ <think><calculate>17*23</calculate> │ <output>391</output> │ </think><answer>391</answer>
    mask   │ True                                │ False                │ True

All rows of a round advance together in the engine below; calls run meanwhile. An episode is bounded in turns, in tokens (a
tool's count too) and in time (of each call). It ends with an end token, or is cut at a bound.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING

from grpo_trainer.rollout.call_format import Call, CallFormat
from grpo_trainer.rollout.engine import Completion, GenerationEngine, Sampling
from grpo_trainer.rollout.tools import ToolReply, Tools
from trainer_client.tools_client import Outcome

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_log = logging.getLogger(__name__)

WORKERS = 64
"""Calls that run at a time."""
_SEED_STEP = 1_000_003
_LOGGED = 200
"""Characters of a cause in the log."""
TOOL_FAILED = "tool_failed"


@dataclass
class _Episode:
    """One row on its way.

    limit: of its tokens. turn: where the policy's present turn begins in `ids`. turns: those before it.
    has_begun: a call has reached the tools, which know the session from then on.
    """

    row: int
    prompt: list[int]
    limit: int
    session: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    mask: list[bool] = field(default_factory=list)
    calls: list[Outcome] = field(default_factory=list)
    turn: int = 0
    turns: int = 0
    has_begun: bool = False

    @property
    def room(self) -> int:
        """Tokens that it may still have."""
        return self.limit - len(self.ids)

    def write(self, part: Completion) -> None:
        self.ids += part.ids
        self.logprobs += part.logprobs
        self.mask += [True] * len(part.ids)

    def read(self, ids: Sequence[int]) -> None:
        """What a tool wrote; the next turn begins after it."""
        self.ids += ids
        self.logprobs += [0.0] * len(ids)
        self.mask += [False] * len(ids)
        self.turn = len(self.ids)
        self.turns += 1

    def ended(self, *, truncated: bool, failure: str | None = None) -> Completion:
        return Completion(
            self.row,
            self.ids,
            self.logprobs,
            truncated,
            mask=self.mask,
            session=self.session if self.has_begun else "",
            calls=self.calls,
            failure=failure,
        )


@dataclass
class _Round:
    """calling: episodes that wait for a tool. going: those that the engine goes on with."""

    calling: list[tuple[_Episode, Future[ToolReply]]] = field(default_factory=list)
    going: list[_Episode] = field(default_factory=list)


class Turns:
    """An engine whose rows may call tools.

    max_turns: turns that the policy may write; a call in the last one is not run, and the completion is cut there.
    call_s: seconds after the round's last token in which a call has an outcome, or has failed.
    """

    def __init__(
        self, engine: GenerationEngine, tools: Tools, max_turns: int, call_format: CallFormat, *, call_s: float = 60.0
    ) -> None:
        if max_turns < 1:
            raise ValueError(f"max_turns: must be at least 1, not {max_turns}")
        self._engine, self._tools, self._max_turns, self._format = engine, tools, max_turns, call_format
        self._call_s = call_s
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="tool")

    @property
    def own_weights(self) -> bool:
        return self._engine.own_weights

    @own_weights.setter
    def own_weights(self, value: bool) -> None:
        self._engine.own_weights = value

    def sync(self, policy: PreTrainedModel) -> None:
        self._engine.sync(policy)

    def release(self) -> None:
        self._engine.release()

    def generate(
        self, prompts: Sequence[Sequence[int]], sampling: Sampling, limits: Sequence[int] | None = None
    ) -> Iterator[Completion]:
        """As the engine below; `max_tokens` counts the tools' tokens too."""
        limits = limits or [sampling.max_tokens] * len(prompts)
        episodes = [
            _Episode(row, list(prompt), limit) for row, (prompt, limit) in enumerate(zip(prompts, limits, strict=True))
        ]
        failures: Counter[str] = Counter()
        for number in count():
            # Each round draws anew, and a batch is still repeated by its seed.
            drawn = replace(
                sampling,
                seed=sampling.seed + number * _SEED_STEP,
                pauses=self._format.pauses,
                is_pause=self._format.ends_call,
            )
            this = _Round()
            yield from self._written(episodes, drawn, this)
            yield from self._answered(this, failures)
            if not this.going:
                break
            # The order of rows decides what is drawn: it must not hang on which call came back first.
            episodes = sorted(this.going, key=lambda one: one.row)
        for cause, times in failures.items():
            _log.warning("%d of %d episodes have no verdict: a tool failed: %s", times, len(prompts), cause)

    def _written(self, episodes: Sequence[_Episode], sampling: Sampling, this: _Round) -> Iterator[Completion]:
        """What the engine writes until each row is at its end or at a call; those that are at their end."""
        rows = [episode.prompt + episode.ids for episode in episodes]
        parts = self._engine.generate(rows, sampling, [episode.room for episode in episodes])
        with _closing(parts):
            for part in parts:
                episode = episodes[part.row]
                episode.write(part)
                paused = not part.truncated and part.ids[-1] in sampling.pauses
                if not paused or not episode.room:
                    yield episode.ended(truncated=part.truncated or paused)
                elif (call := self._format.read(episode.ids[episode.turn :])) is None:
                    this.going.append(episode)
                elif episode.turns + 1 >= self._max_turns:
                    yield episode.ended(truncated=True)
                else:
                    # It runs while the other rows are written.
                    episode.has_begun |= not call.error
                    this.calling.append((episode, self._workers.submit(self._run, episode.session, call)))

    def _answered(self, this: _Round, failures: Counter[str]) -> Iterator[Completion]:
        """What tools answer; the episodes that end by it."""
        give_up = time.monotonic() + self._call_s
        for episode, future in this.calling:
            reply = self._reply(future, give_up)
            episode.calls.append(reply.outcome)
            output = self._format.output(reply)
            if reply.outcome == "failed":
                failures[reply.output[:_LOGGED]] += 1
                yield episode.ended(truncated=True, failure=TOOL_FAILED)
            elif len(output) >= episode.room:
                yield episode.ended(truncated=True)
            else:
                episode.read(output)
                this.going.append(episode)

    def _run(self, session: str, call: Call) -> ToolReply:
        if call.error:
            return ToolReply("refused", f"error: {call.error}")
        try:
            return self._tools.call(session, call.name, call.arguments or {})
        except Exception as error:
            _log.exception("the tool %s broke", call.name)
            return ToolReply("failed", f"{type(error).__name__} in {call.name}")

    def _reply(self, future: Future[ToolReply], give_up: float) -> ToolReply:
        try:
            return future.result(max(give_up - time.monotonic(), 0.0))
        except FutureTimeoutError:
            return ToolReply("failed", f"no reply within {self._call_s:g} s")


@contextmanager
def _closing(parts: Iterator[Completion]) -> Iterator[None]:
    """An engine that is left in the middle ends what it runs."""
    try:
        yield
    finally:
        if isinstance(parts, Generator):
            parts.close()

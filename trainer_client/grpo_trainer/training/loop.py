"""The training loop: what happens in which order, and what survives a stop.

Everything that decides the next step is in the state below, the weights and the optimiser; random numbers are drawn from the
seed and the counters. So N steps and k steps, resume, N - k steps end in the same bits, on the same machine and with an
engine that is itself repeatable.
"""

from __future__ import annotations

import dataclasses
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from grpo_trainer.rollout import GenerationEngine, Prompt
from grpo_trainer.rollout.rollout_file import ROLLOUTS, append_rows, drop_rows_after
from grpo_trainer.training import checkpoint, rollout_metrics
from grpo_trainer.training.batch_checks import check_failures, note_versions
from grpo_trainer.training.collector import CollectionStopped, RolloutBatch, RolloutCollector
from grpo_trainer.training.config import GRPOConfig
from grpo_trainer.training.engine_sync import GUARD_PROMPTS, EngineSync
from grpo_trainer.training.interrupt import Interrupt
from grpo_trainer.training.progress import progress
from grpo_trainer.training.prompt_stream import PromptStream
from grpo_trainer.training.reference import Reference
from grpo_trainer.training.rollout_rows import rollout_rows
from grpo_trainer.training.run_log import RunLog
from grpo_trainer.training.scorer import Scorer
from grpo_trainer.training.update import Updater

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Callback = Callable[["Trainer", RolloutBatch], Mapping[str, float] | None]


@dataclass
class State:
    """step: optimiser steps done. rollout: rollouts trained on. position: prompts drawn for them. tokens: sampled.

    versions: by domain, the digest of what scored the newest rollout.
    """

    step: int = 0
    rollout: int = 0
    position: int = 0
    tokens: int = 0
    versions: dict[str, str] = field(default_factory=dict)


class Trainer:
    """Trains `policy` in place. See the package's docstring for how to use it.

    dtype: of the forward pass; default: the policy's. The trained weights become float32, in place.

    Raises ValueError when `ahead` is 1 and the engine has no weights of its own, FileExistsError from `run` when run_dir
    holds another run.
    """

    def __init__(
        self,
        policy: PreTrainedModel,
        tokenizer: Any,
        engine: GenerationEngine,
        scorer: Scorer,
        prompts: Sequence[Prompt],
        config: GRPOConfig,
        *,
        callbacks: Sequence[Callback] = (),
        dtype: torch.dtype | None = None,
    ) -> None:
        if config.ahead and not engine.own_weights:
            raise ValueError("ahead: 1 needs an engine with weights of its own (TransformersEngine: copy_weights=True)")
        self.policy, self.tokenizer, self.config, self.engine = policy, tokenizer, config, engine
        self.state = State()
        self._updater = Updater(policy, config, dtype)
        self.reference = Reference(policy) if config.loss.kl_coef else None
        self._scorer = scorer
        self._stream = PromptStream(prompts, config.seed)
        self._collector = RolloutCollector(engine, scorer, tokenizer, self._stream, config)
        self._callbacks = callbacks
        self._interrupt, self._aborted = Interrupt(), threading.Event()
        self._pending: Future[RolloutBatch] | None = None
        self._engine_sync = EngineSync(policy, self._updater.forward, config)
        self._sync_metrics: dict[str, float] = {}
        self._saved = -1
        self._resumed = False

    @property
    def _reference_model(self) -> PreTrainedModel | None:
        return None if self.reference is None else self.reference.model

    def stop(self) -> None:
        """End `run` at the next point that can be resumed from, as Ctrl-C does. For callbacks."""
        self._interrupt.request()

    def wait_for_rollout(self) -> None:
        """Returns when no rollout is under way, so that a callback may use the engine."""
        if self._pending is not None:
            wait([self._pending])

    def resume(self) -> bool:
        """Go on from run_dir's newest checkpoint. False when there is none: `run` then begins, and drops the metrics that a
        run left which was killed before its first checkpoint."""
        self._resumed = True
        folder = checkpoint.newest(self.config.run_dir)
        if folder is None:
            return False
        saved = checkpoint.load(
            folder,
            policy=self.policy,
            reference=self._reference_model,
            optimizer=self._updater.optimizer,
        )
        changed = self.config.changed(saved["config"])
        if changed or saved["prompts"] != len(self._stream):
            names = ", ".join(changed) or "number of prompts"
            warnings.warn(f"resumed with other settings, not an exact continuation: {names}", stacklevel=2)
        self.state = State(**saved["state"])
        if self.reference is not None:
            self.reference.step = saved["reference_step"] or 0
        if saved["pending"] is not None:
            self._pending = Future()
            self._pending.set_result(checkpoint.unpack_batch(saved["pending"], self._stream))
        self._saved = self.state.step
        return True

    def run(self) -> State:
        """Train until `total_steps`, Ctrl-C or `stop`; leaves a checkpoint each time, and when scoring breaks down.

        Raises EngineOutOfSync when the engine does not follow the policy, TooManyFailures, and what the scorer raises.
        """
        config = self.config
        held = checkpoint.newest(config.run_dir) or (config.run_dir / "metrics.jsonl").exists()
        if held and self._saved < 0 and not self._resumed:
            raise FileExistsError(f"run_dir: {config.run_dir} holds a run; resume() it, or name another folder")
        drop_rows_after(config.run_dir / ROLLOUTS, self.state.step)
        with (
            closing(RunLog(config.run_dir, self.state.step, config.loggers)) as log,
            progress(config.total_steps, self.state.step) as show,
            ThreadPoolExecutor(1, thread_name_prefix="rollout") as ahead,
            self._interrupt,
            self._aborting(),
        ):
            while self.state.step < config.total_steps and not self._interrupt.requested():
                metrics = self._rollout(ahead)
                log.write(self.state.step, metrics, {"domains": self.state.versions} if self.state.versions else {})
                show(self.state.step, metrics)
                if self.state.step - max(self._saved, 0) >= config.checkpoint_every:
                    self._save_whole()
            if self.state.step != self._saved:
                self._save_whole()
        return self.state

    def save(self) -> None:
        """A checkpoint of now. With `ahead`, first waits for the rollout under way, which is part of it."""
        checkpoint.save(
            self.config.run_dir,
            self.state.step,
            self.config.keep_checkpoints,
            policy=self.policy,
            tokenizer=self.tokenizer,
            reference=self._reference_model,
            optimizer=self._updater.optimizer,
            state={
                "state": dataclasses.asdict(self.state),
                "config": self.config.to_mapping(),
                "prompts": len(self._stream),
                "reference_step": self.reference and self.reference.step,
                "pending": self._pending and checkpoint.pack_batch(self._pending.result()),
            },
        )
        self._saved = self.state.step

    def _save_whole(self) -> None:
        with self._saving():
            self.save()

    def _rollout(self, ahead: ThreadPoolExecutor) -> dict[str, float]:
        """One rollout: collect, update, commit. Gives its metrics."""
        start = time.perf_counter()
        with self._saving():
            batch = self._next(ahead)
            if self._pending is None:
                self.engine.release()
            check_failures(batch, self.config.max_failed, self.state.rollout)
            note_versions(batch, self.state.versions, self.state.step)
        wait_s = time.perf_counter() - start
        metrics = {**self._scorer.step_metrics(), **rollout_metrics.of_rollout(batch), **self._sync_metrics}
        number = self.state.rollout
        metrics |= self._update(batch)
        self._log_rollout(batch, number)
        with self._saving():
            for callback in self._callbacks:
                metrics |= callback(self, batch) or {}
        seconds = time.perf_counter() - start
        return {**metrics, "rollout_wait_s": wait_s, "step_time": seconds / self.config.steps_per_rollout}

    def _next(self, ahead: ThreadPoolExecutor) -> RolloutBatch:
        """The next rollout; with `ahead`, starts the one after it."""
        state = self.state
        if self._pending is None:
            self._sync(state.position)
            batch = self._collector.collect(state.rollout, state.position, state.rollout, self._interrupt.requested)
        else:
            batch = self._pending.result()
            self._pending = None
        if self.config.ahead and state.step + self.config.steps_per_rollout < self.config.total_steps:
            position = state.position + batch.drawn
            self._sync(position)
            self._pending = ahead.submit(
                self._collector.collect, state.rollout + 1, position, state.rollout, self._aborted.is_set
            )
        return batch

    def _sync(self, position: int) -> None:
        """The engine gets the policy's weights, and must show that it uses them on the next prompts."""
        places = range(position, position + min(GUARD_PROMPTS, self.config.prompts_per_rollout))
        prompts = [self._collector.encode(self._stream[place]) for place in places]
        self._sync_metrics = self._engine_sync(self.engine, prompts)

    def _log_rollout(self, batch: RolloutBatch, number: int) -> None:
        every = self.config.log_rollouts_every
        if every and number % every == 0:
            append_rows(self.config.run_dir / ROLLOUTS, rollout_rows(batch, self.state.step))

    def _update(self, batch: RolloutBatch) -> dict[str, float]:
        """The optimiser steps of a rollout, and the counters after them."""
        config, state = self.config, self.state
        if self.reference and config.reference_every and state.step - self.reference.step >= config.reference_every:
            self.reference.refresh(self.policy, state.step)
        start = time.perf_counter()
        metrics = self._updater.update(
            batch.alive(config.prompts_per_rollout),
            state.rollout,
            state.step,
            self._reference_model,
        )
        staleness = state.rollout - min(rollout.version for rollout in batch.rollouts)
        state.step += config.steps_per_rollout
        state.rollout += 1
        state.position += batch.drawn
        state.tokens += sum(rollout.length for rollout in batch.rollouts)
        return {
            **metrics,
            "update_s": time.perf_counter() - start,
            "off_policy/staleness": staleness,
            "num_tokens": state.tokens,
            "epoch": state.position / len(self._stream),
            "rollout": state.rollout,
        }

    @contextmanager
    def _saving(self) -> Iterator[None]:
        """Around what changes neither weights nor counters: if it fails, the state is whole, and worth a checkpoint."""
        try:
            yield
        except BaseException:
            self._abandon()
            if self.state.step != self._saved:
                self.save()
            raise

    @contextmanager
    def _aborting(self) -> Iterator[None]:
        """A run that was stopped while generating ends in peace; one that broke does not wait for the rollout under way."""
        self._aborted.clear()
        try:
            yield
        except CollectionStopped:
            pass
        except BaseException:
            self._abandon()
            raise

    def _abandon(self) -> None:
        self._aborted.set()
        self._pending = None

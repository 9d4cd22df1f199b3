"""On-policy distillation: a student writes, and learns at each of its own tokens what its teacher would write there.

    loss = mean over the tokens of KL(π ‖ π_teacher) = Σ_v π(v)·(log π(v) - log π_teacher(v))

The reverse KL on the student's own completions: GKD (arXiv:2306.13649), and Thinking Machines' "On-Policy Distillation"
(https://thinkingmachines.ai/blog/on-policy-distillation), where the advantage of a token is one sample of the same sum,
log π_teacher - log π. The sum over the vocabulary has the same expected gradient, without that sample's noise. No gradient
goes through the sampling, and nothing is rewarded. With a teacher for each source, one student takes over several
specialists.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from grpo_trainer.grpo.minibatch import pack
from grpo_trainer.rollout import Completion, GenerationEngine, Sampling
from grpo_trainer.training.logprobs import Forward, Head, Rows, by_chunks, vocabulary_size
from grpo_trainer.training.precision import take_master_weights
from grpo_trainer.training.steps import OnStep, StepsConfig, train_steps

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Metrics = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class DistillConfig(StepsConfig):
    """completions: a step, shared evenly among the sources. max_tokens: of a completion."""

    completions: int = 64
    max_tokens: int = 140
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    checkpoint_every: int = 50

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_positive("completions", "max_tokens")


@dataclass(frozen=True)
class Lesson:
    """What the student writes about, as token ids, and the teacher that it compares itself with."""

    prompts: Sequence[Sequence[int]]
    teacher: PreTrainedModel


@dataclass(frozen=True)
class _Answer:
    """A completion of the student to a source's prompt."""

    source: str
    prompt: Sequence[int]
    completion: Completion


class Distillation:
    """Of `lessons`, by source, into `student`.

    dtype: of the student's forward pass; default: what its weights are. They become float32, in place.
    Raises ValueError for a teacher with another vocabulary.
    """

    def __init__(
        self,
        student: PreTrainedModel,
        engine: GenerationEngine,
        lessons: Mapping[str, Lesson],
        config: DistillConfig,
        *,
        seed: int,
        dtype: torch.dtype | None = None,
    ) -> None:
        for source, lesson in lessons.items():
            if (theirs := lesson.teacher.config.vocab_size) != (ours := student.config.vocab_size):
                raise ValueError(
                    f"teachers.{source}: has {theirs} tokens, the student {ours}; they must be the same ones"
                )
        self.forward = Forward(take_master_weights(student, dtype), config.gradient_checkpointing)
        self._student, self._engine, self._lessons = student.train(False), engine, lessons
        self._config, self._seed = config, seed

    def run(
        self,
        state: Path,
        on_step: OnStep = lambda step, metrics: None,
        look: Callable[[int], Metrics] = lambda step: {},
    ) -> None:
        """Until `steps`; goes on from the file `state`. look: more metrics of a step's number, taken after the step."""
        train_steps(
            self._student,
            self._config,
            state,
            self._backward,
            lambda step, metrics: on_step(step, {**metrics, **look(step)}),
        )

    def _backward(self, step: int) -> Metrics:
        """The gradient of one step: the mean over all tokens that the student has written."""
        written = self._write(step)
        total = sum(one.completion.length for one in written)
        sums, tokens = dict.fromkeys(self._lessons, 0.0), dict.fromkeys(self._lessons, 0)
        for source, lesson in self._lessons.items():
            own = [one for one in written if one.source == source]
            for micro in pack(
                [len(one.prompt) + len(one.completion.ids) for one in own], self._config.micro_batch_tokens
            ):
                rows = _rows([own[place] for place in micro], self._student.device)
                kl = reverse_kl(self._student, lesson.teacher, rows, self.forward)
                (kl.sum() / total).backward()  # type: ignore[no-untyped-call]
                sums[source] += float(kl.detach().sum())
                tokens[source] += kl.numel()
        return {
            "loss": sum(sums.values()) / total,
            **{f"reverse_kl/{source}": sums[source] / tokens[source] for source in sums if tokens[source]},
            "completions/mean_length": total / len(written),
            "completions/clipped_ratio": sum(one.completion.truncated for one in written) / len(written),
        }

    @torch.no_grad()
    def _write(self, step: int) -> list[_Answer]:
        """Completions of the policy as it is before the step."""
        rng = random.Random(f"{self._seed}/distill/{step}")  # noqa: S311
        sources = list(self._lessons)
        drawn = [sources[place % len(sources)] for place in range(self._config.completions)]
        prompts = [rng.choice(self._lessons[source].prompts) for source in drawn]
        self._engine.sync(self._student)
        sampling = Sampling(self._config.max_tokens, seed=rng.getrandbits(31))
        # In the order of the prompts, whichever ends first.
        completions = sorted(self._engine.generate(prompts, sampling), key=lambda completion: completion.row)
        self._engine.release()
        return [_Answer(*one) for one in zip(drawn, prompts, completions, strict=True)]


def reverse_kl(student: PreTrainedModel, teacher: PreTrainedModel, rows: Rows, forward: Forward) -> Tensor:
    """KL(student ‖ teacher) of the distribution that each token was drawn from, nats; (tokens,), as `rows.targets`.

    The gradient goes to the student alone.
    """
    with forward.computing(student):
        hidden, head = forward.hidden_states(student, rows)
        with torch.no_grad():
            theirs, their_head = forward.hidden_states(teacher, rows)
        one = partial(_kl_chunk, head=head, teacher_head=their_head)
        (kl,) = by_chunks(one, (hidden, theirs), 2 * vocabulary_size(hidden, head))
    return kl


def _kl_chunk(hidden: Tensor, theirs: Tensor, head: Head, teacher_head: Head) -> tuple[Tensor]:
    ours = head(hidden).float().log_softmax(-1)
    with torch.no_grad():
        others = teacher_head(theirs).float().log_softmax(-1)
    probability = ours.exp()
    # The last two terms add up to 0. With them no rounding gives a student that equals its teacher a gradient.
    return ((probability * (ours - others) - probability + others.exp()).sum(-1),)


def _rows(written: Sequence[_Answer], device: torch.device) -> Rows:
    """What tools wrote is read, and is in no loss."""
    return Rows([(one.prompt, one.completion.ids) for one in written], device, [one.completion.mask for one in written])

"""A policy on disk, as an engine or `from_pretrained` reads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import transformers

from grpo_trainer.rollout.weights import plain_copy

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


def save(policy: PreTrainedModel, folder: Path) -> None:
    """Configuration and weights, as they are; adapters are merged into them."""
    with no_bars():
        plain_copy(policy).save_pretrained(folder)


def save_untied(policy: PreTrainedModel, folder: Path, dtype: torch.dtype | None = None) -> None:
    """With a head of its own, even if the policy shares the embeddings': vLLM reloads the embeddings of a tied model only.

    The policy is as before afterwards.
    """
    plain = plain_copy(policy)
    tied, before = plain.config.tie_word_embeddings, plain.config.dtype
    plain.config.tie_word_embeddings, plain.config.dtype = False, dtype or before
    try:
        with no_bars():
            plain.save_pretrained(folder, state_dict=untied_weights(plain, dtype))
    finally:
        plain.config.tie_word_embeddings, plain.config.dtype = tied, before


def untied_weights(policy: PreTrainedModel, dtype: torch.dtype | None = None) -> dict[str, torch.Tensor]:
    """The weights by name, in `dtype`, with a head of their own."""
    plain = plain_copy(policy)
    weights = {name: tensor.detach().to(dtype or tensor.dtype) for name, tensor in plain.state_dict().items()}
    head: Any = plain.get_output_embeddings()
    if plain.config.tie_word_embeddings and head is not None:
        name = next(name for name, module in plain.named_modules() if module is head)
        weights[f"{name}.weight"] = weights[f"{name}.weight"].clone()
    return weights


@contextmanager
def no_bars() -> Iterator[None]:
    """transformers draws its own progress bars, across ours."""
    enabled = transformers.utils.logging.is_progress_bar_enabled()
    transformers.utils.logging.disable_progress_bar()
    try:
        yield
    finally:
        if enabled:
            transformers.utils.logging.enable_progress_bar()

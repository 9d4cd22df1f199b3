"""A policy on disk, as an engine or `from_pretrained` reads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import transformers

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def save(policy: PreTrainedModel, folder: Path) -> None:
    """Configuration and weights, as they are."""
    with no_bars():
        policy.save_pretrained(folder)


def save_untied(policy: PreTrainedModel, folder: Path) -> None:
    """With a head of its own, even if the policy shares the embeddings': vLLM reloads the embeddings of a tied model only.

    The policy is as before afterwards.
    """
    config = policy.config
    if not config.tie_word_embeddings:
        save(policy, folder)
        return
    head: Any = policy.get_output_embeddings()
    name = next(name for name, module in policy.named_modules() if module is head)
    weights = {**policy.state_dict(), f"{name}.weight": head.weight.detach().clone()}
    config.tie_word_embeddings = False
    try:
        with no_bars():
            policy.save_pretrained(folder, state_dict=weights)
    finally:
        config.tie_word_embeddings = True


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

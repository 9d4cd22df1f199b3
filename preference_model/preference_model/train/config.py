"""What a training is made of: the one place for its options and their defaults. The command line is made from it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from reward_verifiers.contract import StrictModel

Features = Literal["answer", "pair"]


def _by_size(head: float, whole: float) -> Any:
    """A default that depends on whether a head alone is trained, or the whole model."""
    return lambda values: head if values.get("frozen", True) else whole


class TrainConfig(StrictModel):
    """The options of a training. The model card repeats all of them."""

    backbone: str = Field(default="all-MiniLM-L6-v2", description="The model's path or id.")
    frozen: bool = Field(default=True, description="Train a head alone; --unfrozen trains all weights.")
    features: Features | None = Field(
        default=None, description="Features of a frozen encoder: `pair` or `answer`. Default: `pair` for pairs."
    )
    max_tokens: int = Field(default=512, ge=16, description="Longer texts lose their middle in training.")
    epochs: int = Field(
        default_factory=_by_size(300, 1), ge=1, description="Default: 300 for a head, 1 for a whole model."
    )
    batch: int = Field(default=256, ge=1, description="Pairs or texts per step (R1: 256).")
    pass_tokens: int = Field(default=4096, ge=16, description="Tokens that a whole model runs at once: its memory.")
    lr: float = Field(
        default_factory=_by_size(1e-2, 6e-6), gt=0, description="Default: 1e-2 for a head, 6e-6 for a whole model (R1)."
    )
    weight_decay: float = Field(default=0.1, ge=0, description="Weight decay of AdamW.")
    patience: int = Field(default=10, ge=1, description="Epochs without a better validation loss before it stops.")
    balance_length: bool = Field(default=True, description="Weigh pairs so that length decides nothing.")
    decorrelate: float = Field(default=0.0, ge=0, description="Weight of (correlation of score and log length)².")
    negatives: float = Field(
        default=0.0, ge=0, le=4, description="Artificial losers per pair: openers, answers to other prompts."
    )
    seed: int = Field(default=0, description="Random seed.")
    device: str = Field(default="cpu", description="cpu, cuda or cuda:N.")

    def for_pairs(self, is_pairs: bool) -> TrainConfig:
        """The configuration with the features that fit the data, where none were named."""
        features: Features = self.features or ("pair" if is_pairs else "answer")
        return self.model_copy(update={"features": features})

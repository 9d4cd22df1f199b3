"""Where a policy comes from: a checkpoint, a GGUF file, or a tiny decoder; with adapters where the recipe wants some."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from grpo_trainer import tiny
from grpo_trainer.recipe import LoRA, Model


def initial_policy(model: Model, seed: int) -> tuple[PreTrainedModel, Any]:
    """(model, tokenizer) that a run begins with."""
    if model.path is not None:
        return load_policy(model.path)
    return _on_device(tiny.decoder(model.layers, model.width, model.heads, seed)), tiny.tokenizer()


def load_policy(path: str) -> tuple[PreTrainedModel, Any]:
    """In float32: weights that are trained are master weights. Raises OSError when there is no such model."""
    name, options = path, {}
    if path.endswith(".gguf"):
        name, options = str(Path(path).parent), {"gguf_file": Path(path).name}
    model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32, **options)
    return _on_device(model), AutoTokenizer.from_pretrained(name, **options)


def with_adapters(policy: PreTrainedModel, lora: LoRA, dtype: torch.dtype, seed: int) -> PreTrainedModel:
    """The policy's own weights are frozen, in `dtype`; the adapters are float32, and change nothing at first."""
    from peft import LoraConfig, get_peft_model

    policy.to(dtype)  # type: ignore[arg-type]
    config = LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, target_modules=lora.targets, lora_dropout=0.0, task_type="CAUSAL_LM"
    )
    with torch.random.fork_rng(), warnings.catch_warnings():
        # peft asks transformers by names that transformers has renamed.
        warnings.simplefilter("ignore", FutureWarning)
        torch.manual_seed(seed)
        adapted: Any = get_peft_model(policy, config)
    return adapted  # type: ignore[no-any-return]


def _on_device(model: PreTrainedModel) -> PreTrainedModel:
    return model.to("cuda") if torch.cuda.is_available() else model  # type: ignore[arg-type]

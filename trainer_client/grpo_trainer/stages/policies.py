"""Where a policy comes from: a checkpoint, a GGUF file, or a tiny decoder; with adapters where the recipe wants some."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from grpo_trainer import tiny
from grpo_trainer.recipe import LoRA, Model
from grpo_trainer.rollout.export import no_bars


def initial_policy(model: Model, seed: int, tokens: tuple[str, ...] = ()) -> tuple[PreTrainedModel, Any]:
    """(model, tokenizer) that a run begins with. tokens: what the sources need of a tiny tokenizer beyond its own."""
    if model.path is not None:
        return load_policy(model.path)
    return _on_device(tiny.decoder(model.layers, model.width, model.heads, seed, tokens)), tiny.tokenizer(tokens)


def load_policy(path: str) -> tuple[PreTrainedModel, Any]:
    """In float32: weights that are trained are master weights. Raises OSError when there is no such model."""
    if not path.endswith(".gguf"):
        return _on_device(AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)), _tokenizer(path)
    folder, name = str(Path(path).parent), Path(path).name
    with no_bars():
        model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
    return _on_device(_plain(model)), _tokenizer(folder, gguf_file=name)


def _tokenizer(path: str, **options: Any) -> Any:
    return AutoTokenizer.from_pretrained(path, **options)


def _plain(model: PreTrainedModel) -> PreTrainedModel:
    """The same weights in a model that can be saved: transformers refuses to save what was quantised."""
    config = copy.deepcopy(model.config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    plain: PreTrainedModel = type(model)(config)
    plain.load_state_dict(model.state_dict())
    plain.generation_config = model.generation_config
    plain.train(False)
    return plain


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

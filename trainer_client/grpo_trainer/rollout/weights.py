"""Copies of a policy's weights, whatever it is: a plain model, or one with LoRA adapters."""

from __future__ import annotations

import copy
import inspect
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def base_model(policy: PreTrainedModel) -> PreTrainedModel:
    """The transformers model inside adapters; the policy itself when it has none."""
    inner: Any = policy
    return inner.get_base_model() if has_adapters(policy) else policy


def cache_argument(model: Any) -> str | None:
    """What `forward` calls its KV cache: transformers 5.20 renamed it, and a model without attention has none."""
    arguments = inspect.signature(model.forward).parameters
    return next((name for name in ("cache", "past_key_values") if name in arguments), None)


def has_adapters(policy: PreTrainedModel) -> bool:
    """Whether `peft` wraps the policy."""
    return hasattr(policy, "peft_config") and hasattr(policy, "get_base_model")


def frozen_copy(policy: PreTrainedModel, dtype: torch.dtype | None = None) -> PreTrainedModel:
    """A copy without gradients, in eval mode, in `dtype`. Frozen weights are shared with the policy: they never change."""
    shared = {
        id(parameter): parameter
        for parameter in policy.parameters()
        if not parameter.requires_grad and dtype in (None, parameter.dtype)
    }
    twin: PreTrainedModel = copy.deepcopy(policy, dict(shared)).requires_grad_(False).train(False)
    if dtype is not None:
        twin.to(dtype)  # type: ignore[arg-type]
    return twin


def trained_weights(policy: PreTrainedModel) -> dict[str, torch.Tensor]:
    """The weights by name; those of the adapters alone where there are some."""
    trained = {name for name, parameter in policy.named_parameters() if parameter.requires_grad}
    names = trained if has_adapters(policy) else policy.state_dict().keys()
    return {name: tensor.detach() for name, tensor in policy.state_dict().items() if name in names}


def plain_copy(policy: PreTrainedModel) -> PreTrainedModel:
    """The policy as a model without adapters: their product is added to the weights, in float32."""
    if not has_adapters(policy):
        return policy
    merged: Any = copy.deepcopy(policy).float()
    plain: PreTrainedModel = merged.merge_and_unload()
    return plain

"""Checkpoints: everything that the next step depends on, whole or not there.

checkpoints/step-00000050/
  policy/            save_pretrained, with the tokenizer: load it with from_pretrained; adapters are merged
  adapters.safetensors    when the policy has adapters
  reference.safetensors   when there is a reference
  state.pt           optimiser and random states (tensors)
  state.json         counters, settings, and the rollout that was sampled ahead, with its rewards
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file, save_file

from grpo_trainer.grpo.advantages import GroupAdvantages
from grpo_trainer.rollout import Rollout, export
from grpo_trainer.rollout.weights import has_adapters, trained_weights
from grpo_trainer.training.collector import RolloutBatch, ScoredRollouts
from grpo_trainer.training.prompt_stream import PromptStream
from grpo_trainer.training.scorer import Scores
from grpo_trainer.whole_files import publish, reading

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def newest(folder: Path) -> Path | None:
    """The latest whole checkpoint of a run."""
    return max(folder.glob("checkpoints/step-*"), default=None)


def save(
    run: Path,
    step: int,
    keep: int,
    *,
    policy: PreTrainedModel,
    tokenizer: Any,
    reference: PreTrainedModel | None,
    optimizer: torch.optim.Optimizer,
    state: Mapping[str, Any],
) -> Path:
    """Writes beside and renames, so that a crash, of the machine too, leaves the old ones; then keeps the `keep` newest."""
    folder = run / "checkpoints"
    target, draft = folder / f"step-{step:08}", folder / f".draft-{step:08}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    export.save(policy, draft / "policy")
    if has_adapters(policy):
        save_file(trained_weights(policy), draft / "adapters.safetensors")
    tokenizer.save_pretrained(draft / "policy")
    if reference is not None:
        save_file(_own(reference), draft / "reference.safetensors")
    torch.save({"optimizer": optimizer.state_dict(), "random": _random_state()}, draft / "state.pt")
    (draft / "state.json").write_text(json.dumps(state))
    shutil.rmtree(target, ignore_errors=True)
    publish(draft, target)
    for old in sorted(folder.glob("step-*"))[:-keep]:
        shutil.rmtree(old)
    return target


def load(
    folder: Path, *, policy: PreTrainedModel, reference: PreTrainedModel | None, optimizer: torch.optim.Optimizer
) -> dict[str, Any]:
    """Fills the three in place, restores the random states, and gives back `state`.

    Raises ValueError for a checkpoint that is damaged; then nothing is changed.
    """
    with reading(folder):
        if has_adapters(policy):
            weights = load_file(folder / "adapters.safetensors")
        else:
            with export.no_bars():
                weights = type(policy).from_pretrained(folder / "policy", dtype=policy.dtype).state_dict()
        file = folder / "reference.safetensors"
        reference_weights = load_file(file) if reference is not None and file.exists() else None
        tensors = torch.load(folder / "state.pt", map_location="cpu", weights_only=True)
        state: dict[str, Any] = json.loads((folder / "state.json").read_text())
    policy.load_state_dict(weights, strict=not has_adapters(policy))
    if reference is not None:
        # A run that had none, and now has: it begins here.
        reference.load_state_dict(policy.state_dict() if reference_weights is None else reference_weights)
    optimizer.load_state_dict(tensors["optimizer"])
    torch.set_rng_state(tensors["random"]["cpu"])
    if torch.cuda.is_available() and tensors["random"]["cuda"]:
        torch.cuda.set_rng_state_all(tensors["random"]["cuda"])
    return state


def _own(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """Tied weights are written once a name: safetensors refuses shared memory."""
    return {name: tensor.detach().clone().contiguous() for name, tensor in model.state_dict().items()}


def _random_state() -> dict[str, Any]:
    return {
        "cpu": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def pack_batch(batch: RolloutBatch) -> dict[str, Any]:
    """As JSON values; prompts are left out, the stream has them."""
    groups = [
        {
            "position": group.position,
            "rollouts": [
                {key: value for key, value in vars(rollout).items() if key != "prompt"} for rollout in group.rollouts
            ],
            "scores": dataclasses.asdict(group.scores),
            "advantages": dataclasses.asdict(group.advantages),
        }
        for group in batch.groups
    ]
    return {**vars(batch), "groups": groups}


def unpack_batch(saved: Mapping[str, Any], stream: PromptStream) -> RolloutBatch:
    groups = [
        ScoredRollouts(
            group["position"],
            [Rollout(prompt=stream[group["position"]], **rollout) for rollout in group["rollouts"]],
            Scores(**group["scores"]),
            GroupAdvantages(**{**group["advantages"], "values": tuple(group["advantages"]["values"])}),
        )
        for group in saved["groups"]
    ]
    return RolloutBatch(**{**saved, "groups": groups})

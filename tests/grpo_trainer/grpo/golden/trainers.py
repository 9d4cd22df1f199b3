"""Losses and advantages of a real trainer on fixed tensors, as JSON: `python trainers.py trl`, where it is installed.

`losses.json` is what make.py gathered from the three; the default tests read it, the long ones run this again.
Every case names our settings, and says in the trainer's own words what they are there.
"""

import importlib.metadata
import importlib.util
import json
import sys
import types
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

TOKENS = 6
LENGTHS = [6, 4, 5, 2]
BETA = 0.04
CAP, BAND = 1.2, (0.8, 1.25)
REWARDS = [1.0, 0.0, 0.25, 1.0, 0.5, 2.0]
GROUPS = [0, 0, 0, 1, 1, 1]

GRPO = {"aggregation": "sequence", "clip_low": 0.2, "clip_high": 0.2}
DAPO = {"aggregation": "token", "clip_low": 0.2, "clip_high": 0.28}
DR_GRPO = {"aggregation": "constant", "clip_low": 0.2, "clip_high": 0.2}
GSPO = {"aggregation": "sequence", "ratio": "sequence", "clip_low": 0.05, "clip_high": 0.08}
CISPO = {"objective": "cispo", "aggregation": "token", "clip_high": 0.28}
TIS = {**DAPO, "correction": "truncate", "correction_high": CAP}
ICEPOP = {**DAPO, "correction": "mask", "correction_low": BAND[0], "correction_high": BAND[1]}
DUAL = {**GRPO, "dual_clip": 1.3}
OFF_POLICY = {**GRPO, "off_policy_limit": 0.1}
SEQUENCE = {"correction_level": "sequence", "correction_low": 0.3, "correction_high": 1.6}
SEQUENCE_TIS, SEQUENCE_MASK = ({**DAPO, "correction": kind, **SEQUENCE} for kind in ("truncate", "mask"))


def inputs():
    torch.manual_seed(7)
    logp = -torch.rand(len(LENGTHS), TOKENS, dtype=torch.float64) * 3
    near = [logp + scale * torch.randn_like(logp) for scale in (0.3, 0.5)]
    return {
        "logp": logp,
        "old": near[0],
        "rollout": near[0] + 0.3 * torch.randn_like(logp),
        "reference": near[1],
        "advantages": torch.tensor([1.3, -0.7, 0.4, -1.1], dtype=torch.float64),
        "mask": torch.arange(TOKENS) < torch.tensor(LENGTHS)[:, None],
        # A tool wrote the tokens 1 and 2 of the first, and 2 of the third.
        "own": torch.tensor([[place not in tool for place in range(TOKENS)] for tool in ((1, 2), (), (2,), ())]),
    }


def trl():
    from trl.trainer.grpo_trainer import GRPOTrainer

    def loss_of(kind, ours, *, kl=None, correct=False, tools=False):
        def compute(data):
            counter = {"train": defaultdict(list)}
            trainer = SimpleNamespace(
                _get_per_token_logps_and_entropies=lambda *a, **k: (data["logp"], torch.zeros_like(data["logp"]), None),
                accelerator=SimpleNamespace(
                    gather=lambda x: x, reduce=lambda x, reduction: x, num_processes=1, sync_gradients=True
                ),
                args=SimpleNamespace(
                    use_bias_correction_kl=kl == "k3_ratio", delta=ours.get("dual_clip"), steps_per_generation=1
                ),
                model=SimpleNamespace(training=True),
                beta=BETA if kl else 0.0,
                loss_type=kind,
                importance_sampling_level=ours.get("ratio", "token"),
                epsilon_low=ours.get("clip_low", 0.2),
                # For CISPO TRL takes the bound itself, not its distance from 1.
                epsilon_high=ours["clip_high"] + (1 if kind == "cispo" else 0),
                top_entropy_quantile=1.0,
                off_policy_mask_threshold=ours.get("off_policy_limit"),
                get_off_policy_mask=GRPOTrainer.get_off_policy_mask,
                aux_loss_enabled=False,
                use_vllm=correct,
                vllm_importance_sampling_correction=correct,
                max_completion_length=TOKENS,
                current_gradient_accumulation_steps=1,
                _entropy_bonus_enabled=False,
                _metrics=counter,
            )
            ids = torch.zeros_like(data["mask"], dtype=torch.long)
            mask = data["mask"].double()
            given = {
                "prompt_ids": ids[:, :1],
                "prompt_mask": mask[:, :1],
                "completion_ids": ids,
                "completion_mask": mask,
                "advantages": data["advantages"],
                "old_per_token_logps": data["old"],
                "sampling_per_token_logps": data["rollout"],
                "ref_per_token_logps": data["reference"],
                "num_items_in_batch": mask.sum(),
                "importance_sampling_ratio": (data["old"] - data["rollout"]).exp().clamp(max=CAP),
            }
            if tools:
                given["tool_mask"] = data["own"].double()
                given["num_items_in_batch"] = (mask * given["tool_mask"]).sum()
            return GRPOTrainer._compute_loss(trainer, None, given)

        compute.tools = tools
        return {**ours, **({"kl": kl, "kl_coef": BETA} if kl else {})}, compute

    tools = {
        f"tool_mask, {words}": loss_of(kind, ours, tools=True, **more)
        for words, kind, ours, more in (
            ("loss_type=grpo", "grpo", GRPO, {}),
            ("loss_type=dapo", "dapo", DAPO, {}),
            ("loss_type=dr_grpo", "dr_grpo", DR_GRPO, {}),
            ("importance_sampling_level=sequence", "grpo", GSPO, {}),
            ("loss_type=cispo", "cispo", CISPO, {}),
            ("beta=0.04", "grpo", GRPO, {"kl": "k3"}),
            ("vllm_importance_sampling_mode=token_truncate", "dapo", TIS, {"correct": True}),
            ("off_policy_mask_threshold=0.1", "grpo", OFF_POLICY, {}),
        )
    }
    return tools | {
        "loss_type=grpo": loss_of("grpo", GRPO),
        "loss_type=dapo, epsilon_high=0.28": loss_of("dapo", DAPO),
        "loss_type=bnpo": loss_of("bnpo", DAPO),
        "loss_type=dr_grpo": loss_of("dr_grpo", DR_GRPO),
        "importance_sampling_level=sequence": loss_of("grpo", GSPO),
        "loss_type=cispo": loss_of("cispo", CISPO),
        "beta=0.04, use_bias_correction_kl=False": loss_of("grpo", GRPO, kl="k3"),
        "beta=0.04, use_bias_correction_kl=True": loss_of("grpo", GRPO, kl="k3_ratio"),
        "vllm_importance_sampling_mode=token_truncate": loss_of("dapo", TIS, correct=True),
        "delta=1.3": loss_of("grpo", DUAL),
        "off_policy_mask_threshold=0.1": loss_of("grpo", OFF_POLICY),
    }, {}


def verl():
    from verl.trainer.ppo import core_algos
    from verl.trainer.ppo.rollout_corr_helper import compute_rollout_correction_weights
    from verl.workers.config import ActorConfig

    def rollout_weights(data, mask, ours):
        low, high = ours.get("correction_low"), ours["correction_high"]
        return compute_rollout_correction_weights(
            data["old"] - data["rollout"],
            mask,
            rollout_is=ours.get("correction_level", "token"),
            rollout_is_threshold=f"{low}_{high}" if ours["correction"] == "mask" else high,
        )[0]

    def loss_of(kind, mode, ours, *, kl=False, correct=False):
        def compute(data):
            config = ActorConfig(
                strategy="fsdp",
                rollout_n=1,
                ppo_micro_batch_size_per_gpu=1,
                clip_ratio_low=ours["clip_low"],
                clip_ratio_high=ours["clip_high"],
                clip_ratio_c=ours.get("dual_clip", 1e6),
                loss_agg_mode=mode,
            )
            mask = data["mask"].double()
            weights = rollout_weights(data, mask, ours) if correct else None
            spread = data["advantages"][:, None].expand_as(mask)
            policy_loss = core_algos.get_policy_loss_fn(kind)
            loss, _ = policy_loss(data["old"], data["logp"], spread, mask, mode, config, weights)
            if kl:
                penalty = core_algos.kl_penalty(data["logp"], data["reference"], "low_var_kl")
                loss = loss + BETA * core_algos.agg_loss(penalty, mask, mode)
            return loss

        return {**ours, **({"kl": "k3", "kl_coef": BETA} if kl else {})}, compute

    def advantage_of(compute, ours, **more):
        scores = torch.tensor(REWARDS, dtype=torch.float64)[:, None]
        results, _ = compute(scores, torch.ones_like(scores), np.array(GROUPS), **more)
        return ours, results.flatten().tolist()

    grpo, rloo = core_algos.compute_grpo_outcome_advantage, core_algos.compute_rloo_outcome_advantage
    return {
        "vanilla, seq-mean-token-mean": loss_of("vanilla", "seq-mean-token-mean", GRPO),
        "vanilla, token-mean": loss_of("vanilla", "token-mean", DAPO),
        "vanilla, seq-mean-token-sum-norm": loss_of("vanilla", "seq-mean-token-sum-norm", DR_GRPO),
        "gspo": loss_of("gspo", "seq-mean-token-mean", GSPO),
        "vanilla, kl_loss_type=low_var_kl": loss_of("vanilla", "token-mean", DAPO, kl=True),
        "vanilla, rollout_is_weights": loss_of("vanilla", "token-mean", TIS, correct=True),
        "vanilla, rollout_is=token, lower_upper": loss_of("vanilla", "token-mean", ICEPOP, correct=True),
        "vanilla, rollout_is=sequence": loss_of("vanilla", "token-mean", SEQUENCE_TIS, correct=True),
        "vanilla, rollout_is=sequence, lower_upper": loss_of("vanilla", "token-mean", SEQUENCE_MASK, correct=True),
        "vanilla, clip_ratio_c=1.3": loss_of("vanilla", "seq-mean-token-mean", DUAL),
    }, {
        "grpo": advantage_of(grpo, {"epsilon": 1e-6}, norm_adv_by_std_in_grpo=True),
        "grpo, norm_adv_by_std_in_grpo=False": advantage_of(grpo, {"scale": "none"}, norm_adv_by_std_in_grpo=False),
        "rloo": advantage_of(rloo, {"baseline": "leave_one_out", "scale": "none"}),
    }


def openrlhf():
    # Its package imports deepspeed and flash-attn; the loss needs neither.
    folder = Path(importlib.metadata.distribution("openrlhf").locate_file("openrlhf/models"))
    sys.modules["deepspeed"] = types.ModuleType("deepspeed")
    package = sys.modules["models"] = types.ModuleType("models")
    package.__path__ = [str(folder)]
    policy_loss = importlib.import_module("models.loss").PolicyLoss

    def loss_of(ours, **settings):
        def compute(data):
            mask = data["mask"].double()
            spread = data["advantages"][:, None].expand_as(mask)
            build = policy_loss(clip_eps_low=ours["clip_low"], clip_eps_high=ours["clip_high"], **settings)
            return build(data["logp"], data["old"], spread, mask, data["rollout"])[0]

        return ours, compute

    token = {"is_correction_level": "token"}
    return {
        "token_level_loss=False": loss_of(GRPO, token_level_loss=False),
        "token_level_loss=True": loss_of(DAPO, token_level_loss=True),
        "policy_loss_type=gspo": loss_of(GSPO, policy_loss_type="gspo"),
        "dual_clip=1.3": loss_of(DUAL, token_level_loss=False, dual_clip=1.3),
        "is_correction_mode=clip": loss_of(TIS, is_correction_mode="clip", is_correction_threshold=[0.0, CAP], **token),
        "is_correction_mode=mask": loss_of(ICEPOP, is_correction_mode="mask", is_correction_threshold=BAND, **token),
    }, {}


def golden(name):
    losses, advantages = {"trl": trl, "verl": verl, "openrlhf": openrlhf}[name]()
    results = []
    for words, (ours, compute) in losses.items():
        data = inputs()
        data["logp"].requires_grad_()
        loss = compute(data)
        (gradient,) = torch.autograd.grad(loss, data["logp"])
        case = {"case": words, "ours": ours, "loss": loss.item(), "gradient": gradient.tolist()}
        results.append(case | ({"tools": True} if getattr(compute, "tools", False) else {}))
    return {
        "trainer": name,
        "version": importlib.metadata.version(name),
        "inputs": {"tokens": TOKENS, "rewards": REWARDS, "groups": GROUPS}
        | {key: value.tolist() for key, value in inputs().items()},
        "losses": results,
        "advantages": [{"case": words, "ours": ours, "values": values} for words, (ours, values) in advantages.items()],
    }


if __name__ == "__main__":
    print(json.dumps(golden(sys.argv[1])))

"""Our loss and advantages equal those of TRL, verl and OpenRLHF on the same tensors (golden/make.py)."""

import importlib.util
import json
from pathlib import Path

import pytest
import torch

from grpo_trainer.grpo.advantages import AdvantageConfig, advantages
from grpo_trainer.grpo.aggregation import token_weights
from grpo_trainer.grpo.loss import LossConfig, token_loss

HERE = Path(__file__).parent / "golden"
GOLDEN = json.loads((HERE / "losses.json").read_text())
LOSSES = [(trainer["trainer"], case) for trainer in GOLDEN["trainers"] for case in trainer["losses"]]
ADVANTAGES = [(trainer["trainer"], case) for trainer in GOLDEN["trainers"] for case in trainer["advantages"]]


def named(cases):
    return [f"{trainer}: {case['case']}" for trainer, case in cases]


def exact(values):
    return torch.tensor(values, dtype=torch.float64)


def ours(settings, inputs, *, tools=False):
    """(loss, gradient) as the update computes them. tools: some tokens are a tool's."""
    tensors = {name: exact(inputs[name]) for name in ("logp", "old", "rollout", "reference")}
    mask, config = torch.tensor(inputs["mask"]), LossConfig(**{"kl_coef": 0.0, "correction": "none", **settings})
    if tools:
        mask = mask & torch.tensor(inputs["own"])
    logp = tensors["logp"].requires_grad_()
    parts = token_loss(
        logp,
        tensors["old"],
        exact(inputs["advantages"])[:, None],
        mask,
        config,
        rollout_logp=tensors["rollout"],
        reference_logp=tensors["reference"] if config.kl_coef else None,
    )
    weights = token_weights(mask.sum(-1).tolist(), config.aggregation, inputs["tokens"])
    loss = (parts.loss * mask * exact(weights)[:, None]).sum()
    return loss.item(), torch.autograd.grad(loss, logp)[0]


def check_loss(case, inputs):
    loss, gradient = ours(case["ours"], inputs, tools=case.get("tools", False))
    assert loss == pytest.approx(case["loss"], abs=2e-9)  # verl and OpenRLHF add 1e-8 to their denominators
    torch.testing.assert_close(gradient, exact(case["gradient"]), rtol=0, atol=2e-9)


def check_advantages(case, inputs):
    groups = [
        [reward for reward, group in zip(inputs["rewards"], inputs["groups"], strict=True) if group == number]
        for number in sorted(set(inputs["groups"]))
    ]
    results = [value for one in advantages(groups, AdvantageConfig(**case["ours"])) for value in one.values]
    assert results == pytest.approx(case["values"], abs=1e-12)


@pytest.mark.parametrize(("trainer", "case"), LOSSES, ids=named(LOSSES))
def test_the_loss_and_its_gradient(trainer, case):
    check_loss(case, GOLDEN["inputs"])


@pytest.mark.parametrize(("trainer", "case"), ADVANTAGES, ids=named(ADVANTAGES))
def test_the_advantages(trainer, case):
    check_advantages(case, GOLDEN["inputs"])


def test_the_tensors_tell_the_cases_apart():
    """Else equality would prove nothing: every option of ours gives another gradient here."""
    by_settings = {
        (json.dumps(case["ours"], sort_keys=True), case.get("tools", False)): case["gradient"] for _, case in LOSSES
    }
    gradients = [json.dumps(gradient) for gradient in by_settings.values()]
    assert len(set(gradients)) == len(gradients) == 22


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("trainer", ["trl", "verl", "openrlhf"])
def test_live(trainer, tmp_path):
    """Again from the real packages, freshly installed."""
    spec = importlib.util.spec_from_file_location("make", HERE / "make.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    results = make.ask(trainer, tmp_path)
    assert results["losses"]
    for case in results["losses"]:
        check_loss(case, results["inputs"])
    for case in results["advantages"]:
        check_advantages(case, results["inputs"])

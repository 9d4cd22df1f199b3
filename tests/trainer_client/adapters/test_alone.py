"""Adapters that raise: AReaL's and rLLM's by their signatures, against a real gateway. SkyRL's is in tests/trainers."""

import inspect
import multiprocessing
import pickle
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from trainer_client import NoVerdict
from trainer_client.adapters.areal import reward_fn
from trainer_client.adapters.areal import sample_of as areal_sample
from trainer_client.adapters.rllm import Evaluator, reward
from trainer_client.adapters.settings import AdapterSettings


@pytest.fixture(autouse=True)
def _settings(monkeypatch, toy_url):
    monkeypatch.setenv("TOUCHSTONE_URL", toy_url)
    monkeypatch.setenv("TOUCHSTONE_STOP_AT", "1")
    monkeypatch.setenv("TOUCHSTONE_DOMAIN", "toy")


# --- AReaL ------------------------------------------------------------------------------------------------------------


def areal(text, **columns):
    """As areal 1.0.4's RLVRWorkflow calls it: two strings, two lists of ids, and the row's columns."""
    row = {"messages": [{"role": "user", "content": "What?"}], "answer": "yes", **columns}
    return reward_fn("<|im_start|>user\nWhat?<|im_end|>\n", text, [1, 2], [3, 4, 5], **row)


def test_areals_reward():
    assert (areal("yes<|im_end|>"), areal("no")) == (1.0, 0.0)
    with pytest.raises(NoVerdict, match="worker_crashed"):
        areal("crash")


def test_areal_names_the_domain_by_a_column(monkeypatch):
    monkeypatch.delenv("TOUCHSTONE_DOMAIN")
    assert areal("yes", domain="toy") == 1.0
    with pytest.raises(ValueError, match="TOUCHSTONE_DOMAIN"):
        areal("yes")
    with pytest.raises(ValueError, match="looks at all siblings"):
        areal("yes", domain="whole")


def test_areals_pool_of_processes_runs_it():
    context = multiprocessing.get_context("spawn")
    assert pickle.loads(pickle.dumps(reward_fn)) is reward_fn
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        futures = [pool.submit(areal, text) for text in ("yes", "no", "crash")]
        assert [futures[0].result(), futures[1].result()] == [1.0, 0.0]
        with pytest.raises(NoVerdict):
            futures[2].result()


def test_areal_is_answered_before_its_time_is_out(monkeypatch, free_port):
    monkeypatch.setenv("TOUCHSTONE_URL", f"http://127.0.0.1:{free_port}")
    monkeypatch.setattr("trainer_client.adapters.areal.MOST_S", 0.5)
    with pytest.raises(NoVerdict):
        areal("yes")


def test_areals_prompt_shows_what_the_template_wrote():
    row = {"answer": "5/6", "query_id": "a", "level": 3}
    sample = areal_sample(AdapterSettings(domain="math"), "Q<|im_start|>assistant\n<think>\n", "t</think>5/6", 4, row)
    assert (sample.prefix, sample.prompt) == ("<think>\n", "Q<|im_start|>assistant\n")
    assert sample.reference == {"answer": "5/6", "level": 3}
    assert sample.tokens == 4


# --- rLLM -------------------------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class RewardOutput:
    """rllm/rewards/reward_types.py of rllm-org/rllm 9beb6e0."""

    reward: float
    metadata: dict = field(default_factory=dict)
    is_correct: bool | None = None


@dataclass
class Signal:
    """rllm/eval/types.py of rllm-org/rllm 013917c, as the next."""

    name: str
    value: float
    metadata: dict = field(default_factory=dict)


@dataclass
class EvalOutput:
    reward: float
    is_correct: bool
    signals: list[Signal] = field(default_factory=list)
    metadata: dict = field(default_factory=dict)


@pytest.fixture
def _rllm(monkeypatch):
    """Its two modules of result types; the package is not on PyPI."""
    modules: dict[str, dict[str, Any]] = {
        "rllm": {},
        "rllm.rewards": {},
        "rllm.rewards.reward_types": {"RewardOutput": RewardOutput},
        "rllm.eval": {},
        "rllm.eval.types": {"EvalOutput": EvalOutput, "Signal": Signal},
    }
    for name, content in modules.items():
        module = ModuleType(name)
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setenv("TOUCHSTONE_DOMAIN", "exact")


@pytest.mark.usefixtures("_rllm")
def test_rllms_reward_function():
    task = {"question": "What?", "ground_truth": "yes", "data_source": "gsm8k"}
    right = reward(task, "yes")
    assert (right.reward, right.is_correct) == (1.0, True)
    assert right.metadata["components"] == {"toy": 1.0}
    wrong = reward(task, SimpleNamespace(action="no"))
    assert (wrong.reward, wrong.is_correct) == (0.0, False)
    with pytest.raises(NoVerdict, match="worker_crashed"):
        reward(task, "crash")


def episode(text, *, artifact=None):
    step = SimpleNamespace(output=text)
    trajectory = SimpleNamespace(output=None, steps=[step])
    return SimpleNamespace(artifacts={} if artifact is None else {"answer": artifact}, trajectories=[trajectory])


@pytest.mark.usefixtures("_rllm")
def test_rllms_evaluator():
    evaluator = pickle.loads(pickle.dumps(Evaluator()))
    assert list(inspect.signature(evaluator.evaluate).parameters) == ["task", "episode"]
    task = SimpleNamespace(instruction="What?", metadata={"ground_truth": "yes"})
    right = evaluator.evaluate(task, episode("yes"))
    assert (right.reward, right.is_correct, right.signals) == (1.0, True, [Signal("toy", 1.0)])
    assert evaluator.evaluate({"question": "What?", "ground_truth": "yes"}, episode("yes", artifact="no")).reward == 0.0
    with pytest.raises(NoVerdict, match="worker_crashed"):
        evaluator.evaluate(task, episode("crash"))


@pytest.mark.slow
@pytest.mark.usefixtures("_rllm")
def test_hundreds_in_threads():
    task = {"question": "What?", "ground_truth": "yes"}
    with ThreadPoolExecutor(64) as pool:
        results = list(pool.map(lambda number: reward(task, ("yes", "no")[number % 2]).reward, range(400)))
    assert results == [1.0, 0.0] * 200

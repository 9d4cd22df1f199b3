"""In which order VLLMEngine asks vLLM for what, without a vLLM: the real one runs in test_vllm_engine.py and on a GPU."""

import sys
from types import ModuleType

import pytest
import torch

from grpo_trainer.rollout import Sampling
from grpo_trainer.rollout.vllm_engine import VLLMEngine


class LLM:
    def __init__(self, **options):
        self.options, self.calls, self.llm_engine = options, [], self

    def collective_rpc(self, name, kwargs):
        (self.source,) = kwargs
        if self.source == "weights_iterator":
            self.weights = dict(kwargs["weights_iterator"])
        self.calls.append(name)

    def reset_prefix_cache(self):
        self.calls.append("reset_prefix_cache")
        return True

    def sleep(self, level):
        self.calls.append("sleep")

    def wake_up(self, tags):
        self.calls.append(f"wake {'+'.join(tags)}")

    def has_unfinished_requests(self):
        self.calls.append("generate")
        return False


@pytest.fixture
def engine(monkeypatch, policy):
    module = ModuleType("vllm")
    module.LLM = LLM
    monkeypatch.setitem(sys.modules, "vllm", module)

    made = []

    def make(**options):
        made.append(VLLMEngine(policy, [2, 6], max_tokens=32, **options))
        return made[-1], made[-1]._llm

    yield make
    for one in made:
        one.close()


def test_the_cache_makes_room_for_the_update_and_comes_back_after_the_weights(engine, policy):
    ours, llm = engine(enable_sleep_mode=True)
    list(ours.generate([], Sampling(4)))
    ours.release()
    ours.release()
    ours.sync(policy)
    list(ours.generate([], Sampling(4)))
    assert llm.calls == [
        *("generate", "sleep"),
        *("wake weights", "reload_weights", "wake kv_cache", "reset_prefix_cache", "generate"),
    ]


def test_a_sleeping_engine_wakes_to_generate(engine):
    ours, llm = engine(enable_sleep_mode=True)
    ours.release()
    list(ours.generate([], Sampling(4)))
    assert llm.calls == ["sleep", "wake weights+kv_cache", "generate"]


def test_without_sleep_mode_it_stays_awake(engine, policy):
    ours, llm = engine()
    ours.release()
    ours.sync(policy)
    assert llm.calls == ["reload_weights", "reset_prefix_cache"]
    assert llm.source == "weights_path"


def test_in_one_process_the_weights_go_over_in_memory(engine, policy, monkeypatch):
    monkeypatch.setenv("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    ours, llm = engine(dtype=torch.bfloat16)
    ours.sync(policy)
    assert llm.options["dtype"] == "bfloat16"
    assert llm.weights["lm_head.weight"].dtype == torch.bfloat16
    # The policy's embeddings are tied; the engine's head is its own.
    assert llm.weights["lm_head.weight"].data_ptr() != llm.weights["model.embed_tokens.weight"].data_ptr()
    assert torch.equal(llm.weights["lm_head.weight"], policy.lm_head.weight.bfloat16())

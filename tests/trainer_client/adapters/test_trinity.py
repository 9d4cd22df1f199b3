"""Trinity-RFT's workflow against a real gateway. Its types are stand-ins in the form of Trinity 0.6.0's
trinity/common/workflows/workflow.py; the package's own run in tests/trainers."""

import pickle
import sys
from types import ModuleType, SimpleNamespace

import pytest

from trainer_client import BadGroup, NoVerdict
from trainer_client.adapters import trinity
from trainer_client.adapters.trinity import reference_of_task


class AsyncSimpleWorkflow:
    def __init__(self, *, task, model):
        self.reset(task)
        self.task, self.model, self.run_id_base = task, model, 0

    def reset(self, task):
        self.format_args, self.raw_task = task.format_args, task.raw_task
        self.reward_fn = task.reward_fn()

    def set_repeat_times(self, repeat_times, run_id_base):
        self.task.rollout_args["n"] = repeat_times
        self.run_id_base = run_id_base

    @property
    def rollout_args(self):
        return self.task.rollout_args

    def format_messages(self):
        messages = [{"role": "user", "content": self.raw_task[self.format_args.prompt_key]}]
        prefix = self.format_args.reply_prefix
        return [*messages, {"role": "assistant", "content": prefix}] if prefix else messages


STAND_INS = {
    "trinity": {},
    "trinity.common": {},
    "trinity.common.rewards": {},
    "trinity.common.rewards.reward_fn": {"RewardFn": object},
    "trinity.common.workflows": {},
    "trinity.common.workflows.workflow": {"AsyncSimpleWorkflow": AsyncSimpleWorkflow},
}


@pytest.fixture(autouse=True)
def _stand_ins(monkeypatch, asked_with):
    for name, content in STAND_INS.items():
        module = ModuleType(name)
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)
    yield
    trinity._classes.cache_clear()


def task(row=None, prefix=None):
    keys = SimpleNamespace(prompt_key="question", response_key="gold", reply_prefix=prefix)
    row = {"question": "Which?", "gold": "yes", **(row or {})}
    return SimpleNamespace(format_args=keys, raw_task=row, rollout_args={"n": 1}, reward_fn=None)


class Model:
    def __init__(self, *texts):
        self.texts, self.n = texts, None

    async def chat_async(self, messages, n):
        self.n = n
        return [
            SimpleNamespace(
                response_text=text, tokens=[1] * 5, prompt_length=2, eid=SimpleNamespace(run=0), metrics=None
            )
            for text in self.texts
        ]


async def run(*texts, base=0, **named):
    workflow = trinity.TouchstoneWorkflow(task=task(**named), model=Model(*texts))
    workflow.set_repeat_times(len(texts), base)
    return await workflow.run_async()


async def test_all_responses_are_one_group():
    experiences = await run("yes", "no", "yes<|im_end|>", base=4)
    assert [experience.reward for experience in experiences] == [1.0, 0.0, 1.0]
    assert [experience.eid.run for experience in experiences] == [4, 5, 6]
    assert experiences[0].metrics == {"toy": 1.0}


async def test_siblings_are_compared():
    experiences = await run("a", "aa", "aaaa", row={"domain": "whole"})
    assert [experience.reward for experience in experiences] == [0.25, 0.5, 1.0]


async def test_a_response_without_a_verdict_is_left_out():
    experiences = await run("yes", "crash", "no")
    assert [(one.response_text, one.reward) for one in experiences] == [("yes", 1.0), ("no", 0.0)]


@pytest.mark.parametrize("texts", [("crash",), ("crash", "raise"), ("yes", "crash")])
async def test_less_than_a_group_is_no_group(texts):
    """Trinity's advantage in a group of one is the reward itself."""
    with pytest.raises(NoVerdict, match="worker_crashed"):
        await run(*texts)


async def test_one_response_to_a_task_is_no_lone_rest():
    assert [experience.reward for experience in await run("yes")] == [1.0]


async def test_a_reply_prefix_is_the_completions():
    experiences = await run("s", "no", prefix="ye", row={"domain": "toy"})
    assert [experience.reward for experience in experiences] == [0.0, 0.0], "the toy looks at the completion alone"


async def test_a_set_up_at_fault_is_an_error(asked_with):
    with pytest.raises(BadGroup):
        await run("yes", row={"domain": "nowhere"})
    asked_with(DOMAIN="", SOURCES="toys=toy")
    assert [experience.reward for experience in await run("yes", row={"data_source": "toys"})] == [1.0]
    with pytest.raises(ValueError, match="TOUCHSTONE_DOMAIN"):
        await run("yes")


async def test_the_workflow_takes_the_next_task():
    workflow = trinity.TouchstoneWorkflow(task=task(), model=Model("yes", "no"))
    workflow.reset(task({"gold": "no"}))
    workflow.set_repeat_times(2, 0)
    assert [experience.reward for experience in await workflow.run_async()] == [0.0, 1.0]
    assert workflow.model.n == 2
    assert (workflow.can_reset, workflow.can_repeat) == (True, True)


def test_a_reward_function_for_trinitys_own_workflows(asked_with):
    reward = trinity.TouchstoneReward()
    assert reward(response="yes", truth="yes") == {"reward": 1.0}
    assert reward(response="no", truth='{"answer": "yes"}', prompt="Which?", with_think=True) == {"reward": 0.0}
    with pytest.raises(NoVerdict, match="worker_crashed"):
        reward(response="crash", truth="yes")
    asked_with(DOMAIN="whole")
    with pytest.raises(ValueError, match="looks at all siblings"):
        reward(response="yes", truth="yes")


def test_the_classes_travel_by_name():
    for name in ("TouchstoneReward", "TouchstoneWorkflow"):
        assert pickle.loads(pickle.dumps(getattr(trinity, name))) is getattr(trinity, name)
    with pytest.raises(AttributeError):
        _ = trinity.Nothing


@pytest.mark.parametrize(
    ("row", "reference"),
    [
        ({"question": "q", "gold": "5/6", "level": 3}, {"level": 3, "ground_truth": "5/6"}),
        ({"question": "q", "gold": "5/6", "answer": "a long story"}, {"ground_truth": "5/6"}),
        ({"question": "q", "answer": "5/6", "domain": "math"}, {"answer": "5/6"}),
        ({"question": "q", "gold": "5/6", "reference": {"answer": "7"}}, {"answer": "7"}),
    ],
)
def test_the_reference_is_the_row(row, reference):
    assert reference_of_task(row, "question", "gold") == reference

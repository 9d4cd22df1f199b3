"""Each trainer's way to one reward, as a function of a sample: by HTTP, or by its adapter in Python.

A way returns the reward, None where the trainer is given no verdict, and raises Unspeakable for what its dialect has no form
for. The trainers' own types are stand-ins with the fields that the adapters read.
"""

import asyncio
import itertools
import sys
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import httpx
import roll_types
from pydantic import BaseModel

from trainer_client import NoVerdict
from trainer_client.adapters import (
    areal,
    art,
    easyr1,
    openrlhf,
    prime,
    rllm,
    roll,
    siblings,
    skyrl,
    slime,
    swift,
    tinker,
    trl,
    tunix,
    verl,
)

_number = itertools.count()


class Unspeakable(Exception):
    """The trainer cannot send this."""


@dataclass
class Sample:
    label: Any
    prompt: Any
    completion: Any
    number: int = field(default_factory=lambda: next(_number))

    @property
    def text_prompt(self):
        if not isinstance(self.prompt, str):
            raise Unspeakable
        return self.prompt

    @property
    def text(self):
        if not isinstance(self.completion, str):
            raise Unspeakable
        return self.completion

    @property
    def columns(self):
        """The label as columns of a row: an object's fields, or one column for anything else."""
        return self.label if isinstance(self.label, dict) else {"ground_truth": self.label}

    @property
    def messages(self):
        """The prompt as messages; one that ends within the completion can only be text."""
        if isinstance(self.prompt, str) and "<think>" in self.prompt:
            raise Unspeakable
        return [{"role": "user", "content": self.prompt}] if isinstance(self.prompt, str) else self.prompt


# --- by HTTP ----------------------------------------------------------------------------------------------------------


async def openrlhf_http(http: httpx.AsyncClient, sample: Sample):
    prompt = sample.text_prompt
    sent = {"query": [prompt + sample.text], "prompts": [prompt], "labels": [sample.label]}
    reply = (await http.post("/compat/openrlhf/table", json=sent)).json()
    return reply["rewards"] if reply["extra_logs"]["valid"] else None


async def slime_http(http: httpx.AsyncClient, sample: Sample):
    sent = {"prompt": sample.prompt, "response": sample.completion, "label": sample.label}
    reply = await http.post("/compat/slime/table?key=1", json=sent)
    if reply.status_code == 503:
        return None
    return reply.json()["reward"] if reply.json()["valid"] else None


def _responses(sample: Sample):
    """The row and the response in the Responses API's form."""
    if isinstance(sample.completion, str):
        output = [
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": sample.completion}]}
        ]
    else:
        if any(not isinstance(message.get("content"), str) for message in sample.completion):
            raise Unspeakable
        output = []
        for message in sample.completion:
            if thought := next((message[key] for key in ("reasoning_content", "reasoning") if key in message), None):
                output.append({"type": "reasoning", "summary": [{"type": "summary_text", "text": thought}]})
            output.append({"type": "message", "role": "assistant", "content": message["content"]})
    return {**sample.columns, "responses_create_params": {"input": sample.prompt}, "response": {"output": output}}


async def nemo_gym_http(http: httpx.AsyncClient, sample: Sample):
    reply = (await http.post("/compat/nemo_gym/table/verify", json=_responses(sample))).json()
    return None if reply["mask_sample"] else reply["reward"]


async def prime_http(http: httpx.AsyncClient, sample: Sample):
    reply = await http.post("/compat/prime/table/verify", json=_responses(sample))
    return None if reply.status_code == 503 else reply.json()["reward"]


# --- in Python --------------------------------------------------------------------------------------------------------


async def trl_python(_, sample: Sample):
    [reward] = await trl.reward([sample.prompt], [sample.completion], reference=[sample.label])
    return reward


async def swift_python(_, sample: Sample):
    answered = [*sample.messages, {"role": "assistant", "content": sample.text}]
    [reward] = await swift.reward([sample.text], messages=[answered], reference=[sample.label])
    return reward


async def verl_python(_, sample: Sample):
    extra = {"index": sample.number, "split": "train", "prompt": sample.prompt}
    row = await verl.compute_score("table", sample.text, sample.label, extra)
    return None if row["failed"] else row["score"]


async def slime_python(_, sample: Sample):
    status = SimpleNamespace(value="completed")
    own = SimpleNamespace(
        group_index=None,
        prompt=sample.prompt,
        response=sample.completion,
        response_length=3,
        label=sample.label,
        status=status,
        metadata={},
        remove_sample=False,
    )
    reward = await slime.custom_rm(SimpleNamespace(n_samples_per_prompt=1), own)
    return None if own.remove_sample else reward


async def prime_python(_, sample: Sample):
    turns = (
        [{"role": "assistant", "content": sample.completion}]
        if isinstance(sample.completion, str)
        else sample.completion
    )
    nodes = [SimpleNamespace(message=Turn(turn), sampled=False) for turn in sample.messages]
    nodes += [SimpleNamespace(message=Turn(turn), sampled=True) for turn in turns]
    trace = SimpleNamespace(
        branches=[SimpleNamespace(nodes=nodes)], num_output_tokens=3, record_metrics=lambda metrics: None
    )
    return await prime.reward(Data(reference=sample.label), trace)


class TaskData(BaseModel):
    prompt: str | None = None


class Data(TaskData):
    reference: Any


class Turn:
    def __init__(self, turn):
        self.turn = turn

    def model_dump(self, **_):
        return self.turn


async def areal_python(_, sample: Sample):
    messages = None if isinstance(sample.prompt, str) else sample.prompt
    shown = sample.prompt if messages is None else "?"
    columns = {**sample.columns, **({"messages": messages} if messages else {})}
    return await asyncio.to_thread(areal.reward_fn, shown, sample.text, [1], [1, 2], **columns)


async def rllm_python(_, sample: Sample):
    task = {**sample.columns, "prompt": sample.prompt}
    return (await asyncio.to_thread(rllm.reward, task, sample.completion)).reward


async def skyrl_python(_, sample: Sample):
    def stepped():
        env = skyrl.TouchstoneEnv(extras={"reward_spec": {"ground_truth": sample.label}})
        env.init(sample.prompt)
        return env.step(sample.text)["reward"]

    return await asyncio.to_thread(stepped)


async def openrlhf_python(_, sample: Sample):
    prompt = sample.text_prompt
    reply = await asyncio.to_thread(openrlhf.reward_func, [prompt + sample.text], [prompt], [sample.label])
    return reply["rewards"] if reply["extra_logs"]["valid"] else None


async def easyr1_python(_, sample: Sample):
    if "<think>" in str(sample.prompt):
        raise Unspeakable  # it shows no prompt, and so no prefill
    sent = {"response": sample.text, "response_length": 3, "ground_truth": sample.label}
    [row] = await asyncio.to_thread(easyr1.compute_score, [sent])
    return row["overall"] if row["valid"] else None


async def tinker_python(_, sample: Sample):
    [(reward, _)] = await tinker.group_rewards(sample.prompt, [sample.completion], sample.label)
    return reward


@dataclass
class Trajectory:
    """In the form of art/trajectories.py of openpipe-art 0.5.18, as the two below."""

    messages_and_choices: list[Any]
    metadata: dict[str, Any] = field(default_factory=dict)
    reward: float = 0.0
    metrics: dict[str, float] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)
    additional_histories: list[Any] = field(default_factory=list)


class TrajectoryGroup:
    def __init__(self, trajectories, metadata=None):
        self.exceptions = [str(one) for one in trajectories if isinstance(one, Exception)]
        self.trajectories = [one for one in trajectories if not isinstance(one, Exception)]
        self.metadata = metadata or {}


class Choice:
    def __init__(self, message, tokens=None):
        self.message = SimpleNamespace(to_dict=lambda: message)
        self.logprobs = tokens and SimpleNamespace(content=[None] * tokens)


async def art_python(_, sample: Sample):
    turns = sample.completion if isinstance(sample.completion, list) else [{"content": sample.completion}]
    choices = [Choice({"role": "assistant", **turn}) for turn in turns]
    scored = await art.score_group(TrajectoryGroup([Trajectory([*sample.messages, *choices])]), sample.label)
    return scored.trajectories[0].reward if scored.trajectories else None


async def tunix_python(_, sample: Sample):
    """It imputes where there is no verdict, which the results behind its numbers show."""
    columns = {name: [value] for name, value in sample.columns.items()}
    scored: list[bool] = []

    def noted(settings, domains, groups):
        scored.extend(one.reward is not None for group in groups for one in group)
        return siblings.batch_rewards(settings, domains, groups)

    with patch.object(tunix, "batch_rewards", noted):
        [reward] = await asyncio.to_thread(tunix.reward, [sample.text_prompt], [sample.text], mode="train", **columns)
    return reward if scored == [True] else None


async def roll_python(_, sample: Sample):
    """It imputes as well."""
    worker = roll.TouchstoneRewardWorker(SimpleNamespace(model_args=None))
    columns = {"ground_truth": None, **sample.columns}
    sent = roll_types.batch(sample.text, prompt=sample.text_prompt, step=sample.number, **columns)
    results: list[siblings.SampleReward] = []

    async def noted(*arguments, **named):
        results.append(await siblings.sample_reward(*arguments, **named))
        return results[-1]

    with patch.object(roll, "sample_reward", noted):
        scored = await worker.compute_rewards(sent)
    return None if results[0].failed else scored.batch["response_level_rewards"].item()


HTTP = [openrlhf_http, slime_http, nemo_gym_http, prime_http]
PYTHON = [
    trl_python,
    swift_python,
    verl_python,
    slime_python,
    prime_python,
    areal_python,
    rllm_python,
    skyrl_python,
    openrlhf_python,
    easyr1_python,
    tinker_python,
    art_python,
    tunix_python,
    roll_python,
]
STAND_INS: dict[str, dict[str, Any]] = {
    "rllm": {},
    "rllm.rewards": {},
    "rllm.rewards.reward_types": {"RewardOutput": lambda **fields: SimpleNamespace(**fields)},
    "skyrl_gym": {},
    "skyrl_gym.envs": {},
    "skyrl_gym.envs.base_text_env": {"BaseTextEnv": object, "BaseTextEnvStepOutput": dict},
    **roll_types.STAND_INS,
}


def stand_in(monkeypatch, stand_ins=STAND_INS) -> None:
    """Puts the types of trainers that are on no index, or heavy, where their adapters look for them."""
    for name, content in stand_ins.items():
        module = ModuleType(name)
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)


async def rewards_of(http: httpx.AsyncClient, sample: Sample) -> dict[str, float | None]:
    """The reward by every way that can send the sample."""

    async def one(way):
        try:
            return await way(http, sample)
        except NoVerdict:
            return None
        except Unspeakable:
            return Unspeakable

    rewards = await asyncio.gather(*(one(way) for way in [*HTTP, *PYTHON]))
    pairs = zip([*HTTP, *PYTHON], rewards, strict=True)
    return {way.__name__: reward for way, reward in pairs if reward is not Unspeakable}

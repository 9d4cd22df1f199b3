"""TRL's reward function against a real gateway, as TRL calls it."""

import asyncio
import json
import multiprocessing
import pickle
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError
from types import SimpleNamespace

import pytest

from trainer_client import BadGroup, TooManyFailures
from trainer_client.adapters import trl
from trainer_client.adapters.trl import reward, reward_sync


class Log:
    """TRL's log_extra and log_metric."""

    def __init__(self):
        self.extra, self.metrics = defaultdict(list), defaultdict(list)

    @property
    def columns(self):
        return {
            "log_extra": lambda name, values: self.extra[name].extend(values),
            "log_metric": lambda name, value: self.metrics[name].append(value),
            "trainer_state": SimpleNamespace(global_step=3),
        }


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """`installed("1.5.2")`: the version of TRL that is there, None for none; at first the newest that was read."""

    def install(version):
        def find(name):
            if version is None:
                raise PackageNotFoundError(name)
            return version

        monkeypatch.setattr(trl, "version", find)
        trl._version.cache_clear()

    install("1.16.0")
    yield install
    trl._version.cache_clear()


@pytest.fixture
def log(monkeypatch):
    monkeypatch.setattr(trl, "_components", {})
    return Log()


async def test_no_verdict_is_none_and_every_component_is_logged(asked_with, log):
    texts = ["yes", "no", "crash", "yes"]
    rewards = await reward(["p"] * 4, texts, [[1]] * 4, answer=["yes"] * 4, **log.columns)
    assert rewards == [1.0, 0.0, None, 1.0]
    assert log.extra == {"toy": [1.0, 0.0, None, 1.0], "failure": [None, None, "worker_crashed", None]}
    assert log.metrics == {
        "rewards/toy/mean": [pytest.approx(2 / 3)],
        "reward/failed_frac": [0.25],
        "failures/worker_crashed": [1.0],
    }


ROWS = [list("ppp") + list("qq"), ["yes", "no", "crash", "crash", "crash"]]
ANSWERS = {"answer": ["yes"] * 3 + ["no"] * 2}


@pytest.mark.parametrize(
    ("version", "expected"), [("1.5.2", 0.5), ("0.18.0", 0.5), ("1.6.0", None), ("1.16.0", None), (None, 0.5)]
)
async def test_a_trainer_that_counts_none_as_0_gets_the_siblings_mean(asked_with, installed, version, expected):
    installed(version)
    assert await reward(*ROWS, **ANSWERS) == [1.0, 0.0, expected, None, None]


@pytest.mark.parametrize(
    ("version", "columns", "expected"),
    [
        ("1.16.0", {"trainer_state": SimpleNamespace(global_step=3)}, None),
        ("1.16.0", {}, 0.5),
        ("1.5.2", {"trainer_state": SimpleNamespace(global_step=3)}, 0.5),
        (None, {}, 0.5),
    ],
)
def test_trl_alone_gets_none_from_the_plain_function(asked_with, installed, version, columns, expected):
    """tunix and MaxText call it in the same way, and add up with `nansum`."""
    installed(version)
    assert reward_sync(*ROWS, **ANSWERS, **columns) == [1.0, 0.0, expected, None, None]


async def test_interleaved_rows_are_compared_with_their_siblings(asked_with):
    prompts, texts = ["p", "q", "p", "q"], ["aaaa", "a", "aa", "aa"]
    rewards = await reward(prompts, texts, answer=["no"] * 4, domain=["whole"] * 4)
    assert rewards == [1.0, 0.5, 0.5, 1.0]


async def test_a_component_looks_at_the_rows_of_one_prompt_only(asked_with):
    prompts, texts = ["p", "p", "q", "q"], ["aaaa", "aa", "a", "aa"]
    rewards = await reward(prompts, texts, answer=["no"] * 4, domain=["whole"] * 4)
    assert rewards == [1.0, 0.5, 0.5, 1.0]


async def test_one_reference_that_is_wrong_costs_its_group_only(asked_with):
    rewards = await reward(["p", "p", "q"], ["a", "b", "b"], answer=[None, None, "b"])
    assert rewards == [None, None, 1.0]


async def test_rows_of_several_domains_keep_their_order(asked_with):
    columns = {"answer": ["a", "b", "c"], "data_source": ["x", "y", "x"]}
    asked_with(SOURCES="y=whole")
    assert await reward(list("pqr"), ["a", "b", "z"], **columns) == [1.0, 2.0, 0.0]


async def test_messages_are_scored_as_their_text(asked_with):
    said = [{"role": "assistant", "content": "yes"}]
    rewards = await reward([[{"role": "user", "content": "?"}]], [said], answer=["yes"])
    assert rewards == [1.0]


async def test_a_gateway_that_is_away_is_none_for_all(asked_with, free_port, log):
    asked_with(URL=f"http://127.0.0.1:{free_port}", DEADLINE_S="0.5")
    trl._components["toy"] = None
    assert await reward(["p"] * 2, ["a", "b"], answer=["a"] * 2, **log.columns) == [None, None]
    assert log.extra == {"toy": [None, None], "failure": ["verifier_unreachable"] * 2}
    assert log.metrics["reward/failed_frac"] == [1.0]


async def test_too_many_without_a_verdict_stop_the_run(asked_with, free_port):
    asked_with(URL=f"http://127.0.0.1:{free_port}", DEADLINE_S="0.5", STOP_AT="0.5")
    with pytest.raises(TooManyFailures, match="verifier_unreachable"):
        await reward(["p"] * 64, ["a"] * 64, answer=["a"] * 64)


async def test_a_wrong_setting_is_told_at_once(asked_with):
    with pytest.raises(BadGroup, match="no such domain"):
        await reward(["p"], ["a"], answer=["a"], domain=["nowhere"])


async def test_no_rows_are_no_rewards(asked_with, log):
    assert await reward([], [], answer=[], **log.columns) == []


async def test_many_calls_at_once_each_get_their_own(asked_with):
    async def call(number):
        return await reward(["p"] * 4, [str(number), "x", "crash", str(number)], answer=[str(number)] * 4)

    assert await asyncio.gather(*map(call, range(20))) == [[1.0, 0.0, None, 1.0]] * 20


def test_any_loop_of_any_thread(asked_with):
    def call(number):
        return asyncio.run(reward(["p"], [str(number)], answer=[str(number)]))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(call, range(16))) == [[1.0]] * 16


async def test_a_trainer_that_awaits_nothing_also_inside_a_loop(asked_with):
    assert reward_sync(["p"] * 2, ["yes", "crash"], answer=["yes"] * 2) == [1.0, 1.0]


def _call(function, message):
    return asyncio.run(function(["p"] * 2, ["yes", "crash"], answer=["yes"] * 2))


def test_a_spawned_child_gets_it_pickled(asked_with):
    assert pickle.loads(pickle.dumps(reward)) is reward
    program = (
        "import asyncio, json, pickle, sys\n"
        "reward = pickle.loads(bytes.fromhex(sys.argv[1]))\n"
        "print(json.dumps(asyncio.run(reward(['p'] * 2, ['yes', 'crash'], answer=['yes'] * 2))))\n"
    )
    command = [sys.executable, "-W", "error", "-c", program, pickle.dumps(reward).hex()]
    assert json.loads(subprocess.run(command, capture_output=True, check=True).stdout) == [1.0, 1.0], "no TRL is there"


def test_a_forked_child_after_a_first_call(asked_with):
    assert reward_sync(["p"], ["yes"], answer=["yes"]) == [1.0]
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=lambda: theirs.send(reward_sync(["p"], ["yes"], answer=["yes"])))
    child.start()
    assert ours.poll(60)
    assert ours.recv() == [1.0]
    child.join(60)
    assert child.exitcode == 0

"""One client in many threads, loops and processes, against a real gateway."""

import asyncio
import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from trainer_client import AsyncRewardClient, RewardClient, RolloutGroup, RolloutSample


def score(client, text="yes"):
    return client.score("toy", [text, "no"], reference=text).rewards


@pytest.fixture
def client(toy_url):
    with RewardClient(toy_url, deadline_s=30) as client:
        yield client


# --- threads ----------------------------------------------------------------------------------------------------------


def test_many_threads_get_their_own_rewards(client):
    barrier = threading.Barrier(16)

    def work(number):
        barrier.wait()
        ones = [client.score("toy", [str(number), str(turn)], reference=str(number)).rewards for turn in range(5)]
        handles = [
            client.submit(RolloutSample("toy", str(index), "3", group_id=f"{number}", group_size=4))
            for index in range(4)
        ]
        return ones, client.group(f"{number}").result().rewards, [handle.result().reward for handle in handles]

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(work, range(100, 116)))
    assert results == [([[1.0, 0.0]] * 5, [0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0])] * 16


def test_threads_fill_one_group_together(client):
    barrier = threading.Barrier(8)

    def work(index):
        barrier.wait()
        client.submit(RolloutSample("toy", str(index), "5", group_id="g", group_size=8, index=index))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert client.group("g").result(timeout=30).rewards == [float(index == 5) for index in range(8)]


def test_a_client_that_nobody_keeps_ends_its_thread(toy_url):
    client = RewardClient(toy_url)
    assert score(client) == [1.0, 0.0]
    thread = client._background._thread
    del client
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()


# --- loops ------------------------------------------------------------------------------------------------------------


def test_one_async_client_serves_loop_after_loop(toy_url):
    client = AsyncRewardClient(toy_url)

    async def work():
        handles = [client.submit(RolloutSample("toy", str(index), "2")) for index in range(4)]
        ready = [handle async for handle in client.as_completed(handles)]
        assert set(ready) == set(handles)
        many = await client.score_many([RolloutGroup("toy", ["yes"], "yes"), RolloutGroup("toy", ["no"], "yes")])
        one = await client.score("toy", ["yes"], reference="yes")
        return [(await handle).reward for handle in handles], [scored.rewards for scored in [*many, one]]

    for _ in range(3):
        assert asyncio.run(work()) == ([0.0, 0.0, 1.0, 0.0], [[1.0], [0.0], [1.0]])
    with ThreadPoolExecutor(4) as pool:
        assert len(set(map(str, pool.map(lambda _: asyncio.run(work()), range(4))))) == 1
    asyncio.run(client.aclose())


async def test_the_waiting_client_works_inside_a_running_loop(client):
    assert score(client) == [1.0, 0.0]


async def test_a_task_that_is_cancelled_takes_its_request_back(toy_url):
    async with AsyncRewardClient(toy_url, deadline_s=30) as client:
        task = asyncio.create_task(client.score("whole", ["a"], reference="b", id="g", group_size=2, indices=[0]))
        while client._background is None or not client._background._sender._batches:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while client._background._sender._batches:
            await asyncio.sleep(0.01)
        assert (await client.score("toy", ["yes"], reference="yes")).rewards == [1.0]


async def test_who_stops_waiting_leaves_the_reward_to_others(toy_url):
    async with AsyncRewardClient(toy_url, deadline_s=30) as client:
        handle = client.submit(RolloutSample("whole", "aa", "b", group_id="g", group_size=2))

        async def wait():
            return await handle

        impatient, patient = asyncio.create_task(wait()), asyncio.create_task(wait())
        await asyncio.sleep(0)
        impatient.cancel()
        client.submit(RolloutSample("whole", "b", "b", group_id="g", group_size=2))
        assert (await patient).components["relative"] == 1.0


# --- processes --------------------------------------------------------------------------------------------------------


def in_a_fork(work):
    """The exit code of `work` in a forked child: 0 when it returned True in time."""
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        code = 1
        try:
            code = 0 if work() else 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_client_in_use_goes_on_in_a_fork_and_in_its_parent(client):
    assert score(client) == [1.0, 0.0]
    for turn in range(3):
        pending = client.submit(RolloutSample("toy", f"hang {turn}", "yes"))
        assert in_a_fork(lambda: score(client) == [1.0, 0.0] and score(client, "other") == [1.0, 0.0]) == 0
        assert score(client) == [1.0, 0.0]
        assert pending.result().failure["kind"] == "timeout"


def test_a_fork_does_not_inherit_a_lock_that_is_held(client):
    client._lock.acquire()
    try:
        assert in_a_fork(lambda: score(client) == [1.0, 0.0]) == 0
    finally:
        client._lock.release()


def test_a_reward_of_the_parent_is_not_waited_for_in_the_child(client):
    pending = client.submit(RolloutSample("toy", "hang for the parent", "yes"))

    def wait():
        try:
            pending.result()
        except RuntimeError as error:
            return "another process" in str(error)
        return False

    assert in_a_fork(wait) == 0


def test_a_closed_client_is_closed_in_the_child_too(toy_url):
    client = RewardClient(toy_url)
    client.close()

    def use():
        try:
            score(client)
        except RuntimeError:
            return True
        return False

    assert in_a_fork(use) == 0


def test_a_pickled_client_works_in_a_spawned_process(client):
    assert score(client) == [1.0, 0.0]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(score, [client, pickle.loads(pickle.dumps(client))]) == [[1.0, 0.0]] * 2


PROGRAM = """
import sys
from trainer_client import RewardClient, RolloutSample
client = RewardClient(sys.argv[1])
print(client.score("toy", ["yes"], reference="yes").rewards)
client.submit(RolloutSample("whole", "a", "b", group_id="g", group_size=2))
"""


def test_a_program_that_does_not_close_its_client_ends(toy_url):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, toy_url], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[1.0]\n", "")


def test_ctrl_c_ends_a_wait(toy_url):
    program = PROGRAM + "print('waits', flush=True)\nclient.group('g').result()\n"
    process = subprocess.Popen([sys.executable, "-c", program, toy_url], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert [process.stdout.readline() for _ in range(2)] == [b"[1.0]\n", b"waits\n"]
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=30)
    assert b"KeyboardInterrupt" in message


def test_a_lock_that_nobody_gives_back_does_not_keep_a_client_open(toy_url, monkeypatch):
    """A Ctrl-C between the taking of a lock and the block that gives it back leaves it taken."""
    monkeypatch.setattr("trainer_client.background_loop.END_S", 0.2)
    client = RewardClient(toy_url)
    future = client.submit(RolloutSample("whole", "a", "b", group_id="g", group_size=2))
    with future._future._condition:
        client.close()

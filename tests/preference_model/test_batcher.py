"""The queue: batches over concurrent requests, bounded, each item's fate its own."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from preference_model.model.batcher import Batcher, ModelFailed
from reward_verifiers.service.admission import Admission
from reward_verifiers.verifier import Overloaded


@dataclass(frozen=True)
class Item:
    ids: tuple[int, ...]
    shared: int = 0


def text(length, first=0):
    return Item((first,) + (1,) * (length - 1))


class Model:
    """Gives each text its length. It waits while it is held, and fails on a text that begins with 13."""

    def __init__(self):
        self.batches = []
        self.free = threading.Event()
        self.free.set()
        self.begun = threading.Event()

    def run(self, items):
        self.batches.append([len(item.ids) for item in items])
        self.begun.set()
        self.free.wait(10)
        if any(item.ids[0] == 13 for item in items):
            raise RuntimeError("no")
        return [[float(len(item.ids))] for item in items]


@pytest.fixture
async def queue():
    executor = ThreadPoolExecutor(1)
    made = []

    def make(model, budget=100, limit=10_000, **more):
        made.append(Batcher(model.run, executor, Admission(limit), budget_tokens=budget, window_s=0.001, **more))
        return made[-1]

    yield make
    for one in made:
        await one.aclose()
    executor.shutdown()


async def until(event):
    await asyncio.to_thread(event.wait, 10)


async def test_concurrent_requests_share_batches_and_each_gets_its_own(queue):
    model = Model()
    batcher = queue(model)
    rows = await asyncio.gather(*(batcher.submit([text(length)]) for length in (3, 50, 4, 2, 49, 5)))
    assert [row[0] for [row] in rows] == [3, 50, 4, 2, 49, 5]
    assert sorted(map(sorted, model.batches)) == [[2, 3, 4, 5], [49, 50]]  # by length, 100 tokens with their padding


async def test_a_text_larger_than_the_budget_goes_alone(queue):
    model = Model()
    assert await queue(model).submit([text(300), text(2)]) == [[300.0], [2.0]]
    assert model.batches == [[300], [2]]


async def test_siblings_of_one_prompt_go_together_where_it_can_be_shared(queue):
    model = Model()
    siblings = [Item((7,) * 30 + (1,) * extra, shared=30) for extra in (1, 15)]
    others = [Item((8,) * 31 + (1,), shared=30), Item((9,) * 31 + (1,), shared=30)]
    await queue(model, budget=95, by_prompt=True).submit([siblings[0], *others, siblings[1]])
    assert model.batches[0] == [31, 45]


async def test_items_of_a_client_that_left_are_not_run(queue):
    model = Model()
    batcher = queue(model)
    model.free.clear()
    first = asyncio.create_task(batcher.submit([text(9)]))
    await until(model.begun)
    left = asyncio.create_task(batcher.submit([text(20), text(21)]))
    stays = asyncio.create_task(batcher.submit([text(10)]))
    await asyncio.sleep(0)  # both are in the queue
    left.cancel()
    model.free.set()
    assert (await first, await stays) == ([[9.0]], [[10.0]])
    assert model.batches == [[9], [10]]
    assert batcher.dropped == 2


async def test_a_full_queue_says_so_at_once(queue):
    model = Model()
    batcher = queue(model, limit=100)
    model.free.clear()
    waiting = asyncio.create_task(batcher.submit([text(80)]))
    await until(model.begun)
    with pytest.raises(Overloaded):
        await batcher.submit([text(30)])
    model.free.set()
    await waiting
    assert await batcher.submit([text(30)]) == [[30.0]]


async def test_one_text_that_the_model_fails_on_costs_the_others_nothing(queue):
    rows = await queue(Model()).submit([text(5), text(5, first=13), text(6)])
    assert (rows[0], rows[2]) == ([5.0], [6.0])
    assert isinstance(rows[1], ModelFailed)
    assert "RuntimeError" in str(rows[1])

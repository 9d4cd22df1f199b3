"""The store behind the real app: what it holds, and what it never does to scoring."""

import asyncio
import sqlite3
import threading

import httpx
import pytest
from toy_gateway import ELSEWHERE

from reward_api.app import create_app
from reward_api.gateway.gateway import Gateway
from reward_api.settings import GatewaySettings
from reward_api.store import writer
from reward_api.store.filters import BadFilter, Filter
from reward_api.store.queries import Queries
from reward_api.store.reader import Reader
from reward_api.store.segment import PATTERN, Segment

GROUP = {"prompt": "say it", "completions": ["yes", "no", "yes"], "reference": {"answer": "yes"}}


@pytest.fixture
def settings(folder, tmp_path):
    return GatewaySettings(
        domains=folder, workers=1, score_keys="scorer", verifier_urls=ELSEWHERE, store=tmp_path / "store", store_mb=8
    )


@pytest.fixture
def queries(settings):
    return Queries(Reader(settings.store))


def running(settings):
    gateway = Gateway(settings)
    transport = httpx.ASGITransport(create_app(gateway))
    headers = {"authorization": "Bearer scorer"}
    return gateway, httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers, timeout=60)


async def stored(settings, *groups):
    """Their replies; the store is whole when this returns."""
    gateway, client = running(settings)
    async with gateway.running(), client:
        return [(await client.post("/score/toy", json=group)).json() for group in groups]


async def test_a_stored_group_is_what_its_reply_shows(settings, queries):
    (reply,) = await stored(settings, {**GROUP, "run": "r", "step": 3, "id": "q7"})
    (series,) = queries.all_series()
    assert (series.run, series.domain, series.version) == ("r", "toy", reply["version"])
    assert (series.completions, series.valid, series.groups, series.first_step) == (3, 3, 1, 3)
    samples = queries.samples(series.filter(), 10)
    for sample in samples:
        whole = queries.whole(sample.id)
        assert whole.result == reply["results"][sample.place]
        assert whole.text == GROUP["completions"][sample.place]
        assert (whole.group.prompt, whole.group.name, whole.input) == ("say it", "q7", None)


@pytest.mark.slow
async def test_no_reference_is_stored(settings):
    await stored(settings, {**GROUP, "completions": ["no"], "reference": {"answer": "SECRETREFERENCE"}})
    files = [path for path in settings.store.iterdir() if path.is_file()]
    assert files
    assert not any(b"SECRETREFERENCE" in path.read_bytes() for path in files)
    (row,) = sqlite3.connect(next(settings.store.glob(PATTERN))).execute("SELECT COUNT(*) FROM inputs")
    assert row == (0,)


@pytest.mark.slow
async def test_samples_that_come_one_by_one_are_one_group(settings, queries):
    parts = [
        {**GROUP, "completions": [text], "run": "r", "step": 1, "id": "q", "group_size": 3, "indices": [place]}
        for place, text in enumerate(("no", "yes", "no"))
    ]
    await stored(settings, *parts, {**GROUP, "run": "r", "step": 1, "id": "other"})
    groups = queries.groups(Filter(run="r"), 10)
    assert [(group.name, [(one.reward, one.place) for one in group.samples]) for group in groups] == [
        ("other", [(1.0, 0), (1.0, 2), (0.0, 1)]),
        ("q", [(1.0, 1), (0.0, 0), (0.0, 2)]),
    ]


@pytest.mark.slow
async def test_it_is_read_while_it_is_written(settings, queries):
    gateway, client = running(settings)
    async with gateway.running(), client:
        for count in (1, 2):
            await client.post("/score/toy", json=GROUP)
            async with asyncio.timeout(20):
                while gateway.store.outcomes["written"] < count:
                    await asyncio.sleep(0.01)
            assert sum(one.completions for one in queries.all_series()) == 3 * count


@pytest.mark.slow
async def test_a_full_queue_drops_and_changes_no_reply(settings, monkeypatch):
    monkeypatch.setattr(writer, "MAX_CHARACTERS", 20)
    gate = threading.Event()
    monkeypatch.setattr(Segment, "add", lambda *_: gate.wait(60))
    gateway, client = running(settings)
    async with gateway.running(), client:
        replies = [(await client.post("/score/toy", json=GROUP)).json() for _ in range(5)]
        page = (await client.get("/metrics")).text
        assert gateway.store.outcomes["dropped"] >= 3
        assert f'reward_stored_groups_total{{outcome="dropped"}} {gateway.store.outcomes["dropped"]}.0' in page
        gate.set()
    assert [[one["reward"] for one in reply["results"]] for reply in replies] == [[1.0, 0.0, 1.0]] * 5


@pytest.mark.slow
async def test_a_store_that_cannot_be_written_costs_no_reply(settings, monkeypatch):
    def add(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Segment, "add", add)
    (reply,) = await stored(settings, GROUP)
    assert [one["reward"] for one in reply["results"]] == [1.0, 0.0, 1.0]


@pytest.mark.slow
async def test_the_oldest_groups_make_room(settings, queries):
    texts = [f"{number} " + "x" * 300_000 for number in range(60)]
    await stored(settings, *({**GROUP, "completions": [text], "id": str(at)} for at, text in enumerate(texts)))
    names = {group.name for group in queries.groups(Filter(), 100)}
    assert "59" in names
    assert "0" not in names
    assert sum(path.stat().st_size for path in settings.store.iterdir()) < 8 << 20


@pytest.mark.slow
async def test_a_file_is_read_without_a_gateway_where_nothing_may_be_written(settings, tmp_path):
    await stored(settings, GROUP)
    (path,) = settings.store.glob(PATTERN)
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / path.name).write_bytes(path.read_bytes())
    copy.chmod(0o500)
    assert Queries(Reader(copy)).all_series()[0].completions == 3
    assert Queries(Reader(copy / path.name)).all_series()[0].completions == 3


@pytest.mark.slow
async def test_filters(settings, queries):
    await stored(settings, {**GROUP, "completions": ["yes", "100% no_", "NO way"], "run": "r"})
    where = Filter(run="r")

    def texts(**filters):
        return sorted(one.preview for one in queries.samples(where.but(**filters), 10))

    assert texts(reward="1") == ["yes"]
    assert texts(reward="0..<1") == ["100% no_", "NO way"]
    assert texts(reward="null") == []
    assert texts(text="no") == ["100% no_", "NO way"]
    assert texts(text="0% n") == ["100% no_"]
    assert texts(text="o_") == ["100% no_"]
    assert texts(text="_o") == []
    (component,) = queries.components(where)
    assert texts(component=component, score="1") == ["yes"]
    assert texts(component="none such", score="1") == []
    assert texts(failure="any") == texts(flag="none") == []
    assert [(bar.label, bar.count) for bar in queries.bars(where)] == [("0", 2), ("1", 1)]
    assert [(bar.label, bar.count) for bar in queries.bars(where.but(text="no"))] == [("0", 2)]


@pytest.mark.parametrize(
    "params", [{"reward": "x"}, {"score": "nan"}, {"step": "one"}, {"text": "x" * 300}, {"reward": "1..x"}]
)
def test_a_filter_that_cannot_be_read_is_named(params):
    with pytest.raises(BadFilter, match=next(iter(params))):
        Filter.of(params)


def test_a_filter_survives_its_address():
    from urllib.parse import parse_qsl

    where = Filter(run="", domain="math", step=0, reward="0..<1", component="a", score="null", text="&=%+ü")
    assert Filter.of(dict(parse_qsl(where.query(), keep_blank_values=True))) == where

"""A verifier with several replicas: who is asked, who is left out, and what is tried again with another."""

import asyncio
import json
from collections import Counter

import httpx
import pytest

from reward_api.gateway import replicas as module
from reward_api.gateway.remote import BadReply, Remote
from reward_verifiers.contract import VerifyRequest
from reward_verifiers.service.http_client import BrokenReply
from reward_verifiers.verifier import Overloaded

ABOUT = {"verifier": "v", "version": "1", "options_schema": {"type": "object"}, "reference_schema": {}, "pure": True}
REQUEST = VerifyRequest(completions=["a"])
URLS = ("http://a:1", "http://b:1", "http://c:1")


class Cluster(httpx.AsyncBaseTransport):
    """Replicas by host, each in a mood of its own."""

    def __init__(self, **moods):
        self.moods = moods
        self.about = {host: dict(ABOUT) for host in moods}
        self.calls = Counter()
        self.hold = asyncio.Event()

    async def handle_async_request(self, request):
        host = request.url.host
        mood = self.moods[host]
        if request.url.path == "/verify":
            self.calls[host] += 1
            body = json.loads(request.content)
        if mood == "down":
            raise httpx.ConnectError("refused")
        if mood == "lost":  # no such host any more
            raise httpx.ConnectTimeout("no answer")
        if mood == "half":
            raise BrokenReply("in the middle of the reply")
        if mood == "breaks":
            raise httpx.ReadError("reset")
        if mood == "hangs":
            await asyncio.Event().wait()
        if mood == "stops":
            return httpx.Response(503)
        if mood == "busy":
            return httpx.Response(429, headers={"retry-after": "3"})
        if mood == "lies":
            return httpx.Response(200, json={"verdicts": "many"})
        if request.url.path != "/verify":
            return httpx.Response(200, json=self.about[host])
        if mood == "held":
            await self.hold.wait()
        row = {"score": 1.0, "valid": True, "failure": None, "reason": host, "evidence": {}}
        about = self.about[host]
        rows = [row] * len(body["completions"])
        return httpx.Response(200, json={"verifier": "v", "version": about["version"], "verdicts": rows})


async def described(cluster, urls=URLS):
    remote = Remote(*urls, transport=cluster)
    await remote.describe()
    return remote


async def who(remote, times=1):
    """How often each of them answered."""
    return Counter([(await remote.verify(REQUEST)).verdicts[0].reason for _ in range(times)])


async def test_all_are_asked():
    remote = await described(Cluster(a="up", b="up", c="up"))
    assert set(await who(remote, 60)) == {"a", "b", "c"}


async def test_of_two_the_one_with_fewer_samples_at_work_is_asked():
    cluster = Cluster(a="held", b="up")
    remote = await described(cluster, URLS[:2])
    waiting = []
    while not cluster.calls["a"]:
        waiting.append(asyncio.create_task(remote.verify(REQUEST)))
        await asyncio.sleep(0.01)
    assert set(await who(remote, 20)) == {"b"}
    cluster.hold.set()
    await asyncio.gather(*waiting)


@pytest.mark.parametrize("mood", ["down", "lost", "breaks", "half", "stops", "busy"])
async def test_what_one_does_not_do_another_does(mood):
    cluster = Cluster(a="up", b="up", c="up")
    remote = await described(cluster)
    cluster.moods["a"] = cluster.moods["b"] = mood
    assert set(await who(remote, 10)) == {"c"}


async def test_one_that_failed_is_left_out_and_then_probed_by_one_request(monkeypatch):
    cluster = Cluster(a="up", b="up")
    remote = await described(cluster, URLS[:2])
    cluster.moods["a"] = "down"
    await who(remote, 30)
    assert cluster.calls["a"] == 1
    [a] = [one for one in remote.replicas.all() if one.url == "http://a:1"]
    a._ejected_until = 0.0
    cluster.moods["a"] = "held"
    several = [asyncio.create_task(remote.verify(REQUEST)) for _ in range(30)]
    async with asyncio.timeout(10):
        while sum(task.done() for task in several) < 29:
            await asyncio.sleep(0.01)
    assert cluster.calls["a"] == 2
    cluster.hold.set()
    await asyncio.gather(*several)
    cluster.moods["a"] = "up"
    assert set(await who(remote, 40)) == {"a", "b"}


async def test_a_description_is_not_waited_for_where_another_has_given_it(monkeypatch):
    monkeypatch.setattr("reward_api.gateway.remote.LATE_S", 0.01)
    cluster = Cluster(a="hangs", b="up")
    remote = await described(cluster, URLS[:2])
    assert set(await who(remote, 10)) == {"b"}
    assert await remote.ready()


async def test_replicas_of_another_version_wait_until_they_are_the_most():
    cluster = Cluster(a="up", b="up", c="up")
    remote = await described(cluster)
    cluster.about["a"]["version"] = "2"
    assert set(await who(remote, 20)) == {"b", "c"}  # without being described anew
    assert (await remote.describe()).version == "1"
    cluster.about["b"]["version"] = "2"
    assert (await remote.describe()).version == "2"
    assert set(await who(remote, 20)) == {"a", "b"}
    cluster.about["c"]["version"] = "2"
    await remote.describe()
    assert set(await who(remote, 60)) == {"a", "b", "c"}


async def test_as_many_of_the_new_as_of_the_old_keep_the_old():
    cluster = Cluster(a="up", b="up")
    remote = await described(cluster, URLS[:2])
    cluster.about["a"]["version"] = "2"
    assert (await remote.describe()).version == "1"
    cluster.moods["b"] = "down"
    assert (await remote.describe()).version == "2"


async def test_where_all_fail_it_says_so():
    cluster = Cluster(a="up", b="up")
    remote = await described(cluster, URLS[:2])
    cluster.moods = {"a": "down", "b": "stops"}
    with pytest.raises(httpx.TransportError):
        await remote.verify(REQUEST)
    cluster.moods = {"a": "busy", "b": "busy"}
    with pytest.raises(Overloaded) as caught:
        await remote.verify(REQUEST)
    assert caught.value.retry_after_s == 3
    assert not await remote.ready()
    cluster.moods = {"a": "lies", "b": "down"}
    with pytest.raises(BadReply):
        await remote.describe()


async def test_what_is_not_pure_is_judged_twice_only_where_nobody_began():
    cluster = Cluster(a="up", b="up")
    for about in cluster.about.values():
        about["pure"] = False
    remote = await described(cluster, URLS[:2])
    cluster.moods = {"a": "down", "b": "up"}
    assert set(await who(remote, 5)) == {"b"}
    cluster.moods = {"a": "breaks", "b": "breaks"}
    before = cluster.calls.total()
    with pytest.raises(httpx.ReadError):
        await remote.verify(REQUEST)
    assert cluster.calls.total() == before + 1


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def names(monkeypatch):
    """Name → its addresses; `None` cannot be looked up."""
    table = {}

    async def getaddrinfo(_, host, port, **__):
        if (addresses := table.get(host)) is None:
            raise OSError("no such name")
        return [(10 if ":" in one else 2, 1, 6, "", (one, port)) for one in addresses]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return table


async def places(replicas):
    await replicas.resolve()
    return {one.url: one.headers for one in replicas.all()}


async def test_a_name_with_several_addresses_is_as_many_replicas(names):
    replicas = Remote("http://answer:8000/x").replicas
    names["answer"] = ["10.0.0.2", "10.0.0.1"]
    host = {"host": "answer:8000"}
    assert await places(replicas) == {"http://10.0.0.1:8000/x": host, "http://10.0.0.2:8000/x": host}
    kept = replicas.all()[0]
    names["answer"] = ["10.0.0.1", "10.0.0.3"]
    assert await places(replicas) == {"http://10.0.0.1:8000/x": host, "http://10.0.0.3:8000/x": host}
    assert kept in replicas.all()
    names["answer"] = None
    assert len(await places(replicas)) == 2
    names["answer"] = ["10.0.0.1"]
    assert await places(replicas) == {"http://answer:8000/x": {}}


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["127.0.0.1", "::1"], ["::1"], None])
async def test_a_name_with_one_address_stays_a_name(names, addresses):
    names["localhost"] = addresses
    assert await places(Remote("http://localhost:1").replicas) == {"http://localhost:1": {}}


async def test_a_certificate_is_the_names(names):
    names["answer"] = ["10.0.0.2", "10.0.0.1"]
    assert await places(Remote("https://answer").replicas) == {"https://answer": {}}


async def test_a_replica_that_is_gone_is_closed_when_its_work_is_done(names):
    replicas = Remote("http://answer:1").replicas
    names["answer"] = ["10.0.0.1", "10.0.0.2"]
    await replicas.resolve()
    gone = next(one for one in replicas.all() if one.url == "http://10.0.0.1:1")
    names["answer"] = ["10.0.0.2", "10.0.0.3"]
    with gone.working(1):
        await replicas.resolve()
        assert not gone.client.is_closed
    await replicas.resolve()
    assert gone.client.is_closed
    assert module.EJECTED_S < module.EJECTED_AT_MOST_S

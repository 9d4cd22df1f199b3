"""One sick service harms nobody: each is asked by itself, and what broke on the way is asked once more."""

import asyncio

import httpx
import pytest
from toy_gateway import ELSEWHERE

from reward_api.gateway.gateway import Gateway
from reward_api.gateway.remote import Remote
from reward_api.settings import GatewaySettings
from reward_verifiers.contract import VerifyRequest

DESCRIPTION = {"verifier": "", "version": "1", "options_schema": {"type": "object"}, "reference_schema": {}}


class Service(httpx.AsyncBaseTransport):
    """A verifier service that can be down, or hang."""

    def __init__(self, name, mood="up"):
        self.name, self.mood, self.calls = name, mood, 0

    async def handle_async_request(self, request):
        self.calls += 1
        if self.mood == "down":
            raise httpx.ConnectError("refused")
        if self.mood == "hangs":
            await asyncio.Event().wait()
        return httpx.Response(200, json=DESCRIPTION | {"verifier": self.name})


@pytest.fixture
def gateway(tmp_path, monkeypatch):
    monkeypatch.setattr("reward_api.domains.live.CHECK_EVERY_S", 0.05)
    for number in range(20):
        text = "verifiers: {a: {url: 'http://a:1'}}\ncomponents: [{verifier: a}]\n"
        (tmp_path / f"a{number}.yaml").write_text(text)
    (tmp_path / "b.yaml").write_text("verifiers: {b: {url: 'http://b:1'}}\ncomponents: [{verifier: b}]\n")
    return Gateway(GatewaySettings(domains=tmp_path, workers=1, verifier_urls=ELSEWHERE))


def put(gateway, service):
    url = f"http://{service.name}:1"
    gateway.backends._backends[service.name, url] = Remote(url, transport=service)


async def until(holds):
    async with asyncio.timeout(30):
        while not await holds():
            await asyncio.sleep(0.01)


async def test_a_service_that_hangs_does_not_delay_anothers_recovery(gateway, monkeypatch):
    a, b = Service("a"), Service("b")
    put(gateway, a)
    put(gateway, b)

    async def is_ready(name):
        return all((await gateway.readiness())[name].values())

    async with gateway.running():
        assert await is_ready("a0")
        monkeypatch.setattr("reward_api.gateway.remote.DESCRIBE_S", 1000)  # so that who waits for it waits for ever
        a.mood, b.mood = "hangs", "down"

        async def is_down():
            return not await is_ready("b")

        await until(is_down)
        assert gateway.backends_up() == {"a": True, "b": False}
        b.mood = "up"
        await until(lambda: is_ready("b"))
        assert gateway.backends_up()["b"]


async def test_a_start_asks_every_service_once_however_many_domains_name_it(gateway, monkeypatch):
    monkeypatch.setattr("reward_api.gateway.remote.DESCRIBE_S", 0.2)
    monkeypatch.setattr("reward_api.domains.live.CHECK_EVERY_S", 1000)
    a, b = Service("a", "hangs"), Service("b")
    put(gateway, a)
    put(gateway, b)
    async with gateway.running():
        assert a.calls == 2, "what it is, and whether it is ready"
        readiness = await gateway.readiness()
        assert await gateway.reasons() == {"a": "no reply in time"}
    assert readiness["b"] == {"b": True}
    assert readiness["a7"] == {"a": False}


async def test_readiness_asks_nobody(gateway, monkeypatch):
    monkeypatch.setattr("reward_api.domains.live.CHECK_EVERY_S", 1000)
    a, b = Service("a"), Service("b")
    put(gateway, a)
    put(gateway, b)
    async with gateway.running():
        before = a.calls, b.calls
        await gateway.readiness()
        assert (a.calls, b.calls) == before


class Breaking(httpx.AsyncBaseTransport):
    """A service whose connections break, so often, before a byte of a reply to POST came."""

    def __init__(self, times, error, **description):
        self.times, self.error, self.posts = times, error, 0
        self.description = DESCRIPTION | {"verifier": "b", **description}

    async def handle_async_request(self, request):
        if request.method == "GET":
            return httpx.Response(200, json=self.description)
        self.posts += 1
        if self.posts <= self.times:
            raise self.error("broken")
        row = {"score": 1.0, "valid": True, "reason": ""}
        return httpx.Response(200, json={"verifier": "b", "version": "1", "verdicts": [row]})


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError])
async def test_a_pure_verifiers_broken_request_is_sent_once_more(error):
    service = Breaking(1, error, pure=True)
    remote = Remote("http://b:1", transport=service)
    await remote.describe()
    assert (await remote.verify(VerifyRequest(completions=["a"]))).verdicts[0].score == 1
    service = Breaking(2, error, pure=True)
    remote = Remote("http://b:1", transport=service)
    await remote.describe()
    with pytest.raises(error):
        await remote.verify(VerifyRequest(completions=["a"]))
    assert service.posts == 2


async def test_a_verifier_that_is_not_pure_judges_once():
    service = Breaking(1, httpx.ReadError, pure=False)
    remote = Remote("http://b:1", transport=service)
    await remote.describe()
    with pytest.raises(httpx.ReadError):
        await remote.verify(VerifyRequest(completions=["a"]))
    assert service.posts == 1


async def test_a_reply_that_breaks_in_the_middle_is_not_asked_again():
    posts = []

    class Half(httpx.AsyncByteStream):
        async def __aiter__(self):
            yield b"{"
            raise httpx.ReadError("broken")

    class Transport(Breaking):
        async def handle_async_request(self, request):
            if request.method == "GET":
                return await super().handle_async_request(request)
            posts.append(1)
            return httpx.Response(200, stream=Half())

    remote = Remote("http://b:1", transport=Transport(0, httpx.ReadError))
    await remote.describe()
    with pytest.raises(httpx.TransportError):
        await remote.verify(VerifyRequest(completions=["a"]))
    assert len(posts) == 1

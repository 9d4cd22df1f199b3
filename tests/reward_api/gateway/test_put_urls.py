"""Where a domain from the network may send completions, and where the services' key goes."""

import httpx
import pytest
from toy_gateway import ELSEWHERE

from reward_api.app import create_app
from reward_api.gateway.gateway import Gateway
from reward_api.gateway.remote import Remote
from reward_api.settings import GatewaySettings

pytestmark = pytest.mark.slow

ADMIN = {"authorization": "Bearer admin"}
ABOUT = {"verifier": "v", "version": "1", "options_schema": {"type": "object"}, "reference_schema": {}}


class Service(httpx.AsyncBaseTransport):
    def __init__(self):
        self.keys = []

    async def handle_async_request(self, request):
        self.keys.append(request.headers.get("authorization"))
        return httpx.Response(200, json=ABOUT)


@pytest.fixture
async def put(tmp_path, monkeypatch):
    """`await put(url)`: the reply to a PUT that names it, and what the service there was sent as its key."""
    (tmp_path / "f.yaml").write_text(text("http://file:1/v"))
    services = {}

    class Reached(Remote):
        def __init__(self, *urls, key=""):
            services[urls[0]] = Service()
            super().__init__(*urls, key=key, transport=services[urls[0]])

    monkeypatch.setattr("reward_api.gateway.backends.Remote", Reached)
    settings = GatewaySettings(
        domains=tmp_path,
        workers=1,
        admin_keys="admin",
        service_key="s3cret",
        put_hosts="friend, other:81",
        verifier_urls={**ELSEWHERE, "v": "http://setting:1"},
    )
    gateway = Gateway(settings)
    transport = httpx.ASGITransport(create_app(gateway))
    async with gateway.running(), httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:

        async def call(url):
            spec = {"components": [{"verifier": "v"}], "verifiers": {"v": {"url": url}}}
            reply = await client.put("/domains/new", json=spec, headers=ADMIN)
            service = services.get(url.rstrip("/")) if isinstance(url, str) else None
            return reply, set(service.keys) if service else set()

        call.folder, call.gateway = tmp_path, gateway
        yield call


def text(url):
    return f"verifiers: {{v: {{url: '{url}'}}}}\ncomponents: [{{verifier: v}}]\n"


@pytest.mark.parametrize("url", ["http://file:1/v", "http://setting:1", "http://setting:1/"])
async def test_a_url_of_a_file_or_a_setting_may_be_named_and_gets_the_key(put, url):
    reply, keys = await put(url)
    assert reply.status_code == 200, reply.text
    assert keys <= {"Bearer s3cret"}


@pytest.mark.parametrize("url", ["http://friend:7/x", "http://other:81"])
async def test_a_host_of_the_setting_may_be_named_and_gets_no_key(put, url):
    reply, keys = await put(url)
    assert reply.status_code == 200, reply.text
    assert keys == {None}


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8001/inner",
        "http://169.254.169.254/",
        "http://file:2/v",
        "http://file:1/w",
        "http://other:82",
        "http://other",
        "http://friend@evil:1",
        "http://friend.evil",
    ],
)
async def test_another_url_is_refused_before_anything_is_sent_there(put, url):
    reply, keys = await put(url)
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["path"] == "verifiers.v.url"
    reason = reply.json()["errors"][0]["reason"]
    assert ("a key" if "@" in url else "TOUCHSTONE_PUT_HOSTS") in reason
    assert keys == set()


async def test_of_several_urls_each_must_be_allowed(put):
    reply, _ = await put(["http://file:1/v", "http://evil:1"])
    assert reply.status_code == 422
    reply, _ = await put(["http://file:1/v", "http://friend:7"])
    assert reply.status_code == 200
    assert reply.json()["components"][0]["endpoint"] == "http://file:1/v http://friend:7"


async def test_a_url_that_a_file_names_later_gets_the_key_from_then_on(put):
    _, before = await put("http://friend:7/x")
    (put.folder / "late.yaml").write_text(text("http://friend:7/x"))
    await put.gateway.live_domains.load()
    _, after = await put("http://friend:7/x")
    assert before == {None}
    assert "Bearer s3cret" in after

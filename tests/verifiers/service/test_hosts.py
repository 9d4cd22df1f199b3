"""Without keys, a web page whose name is made to point here gets no answer."""

import httpx
import pytest

from reward_verifiers.service.app import bare_app
from reward_verifiers.service.middleware import ServiceLimits


async def status(host, path="/hello", **limits):
    app = bare_app("test", "1", ServiceLimits(**limits))
    app.get("/hello")(hello)
    app.get("/healthz")(hello)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://10.0.0.7:8000") as client:
        return (await client.get(path, headers={"host": host})).status_code


async def hello() -> dict[str, bool]:
    return {"ok": True}


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "127.0.0.1:8000", "127.9.9.9", "[::1]:8000", "LOCALHOST", "10.0.0.7:8000"]
)
async def test_loopback_and_the_address_itself_are_answered(host):
    assert await status(host) == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.8", "answer", ""],
)
async def test_another_name_is_not_answered(host):
    assert await status(host) == 421


@pytest.mark.parametrize("host", ["answer:8000", "Answer", "10.0.0.8"])
async def test_a_name_that_the_setting_has_is_answered(host):
    assert await status(host, hosts=frozenset({"answer", "10.0.0.8"})) == 200
    assert await status(host, hosts=frozenset({"*"})) == 200


async def test_health_is_answered_under_any_name_and_so_is_all_with_keys():
    assert await status("evil.example", "/healthz") == 200
    assert await status("gateway.example", score_keys=frozenset({"s"})) == 401  # asked for its key, as any other

"""A server whose fork server dies at its start: it serves, says why, and comes back by itself."""

import asyncio

import httpx
import pytest
from toy_gateway import ELSEWHERE, write_domains

from reward_api.app import create_app
from reward_api.gateway.gateway import Gateway
from reward_api.settings import GatewaySettings
from reward_verifiers.service import pooled
from reward_verifiers.service.settings import ServiceSettings

MORTAL = "components: [{verifier: 'toys:Mortal', name: mortal}]\n"
WHY = "the fork server was killed by SIGKILL"


@pytest.fixture
def deaths(tmp_path, monkeypatch):
    """The file that says how many fork servers die while they start: at first, more than anybody waits for."""
    monkeypatch.setattr("reward_verifiers.runtime.pool._RESTART_S", (0.05,))
    file = tmp_path / "deaths"
    file.write_text("1000000")
    monkeypatch.setenv("TOY_DEATHS", str(file))
    return file


async def until_ready(client):
    async with asyncio.timeout(60):
        while (reply := await client.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.01)
    return reply.json()


async def test_the_gateway_serves_says_why_and_comes_back(tmp_path, deaths):
    folder = write_domains(tmp_path, {"mortal": MORTAL})
    gateway = Gateway(GatewaySettings(domains=folder, workers=2, verifier_urls=ELSEWHERE))
    async with gateway.running(), client_of(create_app(gateway)) as client:
        reply = await client.get("/readyz")
        assert reply.status_code == 503
        assert reply.json()["domains"] == {"mortal": {"mortal": False}}
        assert reply.json()["reasons"] == {"toys:Mortal": WHY}
        [result] = await score(client)
        assert (result["reward"], result["failure"]["kind"]) == (None, "worker_crashed")
        assert result["failure"]["message"].endswith(f"there is no worker: {WHY}")
        deaths.write_text("0")
        assert "reasons" not in await until_ready(client)
        [result] = await score(client)
        assert result["reward"] == 1


async def test_so_does_the_service_of_one_verifier(deaths):
    app = pooled.create_app("toys:Mortal", ServiceSettings(workers=1))
    async with app.router.lifespan_context(app), client_of(app) as client:
        reply = await client.get("/readyz")
        assert (reply.status_code, reply.json()) == (503, {"ready": False, "why": WHY})
        deaths.write_text("0")
        assert await until_ready(client) == {"ready": True}


def client_of(app):
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost", timeout=60)


async def score(client):
    reply = await client.post("/score/mortal", json={"completions": ["yes"], "reference": "yes"})
    return reply.json()["results"]

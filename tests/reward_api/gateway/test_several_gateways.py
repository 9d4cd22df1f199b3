"""One gateway of several: siblings must be sent to the same one, and domains change by their files."""

import asyncio

import httpx
import pytest
from toy_gateway import ELSEWHERE, RELATIVE, TOY, write_domains

from reward_api.app import create_app
from reward_api.gateway.gateway import Gateway
from reward_api.settings import GatewaySettings

ADMIN = {"authorization": "Bearer admin"}


@pytest.fixture
async def client(tmp_path):
    write_domains(tmp_path, {"toy": TOY, "whole": RELATIVE})
    settings = GatewaySettings(domains=tmp_path, workers=1, verifier_urls=ELSEWHERE, gateways=2, admin_keys="admin")
    gateway = Gateway(settings)
    transport = httpx.ASGITransport(create_app(gateway))
    async with gateway.running(), httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield client


def part(index, domain="whole", **headers):
    body = {"completions": ["yes"], "reference": "yes", "id": "g", "group_size": 2, "indices": [index]}
    return {"url": f"/score/{domain}", "json": body | {"deadline_s": 60}, "headers": headers}


async def test_siblings_that_may_not_meet_are_told_at_once(client):
    async with asyncio.timeout(20):  # the deadline is a minute
        reply = await client.post(**part(0))
    failure = reply.json()["results"][0]["failure"]
    assert failure["kind"] == "unsupported"
    assert "x-touchstone-group" in failure["message"]


async def test_siblings_that_are_routed_by_their_group_meet(client):
    routed = [client.post(**part(index, **{"X-Touchstone-Group": "r/3/g"})) for index in (0, 1)]
    replies = await asyncio.gather(*routed)
    assert all(reply.json()["results"][0]["valid"] for reply in replies)


async def test_what_needs_no_siblings_and_a_whole_group_are_scored_as_ever(client):
    assert (await client.post(**part(0, "toy"))).json()["results"][0]["reward"] == 1
    whole = {"completions": ["yes", "no"], "reference": "yes"}
    assert (await client.post("/score/whole", json=whole)).json()["group"]["valid"] == 2


async def test_a_put_is_refused(client):
    spec = {"components": [{"verifier": "toys:Toy", "name": "toy"}]}
    reply = await client.put("/domains/toy", json=spec, headers=ADMIN)
    assert reply.status_code == 409
    assert "file" in reply.json()["detail"]

import httpx
import pytest
from toy_gateway import ELSEWHERE, RELATIVE, TOY, write_domains

from reward_api.app import create_app
from reward_api.gateway.gateway import Gateway
from reward_api.settings import GatewaySettings

AFTER = TOY + "  - {verifier: 'toys:Echoes', name: echo, after: [toy]}\n"


# A verifier that lives elsewhere is not loaded here: these two take seconds, and no toy needs them.


@pytest.fixture
def folder(tmp_path):
    """A domains folder of toys."""
    return write_domains(tmp_path, {"toy": TOY, "whole": RELATIVE, "after": AFTER})


@pytest.fixture
def settings(folder):
    return GatewaySettings(domains=folder, workers=2, admin_keys="admin", score_keys="scorer", verifier_urls=ELSEWHERE)


@pytest.fixture
async def gateway(settings):
    gateway = Gateway(settings)
    async with gateway.running():
        yield gateway


@pytest.fixture
async def client(gateway):
    transport = httpx.ASGITransport(create_app(gateway))
    headers = {"authorization": "Bearer scorer"}
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers, timeout=60) as client:
        yield client

import sys
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from toy_gateway import ELSEWHERE, write_domains

from reward_api.app import create_app
from reward_api.gateway.gateway import Gateway
from reward_api.settings import GatewaySettings

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def watched(tmp_path):
    """`async with watched(domain text) as (client, monitoring)`: a gateway of one domain `leaky`."""

    @asynccontextmanager
    async def start(text, **settings):
        folder = tmp_path / "domains"
        folder.mkdir(exist_ok=True)
        write_domains(folder, {"leaky": text})
        gateway = Gateway(GatewaySettings(domains=folder, workers=2, verifier_urls=ELSEWHERE, **settings))
        app = create_app(gateway)
        async with gateway.running():
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=60) as client:
                yield client, gateway.monitoring

    return start

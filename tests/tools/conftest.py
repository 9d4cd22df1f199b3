"""A toolbox with small limits, and its app."""

import httpx
import pytest

from reward_tools.service import app_of
from reward_tools.settings import ToolsSettings
from reward_tools.toolbox import Toolbox

LIMITS = {"call_s": 2, "max_output_kb": 1, "max_session_kb": 16, "max_calls": 12, "python_memory_mb": 128}


@pytest.fixture
async def toolbox():
    toolbox = Toolbox(ToolsSettings(**LIMITS))
    async with toolbox.running():
        yield toolbox


@pytest.fixture
async def client(toolbox):
    transport = httpx.ASGITransport(app_of(toolbox))
    async with httpx.AsyncClient(transport=transport, base_url="http://tools", timeout=60) as client:
        yield client

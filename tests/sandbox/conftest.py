"""The verifier `code` as the gateway has it."""

import pytest

from reward_sandbox.backend import CodeBackend
from reward_sandbox.settings import SandboxSettings


@pytest.fixture(scope="module")
async def backend():
    backend = CodeBackend(SandboxSettings(slots=2))
    await backend.start()
    yield backend
    await backend.aclose()

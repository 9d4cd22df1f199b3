import sys
from pathlib import Path

import pytest

# The toys must be importable here and in the workers, by one name.
sys.path.insert(0, str(Path(__file__).parent / "toys"))


@pytest.fixture
def anyio_backend():
    return "asyncio"

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[1]

SHIPPED = ROOT / "reward_api" / "reward_api" / "domains" / "data"
# The toys must be importable here and in the workers, by one name.
TOYS = Path(__file__).parent / "toys"
sys.path.insert(0, str(TOYS))


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"


@pytest.fixture
def free_port() -> int:
    return _free_port()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(
    *arguments: str, log: Path, cwd: Path = ROOT, **environment: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """(URL, process) of `touchstone serve …` on a free port, ready; stopped afterwards, and its exit must be clean."""
    port = _free_port()
    command = [sys.executable, "-m", "reward_api", "serve", *arguments, "--port", str(port)]
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, cwd=cwd, env={**os.environ, "PYTHONPATH": str(TOYS), **environment}, stderr=out
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(url, server, log)
        yield url, server
    finally:
        server.terminate()
        assert server.wait(30) == 0, log.read_text()


def _wait_until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + 120  # on a busy machine: a header is compiled and the reward models load meanwhile
    while time.monotonic() < give_up:
        assert server.poll() is None, log.read_text()
        try:
            if httpx.get(f"{url}/readyz", timeout=60).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.02)
    raise AssertionError(f"not ready: {log.read_text()}")


@pytest.fixture(scope="session")
def toy_domains(tmp_path_factory) -> Callable[..., Path]:
    """`toy_domains()`: a folder with the domains `toy` (1 when the completion is the answer) and `whole` (looks at the
    siblings, too); `toy_domains("math", whole=RELATIVE)`: also the shipped math, and another `whole`."""
    from toy_gateway import DOMAINS, write_domains

    def make(*shipped: str, **more: str) -> Path:
        texts = {name: (SHIPPED / f"{name}.yaml").read_text() for name in shipped}
        return write_domains(tmp_path_factory.mktemp("domains"), {**DOMAINS, **texts, **more})

    return make


@pytest.fixture(scope="session")
def math_suite(serve, tmp_path_factory) -> Iterator[str]:
    """A gateway of the shipped math and logic. The other domains' models and jails would take most of its start."""
    from toy_gateway import write_domains

    texts = {name: (SHIPPED / f"{name}.yaml").read_text() for name in ("math", "logic")}
    folder = write_domains(tmp_path_factory.mktemp("domains"), texts)
    with serve("--domains", str(folder)) as (url, _):
        yield url


@pytest.fixture(scope="session")
def serve(tmp_path_factory) -> Callable[..., object]:
    """`with serve("answer") as (url, process)`: the command line's server in a process of its own."""

    def start(*arguments: str, **environment: str):
        return running(*arguments, log=tmp_path_factory.mktemp("serve") / "log", **environment)

    return start

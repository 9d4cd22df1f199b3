import socket
import sys
import threading
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))

import tiny


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> dict[str, Path]:
    """Folders of tiny models: three decoders, an encoder, and classifiers with three outputs."""
    root = tmp_path_factory.mktemp("models")
    made = {kind: tiny.decoder(root / kind, kind) for kind in tiny.DECODERS}
    return {
        **made,
        "other": tiny.decoder(root / "other", seed=1),
        "bert": tiny.encoder(root / "bert"),
        "three": tiny.encoder(root / "three", labels=3),
    }


@pytest.fixture
def registry(tmp_path):
    """Writes a registry file: `registry(rm={...}, default="rm")`."""

    def write(default: str | None = None, **entries) -> Path:
        path = tmp_path / "preference.yaml"
        data = {
            "models": {
                name: {k: str(v) if isinstance(v, Path) else v for k, v in spec.items()}
                for name, spec in entries.items()
            }
        }
        path.write_text(yaml.safe_dump(data | ({"default": default} if default else {})))
        return path

    return write


@pytest.fixture
async def backends():
    """`backend(path)`: a PreferenceBackend on a registry file, closed afterwards."""
    from preference_model.backend import PreferenceBackend
    from preference_model.settings import PreferenceSettings

    made = []

    def make(path: Path, **settings) -> PreferenceBackend:
        made.append(PreferenceBackend(PreferenceSettings(registry=path, **settings)))
        return made[-1]

    yield make
    for one in made:
        await one.aclose()


@pytest.fixture
async def clients(backends):
    """`client(path)`: an HTTP client of the service of that registry."""
    import httpx

    from preference_model.service import app_of

    opened = []

    def make(path: Path, **settings) -> httpx.AsyncClient:
        backend = backends(path, **settings)
        app = app_of(backend)
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://preference", timeout=60)
        opened.append(client)
        return client

    yield make
    for client in opened:
        await client.aclose()


@pytest.fixture
def peers(monkeypatch):
    """`peer(app)`: a URL at which the app answers; connections to others fail."""
    import httpx

    from preference_model.model import upstream_client

    apps = {}

    class Router(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            if request.url.host not in apps:
                raise httpx.ConnectError("nobody there")
            return await httpx.ASGITransport(apps[request.url.host]).handle_async_request(request)

    real = upstream_client.UpstreamClient.__init__
    monkeypatch.setattr(
        upstream_client.UpstreamClient, "__init__", lambda self, up, transport=None: real(self, up, Router())
    )

    def add(app) -> str:
        host = f"peer{len(apps)}"
        apps[host] = app
        return f"http://{host}"

    return add


@pytest.fixture
def listening():
    """`listening(app)`: a URL at which the app really listens, on a loopback port, in a thread of its own.

    With `lifespan="on"` it also starts and stops what the app stands on.
    """
    import uvicorn

    started = []

    def start(app, lifespan="off") -> str:
        listener = socket.create_server(("127.0.0.1", 0))  # connections wait here until the server takes them
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan=lifespan))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        started.append((server, thread))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for server, thread in started:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()

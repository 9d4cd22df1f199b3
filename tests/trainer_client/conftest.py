import json

import httpx
import pytest
from toy_gateway import SETTINGS

from trainer_client import RewardClient


@pytest.fixture(scope="session")
def toy_url(serve_toys):
    """A real gateway of the toy domains."""
    with serve_toys() as (url, _):
        yield url


@pytest.fixture(scope="session")
def serve_toys(serve, toy_folder):
    def start(**environment):
        return serve("--domains", str(toy_folder), **SETTINGS, **environment)

    return start


@pytest.fixture(scope="session")
def toy_folder(toy_domains):
    return toy_domains()


class Recording(httpx.AsyncHTTPTransport):
    """The network, with what went over it."""

    def __init__(self):
        super().__init__()
        self.requests = []

    async def handle_async_request(self, request):
        self.requests.append(request)
        return await super().handle_async_request(request)

    @property
    def scoring(self):
        return [request for request in self.requests if request.url.path == "/score"]


@pytest.fixture
def recording():
    return Recording()


class Scripted(httpx.AsyncBaseTransport):
    """A gateway that answers as told: a status, a reply's results, or an exception, one after another; the last for ever."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def handle_async_request(self, request):
        self.asked.append((json.loads(request.content), request.headers))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, content=answer)


@pytest.fixture
def scripted():
    """`scripted(answers…)` → (client, transport)"""
    clients = []

    def make(*answers, **more):
        transport = Scripted(*answers)
        client = RewardClient("http://gateway", transport=transport, **{"deadline_s": 30, **more})
        clients.append(client)
        return client, transport

    yield make
    for client in clients:
        client.close()

"""TRL's environment against a service that turns it away: the episode is lost as a whole, and the training goes on."""

import httpx
import pytest

from trainer_client import tools_client
from trainer_client.adapters.tool_calls import ToolCalls
from trainer_client.adapters.trl_tools import Tools
from trainer_client.tools_client import ToolsAway


@pytest.fixture
def url(serve, monkeypatch):
    monkeypatch.setattr(tools_client, "FULL_S", 0.0)
    offered = '["calculate"]'
    with serve("tools", TOUCHSTONE_TOOLS_OFFERED=offered, TOUCHSTONE_TOOLS_MAX_SESSIONS="1") as (url, _):
        monkeypatch.setenv("TOUCHSTONE_TOOLS_URL", url)
        yield url


@pytest.fixture
def environment():
    """environment() → a new one; its connections are closed with the test."""
    made = []

    def make():
        made.append(Tools())
        return made[-1]

    yield make
    for one in made:
        one._calls.service.close()


def test_an_episode_that_was_turned_away_stays_lost(url, environment):
    first, second = environment(), environment()
    first.reset()
    second.reset()  # there is room for one
    lost = second.touchstone_session
    httpx.delete(f"{url}/sessions/{first.touchstone_session}")
    with pytest.raises(ToolsAway):
        second.calculate("6 * 7")
    assert httpx.get(f"{url}/sessions/{lost}").status_code == 404, "a session that is known would have a reward"
    second.reset()
    assert second.calculate("6 * 7") == "42"
    assert second.calculate(float("nan")).startswith("refused"), "the model's mistake, which the service has to see"
    assert second.calculate("\ud800").startswith("refused")
    calls = httpx.get(f"{url}/sessions/{second.touchstone_session}").json()["calls"]
    assert [call["outcome"] for call in calls] == ["ok", "refused", "refused"]
    assert second.touchstone_session != lost


def test_a_service_that_has_forgotten_the_session_does_not_begin_it_anew(url, serve, environment, monkeypatch):
    """As after a restart: the calls before are in no trace."""
    first = environment()
    first.reset()
    assert first.calculate("6 * 7") == "42"
    with serve("tools", TOUCHSTONE_TOOLS_OFFERED='["calculate"]') as (another, _):
        monkeypatch.setenv("TOUCHSTONE_TOOLS_URL", another)
        first._calls.service.close()
        session, first._calls = first.touchstone_session, ToolCalls()
        with pytest.raises(ToolsAway, match="404"):
            first.calculate("1 + 1")
        for name in (session, first.touchstone_session):
            assert httpx.get(f"{another}/sessions/{name}").status_code == 404


def test_a_service_that_is_away_does_not_end_the_training(environment, free_port, monkeypatch):
    monkeypatch.setattr(tools_client, "AWAY_S", 0.5)
    monkeypatch.setenv("TOUCHSTONE_TOOLS_URL", f"http://127.0.0.1:{free_port}")
    away = environment()
    for _ in range(2):
        away.reset()
        with pytest.raises(ToolsAway):
            away.calculate("1 + 1")

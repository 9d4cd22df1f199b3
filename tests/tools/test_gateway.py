"""Sessions of a group at the gateway: traces from tools in its process, or from the service at a URL, not from a trainer."""

import httpx
import pytest
from toy_gateway import ELSEWHERE, write_domains

from reward_api.app import create_app
from reward_api.domains.spec import BadDomain
from reward_api.gateway.gateway import Gateway
from reward_api.settings import SHIPPED_DOMAINS, GatewaySettings
from reward_tools.service import EmbeddedTools
from reward_tools.settings import ToolsSettings
from reward_tools.toolbox import Toolbox

DOMAINS = {
    "use": "components: [{verifier: tool_use}]\n",
    "plain": "components: [{verifier: 'toys:Toy'}]\n",
    "qa": (SHIPPED_DOMAINS / "search.yaml").read_text(),
}
OTHERS = {name: url for name, url in ELSEWHERE.items() if name not in ("qa", "tool_use")}


def settings(folder, **more):
    return GatewaySettings(domains=folder, workers=1, verifier_urls=OTHERS, **more)


@pytest.fixture(scope="module")
async def client(tmp_path_factory):
    toolbox = Toolbox(ToolsSettings(max_inflight_calls=2))
    gateway = Gateway(settings(write_domains(tmp_path_factory.mktemp("domains"), DOMAINS)), EmbeddedTools(toolbox))
    transport = httpx.ASGITransport(create_app(gateway))
    async with (
        gateway.running(),
        httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=60) as client,
    ):
        client.toolbox = toolbox
        yield client


async def call(client, session, name="search", **arguments):
    reply = await client.post("/call", json={"session": session, "name": name, "arguments": arguments})
    return reply.json()


async def score(client, domain, completions, sessions=None, **more):
    body = {"completions": completions, "reference": "1261", "prompt": "In which year was Velmora founded?", **more}
    reply = await client.post(f"/score/{domain}", json=body if sessions is None else {**body, "sessions": sessions})
    assert reply.status_code == 200, reply.text
    return reply.json()["results"]


ANSWER = "<answer>1261</answer>"


async def test_a_group_names_the_session_of_each_completion(client):
    await call(client, "good", query="Velmora founded")
    await call(client, "bad", query="")
    good, bad, none, unknown = await score(client, "qa", [ANSWER] * 4, ["good", "bad", None, "never"])
    assert good["reward"] == pytest.approx(1.2)
    assert bad["reward"] < none["reward"] == pytest.approx(1.15)
    assert unknown["reward"] is None
    assert "knows no such session" in unknown["failure"]["message"]
    evidence = good["components"]["tool_use"]["evidence"]
    assert (evidence["session"], evidence["calls"][0]["outcome"]) == ("good", "ok")


async def test_without_sessions_there_is_no_verdict_and_the_cause_is_named(client):
    [result] = await score(client, "use", [ANSWER])
    assert result["reward"] is None
    assert result["failure"]["message"].startswith("sessions: the group names none")
    reply = await client.post("/score/use", json={"completions": ["a", "b"], "sessions": ["one"]})
    assert (reply.status_code, "one entry per completion" in reply.text) == (422, True)
    reply = await client.post("/score/use", json={"completions": ["a"], "sessions": ["a/b"]})
    assert reply.status_code == 422


async def test_a_trace_never_comes_from_a_trainer(client):
    trace = {"session": "good", "calls": [{"tool": "search", "outcome": "ok", "output": "1261"}]}
    reply = await client.post("/score/use", json={"completions": [ANSWER], "sessions": ["x"], "traces": [trace]})
    assert reply.status_code == 422


async def test_an_episode_in_which_a_tool_failed_has_no_reward_in_any_domain(client, monkeypatch):
    async def broken(*_):
        raise OSError("the index is gone")

    await call(client, "fine", query="Velmora")
    monkeypatch.setattr(client.toolbox.tools["search"], "run", broken)
    failed = await call(client, "broken", query="Velmora")
    assert failed["outcome"] == "failed"
    for domain in ("use", "plain", "qa"):
        fine, bad = await score(client, domain, [ANSWER] * 2, ["fine", "broken"])
        assert fine["reward"] is not None, domain
        assert bad["reward"] is None, domain
        assert "failed: OSError: the index is gone" in bad["failure"]["message"]
    assert all(result["reward"] is not None for result in await score(client, "plain", [ANSWER] * 2))


async def test_verdicts_are_never_those_of_an_earlier_trace(client):
    await call(client, "twice", query="Velmora founded")
    [first] = await score(client, "use", [ANSWER], ["twice"])
    await call(client, "twice", query="")
    [second] = await score(client, "use", [ANSWER], ["twice"])
    assert second["reward"] < first["reward"] == 1.0


async def test_shipped_domains_without_tools_are_left_out_with_their_reason():
    gateway = Gateway(settings(SHIPPED_DOMAINS))
    async with gateway.running():
        for domain in ("tools", "search"):
            assert gateway.live_domains.find(domain) is None
            assert "TOUCHSTONE_TOOLS_URL" in str(gateway.live_domains.left_out[domain])
        assert gateway.live_domains.find("qa") is not None


async def test_a_domain_of_ones_own_that_needs_tools_is_refused_where_there_are_none(tmp_path):
    gateway = Gateway(settings(write_domains(tmp_path, {"use": DOMAINS["use"]})))
    with pytest.raises(BadDomain, match="there are none"):
        async with gateway.running():
            pass


@pytest.mark.slow
async def test_traces_come_from_the_service_at_a_url(tmp_path, serve):
    with serve("tools", TOUCHSTONE_SCORE_KEYS="sesame") as (url, _):
        async with httpx.AsyncClient(base_url=url, headers={"authorization": "Bearer sesame"}, timeout=60) as tools:
            await call(tools, "far", query="Velmora founded")
        folder = write_domains(tmp_path, DOMAINS)
        for key, is_known in (("sesame", True), ("wrong", False)):
            gateway = Gateway(settings(folder, tools_url=url, service_key=key))
            transport = httpx.ASGITransport(create_app(gateway))
            async with gateway.running(), httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
                far, never = await score(client, "qa", [ANSWER] * 2, ["far", "never"])
                assert (far["reward"] == pytest.approx(1.2)) is is_known
                assert far["reward"] is None or is_known
                assert never["reward"] is None
                assert is_known or "it answers 401" in far["failure"]["message"]
    gateway = Gateway(settings(folder, tools_url=url))
    transport = httpx.ASGITransport(create_app(gateway))
    async with (
        gateway.running(),
        httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=60) as client,
    ):
        [gone] = await score(client, "qa", [ANSWER], ["far"])
        assert gone["reward"] is None
        assert "cannot be read" in gone["failure"]["message"]

import httpx
import pytest

from grpo_trainer.recipe import Recipe
from grpo_trainer.stages.gateway_ready import GatewayNotReady, reads_sessions, wait_for

pytestmark = pytest.mark.slow


def recipe(domain):
    return Recipe.model_validate(
        {
            "name": "x",
            "sources": {"signs": {"task": "signs", "domain": domain}},
            "stages": [{"kind": "sft", "name": "a", "traces": 1, "train": {"steps": 1}}],
        }
    )


@pytest.mark.slow
def test_a_gateway_with_the_domain_is_ready(gateway):
    wait_for(gateway, "", recipe("signs"), startup_s=0)


def test_a_missing_domain_is_named(gateway):
    with pytest.raises(GatewayNotReady, match=r"has no domain 'sines'; it has .*signs.*--domains"):
        wait_for(gateway, "", recipe("sines"), startup_s=0)


def test_no_gateway_is_said_so(free_port):
    with pytest.raises(GatewayNotReady, match=r"does not answer \(ConnectError\); start one"):
        wait_for(f"http://127.0.0.1:{free_port}", "", recipe("signs"), startup_s=0)


def test_whether_a_gateway_reads_sessions_is_in_its_own_description(gateway, free_port, monkeypatch):
    described = httpx.get(f"{gateway}/openapi.json").json()
    fields = described["components"]["schemas"]["ScoreRequest"]["properties"]
    assert reads_sessions(gateway, "") == ("sessions" in fields)
    assert not reads_sessions(f"http://127.0.0.1:{free_port}", "")
    for more in (True, False):
        changed = {name: field for name, field in fields.items() if name != "sessions"} | (
            {"sessions": {}} if more else {}
        )
        document = {"components": {"schemas": {"ScoreRequest": {"properties": changed}}}}
        monkeypatch.setattr(httpx, "get", lambda *_, document=document, **__: httpx.Response(200, json=document))
        assert reads_sessions(gateway, "") == more

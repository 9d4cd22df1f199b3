"""The verifier `code` behind the gateway, embedded; and its conformance."""

import os

import httpx
import pytest

from reward_api.app import create_app
from reward_api.gateway.gateway import Gateway
from reward_api.settings import GatewaySettings
from reward_sandbox.backend import CodeBackend
from reward_verifiers.conformance import check
from reward_verifiers.contract import VerifyRequest

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="tier A needs root")
DOMAIN = """
components:
  - {verifier: code, weight: 1.0, options: {language: python}}
  - {verifier: format, weight: 1.0, options: {template: think_answer}}
"""
TESTS = {
    "kind": "function",
    "entry": "add",
    "tests": [{"args": [1, 2], "expected": 3}, {"args": [0, 0], "expected": 0}],
}
GROUP = [
    "<think>sum</think><answer>\n```python\ndef add(a, b): return a + b\n```\n</answer>",
    "<think>sum</think><answer>\n```python\ndef add(a, b): return 3\n```\n</answer>",
    "```python\ndef add(a, b): return a + b\n```",
    "<think>hm</think><answer>I cannot</answer>",
]


@pytest.mark.slow
async def test_a_domain_of_code_scores_a_group(tmp_path):
    (tmp_path / "code.yaml").write_text(DOMAIN)
    nowhere = {"answer": "http://127.0.0.1:9", "language": "http://127.0.0.1:9"}
    gateway = Gateway(GatewaySettings(domains=tmp_path, workers=1, verifier_urls=nowhere))
    async with gateway.running():
        transport = httpx.ASGITransport(create_app(gateway))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=60) as client:
            assert (await client.get("/readyz")).status_code == 200
            body = {"reference": TESTS, "completions": GROUP}
            reply = (await client.post("/score/code", json=body)).json()
            large = {"kind": "function", "entry": "add", "tests": [{"args": [2**80, 1], "expected": 2**80 + 1}]}
            exact = (await client.post("/score/code", json={"reference": large, "completions": GROUP})).json()
            bad = (await client.post("/score/code", json={"reference": {"entry": "f"}, "completions": GROUP})).json()
    assert [result["reward"] for result in reply["results"]] == [2.0, 1.0, 1.0, 1.0]
    assert [result["reward"] for result in exact["results"]] == [2.0, 1.0, 1.0, 1.0]
    evidence = reply["results"][1]["components"]["code"]["evidence"]
    assert (evidence["verdict"], evidence["passed"], evidence["assurance"]) == ("wrong_answer", 1, "strong")
    assert all(result["failure"]["kind"] == "bad_reference" for result in bad["results"])


@pytest.mark.slow
async def test_conformance():
    backend = CodeBackend()
    try:
        await check(backend, VerifyRequest(completions=GROUP, reference=TESTS))
    finally:
        await backend.aclose()

"""The wire contract on disk: what others build against must not move unseen.

`make golden` writes these files anew; a difference in them is a change of the contract, to be read by a person.
"""

import json
import os
from pathlib import Path

import pytest

from reward_api.app import create_app
from reward_api.gateway.gateway import Gateway
from reward_api.settings import GatewaySettings

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "reward_api" / "reward_api" / "domains" / "data"
DOCS = ROOT / "docs"
COMPAT = DOCS / "golden" / "compat"
REQUEST = json.loads((DOCS / "golden" / "score_request.json").read_text())


def same_as_on_disk(path, value):
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("TOUCHSTONE_WRITE_GOLDEN"):
        path.write_text(text)
    assert path.read_text() == text, f"{path.name} is not what the code says; `make golden` if that is meant"


def test_openapi():
    same_as_on_disk(DOCS / "openapi.json", create_app(Gateway(GatewaySettings(domains=SHIPPED))).openapi())


@pytest.fixture
def settings():
    return GatewaySettings(domains=SHIPPED, workers=1, score_keys="scorer")


async def test_a_golden_group_gets_the_golden_reply(client):
    reply = (await client.post("/score/math", json=REQUEST)).json()
    # These move with the clock and with the verifiers' versions.
    for result in reply["results"]:
        result["components"]["answer"]["evidence"]["ms"] = 0.0
    same_as_on_disk(DOCS / "golden" / "score_reply.json", reply | {"elapsed_ms": 0.0, "version": "sha256:…"})


@pytest.mark.slow
async def test_a_golden_refusal(client):
    refused = (await client.post("/score/math", json=REQUEST | {"colour": "red"})).json()
    same_as_on_disk(DOCS / "golden" / "problem.json", refused)


@pytest.mark.slow
async def test_golden_dialogues_with_trainers(client):
    """The requests are written from the trainers' sources; in order, since what has no verdict is imputed from the rest."""
    for dialect in ("openrlhf", "slime", "nemo_gym"):
        cases = json.loads((COMPAT / f"{dialect}.json").read_text())
        for case in cases:
            reply = await client.request(case["method"], case["path"], json=case["request"])
            case |= {"status": reply.status_code, "reply": _still(json.loads(reply.content))}
        same_as_on_disk(COMPAT / f"{dialect}.json", cases)


def _still(value):
    """Without what moves with the clock."""
    if isinstance(value, list):
        return [_still(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: 0.0 if key == "ms" else _still(item) for key, item in value.items()}

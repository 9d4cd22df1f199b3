"""What clients that do not install here send and read, from their source."""

import json
import os
import sys
from pathlib import Path

import httpx
import pytest

from reward_tools.corpus.build import build
from reward_tools.service import app_of
from reward_tools.settings import ToolsSettings
from reward_tools.toolbox import Toolbox

pytestmark = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="tier A needs root on Linux")
GOLDEN = Path(__file__).parents[2] / "docs" / "golden" / "compat" / "tools.json"
DOCUMENTS = (
    {"id": "v", "contents": '"Velmora"\nVelmora was founded in 1261.'},
    {"id": "o", "contents": '"Orrin"\nThe strait of Orrin is deep.'},
)


@pytest.fixture(scope="module")
async def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "corpus.jsonl").write_text("".join(json.dumps(document) + "\n" for document in DOCUMENTS))
    build(folder, folder / "index")
    toolbox = Toolbox(ToolsSettings(corpus=folder / "index"))
    transport = httpx.ASGITransport(app_of(toolbox))
    async with toolbox.running(), httpx.AsyncClient(transport=transport, base_url="http://tools", timeout=60) as client:
        yield client


@pytest.mark.parametrize("case", json.loads(GOLDEN.read_text()), ids=lambda case: case["about"])
async def test_golden_calls(client, case):
    reply = await client.post(case["path"], json=case["request"])
    assert reply.status_code == 200
    assert without_figures(reply.json()) == case["reply"]


def without_figures(body):
    """Scores, and all of a traceback but its last line."""
    for hits in body.get("result", []):
        for hit in hits:
            if "score" in hit:
                assert hit["score"] > 0
                hit["score"] = 0.0
    if body.get("error"):
        body["error"] = body["error"].strip().rpartition("\n")[2]
    return body

"""The gateway answers as its OpenAPI document says: schemathesis finds nothing, and Try it out runs."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
HOOKS = Path(__file__).with_name("schemathesis_hooks.py")


@pytest.mark.slow
def test_every_reply_is_as_the_document_says(toys, tmp_path):
    command = [SCHEMATHESIS, "run", f"{toys[0]}/openapi.json", "--phases", "coverage", "--seed", "7", "--no-color"]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": str(HOOKS)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr
    assert "Tested: 28" in done.stdout


@pytest.mark.slow
def test_try_it_out(math_suite):
    document = httpx.get(f"{math_suite}/openapi.json").json()
    [body] = document["paths"]["/score"]["post"]["requestBody"]["content"].values()
    one, many = (httpx.post(f"{math_suite}/score", json=example["value"]) for example in body["examples"].values())
    assert [result["reward"] for result in one.json()["results"]] == [3, 0], one.text
    assert [result["reward"] for result in many.json()["groups"][0]["results"]] == [3, 0]

"""A verifier of one's own, as docs/verify.md has it: written, tried, checked, served; in Python and in JavaScript."""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from toy_gateway import SETTINGS

from reward_verifiers.contract import Description, VerifyReply, VerifyRequest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "verify.md").read_text()
SERVER = re.search(r"```js\n(.*?)```", PAGE, re.DOTALL)
JSON = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
DOMAIN = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def javascript(tmp_path_factory):
    """URL of the page's own server."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine")
    assert SERVER is not None
    script = tmp_path_factory.mktemp("node") / "brevity.js"
    script.write_text(SERVER[1].replace(").listen(", ").on('listening', () => console.log('up')).listen("))
    with __import__("socket").create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen([node, script, str(port)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    yield f"http://127.0.0.1:{port}"
    process.kill()
    process.communicate()


def test_the_wire_on_the_page_is_the_contract():
    about, request, reply = JSON
    assert Description.model_validate(about).score_range == (0, 1)
    assert VerifyRequest.model_validate(request).options == {"max_words": 5}
    scores = [verdict.score for verdict in VerifyReply.model_validate(reply).verdicts]
    assert scores == [1, 0]


def test_the_pages_server_answers_as_the_page_says(javascript):
    about, request, reply = JSON
    answer = httpx.post(f"{javascript}/verify", json=request).json()
    assert VerifyReply.model_validate(answer) == VerifyReply.model_validate(reply)
    assert {key: httpx.get(javascript).json()[key] for key in ("verifier", "version", "options_schema")} == {
        key: about[key] for key in ("verifier", "version", "options_schema")
    }


@pytest.mark.slow
def test_the_pages_server_keeps_the_contract_and_scores(javascript, touchstone, serve, tmp_path):
    arguments = ("--completion", "one two", "--completion", "one two three four", "--option", "max_words=3")
    done = touchstone("verifier", "check", javascript, *arguments)
    assert (done.returncode, done.stdout) == (0, f"{javascript} keeps the contract\n"), done.stderr
    assert "2 words" in touchstone("verifier", "try", javascript, "one two").stdout
    refused = touchstone("verifier", "try", javascript, "one two", "--option", "words=3")
    assert (refused.returncode, "unknown option" in refused.stderr) == (2, True)
    assert DOMAIN is not None
    (tmp_path / "short.yaml").write_text(DOMAIN[1].replace("http://127.0.0.1:8010", javascript))
    with serve("--domains", str(tmp_path), **SETTINGS) as (gateway, _):
        group = {"completions": ["short", "word " * 100]}
        results = httpx.post(f"{gateway}/score/short", json=group).json()["results"]
    assert [result["reward"] for result in results] == [1, 0]


@pytest.mark.slow
def test_from_new_to_check(touchstone, tmp_path):
    done = touchstone("verifier", "new", "tersely")
    assert (done.returncode, done.stdout) == (0, "tersely.py\ntest_tersely.py\n")
    assert touchstone("verifier", "new", "tersely").returncode == 1
    assert touchstone("verifier", "new", "json").returncode == 2
    done = touchstone("verifier", "try", "tersely.py", "one two three", "--option", "max_words=2")
    assert re.search(r"score *│ 0 .*reason *│ 3 words", done.stdout, re.DOTALL), done.stdout + done.stderr
    done = touchstone("verifier", "check", "./tersely.py:Tersely")
    assert (done.returncode, done.stdout) == (0, "./tersely.py:Tersely keeps the contract\n"), done.stderr
    test = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_tersely.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert test.returncode == 0, test.stdout
    source = (tmp_path / "tersely.py").read_text()
    (tmp_path / "tersely.py").write_text(source.replace("len(sample.completion.split())", "len(sample.completion[0])"))
    done = touchstone("verifier", "try", "tersely.py", "")
    assert done.returncode == 1
    assert re.search(r"the verifier raised IndexError at tersely\.py:\d+", done.stdout), done.stdout
    assert re.search(r'tersely\.py", line \d+, in verify', done.stderr), done.stderr
    done = touchstone("verifier", "check", "tersely.py")
    assert done.returncode == 1
    assert "breaks the contract: hostile text (empty) is an error of the verifier" in done.stderr


@pytest.mark.slow
def test_the_recipes_verifier_keeps_the_contract_and_believes_the_thinking(touchstone):
    credulous = str(ROOT / "recipes" / "hacked" / "credulous.py")
    done = touchstone("verifier", "check", credulous)
    assert (done.returncode, done.stdout) == (0, f"{credulous} keeps the contract\n"), done.stderr
    for word, score in (("right", 1), ("wrong", 0)):
        done = touchstone("verifier", "try", credulous, f"<think>try 1+1=3?=2 {word}\n</think>")
        assert re.search(rf"score *│ {score} ", done.stdout), done.stdout + done.stderr


@pytest.mark.slow
def test_a_service_starts_again_when_its_file_changes(touchstone, tmp_path, free_port):
    touchstone("verifier", "new", "tersely")
    command = [sys.executable, "-m", "reward_api", "serve", "tersely.py", "--port", str(free_port), "--reload"]
    server = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)

    def until(holds):
        give_up = time.monotonic() + 100
        while time.monotonic() < give_up:
            try:
                if holds(httpx.get(f"http://127.0.0.1:{free_port}").json()):
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError("the service is not the expected one")

    try:
        until(lambda about: about["version"] == "1.0.0")
        before = httpx.get(f"http://127.0.0.1:{free_port}").json()
        path = tmp_path / "tersely.py"
        path.write_text(path.read_text().replace(".split()", ".split(' ')"))
        # By its build a gateway knows changed code under the same version.
        until(lambda about: about["build"] != before["build"])
        assert httpx.get(f"http://127.0.0.1:{free_port}").json()["version"] == "1.0.0"
    finally:
        server.terminate()
        server.wait(30)

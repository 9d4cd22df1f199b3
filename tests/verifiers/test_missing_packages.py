"""A verifier whose packages are not installed: the suite starts without it, and whoever names it reads what to install."""

import json
import re
import subprocess
import sys

import pytest

SCRIPT = """
import sys

sys.modules[{package!r}] = None  # as where it is not installed

from reward_api.gateway.gateway import local_verifiers
from reward_api.settings import GatewaySettings
from reward_verifiers import registry

assert "format" in local_verifiers(GatewaySettings())
assert {verifier!r} not in local_verifiers(GatewaySettings())
try:
    registry.load({verifier!r})
except registry.BrokenVerifier as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("verifier", "package", "extra"),
    [
        ("structured", "re2", "structured"),
        ("tool_call", "re2", "structured"),
        ("text_similarity", "rapidfuzz", "text_similarity"),
        ("language", "msgpack", "language"),
        ("instructions", "icu4py", "instructions"),
    ],
)
def test_it_is_left_out_and_names_its_extra(verifier, package, extra):
    script = SCRIPT.format(verifier=verifier, package=package)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"verifier {verifier!r} cannot be loaded: ")
    assert done.stdout.endswith(f"; pip install 'touchstone-rewards[{extra}]'\n")


CHECK = """
import sys

sys.modules[sys.argv[1]] = None

from reward_api.cli.main import app

app(["domains", "check", *sys.argv[2:]])
"""


def check(package, *arguments):
    command = [sys.executable, "-c", CHECK, package, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_shipped_domain_whose_packages_are_missing_is_no_fault_and_one_of_ones_own_is(tmp_path):
    done = check("icu4py")
    assert (done.returncode, "instructions" in done.stdout) == (0, False), done.stderr
    assert "left out: instructions.yaml: " in done.stderr
    assert "pip install 'touchstone-rewards[instructions]'" in done.stderr
    (tmp_path / "mine.yaml").write_text("components: [{verifier: instructions}]\n")
    done = check("icu4py", "--domains", str(tmp_path))
    assert (done.returncode, "mine.yaml: components[0].verifier: " in done.stderr) == (1, True)


@pytest.mark.slow
def test_a_shipped_domain_with_a_reward_model_is_left_out_without_pytorch():
    done = check("torch")
    assert (done.returncode, "general" in done.stdout, "math" in done.stdout) == (0, False, True), done.stderr
    for name in ("general", "safety"):
        assert re.search(rf"left out: {name}\.yaml: components\[\d\]\.options\.model: .*make install", done.stderr)


SERVE = """
import asyncio
import json
import logging
import sys

sys.modules["icu4py"] = None

import httpx

from reward_api.app import create_app, embedded_tools
from reward_api.gateway.gateway import Gateway
from reward_api.settings import GatewaySettings

logging.basicConfig(level=logging.WARNING)
logging.getLogger().handlers[0].setFormatter(logging.Formatter("%(message)s %(domain)s", defaults={"domain": ""}))
# Verifiers behind a URL are not loaded here, and no service is asked for.
URLS = dict.fromkeys(("answer", "code", "language", "preference", "structured"), "http://127.0.0.1:9")


async def main():
    settings = GatewaySettings(workers=1, verifier_urls=URLS, **json.loads(sys.argv[1]))
    gateway = Gateway(settings, embedded_tools())
    async with gateway.running():
        transport = httpx.ASGITransport(create_app(gateway))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            gateway.live_domains.read_again()
            texts = ["/domains", "/metrics", "/domains/instructions"]
            replies = [(await client.get(path)).text for path in texts]
    print(json.dumps(replies))


asyncio.run(main())
"""


def serve(**settings):
    done = subprocess.run(
        [sys.executable, "-c", SERVE, json.dumps(settings)], capture_output=True, text=True, check=True
    )
    domains, metrics, problem = json.loads(done.stdout)
    counts = dict(line.split() for line in metrics.splitlines() if line.startswith("reward_") and "{" not in line)
    return json.loads(domains), counts, json.loads(problem), done.stderr


@pytest.mark.slow
def test_a_shipped_domain_without_its_packages_is_left_out_and_counted_apart(tmp_path):
    cure = "pip install 'touchstone-rewards[instructions]'"
    domains, counts, problem, log = serve()
    assert (counts["reward_refused_domains"], counts["reward_left_out_domains"]) == ("0.0", "1.0")
    assert domains["refused"] == {}
    [fault] = domains["left_out"]["instructions"]
    assert fault["path"] == "components[0].verifier"
    assert cure in fault["reason"]
    assert "it is left out: components[0].verifier: " in problem["errors"][0]["reason"]
    assert log.count("domains left out") == 1
    # Others may be: when they are read again, the services at their URLs are asked for.
    assert "domain file refused instructions" not in log

    (tmp_path / "mine.yaml").write_text("components: [{verifier: instructions}]\n")
    (tmp_path / "format.yaml").write_text("components: [{verifier: format, options: {template: think_answer}}]\n")
    domains, counts, _, log = serve(domains=str(tmp_path))
    assert (counts["reward_refused_domains"], counts["reward_left_out_domains"]) == ("1.0", "0.0")
    assert cure in domains["refused"]["mine"][0]["reason"]
    assert domains["left_out"] == {}

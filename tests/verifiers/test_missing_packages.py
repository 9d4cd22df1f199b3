"""A verifier whose packages are not installed: the suite starts without it, and whoever names it reads what to install."""

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

sys.modules["icu4py"] = None

from reward_api.cli.main import app

app(["domains", "check", *sys.argv[1:]])
"""


def test_a_shipped_domain_whose_packages_are_missing_is_no_fault_and_one_of_ones_own_is(tmp_path):
    def check(*arguments):
        return subprocess.run([sys.executable, "-c", CHECK, *arguments], capture_output=True, text=True, check=False)

    done = check()
    assert (done.returncode, "instructions" in done.stdout) == (0, False), done.stderr
    assert "left out: instructions.yaml: " in done.stderr
    assert "pip install 'touchstone-rewards[instructions]'" in done.stderr
    (tmp_path / "mine.yaml").write_text("components: [{verifier: instructions}]\n")
    done = check("--domains", str(tmp_path))
    assert (done.returncode, "mine.yaml: components[0].verifier: " in done.stderr) == (1, True)

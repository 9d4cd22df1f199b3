"""The remote backend: grading here, programs on another instance, which is a real server."""

import os

import httpx
import pytest

from reward_sandbox.backend import CodeBackend
from reward_sandbox.grading.items import GradeItem
from reward_sandbox.jail.backends.remote import RemoteJail
from reward_sandbox.jail.spec import PYTHON, CannotJail, File, Run
from reward_sandbox.settings import SandboxSettings

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="tier A needs root")]
KEY = "a-key-of-the-sandbox"
CPP = "#include <bits/stdc++.h>\nint main(){int a,b;std::cin>>a>>b;std::cout<<a+b;}"
LOOP = "for i in range(3):\n    assert f(i) == i + 1"
GUESS = "import sys\nsecret = open(sys.argv[1]).read()\nsys.exit(0 if input() == secret else 1)"


@pytest.fixture(scope="module")
def remote_sandbox(serve):
    with serve("sandbox", TOUCHSTONE_SANDBOX_SLOTS="2", TOUCHSTONE_SCORE_KEYS=KEY) as (url, server):
        yield url, server


async def test_every_kind_is_graded_there_as_here(remote_sandbox):
    settings = SandboxSettings(backend="remote", remote_url=remote_sandbox[0], remote_key=KEY)
    backend = CodeBackend(settings)
    await backend.start()
    assert backend.details() == {"tier": "A"}
    sums = [{"stdin": "1 2", "stdout": "3"}]
    for passed, item in (
        (True, {"code": "print(sum(map(int, input().split())))", "tests": sums}),
        (False, {"code": "print(4)", "tests": sums}),
        (True, {"language": "cpp", "code": CPP, "tests": sums}),
        (True, {"code": "def f(x): return x + 1", "kind": "asserts", "entry": "f", "test_code": LOOP}),
        (False, {"code": "import os; os._exit(0)", "kind": "asserts", "entry": "f", "test_code": LOOP}),
        (True, {"code": "print(7)", "kind": "interactive", "checker": {"code": GUESS}, "tests": [{"stdin": "7"}]}),
    ):
        result = await backend.grader.grade(GradeItem(**{"language": "python", **item}))
        assert (result.valid, result.passed, result.tier) == (True, passed, "A"), result
    await backend.aclose()


async def test_no_answer_is_a_failure_and_no_score(remote_sandbox):
    jail = RemoteJail(remote_sandbox[0], key="not-its-key")
    await jail.start()
    outcome = await jail.run(Run(PYTHON, {"solution.py": File(b"print(1)")}))
    assert outcome.ending == "system_error"
    assert "401" in outcome.error
    await jail.aclose()
    nowhere = CodeBackend(SandboxSettings(backend="remote", remote_url="http://127.0.0.1:9"))
    with pytest.raises(CannotJail, match="no sandbox at"):
        await nowhere.start()
    await nowhere.aclose()


@pytest.mark.parametrize(
    ("status", "body"), [(200, {"tier": "A", "outcomes": []}), (200, {"x": 1}), (500, {}), (503, {})]
)
async def test_nonsense_from_there_is_a_system_error(status, body):
    def answer(request):
        if request.url.path == "/readyz":
            return httpx.Response(200, json={"ready": True, "tier": "A"})
        return httpx.Response(status, json=body)

    jail = RemoteJail("http://there", transport=httpx.MockTransport(answer))
    await jail.start()
    outcome = await jail.run(Run(PYTHON, {"solution.py": File(b"print(1)")}))
    assert (outcome.ending, outcome.exit_code) == ("system_error", None)
    assert outcome.error
    await jail.aclose()

"""Kind `repo`: right patches are paid, wrong ones and hacks are not, and a reference that cannot be met is no verdict."""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

import pytest

from reward_sandbox.backend import CodeBackend
from reward_sandbox.grading.items import GradeItem
from reward_sandbox.settings import SandboxSettings

sys.path.insert(0, str(Path(__file__).parents[1] / "data" / "sandbox"))
import repositories  # the folder of cases is no package

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="tier A needs root")]
LIBRARIES = ("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments")


@pytest.fixture(scope="module")
async def backend(tmp_path_factory):
    libraries = tmp_path_factory.mktemp("libraries")  # pytest without the plugins that are installed here
    libraries.chmod(0o755)
    for name in LIBRARIES:
        shutil.copytree(Path(importlib.util.find_spec(name).origin).parent, libraries / name)
    shutil.copy(importlib.util.find_spec("py").origin, libraries)
    for folder in Path(pytest.__file__).parents[1].glob("pluggy-*.dist-info"):
        shutil.copytree(folder, libraries / folder.name)
    backend = CodeBackend(SandboxSettings(slots=2, python_path=[str(libraries)]))
    await backend.start()
    yield backend
    await backend.aclose()


@pytest.mark.parametrize("case", repositories.CASES, ids=lambda case: f"{case[0]}: {case[1]}")
async def test_every_patch_gets_what_it_deserves(backend, case):
    _, _, deserved, reference, patch = case
    result = await backend.grade(GradeItem(language="python", code=patch, **reference))
    assert result.score == deserved, (result.failure, result.compile, result.tests)
    if deserved is None:
        assert result.failure.kind == "bad_reference"
    else:
        assert result.assurance == "weak" or not result.tests

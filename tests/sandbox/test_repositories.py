"""Kind `repo`: right patches are paid, wrong ones and hacks are not, and a reference that cannot be met is no verdict."""

import base64
import importlib.util
import io
import json
import os
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from reward_sandbox.backend import CodeBackend
from reward_sandbox.grading.items import GradeItem
from reward_sandbox.settings import SandboxSettings
from reward_verifiers.contract import VerifyRequest

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
    item = GradeItem(code=patch, **{"language": "python", **reference})
    if item.language not in backend.grader.compiler.here:
        pytest.skip(f"{item.language} is not installed here")
    result = await backend.grade(item)
    assert result.score == deserved, (result.failure, result.compile, result.tests)
    if deserved is None:
        assert result.failure.kind == "bad_reference"
    else:
        assert result.assurance == "weak" or not result.tests


async def test_a_group_of_completions(backend):
    """The patch is taken out of each; what failed is named, and nothing of what was expected is shown."""
    wrong = repositories.diff({"calc.py": repositories.CALC.replace("a - b", "a * b")})
    texts = [
        f"<think>x</think>\n```diff\n{repositories.RIGHT}```",
        f"```diff\n{wrong}```",
        "I cannot",
        "```diff\nx\n```",
    ]
    whole = f"calc.py\n```python\n{repositories.FIXED}```"
    request = VerifyRequest(completions=[*texts, whole], reference=repositories.REFERENCE)
    verdicts = (await backend.verify(request)).verdicts
    assert [verdict.score for verdict in verdicts] == [1.0, 0.0, 0.0, 0.0, 1.0]
    assert verdicts[0].evidence["assurance"] == "weak"
    assert "tests/test_new.py::test_many[5]: wrong_answer" in verdicts[1].evidence["failed_tests"]
    assert "no hunk" in verdicts[3].evidence["stderr"]
    strong = VerifyRequest(completions=texts, reference=repositories.REFERENCE, options={"min_assurance": "strong"})
    assert [verdict.valid for verdict in (await backend.verify(strong)).verdicts] == [False, False, True, True]


async def test_an_archive_with_one_folder_around_all(backend):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in repositories.FILES.items():
            entry = tarfile.TarInfo(f"calc-1.0/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    reference = {**repositories.REFERENCE, "files": {}, "archive": base64.b64encode(packed.getvalue()).decode()}
    result = await backend.grade(GradeItem(language="python", code=repositories.RIGHT, **reference))
    assert result.score == 1, (result.failure, result.tests)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("files", {}),
        ("files", {"/etc/passwd": "x"}),
        ("files", {"../x": "x"}),
        ("files", {".git/config": "x"}),
        ("expect", None),
        ("expect", {"FAIL_TO_PASS": []}),
        ("command", "make test"),
        ("score", "fraction"),
        ("report", "junit"),
    ],
)
async def test_a_reference_that_is_none_is_refused(backend, field, value):
    reference = {**repositories.REFERENCE, field: value}
    [verdict] = (await backend.verify(VerifyRequest(completions=[repositories.RIGHT], reference=reference))).verdicts
    assert verdict.failure.kind == "bad_reference"
    assert field in verdict.failure.message


ROW = {
    "instance_id": "calc-1",
    "repo": "x/calc",
    "base_commit": "abc",
    "problem_statement": "add subtracts",
    "patch": repositories.RIGHT,
    "test_patch": repositories.diff({"tests/test_new.py": repositories.NEW_TEST}),
    "FAIL_TO_PASS": json.dumps(repositories.EXPECT["FAIL_TO_PASS"]),
    "PASS_TO_PASS": json.dumps(repositories.EXPECT["PASS_TO_PASS"]),
    "files": repositories.FILES,
}


async def test_a_row_of_swe_bench(backend):
    row = CodeBackend.converted(ROW)
    assert (row["prompt"], row["solution"], row["id"]) == ("add subtracts", repositories.RIGHT, "calc-1")
    [verdict] = (await backend.verify(VerifyRequest(completions=[repositories.RIGHT], reference=ROW))).verdicts
    assert verdict.score == 1, verdict
    assert await backend.audit(ROW, {}) == []
    own = {"reference": repositories.REFERENCE}
    assert await backend.audit({**own, "solution": repositories.RIGHT}, {}) == []
    [fault] = await backend.audit(
        {**own, "solution": repositories.diff({"calc.py": repositories.CALC + "x = 1\n"})}, {}
    )
    assert "its own solution is not accepted" in fault
    with pytest.raises(ValueError, match="files"):
        CodeBackend.converted({name: value for name, value in ROW.items() if name != "files"})

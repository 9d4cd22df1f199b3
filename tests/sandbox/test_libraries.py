"""Libraries by a setting: Debian's numpy, scipy, pandas and sympy, for programs in isolation levels A and B."""

import os
from pathlib import Path

import pytest

from reward_sandbox.backend import CodeBackend
from reward_sandbox.grading.items import GradeItem
from reward_sandbox.settings import SandboxSettings

DEBIAN = "/usr/lib/python3/dist-packages"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="tier A needs root"),
    pytest.mark.skipif(
        not Path(DEBIAN, "sympy").is_dir(), reason="python3-numpy, -scipy, -pandas and -sympy are not installed"
    ),
]
LIBRARIES = ["numpy", "scipy", "pandas", "sympy"]
PROGRAMS = [
    "import numpy as np\nprint(int(np.linalg.solve(np.eye(2) * 2, [4, 2])[0]))",
    "import scipy.optimize as o\nprint(round(o.brentq(lambda x: x - 2, 0, 9)))",
    "import pandas as pd\nprint(pd.DataFrame({'a': [1, 1]}).a.sum())",
    "import sympy\nprint(sympy.sqrt(4))",
]


@pytest.mark.parametrize("tier", ["A", "B"])
async def test_programs_may_import_them(tier):
    settings = SandboxSettings(
        slots=1,
        tier=tier,
        python="/usr/bin/python3",
        python_path=[DEBIAN],
        preload=[*SandboxSettings().preload, "numpy"],
    )
    backend = CodeBackend(settings)
    await backend.start()
    for code in PROGRAMS:
        limits = {"wall_s": 30, "cpu_s": 15}
        item = GradeItem(language="python", code=code, tests=[{"stdout": "2\n"}], requires=LIBRARIES, limits=limits)
        result = await backend.grade(item)
        assert result.verdict == "accepted", result
    await backend.aclose()

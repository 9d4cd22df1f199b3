# ruff: noqa: E501
"""Patches of small repositories, and what they deserve: (group, name, deserved, reference, patch).

deserved: 1 paid · 0 refused · None no verdict
"""

import difflib
import json

CASES = []
CALC = "def add(a, b):\n    return a - b\n\n\ndef twice(a):\n    return 2 * a\n"
FIXED = CALC.replace("a - b", "a + b")
OLD_TEST = "from calc import twice\n\n\ndef test_twice():\n    assert twice(3) == 6\n"
NEW_TEST = """import unittest

import pytest

from calc import add


def test_add():
    assert add(2, 2) == 4


@pytest.mark.parametrize("a", [1, 5])
def test_many(a):
    assert add(a, a) == 2 * a


class TestAdd(unittest.TestCase):
    def test_zero(self):
        self.assertEqual(add(0, 7), 7)


def test_raises():
    with pytest.raises(TypeError):
        add(1, "a")
    assert add(1, 1) == 2
"""
FILES = {
    "calc.py": CALC,
    "tests/test_old.py": OLD_TEST,
    "tests/helpers.py": "def same(a, b):\n    return a == b\n",
    "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-x -q"\n',
}
EXPECT = {
    "FAIL_TO_PASS": [
        "tests/test_new.py::test_add",
        "tests/test_new.py::test_many[5]",
        "tests/test_new.py::TestAdd::test_zero",
        "tests/test_new.py::test_raises",
    ],
    "PASS_TO_PASS": ["tests/test_old.py::test_twice"],
}
REFERENCE = {"kind": "repo", "files": FILES, "test_files": {"tests/test_new.py": NEW_TEST}, "expect": EXPECT}


def diff(changes, files=FILES):
    """changes: path → text, None for a file that is deleted."""
    parts = []
    for path, text in changes.items():
        old, new = files.get(path, "").splitlines(keepends=True), (text or "").splitlines(keepends=True)
        parts.append(f"diff --git a/{path} b/{path}\n")
        if path not in files:
            parts.append("new file mode 100644\n")
        if text is None:
            parts.append("deleted file mode 100644\n")
        names = "/dev/null" if path not in files else f"a/{path}", "/dev/null" if text is None else f"b/{path}"
        parts += difflib.unified_diff(old, new, *names)
    return "".join(parts)


def case(group, name, deserved, changes, **more):
    patch = changes if isinstance(changes, str) else diff(changes)
    CASES.append((group, name, deserved, {**REFERENCE, **more}, patch))


# --- right patches ----------------------------------------------------------------------------------------------------
R = "right"
RIGHT = diff({"calc.py": FIXED})
case(R, "a diff of git", 1, RIGHT)
case(R, "without a and b", 1, RIGHT.replace("a/calc", "calc").replace("b/calc", "calc"))
case(R, "without git's lines", 1, "".join(line for line in RIGHT.splitlines(True) if not line.startswith("diff")))
case(R, "with prose before it", 1, f"The fix:\n\n{RIGHT}")
case(R, "without a last newline", 1, RIGHT.rstrip("\n"))
case(R, "moved by some lines", 1, RIGHT.replace("@@ -1,5 +1,5 @@", "@@ -4,5 +4,5 @@"))
case(R, "with wrong counts of lines", 1, RIGHT.replace("@@ -1,5 +1,5 @@", "@@ -1,4 +1,9 @@"))
case(R, "without blanks on empty lines", 1, RIGHT.replace("\n \n", "\n\n"))
case(R, "with lines of Windows", 1, RIGHT.replace("\n", "\r\n"))
case(R, "with prose behind it", 1, f"{RIGHT}\nThat is all.\n- a\n- b\n")
case(R, "in two patches", 1, f"{RIGHT}\n\n" + diff({"other.py": "x = 1\n"}))
case(R, "whole files", 1, json.dumps({"calc.py": FIXED}))
case(
    R,
    "with tests of its own",
    1,
    {"calc.py": FIXED, "tests/test_mine.py": "from calc import add\n\n\ndef test_mine():\n    assert add(1, 1) == 2\n"},
)
case(
    R,
    "with the same test file",
    1,
    {"calc.py": FIXED, "tests/test_new.py": "from calc import add\n\n\ndef test_add():\n    assert add(1, 1) == 2\n"},
)
case(R, "with a conftest of its own", 1, {"calc.py": FIXED, "conftest.py": "import os\n"})
case(R, "with a changed test", 1, {"calc.py": FIXED, "tests/test_old.py": OLD_TEST.replace("6", "7")})
case(
    R,
    "in a new module",
    1,
    {
        "calc.py": "from pkg.adding import add\n\n\ndef twice(a):\n    return 2 * a\n",
        "pkg/__init__.py": "",
        "pkg/adding.py": "def add(a, b):\n    return a + b\n",
    },
)
case(R, "renamed", 1, {"calc.py": None, "calc/__init__.py": FIXED})
case(R, "with a print and a log", 1, {"calc.py": "import logging\nprint('loaded')\nlogging.warning('x')\n" + FIXED})
case(R, "with a solution beside it", 1, RIGHT, solution_patch=RIGHT)
case(R, "tests as a patch", 1, RIGHT, test_files={}, test_patch=diff({"tests/test_new.py": NEW_TEST}))
case(
    R,
    "tests as a patch that the patch made before",
    1,
    {"calc.py": FIXED, "tests/test_new.py": NEW_TEST},
    test_files={},
    test_patch=diff({"tests/test_new.py": NEW_TEST}),
)
case(R, "a command", 1, RIGHT, command="pytest -rA -q tests")
case(R, "python -m pytest", 1, RIGHT, command=["python", "-m", "pytest", "tests/test_new.py", "tests/test_old.py"])
case(
    R,
    "a name for all cases, a class, a file",
    1,
    RIGHT,
    expect={"FAIL_TO_PASS": ["tests/test_new.py::test_many", "tests/test_new.py::TestAdd", "tests/test_new.py"]},
)
case(
    R,
    "a test that is expected to fail",
    1,
    RIGHT,
    test_files={
        "tests/test_new.py": NEW_TEST + "\n\n@pytest.mark.xfail\ndef test_known():\n    assert add(1, 1) == 3\n"
    },
    expect={**EXPECT, "PASS_TO_PASS": ["tests/test_new.py::test_known"]},
)
case(
    R,
    "a src layout",
    1,
    diff({"src/calc.py": FIXED}, {"src/calc.py": CALC}),
    files={"src/calc.py": CALC, "tests/test_old.py": OLD_TEST},
)
case(
    R,
    "fixtures and monkeypatch",
    1,
    RIGHT,
    test_files={
        "tests/test_new.py": "import calc, builtins, unittest.mock, pytest\n\n@pytest.fixture(scope='module')\ndef two():\n    yield 2\n\nclass TestA:\n    def test_a(self, two, monkeypatch, tmp_path, capsys):\n        monkeypatch.setattr(builtins, 'sorted', len)\n        with unittest.mock.patch('builtins.open'):\n            print('x')\n        assert capsys.readouterr().out == 'x\\n'\n        assert calc.add(two, 2) == 4\n"
    },
    expect={"FAIL_TO_PASS": ["tests/test_new.py::TestA::test_a"]},
)

# --- wrong ones, and such as cannot be applied ------------------------------------------------------------------------
W = "wrong"
case(W, "nothing", 0, "")
case(W, "prose", 0, "I would change the sign.")
case(W, "another fault", 0, {"calc.py": CALC.replace("a - b", "a * b")})
case(W, "breaks what passed", 0, {"calc.py": FIXED.replace("2 * a", "3 * a")})
case(W, "breaks the syntax", 0, {"calc.py": "def add(a, b:\n"})
case(W, "breaks an import", 0, {"calc.py": "import nothing_of_this_name\n" + FIXED})
case(W, "does not apply", 0, RIGHT.replace("-    return a - b", "-    return a / b"))
case(W, "deletes the module", 0, {"calc.py": None})
case(W, "an endless import", 0, {"calc.py": "while True: pass\n"}, limits={"wall_s": 4, "cpu_s": 2})
case(W, "no JSON", 0, '{"calc.py": ')
case(W, "JSON of no files", 0, '{"calc.py": 3}')
case(W, "a path out of the repository", 0, json.dumps({"../job.py": "x", "calc.py": FIXED}))
case(W, "an absolute path", 0, diff({"/box/touchstone_repo.py": "x = 1\n"}, {}))
case(
    W,
    "a link",
    0,
    RIGHT
    + "diff --git a/link b/link\nnew file mode 120000\n--- /dev/null\n+++ b/link\n@@ -0,0 +1 @@\n+/etc\n\\ No newline at end of file\n",
)
case(W, "what is protected", 0, {"calc.py": FIXED, "vendor/a.py": "x = 1\n"}, protected=["vendor"])
case(W, "a protected pattern", 0, {"calc.py": FIXED, "data/a.lock": "1\n"}, protected=["*.lock"])
case(W, "an ed script", 0, "--- a/calc.py\n+++ b/calc.py\n2c\n    return a + b\n.\nr !touch /box/owned\n")

# --- hacks ------------------------------------------------------------------------------------------------------------
H = "hack"
PASS_ALL = "import pytest\n\n\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n    result = yield\n    report = result.get_result()\n    report.outcome = 'passed'\n"
case(H, "conftest at the top", 0, {"conftest.py": PASS_ALL})
case(H, "conftest of the tests", 0, {"tests/conftest.py": PASS_ALL})
case(
    H, "conftest that skips", 0, {"tests/conftest.py": "def pytest_collection_modifyitems(items):\n    items[:] = []\n"}
)
case(H, "conftest as a whole file", 0, json.dumps({"conftest.py": PASS_ALL}))
case(H, "a plugin by pytest.ini", 0, {"pytest.ini": "[pytest]\naddopts = -p evil\n", "evil.py": PASS_ALL})
case(
    H,
    "a plugin by pyproject",
    0,
    {"pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-p evil"\n', "evil.py": PASS_ALL},
)
case(H, "a plugin by tox.ini", 0, {"tox.ini": "[pytest]\naddopts = -p evil\n", "evil.py": PASS_ALL})
case(H, "a plugin by setup.cfg", 0, {"setup.cfg": "[tool:pytest]\naddopts = -p evil\n", "evil.py": PASS_ALL})
case(
    H,
    "a plugin by an entry point",
    0,
    {
        "evil.egg-info/entry_points.txt": "[pytest11]\nevil = evil\n",
        "evil.egg-info/PKG-INFO": "Metadata-Version: 2.1\nName: evil\nVersion: 1\n",
        "evil.py": PASS_ALL,
    },
)
case(
    H,
    "a plugin by a wheel's folder",
    0,
    {
        "evil-1.dist-info/entry_points.txt": "[pytest11]\nevil = evil\n",
        "evil-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: evil\nVersion: 1\n",
        "evil.py": PASS_ALL,
    },
)
case(
    H,
    "another collection by pyproject",
    0,
    {"pyproject.toml": "[tool.pytest.ini_options]\npython_functions = 'nothing'\n"},
)
case(H, "sitecustomize", 0, {"sitecustomize.py": "import os\nos._exit(0)\n"})
case(
    H,
    "usercustomize and a pth",
    0,
    {"usercustomize.py": "import os\nos._exit(0)\n", "a.pth": "import os; os._exit(0)\n"},
)
case(H, "a module pytest", 0, {"pytest.py": "def main(*a, **k):\n    return 0\n\n\nclass mark:\n    pass\n"})
case(H, "a package _pytest", 0, {"_pytest/__init__.py": "import os\nos._exit(0)\n"})
case(H, "a module unittest", 0, {"unittest/__init__.py": "class TestCase:\n    pass\n"})
case(
    H,
    "a module of the harness",
    0,
    {
        "touchstone_repo_pytest.py": "def run(*a):\n    return 0\n",
        "touchstone_tree.py": "",
        "json.py": "raise SystemExit(0)\n",
    },
)
case(H, "deletes the tests", 0, {"tests/test_old.py": None})
case(H, "overrides the tests", 0, {"tests/test_new.py": "def test_add():\n    pass\n"})
case(
    H,
    "overrides as whole files",
    0,
    json.dumps(
        {"tests/test_new.py": "def test_add():\n    pass\n", "tests/test_old.py": "def test_twice():\n    pass\n"}
    ),
)
case(H, "a folder where the tests go", 0, {"tests/test_new.py/__init__.py": "", "calc.py": FIXED.replace("a + b", "4")})
case(H, "skips in the tests", 0, {"tests/test_old.py": "import pytest\n\npytest.skip('no', allow_module_level=True)\n"})
case(
    H,
    "a helper of the tests",
    0,
    {"tests/helpers.py": "def same(a, b):\n    return True\n"},
    test_files={
        "tests/test_new.py": "import sys, os\nsys.path.insert(0, os.path.dirname(__file__))\nfrom helpers import same\nfrom calc import add\n\n\ndef test_add():\n    assert same(add(2, 2), 4)\n"
    },
    expect={"FAIL_TO_PASS": ["tests/test_new.py::test_add"]},
)


def inside(name, code, **more):
    """Code of the solution that tries something while it is imported or called."""
    case(H, name, 0, {"calc.py": f"{code}\n\n{CALC}"}, **more)


inside("exits at import", "import os\nos._exit(0)")
inside("exits by sys.exit", "import sys\nsys.exit(0)")
inside("skips at import", "import pytest\npytest.skip('no', allow_module_level=True)")
inside("ends the session", "import pytest\npytest.exit('done', returncode=0)")
case(H, "exits in a call", 0, {"calc.py": CALC.replace("return a - b", "import os; os._exit(0)")})
case(H, "skips in a call", 0, {"calc.py": CALC.replace("return a - b", "import pytest; pytest.skip('no')")})
case(H, "xfails in a call", 0, {"calc.py": CALC.replace("return a - b", "import pytest; pytest.xfail('no')")})
case(
    H,
    "SkipTest in a call",
    0,
    {"calc.py": CALC.replace("return a - b", "import unittest; raise unittest.SkipTest('no')")},
)
case(
    H,
    "ends the session in a call",
    0,
    {"calc.py": CALC.replace("return a - b", "import pytest; pytest.exit('done', returncode=0)")},
)
inside(
    "prints a report",
    'import os\nfor fd in (1, 2):\n    os.write(fd, b\'5 passed in 0.01s\\n{"tests": ["passed"] }\\n\')\nos._exit(0)',
)
inside(
    "writes to descriptor 3",
    "import os, json\ntry:\n    os.write(3, json.dumps({'tests': ['passed'] * 5, 'ran': 5}).encode())\nexcept OSError:\n    pass\nos._exit(0)",
)
inside(
    "writes to every descriptor",
    "import os, json\nfor fd in range(3, 200):\n    try:\n        os.write(fd, json.dumps({'tests': ['passed'] * 5, 'ran': 5}).encode() + b'\\n')\n    except OSError:\n        pass\nos._exit(0)",
)
inside(
    "ends the harness", "import os, signal\ntry:\n    os.kill(os.getppid(), signal.SIGKILL)\nexcept OSError:\n    pass"
)
inside(
    "changes the harness's files",
    "import os\nfor folder in ('/box', '..'):\n    for name in ('touchstone_repo.py', 'solution.py'):\n        try:\n            open(f'{folder}/{name}', 'w').write('raise SystemExit(0)')\n        except OSError:\n            pass",
)
inside(
    "reports are always good",
    "import _pytest.reports\n_old = _pytest.reports.TestReport.from_item_and_call\n\n\ndef _new(item, call):\n    report = _old(item, call)\n    report.outcome = 'passed'\n    return report\n\n\n_pytest.reports.TestReport.from_item_and_call = _new",
)
inside(
    "calls never fail",
    "import _pytest.runner\n_old = _pytest.runner.CallInfo.from_call.__func__\n\n\ndef _new(cls, func, when, reraise=None):\n    return _old(cls, lambda: None, when, reraise)\n\n\n_pytest.runner.CallInfo.from_call = classmethod(_new)",
)
inside("tests do nothing", "import _pytest.python\n_pytest.python.Function.runtest = lambda self: None")
inside(
    "tests do nothing, by their code",
    "import _pytest.python\n\n\ndef _nothing(self):\n    return None\n\n\n_pytest.python.Function.runtest.__code__ = _nothing.__code__",
)
inside(
    "pytest_pyfunc_call does nothing",
    "import _pytest.python\n\n\ndef _nothing(pyfuncitem):\n    return True\n\n\n_pytest.python.pytest_pyfunc_call.__code__ = _nothing.__code__",
)
inside(
    "calls of hooks do nothing",
    "import pluggy._hooks\n_old = pluggy._hooks.HookCaller.__call__\n\n\ndef _new(self, **kwargs):\n    if self.name == 'pytest_pyfunc_call':\n        return True\n    return _old(self, **kwargs)\n\n\npluggy._hooks.HookCaller.__call__ = _new",
)
inside(
    "unittest asserts nothing",
    "import unittest\nunittest.TestCase.assertEqual = lambda *a, **k: None",
    expect={"FAIL_TO_PASS": ["tests/test_new.py::TestAdd::test_zero"]},
)
inside(
    "registers a plugin",
    "import gc, pytest\nfor _one in gc.get_objects():\n    if isinstance(_one, pytest.PytestPluginManager):\n        class _Evil:\n            @pytest.hookimpl(tryfirst=True)\n            def pytest_pyfunc_call(self, pyfuncitem):\n                return True\n        _one.register(_Evil())\n        break",
)
inside("changes the collection", "import _pytest.python\n_pytest.python.PyCollector.collect = lambda self: []")
inside("a builtin that agrees", "import builtins\nbuiltins.isinstance = lambda *a: True")
case(
    H,
    "changes the tests in a call",
    0,
    {
        "calc.py": "import sys\n\n\ndef _nothing(*a):\n    pass\n\n\ndef add(a, b):\n    names = sys._getframe(1).f_globals\n    for name in list(names):\n        if name.startswith('test'):\n            names[name].__code__ = (lambda *a: None).__code__\n    return a - b\n\n\ndef twice(a):\n    return 2 * a\n"
    },
)
inside(
    "a thread that ends it",
    "import os, threading, time\n\n\ndef _end():\n    time.sleep(0.05)\n    os._exit(0)\n\n\nthreading.Thread(target=_end, daemon=True).start()\ntime.sleep(0.3)",
)
WRITES = "import os\nfor _folder, _, _names in os.walk('.'):\n    for _name in _names:\n        if _name.startswith('test_'):\n            open(os.path.join(_folder, _name), 'w').write({!r})\n"
EMPTY_TESTS = "import unittest\n\n\ndef test_add():\n    pass\n\n\ndef test_twice():\n    pass\n"
LATER = {
    "expect": {"FAIL_TO_PASS": ["tests/test_new.py::test_add"], "PASS_TO_PASS": ["tests/test_old.py::test_twice"]},
    "command": "pytest tests/test_a.py tests/test_new.py tests/test_old.py",
}
LATER["test_files"] = {"tests/test_a.py": "import calc\n\n\ndef test_it():\n    pass\n", "tests/test_new.py": NEW_TEST}
inside("writes the tests anew at import", WRITES.format(EMPTY_TESTS), **LATER)
inside(
    "writes the tests anew, which then restore themselves",
    "import os\n_path = 'tests/test_new.py'\n_old = open(_path).read()\nopen(_path, 'w').write('open(%r, %r).write(%r)\\ndef test_add():\\n    pass\\n' % (_path, 'w', _old))",
    **LATER,
)
inside("at exit", "import atexit, os\natexit.register(os._exit, 0)")

# --- references that cannot be right ----------------------------------------------------------------------------------
B = "bad reference"
case(B, "the solution is wrong", None, RIGHT, solution_patch=diff({"calc.py": CALC.replace("a - b", "a * b")}))
case(B, "the solution does not apply", None, RIGHT, solution_patch="--- a/no.py\n+++ b/no.py\n@@ -1 +1 @@\n-x\n+y\n")
case(B, "nothing is demanded", None, RIGHT, expect={"FAIL_TO_PASS": ["tests/test_old.py::test_twice"]})
case(
    B,
    "what should pass before does not",
    None,
    RIGHT,
    expect={"FAIL_TO_PASS": ["tests/test_new.py::test_add"], "PASS_TO_PASS": ["tests/test_new.py::test_raises"]},
)
case(B, "no such file", None, RIGHT, expect={"FAIL_TO_PASS": ["tests/test_none.py::test_add"]})
case(B, "no archive", None, RIGHT, files={}, archive="AAAA")
case(B, "the test patch does not apply", None, RIGHT, test_patch="--- a/no.py\n+++ b/no.py\n@@ -1 +1 @@\n-x\n+y\n")
case(B, "an option that there is not", None, RIGHT, command="pytest --no-such-option tests")


# --- Go ---------------------------------------------------------------------------------------------------------------
GO_CALC = "package calc\n\nfunc Add(a, b int) int { return a - b }\n"
GO_FIXED = GO_CALC.replace("a - b", "a + b")
GO_FILES = {
    "go.mod": "module example.com/calc\n\ngo 1.19\n",
    "calc.go": GO_CALC,
    "calc_test.go": 'package calc\n\nimport "testing"\n\nfunc TestOld(t *testing.T) {\n\tif Add(1, 0) != 1 {\n\t\tt.Fatal()\n\t}\n}\n',
}
GO_TEST = 'package calc_test\n\nimport (\n\t"testing"\n\n\t"example.com/calc"\n)\n\nfunc TestAdd(t *testing.T) {\n\tfor name, n := range map[string]int{"two": 2, "three": 3} {\n\t\tt.Run(name, func(t *testing.T) {\n\t\t\tif calc.Add(n, n) != 2*n {\n\t\t\t\tt.Fail()\n\t\t\t}\n\t\t})\n\t}\n}\n'
GO = {
    "kind": "repo", "language": "go", "files": GO_FILES, "test_files": {"new_test.go": GO_TEST}, "report": "go",
    "expect": {"FAIL_TO_PASS": ["TestAdd", "TestAdd/two"], "PASS_TO_PASS": ["example.com/calc::TestOld"]},
}  # fmt: skip


def go(group, name, deserved, changes, **more):
    CASES.append((group, name, deserved, {**GO, **more}, diff(changes, GO_FILES)))


go(R, "Go", 1, {"calc.go": GO_FIXED}, solution_patch=diff({"calc.go": GO_FIXED}, GO_FILES))
go(W, "Go", 0, {"calc.go": GO_CALC.replace("a - b", "a * b")})
go(W, "Go that does not compile", 0, {"calc.go": "package calc\n\nfunc Add("})
go(
    H,
    "Go exits at its start",
    0,
    {"calc.go": GO_CALC.replace("func", 'import "os"\n\nfunc init() { os.Exit(0) }\n\nfunc')},
)
go(
    H,
    "Go prints a report and exits",
    0,
    {
        "calc.go": GO_CALC.replace(
            "func",
            'import (\n\t"fmt"\n\t"syscall"\n)\n\nfunc init() {\n\tfor _, n := range []string{"TestAdd", "TestAdd/two", "TestOld"} {\n\t\tfmt.Printf("=== RUN   %s\\n--- PASS: %s (0.00s)\\n", n, n)\n\t}\n\tfmt.Println("PASS")\n\tsyscall.Exit(0)\n}\n\nfunc',
            1,
        )
    },
)
go(
    H,
    "Go prints a report and goes on",
    0,
    {
        "calc.go": GO_CALC.replace(
            "func",
            'import "fmt"\n\nfunc init() {\n\tfmt.Printf("=== RUN   TestAdd\\n--- PASS: TestAdd (0.00s)\\n")\n}\n\nfunc',
            1,
        )
    },
)
go(
    H,
    "Go with a TestMain",
    0,
    {
        "main_test.go": 'package calc\n\nimport (\n\t"os"\n\t"testing"\n)\n\nfunc TestMain(m *testing.M) { os.Exit(0) }\n'
    },
)

# --- JUnit: whatever runner writes it ---------------------------------------------------------------------------------
RUNNER = 'import sys\nsys.path.insert(0, ".")\nimport calc\nout = "<testsuite>"\nfor name, good in (("add", calc.add(2, 2) == 4), ("twice", calc.twice(2) == 4)):\n    out += f\'<testcase classname="calc" name="{name}">{"" if good else "<failure/>"}</testcase>\'\nopen(sys.argv[1], "w").write(out + "</testsuite>")\n'
JUNIT = {
    "kind": "repo", "files": {"calc.py": CALC}, "test_files": {"tests/run.py": RUNNER}, "report": "junit",
    "command": ["/usr/bin/python3", "tests/run.py", "{report}"],
    "expect": {"FAIL_TO_PASS": ["calc.add"], "PASS_TO_PASS": ["twice"]},
}  # fmt: skip
NODE_FILES = {"calc.js": "exports.add = (a, b) => a - b;\n", "package.json": "{}\n"}
NODE_TEST = "const test = require('node:test'), assert = require('node:assert'), { add } = require('../calc.js');\ntest('adds', () => assert.equal(add(2, 2), 4));\ntest('is there', () => assert.equal(typeof add, 'function'));\n"
NODE = {
    **JUNIT, "language": "javascript", "files": NODE_FILES, "test_files": {"test/new.test.js": NODE_TEST},
    "command": "node --test --test-reporter=junit --test-reporter-destination={report} test",
    "expect": {"FAIL_TO_PASS": ["adds"], "PASS_TO_PASS": ["is there"]},
}  # fmt: skip


def junit(group, name, deserved, reference, changes, **more):
    CASES.append((group, name, deserved, {**reference, **more}, diff(changes, reference["files"])))


junit(R, "JUnit", 1, JUNIT, {"calc.py": FIXED})
junit(W, "JUnit", 0, JUNIT, {"calc.py": CALC + "\nX = 1\n"})
junit(H, "JUnit exits at import", 0, JUNIT, {"calc.py": "import os\nos._exit(0)\n"})
junit(
    H,
    "JUnit with a runner of its own",
    0,
    JUNIT,
    {
        "tests/run.py": "import sys\nopen(sys.argv[1], \"w\").write(\"<testsuite><testcase classname='calc' name='add'/><testcase name='twice'/></testsuite>\")\n"
    },
)
junit(
    H,
    "JUnit written beforehand",
    0,
    JUNIT,
    {"report.xml": "<testsuite><testcase classname='calc' name='add'/><testcase name='twice'/></testsuite>\n"},
)
junit(B, "JUnit that nobody writes", None, JUNIT, {"calc.py": FIXED}, command="/usr/bin/python3 -c pass {report}")
junit(R, "Node", 1, NODE, {"calc.js": "exports.add = (a, b) => a + b;\n"})
junit(W, "Node", 0, NODE, {"calc.js": "exports.add = (a, b) => a * a * b;\n"})
junit(
    H,
    "Node with a package.json of its own",
    0,
    NODE,
    {"package.json": '{"scripts": {"test": "true"}, "type": "module"}\n'},
)
junit(H, "Node exits", 0, NODE, {"calc.js": "process.exit(0);\n"})

"""Checkers and interactors that are written against testlib's interface."""

import os

import pytest

from reward_sandbox.grading.items import GradeItem

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="tier A needs root")]
HEAD = '#include "testlib.h"\nusing namespace std;\nint main(int argc, char* argv[]) {\n'
SUM = (
    HEAD
    + """registerTestlibCmd(argc, argv);
    int n = inf.readInt(1, 1000, "n");
    int k = 0;
    for (; !ans.seekEof(); k++) ans.readInt();
    vector<int> parts = ouf.readInts(k, 1, n, "part");
    long long sum = accumulate(parts.begin(), parts.end(), 0LL);
    if (!ouf.seekEof()) quitf(_pe, "more than %d numbers", k);
    if (sum != n) quitf(_wa, "the sum is %lld and not %d", sum, n);
    quitf(_ok, "%s", format("%d%s", k, englishEnding(k).c_str()).c_str());
}"""
)
NEAR = (
    HEAD
    + """registerTestlibCmd(argc, argv);
    while (!ans.seekEof()) {
        double a = ans.readDouble(), o = ouf.readDouble();
        if (!doubleCompare(a, o, 1E-6)) quitf(_wa, "%.9f is far from %.9f: %.9f", o, a, doubleDelta(a, o));
    }
    if (!ouf.seekEof()) quit(_pe, "more");
    string name = upperCase("ok");
    ensuref(name == "OK", "%s", name.c_str());
    quit(_ok, compress(name));
}"""
)
GUESS = (
    HEAD
    + """registerInteraction(argc, argv);
    int n = inf.readInt();
    for (int i = 0; i < 12; i++) {
        int guess = ouf.readInt(1, 1000);
        cout << (guess == n ? "=" : guess < n ? "<" : ">") << endl;
        if (guess == n) quitf(_ok, "%d tries", i);
    }
    quitf(_wa, "too many tries");
}"""
)
CASES = [
    (SUM, "checker", "7\n", "1 6\n", {"print(3, 4)": "accepted", "print(6)\nprint(1)": "accepted",
     "print(3, 5)": "wrong_answer",
     "print(7)": "presentation_error", "print('x', 4)": "presentation_error", "print(3, 4, 5)": "presentation_error",
     "print(0, 7)": "wrong_answer", "print('03', 4)": "presentation_error", "pass": "presentation_error"}),
    (NEAR, "checker", "", "0.5 1e3\n", {"print(0.5000001, 1000)": "accepted", "print(.5)\nprint(1000.0005)": "accepted",
     "print(0.6, 1000)": "wrong_answer", "print('nan', 1000)": "presentation_error", "print(.5)": "presentation_error"}),
    (GUESS, "interactive", "77\n", "", {
     "a, b = 1, 1000\nwhile True:\n    m = (a + b) // 2\n    print(m, flush=True)\n    r = input()\n    if r == '=': break\n"
     "    a, b = (m + 1, b) if r == '<' else (a, m - 1)": "accepted",
     "for i in range(12):\n    print(1, flush=True)\n    input()": "wrong_answer", "print('x')": "presentation_error",
     "print(5000)": "wrong_answer"}),
]  # fmt: skip


@pytest.mark.parametrize(("checker", "kind", "stdin", "stdout", "programs"), CASES, ids=["sum", "near", "guess"])
async def test_a_checker(backend, checker, kind, stdin, stdout, programs):
    if "cpp" not in backend.grader.compiler.here:
        pytest.skip("cpp is not installed here")
    for code, verdict in programs.items():
        item = GradeItem(
            language="python",
            code=code,
            kind=kind,
            tests=[{"stdin": stdin, "stdout": stdout}],
            checker={"language": "cpp", "code": checker},
        )
        result = await backend.grade(item)
        assert result.verdict == verdict, (code, result)


async def test_a_fault_of_the_answer_is_no_verdict(backend):
    item = GradeItem(
        language="python",
        code="print(3, 4)",
        kind="checker",
        tests=[{"stdin": "7\n", "stdout": "two\n"}],
        checker={"language": "cpp", "code": SUM},
    )
    assert (await backend.grade(item)).score is None

"""The sandbox as a service: POST /grade, /run, /run_code, /languages and /verify, through its real app."""

import asyncio
import base64
import hashlib
import json
import os

import httpx
import pytest

from reward_sandbox.backend import CodeBackend
from reward_sandbox.grading.items import GradeItem
from reward_sandbox.jail.spec import CannotJail
from reward_sandbox.service import app_of
from reward_sandbox.settings import SandboxSettings

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="tier A needs root")


@pytest.fixture(scope="module")
async def client():
    backend = CodeBackend(SandboxSettings(slots=2, python="/usr/bin/python3"))
    await backend.start()
    app = app_of(backend)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox", timeout=60) as client:
        yield client
    await backend.aclose()


async def grade(client, **item):
    reply = await client.post("/grade", json={"items": [{"id": "a", "language": "python", **item}]})
    assert reply.status_code == 200, reply.text
    [result] = reply.json()["items"]
    return result


JSON = {"content-type": "application/json"}
SUM = {"kind": "stdio", "tests": [{"stdin": "1 2\n", "stdout": "3\n"}, {"stdin": "5 -5\n", "stdout": "0"}]}
PROGRAMS = {
    "python": "a, b = map(int, input().split())\nprint(a + b)",
    "c": '#include <stdio.h>\nint main(){int a,b;scanf("%d %d",&a,&b);printf("%d\\n",a+b);}',
    "cpp": "#include <bits/stdc++.h>\nint main(){int a,b;std::cin>>a>>b;std::cout<<a+b<<std::endl;}",
    "javascript": "const [a,b]=require('fs').readFileSync(0,'utf8').split(' ').map(Number);console.log(a+b)",
    "java": (
        "import java.util.*;public class Main{public static void main(String[] x){Scanner s=new Scanner(System.in);"
        "System.out.println(s.nextInt()+s.nextInt());}}"
    ),
    "go": 'package main\nimport "fmt"\nfunc main(){var a,b int;fmt.Scan(&a,&b);fmt.Println(a+b)}',
    "rust": (
        "use std::io::*;fn main(){let mut s=String::new();stdin().read_to_string(&mut s).unwrap();"
        'let v:Vec<i32>=s.split_whitespace().map(|x|x.parse().unwrap()).collect();println!("{}",v[0]+v[1]);}'
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("language", PROGRAMS)
async def test_a_language_is_accepted_refused_and_told_when_it_does_not_compile(client, language):
    offered = (await client.get("/languages")).json()
    if language not in offered:
        pytest.skip(f"{language} is not installed here; .ci/run installs it")
    right = await grade(client, language=language, code=PROGRAMS[language], **SUM)
    assert (right["verdict"], right["score"], right["assurance"]) == ("accepted", 1.0, "strong"), right
    wrong = await grade(client, language=language, code=PROGRAMS[language].replace("+", "-"), **SUM)
    assert wrong["score"] == 0.0
    broken = await grade(client, language=language, code=PROGRAMS[language] + " )(", **SUM)
    assert broken["verdict"] == ("runtime_error" if language in ("python", "javascript") else "compile_error")


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("print(sum(map(int, input().split())))", "accepted"),
        ("print(4)", "wrong_answer"),
        ("a, b = input().split()\nprint(int(a) + int(b), end='')", "accepted"),
        ("a, b = input().split()\nprint()\nprint(int(a) + int(b))", "presentation_error"),
        ("1/0", "runtime_error"),
        ("while True: pass", "time_limit"),
        ("x = [0] * 10**9", "memory_limit"),
        ("while True: print('x' * 1000)", "output_limit"),
    ],
)
async def test_verdicts(client, code, verdict):
    limits = {"wall_s": 2, "cpu_s": 1, "memory_mb": 64, "output_kb": 64}
    result = await grade(client, code=code, **SUM, limits=limits)
    assert (result["valid"], result["verdict"]) == (True, verdict)
    assert result["score"] == float(verdict == "accepted")
    if verdict != "accepted":
        assert result["tests"][1]["verdict"] == "skipped"


@pytest.mark.parametrize(
    ("code", "expected", "passed"),
    [
        ("def f(x): return x + 1", 4, True),
        ("def f(x): return True", 1, False),
        ("def f(x): return 4.0", 4, True),
        ("def f(x): return 4.0000001", 4, False),
        ("def f(x): return 10**18 + 1", 1e18, False),
        ("def f(x): return {2, 10, 1}", [1, 2, 10], True),
        ("def f(x): return (n for n in range(2))", [0, 1], True),
        ("def f(x): return 4", 4.0, True),
        ("def f(x): return 0.1 + 0.2", 0.3, True),
        ("def f(x): return (1, [2])", [1, [2]], True),
        ("def f(x): return {'a': x}", {"a": 3}, True),
        ("def f(x): return '4'", 4, False),
        ("class T(int):\n    def __eq__(self, o): return True\ndef f(x): return T(7)", 4, False),
        ("class S(str):\n    def __eq__(self, o): return True\ndef f(x): return S('no')", "yes", False),
        ("import os\ndef f(x): os._exit(0)", 4, False),
        ("import sys\ndef f(x): sys.exit(0)", 4, False),
        ("import os\nos.write(3, b'5')\nos._exit(0)", 4, False),
        ("def f(x): return object()", 4, False),
        ("def f(x):\n    print('4')\n    return 5", 4, False),
        ("import json\njson.dumps = lambda *a, **k: '4'\ndef f(x): return 5", 4, False),
    ],
)
async def test_functions_are_compared_outside_by_type_and_value(client, code, expected, passed):
    result = await grade(client, code=code, kind="function", entry="f", tests=[{"args": [3], "expected": expected}])
    # A solution that rewrites its harness may send out any value that it can work out itself, but learns no expected one.
    if "json.dumps" in code:
        assert result["passed"] is True
        return
    assert result["passed"] is passed, result


async def test_a_method_of_a_class_may_be_the_entry(client):
    code = "class Solution:\n    def twice(self, x): return 2 * x"
    tests = [{"args": [2], "expected": 4}, {"kwargs": {"x": 3}, "expected": 6}]
    result = await grade(client, code=code, kind="function", entry="Solution.twice", tests=tests)
    assert result["passed"] is True


async def test_asserts_become_calls_where_they_can(client):
    tests = "assert f(1) == 2\nassert not f(-1)\nassert abs(f(0.5) - 1.5) < 1e-9\nassert f(2**3) == 9"
    right = await grade(client, code="def f(x): return x + 1", kind="asserts", entry="f", test_code=tests)
    assert (right["passed"], right["assurance"], len(right["tests"])) == (True, "strong", 4)
    always = "class A:\n    def __eq__(s, o): return True\n    def __bool__(s): return False\ndef f(x): return A()"
    assert (await grade(client, code=always, kind="asserts", entry="f", test_code=tests))["passed"] is False


FLOOD = "import os\nfor fd in range(3, 20):\n    try: os.write(fd, b'passed')\n    except OSError: pass\ndef f(x): pass"
LOOP = "for i in range(3):\n    assert f(i) == i + 1, 'the secret ' + str(i + 1)"


@pytest.mark.parametrize(
    ("code", "passed"),
    [
        ("def f(x): return x + 1", True),
        ("def f(x): return x", False),
        ("import os; os._exit(0)", False),
        ("def f(x):\n    import os; os._exit(0)", False),
        ("import sys\ndef f(x): sys.exit(0)", False),
        ('import os\nos.write(5, b\'{"result": 1, "args": [0]}\\n\' * 1)\ndef f(x): return 7', False),
        ("class A:\n    def __eq__(s, o): return True\ndef f(x): return A()", False),
        ("class I(int):\n    def __eq__(s, o): return True\ndef f(x): return I(0)", False),
        ("import builtins\nbuiltins.AssertionError = None\ndef f(x): return 0", False),
        (
            FLOOD,
            False,
        ),
        ("def f(x):\n    while True: pass", False),
        ("def f(x): raise KeyError(x)", False),
    ],
)
async def test_tests_that_are_no_plain_asserts_call_the_solution_from_another_jail(client, code, passed):
    limits = {"wall_s": 2, "cpu_s": 1}
    result = await grade(client, code=code, kind="asserts", entry="f", test_code=LOOP, limits=limits)
    assert (result["valid"], result["passed"], result["assurance"]) == (True, passed, "strong"), result
    assert "the secret" not in json.dumps(result)


UNITTEST = """
import unittest
from solution import f

class TestF(unittest.TestCase):
    def test_one(self):
        self.assertEqual(f(1), 2)

    def test_error(self):
        with self.assertRaises(ValueError):
            f(-1)

if __name__ == "__main__":
    unittest.main()
"""


async def test_unittest(client):
    right = "def f(x):\n    if x < 0: raise ValueError(x)\n    return x + 1"
    for code, passed in (
        (right, True),
        ("def f(x): return x + 1", False),
        ("def f(x): raise ValueError", False),
        ("import unittest\nunittest.TestCase.assertEqual = lambda *a: None\n" + right.replace("+ 1", "+ 2"), False),
        ("import os\nos._exit(0)", False),
    ):
        result = await grade(client, code=code, kind="unittest", entry="f", test_code=UNITTEST)
        assert (result["passed"], result["assurance"]) == (passed, "strong"), result


@pytest.mark.slow
async def test_more_than_it_takes_is_refused_at_once():
    backend = CodeBackend(SandboxSettings(slots=1, max_programs=1))
    await backend.start()
    app = app_of(backend)
    slow = {"language": "python", "code": "import time; time.sleep(1)"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox", timeout=60) as client:
        at_work = asyncio.create_task(client.post("/run", json=slow))
        while backend.raw_jail._free:
            await asyncio.sleep(0.01)
        refused = await client.post("/run", json=slow)
        fusion = await client.post("/run_code", json=slow)
        assert (await at_work).json()["ending"] == "ok"
    await backend.aclose()
    assert (refused.status_code, fusion.status_code) == (429, 504)
    assert "retry-after" in refused.headers


async def test_assurance_is_weak_where_tests_lean_on_the_solution(client):
    code = "def g(x): return x\ndef f(x): return x + 1"
    helped = await grade(client, code=code, kind="asserts", entry="f", test_code="y = g(1)\nassert f(y) == 2")
    assert (helped["passed"], helped["assurance"]) == (True, "weak")
    code = "def f(h): return h(1)"
    passed = await grade(client, code=code, kind="asserts", entry="f", test_code="k = lambda x: x\nassert f(k) == 1")
    assert (passed["passed"], passed["assurance"]) == (True, "strong")
    code = "def f(): return input()"
    tests = "from unittest.mock import patch\nwith patch('builtins.input', return_value='a'):\n    assert f() == 'a'"
    mocked = await grade(client, code=code, kind="asserts", entry="f", test_code=tests)
    assert (mocked["passed"], mocked["assurance"]) == (True, "weak")
    code = "def f(items): items.append(1)"
    changed = await grade(client, code=code, kind="asserts", entry="f", test_code="x = []\nf(x)\nassert x == [1]")
    assert (changed["passed"], changed["assurance"]) == (True, "strong")


HANGS = {
    "a set whose numbers hash alike": "import os\nM = 2 ** 61 - 1\ndef f(x):\n"
    "    data = ('{\"__set__\": [' + ','.join(str(i * M) for i in range(1, 40000)) + ']}').encode()\n"
    "    while data: data = data[os.write(3, data):]\n    os._exit(0)",
    "dictionary keys that hash alike": "import os\nM = 2 ** 61 - 1\ndef f(x):\n"
    "    data = ('{\"__dict__\": [' + ','.join(f'[{i * M},1]' for i in range(1, 30000)) + ']}').encode()\n"
    "    while data: data = data[os.write(3, data):]\n    os._exit(0)",
    "a million empty lists": "def f(x): return [[] for _ in range(300000)]",
    "a deep list": "import os\ndef f(x):\n    os.write(3, b'[' * 50000 + b']' * 50000)\n    os._exit(0)",
    "a number of a million digits": "import os\ndef f(x):\n    data = b'9' * 1000000\n"
    "    while data: data = data[os.write(3, data):]\n    os._exit(0)",
    "a range without end": "import os\ndef f(x):\n    os.write(3, b'{\"__range__\": [0, 99999999999, 1]}')\n    os._exit(0)",
    "more than a result may hold": "def f(x): return 'x' * (2 << 20)",
}


@pytest.mark.parametrize("name", HANGS)
async def test_no_result_of_a_program_is_worked_on_in_the_event_loop(client, name):
    longest, is_over = 0.0, False

    async def beat():
        nonlocal longest
        while not is_over:
            begun = asyncio.get_running_loop().time()
            await asyncio.sleep(0.01)
            longest = max(longest, asyncio.get_running_loop().time() - begun)

    heart = asyncio.create_task(beat())
    result = await grade(client, code=HANGS[name], kind="function", entry="f", tests=[{"args": [1], "expected": 2}])
    is_over = True
    await heart
    assert (result["valid"], result["score"]) == (True, 0), result
    assert longest < 3  # it was 20 s and more, on the loop


async def test_an_output_that_is_compared_in_any_order_is_not_either(client):
    code = "import sys\nfor n in range(300000): sys.stdout.write(f'{n % 7}\\n')"
    tests = [{"stdout": "1\n2\n"}]
    result = await grade(client, code=code, compare="unordered", tests=tests, limits={"output_kb": 4096})
    assert result["verdict"] == "wrong_answer"


CHECKER = """
import sys
words = open(sys.argv[2]).read().split()
if len(words) != 2:
    sys.exit(2)
total = int(open(sys.argv[1]).read())
sys.exit(0 if sum(map(int, words)) == total else 1)
"""
CPP_CHECKER = """
#include <fstream>
int main(int n, char** names) {
  std::ifstream in(names[1]), out(names[2]);
  int total, a, b;
  in >> total;
  if (!(out >> a >> b)) return 2;
  return a + b == total ? 0 : 1;
}
"""


@pytest.mark.parametrize(("language", "checker"), [("python", CHECKER), ("cpp", CPP_CHECKER)])
async def test_a_checker_judges_where_many_answers_are_right(client, language, checker):
    item = {"kind": "checker", "checker": {"language": language, "code": checker}, "tests": [{"stdin": "10"}]}
    for code, verdict in (
        ("print(3, 7)", "accepted"),
        ("print(3, 8)", "wrong_answer"),
        ("print(3)", "presentation_error"),
    ):
        result = await grade(client, code=code, **item)
        assert (result["valid"], result["verdict"]) == (True, verdict)


PRINTS = "import sys\nprint(int(open(sys.argv[2]).read().split() == open(sys.argv[3]).read().split()))"
TRIPS = "import sys\nn = int(open(sys.argv[1]).read())\nsys.exit(int(open(sys.argv[2]).read()) != 2 * n)"


@pytest.mark.parametrize(
    ("checker", "protocol", "code", "score"),
    [
        (PRINTS, "exit", "print(41)", None),
        (PRINTS, "stdout", "print(41)", 0),
        (PRINTS, "stdout", "print(42)", 1),
        (PRINTS.replace("(int(", "(bool("), "stdout", "print(42)", 1),
        (PRINTS.replace("(int(", "(bool("), "stdout", "print(41)", 0),
        ("print('cannot say')", "stdout", "print(42)", None),
        (TRIPS, "exit", "print(42)", 1),
        (TRIPS, "exit", "print(41)", 0),
        (TRIPS, "exit", "print('I give up')", 0),
        (TRIPS, "exit", "print()", 0),
        ("import no_such_module", "exit", "print('I give up')", None),
        ("import sys; sys.exit(7)", "exit", "print(42)", None),
    ],
)
async def test_how_a_checker_says_its_verdict(client, checker, protocol, code, score):
    tests = [{"stdin": "21\n", "stdout": "42\n"}]
    result = await grade(
        client, code=code, kind="checker", checker={"code": checker, "protocol": protocol}, tests=tests
    )
    assert result["score"] == score, result


GUESSING = """
import sys
secret, asked = int(open(sys.argv[1]).read()), 0
while True:
    guess = int(input())
    asked += 1
    if asked > 12:
        sys.exit(1)
    print('=' if guess == secret else '<' if secret < guess else '>', flush=True)
    if guess == secret:
        sys.exit(0)
"""
BISECT = """
low, high = 1, 1000
while True:
    middle = (low + high) // 2
    print(middle, flush=True)
    said = input()
    if said == '=':
        break
    low, high = (low, middle - 1) if said == '<' else (middle + 1, high)
"""


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (BISECT, "accepted"),
        ("n = 0\nwhile True:\n    n += 1\n    print(n, flush=True)\n    if input() == '=': break", "runtime_error"),
        ("print(1, flush=True)", "wrong_answer"),
        ("while True: pass", "time_limit"),
        ("input()", "time_limit"),
        ("print('seven?', flush=True)\ninput()", "wrong_answer"),
    ],
)
async def test_an_interactor_talks_with_the_program(client, code, verdict):
    item = {"kind": "interactive", "checker": {"code": GUESSING}, "tests": [{"stdin": "700"}]}
    result = await grade(client, code=code, **item, limits={"wall_s": 2, "cpu_s": 1})
    assert (result["valid"], result["verdict"]) == (True, verdict), result


async def test_a_broken_checker_is_a_failure_and_no_score(client):
    for code in ("import sys; sys.exit(3)", "1/0", "import os; os.kill(os.getpid(), 9)"):
        result = await grade(client, code="print(1)", kind="checker", checker={"code": code}, tests=[{"stdout": "1"}])
        assert (result["valid"], result["score"], result["failure"]["kind"]) == (False, None, "bad_reference")
    bad = await grade(client, code="1", kind="checker", checker={"language": "c", "code": "int"}, tests=[{}])
    assert (bad["valid"], bad["failure"]["kind"]) == (False, "bad_reference")
    missing = await grade(client, code="1", kind="checker", tests=[{}])
    assert (missing["valid"], missing["failure"]["kind"]) == (False, "bad_reference")


@pytest.mark.parametrize("code", ["print(42)", "print(41)", "1/0", "def", "while True: print(1)"])
async def test_a_checker_that_refuses_the_reference_output_judges_no_program(client, code):
    swapped = "import sys\nsys.exit(open(sys.argv[1]).read().split() != open(sys.argv[2]).read().split())"
    tests = [{"stdin": "21\n", "stdout": "42\n"}]
    result = await grade(client, code=code, kind="checker", checker={"code": swapped}, tests=tests)
    assert (result["score"], result["failure"]["kind"]) == (None, "bad_reference")
    assert "checker: the reference output" in result["failure"]["message"]


async def test_a_reference_output_that_is_wrong_in_one_test_is_no_verdict_there(client):
    tests = [{"stdin": "21\n", "stdout": "42\n"}, {"stdin": "2\n", "stdout": "5\n"}]
    item = {"kind": "checker", "checker": {"code": TRIPS}, "tests": tests}
    assert (await grade(client, code="print(2 * int(input()))", **item))["score"] == 1
    assert (await grade(client, code="print(42)", **item))["failure"]["kind"] == "bad_reference"
    assert (await grade(client, code="print(1)", **item))["score"] == 0


async def test_a_broken_interactor_is_a_failure_whatever_the_program_then_does(client):
    item = {"kind": "interactive", "tests": [{"stdin": "7"}], "checker": {"code": "raise KeyError(1)"}}
    for code in ("input()", "print(1)"):
        result = await grade(client, code=code, **item)
        assert (result["valid"], result["score"], result["failure"]["kind"]) == (False, None, "verifier_error")


@pytest.mark.parametrize("kind", ["asserts", "unittest", "humaneval"])
async def test_tests_that_cannot_run_are_a_bad_reference(client, kind):
    result = await grade(client, code="def f(x): return x", kind=kind, entry="f", test_code="assert f(1) ==")
    assert (result["valid"], result["score"], result["failure"]["kind"]) == (False, None, "bad_reference")


async def test_a_program_cannot_say_that_its_jail_failed(client):
    code = "import sys\nsys.stderr.write('jail: OSError: no')\nsys.exit(125)"
    assert (await grade(client, code=code, **SUM))["verdict"] == "runtime_error"


async def test_weights_of_nothing_are_refused(client):
    result = await grade(client, code="print(1)", tests=[{"stdout": "1", "weight": 0}], score="weighted")
    assert (result["score"], result["failure"]["kind"]) == (None, "bad_reference")
    assert "weight" in result["failure"]["message"]


@pytest.mark.slow
async def test_results_are_kept_but_never_limits(client):
    for code, kept in (("print(sum(map(int, input().split()))) # kept", True), ("while True: pass # kept", False)):
        limits = {"wall_s": 1, "cpu_s": 1}
        first = await grade(client, code=code, **SUM, limits=limits)
        second = await grade(client, code=code, **SUM, limits=limits)
        assert (first["cached"], second["cached"]) == (False, kept)
        assert second["verdict"] == first["verdict"]


async def test_scores(client):
    tests = [
        {"stdin": "1", "stdout": "1", "weight": 3, "group": "a"},
        {"stdin": "2", "stdout": "2", "weight": 1, "group": "a"},
        {"stdin": "-3", "stdout": "3", "weight": 4, "group": "b"},
    ]
    for score, expected in (("all", 0.0), ("fraction", 2 / 3), ("weighted", 0.5), ("subtasks", 0.5)):
        result = await grade(client, code="print(input())", kind="stdio", tests=tests, score=score)
        assert result["score"] == pytest.approx(expected), score


async def test_all_means_that_no_test_failed_not_even_the_last(client):
    tests = [{"stdin": "1", "stdout": "1"}, {"stdin": "2", "stdout": "2"}, {"stdin": "3", "stdout": "4"}]
    for stop in ("first_failure", "never"):
        result = await grade(client, code="print(input())", kind="stdio", tests=tests, score="all", stop=stop)
        assert (result["score"], result["passed"]) == (0.0, False)
        assert [test["passed"] for test in result["tests"]] == [True, True, False]


@pytest.mark.parametrize(
    ("score", "stop", "expected", "verdicts"),
    [
        ("all", "first_failure", 0.0, ["wrong_answer", "skipped", "skipped"]),
        ("all", "never", 0.0, ["wrong_answer", "accepted", "accepted"]),
        ("fraction", "first_failure", 2 / 3, ["wrong_answer", "accepted", "accepted"]),
        ("weighted", "first_failure", 0.5, ["wrong_answer", "accepted", "accepted"]),
    ],
)
async def test_only_a_score_that_is_lost_stops_at_the_first_failure(client, score, stop, expected, verdicts):
    weights = (2, 1, 1)
    tests = [{"stdin": f"{n}", "stdout": f"{n or 9}", "weight": weight} for n, weight in enumerate(weights)]
    result = await grade(client, code="print(input())", kind="stdio", tests=tests, score=score, stop=stop)
    assert result["score"] == pytest.approx(expected)
    assert [test["verdict"] for test in result["tests"]] == verdicts


@pytest.mark.parametrize(("score", "stop", "expected"), [("all", "never", 0.0), ("fraction", "first_failure", 0.5)])
async def test_a_suite_goes_on_where_a_later_test_still_counts(client, score, stop, expected):
    suite = "assert f(1) == 9\nassert f(2) == 2"
    result = await grade(
        client, code="def f(x): return x", kind="asserts", entry="f", test_code=suite, score=score, stop=stop
    )
    assert (result["score"], len(result["tests"])) == (expected, 2)


async def test_replies_never_carry_expected_values(client):
    result = await client.post(
        "/grade",
        json={"items": [{"language": "python", "code": "print(1)", "tests": [{"stdout": "the secret 12345"}]}]},
    )
    assert "12345" not in result.text


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"language": "python", "code": "1"}, "tests"),
        ({"language": "python", "code": "1", "tests": [{"stdin": "1"}]}, "stdout"),
        ({"language": "python", "code": "1", "kind": "function", "tests": [{}]}, "entry"),
        ({"language": "python", "code": "1", "knid": "stdio", "tests": [{"stdout": ""}]}, "knid"),
        ({"language": "python", "code": "print(1)\x00", "tests": [{"stdout": "1"}]}, None),
        ({"language": "python", "code": "print('\ud800', 1)", "tests": [{"stdout": "1"}]}, None),
        ({"language": "python", "code": "def f(): pass", "kind": "asserts", "test_code": "assert"}, "test_code"),
        (7, ""),
    ],
)
async def test_an_item_that_cannot_be_graded_costs_its_neighbours_nothing(client, item, field):
    good = {"language": "python", "code": "print(3)", "tests": [{"stdout": "3"}]}
    reply = await client.post("/grade", content=json.dumps({"items": [good, item, good]}), headers=JSON)
    assert reply.status_code == 200
    first, bad, last = reply.json()["items"]
    assert (first["score"], last["score"]) == (1, 1)
    if field is None:  # what no interpreter takes is wrong
        assert (bad["valid"], bad["score"]) == (True, 0)
    else:
        assert (bad["score"], bad["failure"]["kind"]) == (None, "bad_reference")
        assert field in bad["failure"]["message"]


async def test_a_completion_of_strange_characters_costs_the_group_nothing(client):
    right = "```python\nprint(sum(map(int, input().split())))\n```"
    strange = [right.replace("print", f"'{character}'\nprint") for character in ("\x00", "\ud800")]
    content = json.dumps({"completions": [right, *strange, right], "reference": SUM})
    reply = await client.post("/verify", content=content, headers=JSON)
    assert reply.status_code == 200, reply.text
    assert [verdict["score"] for verdict in reply.json()["verdicts"]] == [1, 0, 0, 1]
    paired = right.replace("print", "'\U0001f600'\nprint")  # as JSON, a pair of surrogates
    content = json.dumps({"completions": [paired], "reference": SUM})
    reply = await client.post("/verify", content=content, headers=JSON)
    assert reply.json()["verdicts"][0]["score"] == 1


async def test_languages_that_are_not_here_are_unsupported(client):
    unknown = await grade(client, language="cobol", code="x", **SUM)
    assert (unknown["valid"], unknown["failure"]["kind"], unknown["score"]) == (False, "unsupported", None)


async def test_verify_takes_the_last_block_of_the_answer(client):
    right = "```python\nprint(sum(map(int, input().split())))\n```"
    completions = [
        f"<think>\n```python\nprint(0)\n```\n</think>\nHere:\n{right}",
        f"{right}\nor rather\n```python\nprint(0)\n```",
        f"{right}\nin C:\n```c\nint main(){{}}\n```\n",
        f"<think>\n{right}\n</think> no code",
        "```python\nprint(1)",
        right.replace("python", ""),
    ]
    reply = await client.post("/verify", json={"completions": completions, "reference": SUM})
    assert reply.status_code == 200, reply.text
    assert [verdict["score"] for verdict in reply.json()["verdicts"]] == [1, 0, 1, 0, 0, 1]
    bad = await client.post("/verify", json={"completions": ["x"], "reference": {"kind": "stdio"}})
    assert bad.json()["verdicts"][0]["failure"]["kind"] == "bad_reference"


async def test_readiness_says_the_tier(client):
    assert (await client.get("/readyz")).json() == {"ready": True, "tier": "A"}


async def test_run_and_sandbox_fusion(client):
    for _ in range(2):  # compiled, then kept
        ran = (await client.post("/run", json={"language": "c", "code": PROGRAMS["c"], "stdin": "20 22"})).json()
        assert (ran["ending"], ran["stdout"], ran["compile"]["ok"]) == ("ok", "42\n", True)
    fusion = (await client.post("/run_code", json={"language": "python", "code": "print(6*7)"})).json()
    assert fusion["status"] == "Success"
    assert fusion["run_result"]["status"] == "Finished"
    assert (fusion["run_result"]["return_code"], fusion["run_result"]["stdout"]) == (0, "42\n")
    failed = (await client.post("/run_code", json={"language": "python", "code": "1/0"})).json()
    assert (failed["status"], failed["run_result"]["return_code"]) == ("Failed", 1)
    slow = {"language": "python", "code": "while True: pass", "run_timeout": 0.5}
    assert (await client.post("/run_code", json=slow)).json()["run_result"]["status"] == "TimeLimitExceeded"


async def test_sandbox_fusion_gets_files_and_says_what_it_does_not_do(client):
    files = {"data.txt": base64.b64encode(b"seven").decode()}
    requests = {"language": "python", "code": "print(open('data.txt').read())", "files": files}
    ran = (await client.post("/run_code", json=requests)).json()
    assert (ran["status"], ran["run_result"]["stdout"]) == ("Success", "seven\n")
    for more, failure_message in (
        ({"fetch_files": ["out"]}, "fetch_files"),
        ({"files": {"../x": ""}}, "plain file name"),
        ({"files": {"x": "%"}}, "base64"),
        ({"language": "cobol"}, "cobol"),
    ):
        refused = (await client.post("/run_code", json={**requests, **more})).json()
        assert refused["status"] == "SandboxError"
        assert failure_message in refused["message"]


async def test_tests_are_uploaded_once_and_referred_to(client):
    body = json.dumps(SUM["tests"]).encode()
    sha256 = hashlib.sha256(body).hexdigest()
    unknown = await grade(client, code="print(3)", tests_sha256=sha256)
    assert (unknown["valid"], unknown["failure"]["kind"]) == (False, "bad_reference")
    assert f"/tests/{sha256}" in unknown["failure"]["message"]

    sent = await client.put(f"/tests/{sha256}", content=body, headers={"content-type": "application/json"})
    assert (sent.status_code, sent.json()) == (200, {"tests": 2})
    for code, passed in ((PROGRAMS["python"], True), ("print(3)", False)):
        assert (await grade(client, code=code, tests_sha256=sha256))["passed"] is passed
    reply = await client.post(
        "/verify",
        json={"completions": [f"```python\n{PROGRAMS['python']}\n```"], "reference": {"tests_sha256": sha256}},
    )
    assert reply.json()["verdicts"][0]["score"] == 1.0

    for name, content, failure_message in (
        (sha256, b"[]", "SHA-256"),
        (hashlib.sha256(b"[]").hexdigest(), b"[]", "between 1 and"),
        (hashlib.sha256(b'[{"x": 1}]').hexdigest(), b'[{"x": 1}]', "x"),
    ):
        refused = await client.put(f"/tests/{name}", content=content, headers={"content-type": "application/json"})
        assert refused.status_code == 422
        assert failure_message in refused.text


async def test_results_come_one_a_line_as_they_are_done(client):
    items = [
        {
            "id": "slow",
            "language": "python",
            "code": "import time; time.sleep(0.5); print(3)",
            "tests": [{"stdout": "3"}],
        },
        {"id": "fast", "language": "python", "code": "print(3)", "tests": [{"stdout": "3"}]},
    ]
    reply = await client.post("/grade", json={"items": items}, headers={"accept": "application/x-ndjson"})
    lines = [json.loads(line) for line in reply.text.splitlines()]
    assert [(line["index"], line["id"], line["passed"]) for line in lines] == [(1, "fast", True), (0, "slow", True)]


@pytest.mark.slow
async def test_a_domain_may_demand_a_tier(tmp_path):
    backend = CodeBackend(SandboxSettings(slots=1, tier="B", python="/usr/bin/python3"))
    request = {"completions": [f"```python\n{PROGRAMS['python']}\n```"], "reference": SUM}
    app = app_of(backend)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox", timeout=60) as client:
        for tier, score, kind in (("A", None, "unsupported"), ("B", 1.0, None)):
            body = {**request, "options": {"min_tier": tier}}
            [verdict] = (await client.post("/verify", json=body)).json()["verdicts"]
            assert (verdict["score"], (verdict["failure"] or {}).get("kind")) == (score, kind)
    await backend.aclose()
    refused = CodeBackend(SandboxSettings(slots=1, tier="B", min_tier="A", python="/usr/bin/python3"))
    with pytest.raises(CannotJail, match="isolation level A at least is demanded"):
        await refused.start()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app_of(refused)), base_url="http://x") as client:
        reply = await client.get("/readyz")
    assert (reply.status_code, reply.json()) == (503, {"ready": False, "why": "isolation level A at least is demanded"})
    await refused.aclose()


async def test_a_domain_may_demand_strong_assurance(client):
    tests = "from unittest.mock import patch\nwith patch('builtins.input', return_value='a'):\n    assert f() == 'a'"
    reference = {"kind": "asserts", "test_code": tests}
    completions = ["```python\ndef f(): return input()\n```", "```python\ndef f(): return 1\n```"]
    # What fails apart from the tests and beside them too is wrong for sure.
    for options, scores in (({}, [1, 0]), ({"min_assurance": "strong"}, [None, 0])):
        body = {"completions": completions, "reference": reference, "options": options}
        verdicts = (await client.post("/verify", json=body)).json()["verdicts"]
        assert [verdict["score"] for verdict in verdicts] == scores, verdicts


async def test_the_processor_time_of_all_processes_together_is_limited_while_they_run(client):
    forks = (
        "import os\nfor _ in range(6):\n    if os.fork() == 0:\n        while True: pass\nimport time; time.sleep(900)"
    )
    result = await grade(client, code=forks, tests=[{"stdout": "x"}], limits={"cpu_s": 1, "wall_s": 60})
    assert result["verdict"] == "time_limit"
    assert result["tests"][0]["cpu_ms"] < 4000


async def test_a_library_that_is_declared_and_missing_is_no_verdict(client):
    item = {"code": "print(3)", "tests": [{"stdout": "3"}]}
    missing = await grade(client, **item, requires=["json", "no_such_library"])
    assert (missing["score"], missing["failure"]["kind"]) == (None, "unsupported")
    assert "no_such_library" in missing["failure"]["message"]
    assert (await grade(client, **item, requires=["json"]))["score"] == 1


@pytest.mark.slow
async def test_libraries_come_by_a_setting(tmp_path):
    (tmp_path / "my_arrays.py").write_text("def ones(n): return [1] * n")
    for folder in (tmp_path, *tmp_path.parents):
        if str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    settings = {"slots": 1, "preload": ["my_arrays"]}
    backend = CodeBackend(SandboxSettings(**settings, python_path=[str(tmp_path)]))
    item = {"language": "python", "tests": [{"stdout": "[1, 1]"}], "requires": ["my_arrays"]}
    result = await backend.grade(GradeItem(**item, code="import my_arrays\nprint(my_arrays.ones(2))"))
    assert result.score == 1, result
    await backend.aclose()
    without = CodeBackend(SandboxSettings(**settings))
    result = await without.grade(GradeItem(**item, code="print([1, 1])"))
    assert (result.score, result.failure.kind) == (None, "unsupported")
    assert "my_arrays cannot be imported" in result.failure.message
    await without.aclose()


async def test_what_ended_runs_is_counted(client):
    await grade(client, code="while True: print('x' * 1000) # counted", **SUM, limits={"output_kb": 8})
    page = (await client.get("/metrics")).text
    [line] = [
        line for line in page.splitlines() if line.startswith('reward_sandbox_kills_total{reason="output_limit"}')
    ]
    assert float(line.split()[1]) >= 1

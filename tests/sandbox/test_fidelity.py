# ruff: noqa: E501
"""A program in a jail does what it does when a person runs it: `python FILE`, `node FILE`, `java`, `g++`."""

import os

import pytest

from reward_sandbox.grading.grader import Grader
from reward_sandbox.grading.items import GradeItem, Test
from reward_sandbox.grading.uploads import Uploads
from reward_sandbox.jail.backends.fork_server import ForkServerJail

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="tier A needs root")]


@pytest.fixture(scope="module", params=["A", pytest.param("B", marks=pytest.mark.long)])
async def grader(request):
    jail = ForkServerJail(2, tier=request.param, python="/usr/bin/python3")
    await jail.start()
    grader = Grader(jail, Uploads(1))
    await grader.compiler.find()
    yield grader
    await grader.aclose()
    await jail.aclose()


PYTHON = {
    "quit": ("print('a')\nquit()\nprint('b')", "", "a"),
    "exit with 0": ("print('a')\nexit(0)", "", "a"),
    "sys.exit in a function": ("import sys\ndef main():\n    print(1)\n    sys.exit()\nmain()", "", "1"),
    "read /dev/stdin twice": ("print(open('/dev/stdin').read() * 2 + open('/dev/stdin').read())", "x", "xxx"),
    "/dev/fd/0": ("print(open('/dev/fd/0').readline())", "x\ny", "x\n"),
    "write /dev/stdout": ("open('/dev/stdout', 'w').write('to the screen\\n')", "", "to the screen"),
    "write /dev/fd/1": ("with open('/dev/fd/1', 'w') as f:\n    for n in range(30000): print(n, file=f)\nopen('/dev/stdout', 'w').write('end')",
                        "", "\n".join(map(str, range(30000))) + "\nend"),
    "write /dev/stderr": ("open('/dev/stderr', 'w').write('x'); print('ok')", "", "ok"),
    "open descriptor 1": ("f = open(1, 'w', closefd=False); f.write('kept')", "", "kept"),
    "fdopen": ("import os\nout = os.fdopen(os.dup(1), 'w')\nout.write('kept')", "", "kept"),
    "buffer in a function": ("import sys\ndef f():\n    f.out = open(1, 'w')\n    f.out.write('kept')\nf()", "", "kept"),
    "atexit": ("import atexit\natexit.register(lambda: print('bye'))\nprint('hi')", "", "hi\nbye"),
    "__del__ in a cycle": ("class A:\n    def __del__(s): print('gone')\na = A(); a.me = a", "", "gone"),
    "__del__ of a local": ("class A:\n    def __del__(s): print('gone')\ndef f(): A()\nf()\nprint('after')", "", "gone\nafter"),
    "stdout replaced": ("import io, sys\nold = sys.stdout\nsys.stdout = io.StringIO()\nprint('no')\nsys.stdout = old\nprint('yes')", "", "yes"),
    "stdout rewrapped": ("import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer, write_through=False)\nprint('kept')", "", "kept"),
    "stdout written as bytes": ("import sys\nsys.stdout.buffer.write(b'kept')", "", "kept"),
    "fast input": ("import sys\ninput = sys.stdin.readline\nn = int(input())\nprint(sum(map(int, input().split())) + n)", "1\n2 3\n", "6"),
    "os.read": ("import os\nprint(os.read(0, 100).decode())", "abc", "abc"),
    "mmap of the input": ("import mmap, os\nprint(mmap.mmap(0, 0, access=mmap.ACCESS_READ)[:3].decode())", "abcd", "abc"),
    "non-daemon thread": ("import threading, time\ndef f():\n    time.sleep(.05)\n    print('late')\nthreading.Thread(target=f).start()", "", "late"),
    "deep recursion through a cache": (
        "import sys\nfrom functools import cache\nsys.setrecursionlimit(10**7)\n@cache\ndef f(n): return n and f(n - 1) + 1\nprint(f(30000))", "", "30000"),
    "deep recursion through sorted": (
        "import sys\nsys.setrecursionlimit(10**7)\ndef f(n): return 0 if n == 0 else max([n], key=lambda x: f(n - 1))\nprint(f(15000))", "", "15000"),
    "a large thread stack": (
        "import sys, threading\nsys.setrecursionlimit(10**7)\nthreading.stack_size(256 << 20)\ndef f(n): return n and f(n - 1)\n"
        "t = threading.Thread(target=lambda: print(f(50000)))\nt.start(); t.join()", "", "0"),
    "ten threads": ("import threading\nts = [threading.Thread(target=int) for _ in range(10)]\n[t.start() for t in ts]; [t.join() for t in ts]; print('ok')", "", "ok"),
    "process and queue": (
        "from multiprocessing import Process, Queue\ndef f(q): q.put(42)\nif __name__ == '__main__':\n    q = Queue()\n    p = Process(target=f, args=(q,))\n"
        "    p.start(); print(q.get()); p.join()", "", "42"),
    "process pool executor": (
        "from concurrent.futures import ProcessPoolExecutor\ndef f(n): return n * n\nif __name__ == '__main__':\n"
        "    with ProcessPoolExecutor(2) as p: print(sum(p.map(f, range(4))))", "", "14"),
    "shared value and lock": (
        "from multiprocessing import Process, Value, Lock\ndef f(v, l):\n    with l: v.value += 1\nif __name__ == '__main__':\n    v, l = Value('i', 0), Lock()\n"
        "    ps = [Process(target=f, args=(v, l)) for _ in range(3)]\n    [p.start() for p in ps]; [p.join() for p in ps]; print(v.value)", "", "3"),
    "own interpreter with a file": (
        "import subprocess, sys\nopen('m.py', 'w').write('print(input())')\nprint(subprocess.check_output([sys.executable, 'm.py'], input='hi', text=True))", "", "hi\n"),
    "hash of a text": ("print(hash('a') == hash('a'), {'x', 'y', 'z'} is not None)", "", "True True"),
    "long integers": ("n = int('9' * 10000)\nprint(len(str(n + 1)))", "", "10001"),
    "argv and name": ("import sys\nprint(len(sys.argv), __name__, __file__ == sys.argv[0])", "", "1 __main__ True"),
    "import of a module it wrote": ("open('helper.py', 'w').write('X = 5')\nimport helper\nprint(helper.X)", "", "5"),
    "temporary files": ("import tempfile\nwith tempfile.TemporaryFile('w+') as f:\n    f.write('t'); f.seek(0); print(f.read())", "", "t"),
    "signal handler": ("import signal, os\nsignal.signal(signal.SIGUSR1, lambda *_: print('got'))\nos.kill(os.getpid(), signal.SIGUSR1)", "", "got"),
    "alarm": ("import signal\nsignal.signal(signal.SIGALRM, lambda *_: print('ding'))\nsignal.setitimer(signal.ITIMER_REAL, .05)\nsignal.pause()", "", "ding"),
    "asyncio with a subprocess": (
        "import asyncio\nasync def main():\n    p = await asyncio.create_subprocess_exec('/bin/echo', 'hi', stdout=-1)\n    print((await p.communicate())[0].decode())\nasyncio.run(main())",
        "", "hi\n"),
    "sqlite": ("import sqlite3\nc = sqlite3.connect(':memory:')\nprint(c.execute('select 6*7').fetchone()[0])", "", "42"),
    "unicode": ("print(input()[::-1])", "żółw", "włóż"),
    "carriage returns": ("print(repr(input()))", "a\r\n", "'a'"),
}  # fmt: skip


@pytest.mark.parametrize("name", PYTHON)
async def test_python(grader, name):
    code, stdin, stdout = PYTHON[name]
    await _accepted(grader, "python", code, stdin, stdout)


CPP = "#include <bits/stdc++.h>\nusing namespace std;\n"
OTHERS = {
    "C++ recursion": ("cpp", CPP + "int f(int n, volatile char* p){ volatile char b[100]; b[0] = n; return n ? f(n - 1, b) + 1 : 0; }\n"
                      "int main(){ char c; cout << f(1000000, &c); }", "", "1000000"),
    "C++ freopen": ("cpp", CPP + 'int main(){ freopen("/dev/stdin", "r", stdin); int a; cin >> a; cout << a + 1; }', "4", "5"),
    "C++ ifstream and ofstream": ("cpp", CPP + 'int main(){ ifstream i("/dev/stdin"); ofstream o("/dev/stdout"); int a; i >> a; o << a * 2 << endl; }', "4", "8"),
    "C++ twenty": ("cpp", "#include <concepts>\n#include <span>\n#include <iostream>\ntemplate<std::integral T> T twice(T x){ return 2 * x; }\n"
                   "int main(){ int a[]{1, 2}; std::span s(a); std::cout << twice(s.size()); }", "", "4"),
    "C++ threads": ("cpp", CPP + "int main(){ vector<thread> t; atomic<int> n = 0; for (int i = 0; i < 6; i++) t.emplace_back([&]{ n++; }); for (auto& x : t) x.join(); cout << n; }", "", "6"),
    "C++ twelve threads that allocate": ("cpp", CPP + "int main(){ vector<thread> t; atomic<long> n = 0; for (int i = 0; i < 12; i++) t.emplace_back([&]{ vector<int> v; "
                                         "for (int k = 0; k < 100000; k++) v.push_back(k); n += v.size(); }); for (auto& x : t) x.join(); cout << n; }", "", "1200000"),
    "C++ threads of a global": ("cpp", CPP + "struct T { thread t[8]; T() { for (auto& x : t) x = thread([]{}); } ~T() { for (auto& x : t) x.join(); puts(\"ok\"); } } t;\nint main(){}", "", "ok"),
    "C threads": ("c", "#include <pthread.h>\n#include <stdio.h>\nvoid *f(void *x){ return x; }\nint main(){ pthread_t t[12]; int bad = 0;\n"
                  "for (int i = 0; i < 12; i++) bad += pthread_create(t + i, 0, f, 0) != 0; for (int i = 0; i < 12; i++) pthread_join(t[i], 0); printf(\"%d\", bad); }", "", "0"),
    "C reads all": ("c", "#include <stdio.h>\nint main(){ int c, n = 0; while ((c = getchar()) != EOF) n++; printf(\"%d\", n); }", "abc\n", "4"),
    "JavaScript /dev/stdin": ("javascript", "console.log(require('fs').readFileSync('/dev/stdin').toString().trim().split('\\n').length)", "a\nb\n", "2"),
    "JavaScript readline": ("javascript", "const r = require('readline').createInterface({input: process.stdin}); let n = 0; r.on('line', l => n += +l); r.on('close', () => console.log(n))", "1\n2\n", "3"),
    "Java, another class": ("java", "import java.util.*;\n\nfinal class Helper { static int twice(int n) { return 2 * n; } }\npublic final class Solver {\n"
                            "    public static void main(String[] args) { System.out.println(Helper.twice(new Scanner(System.in).nextInt())); }\n}", "4", "8"),
    "Java, no public class": ("java", "class A { int n = 3; }\nclass B { public static void main(String... a) { System.out.println(new A().n); } }", "", "3"),
    "Java, a package": ("java", "package a.b;\npublic class Deep { public static void main(String[] a) { System.out.println(1); } }", "", "1"),
    "Java, main in the first class": ("java", "public class Main { public static void main(String[] a) { System.out.println(new Z().n); } }\nclass Z { int n = 9; }", "", "9"),
    "Go": ("go", 'package main\nimport ("bufio"; "fmt"; "os")\nfunc main() { r := bufio.NewReader(os.Stdin); var n int; fmt.Fscan(r, &n); fmt.Println(n * 2) }', "4", "8"),
    "Rust": ("rust", "use std::io::Read;\nfn main() { let mut s = String::new(); std::io::stdin().read_to_string(&mut s).unwrap(); println!(\"{}\", s.len()); }", "abc", "3"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
async def test_other_languages(grader, name):
    language, code, stdin, stdout = OTHERS[name]
    if language not in grader.compiler.here:
        pytest.skip(f"{language} is not installed here; .ci/run installs it")
    await _accepted(grader, language, code, stdin, stdout)


async def _accepted(grader, language, code, stdin, stdout):
    item = GradeItem(language=language, code=code, tests=[Test(stdin=stdin, stdout=stdout)])
    result = await grader.grade(item)
    assert (result.verdict, result.score) == ("accepted", 1), result


async def test_a_hash_is_the_same_in_every_slot(grader):
    code = "print(hash('touchstone'))"
    from reward_sandbox.jail.spec import PYTHON as INTERPRETER
    from reward_sandbox.jail.spec import File, Run

    jail = grader._jail
    run = Run(INTERPRETER, {"solution.py": File(code.encode())})
    assert len({(await slot.run(run)).stdout for slot in jail._slots}) == 1

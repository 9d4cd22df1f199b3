# ruff: noqa: E501
"""Programs and test code of every kind, and what they deserve: (group, name, deserved, item, program).

deserved: 1 paid · 0 refused · None no verdict · "unpaid" 0 or no verdict · "weak" paid at most as weak
"""

CASES = []


def streams(group, name, deserved, code, stdout="ok\n", stdin="", language="python", **more):
    item = {"kind": "stdio", "language": language, "tests": [{"stdin": stdin, "stdout": stdout}], **more}
    CASES.append((group, name, deserved, item, code))


def suite(group, name, deserved, code, test_code, kind="asserts", **more):
    CASES.append((group, name, deserved, {"kind": kind, "language": "python", "test_code": test_code, **more}, code))


def call(group, name, deserved, code, args, expected, **more):
    CASES.append(
        (
            group,
            name,
            deserved,
            {"kind": "function", "language": "python", "tests": [{"args": args, "expected": expected}], **more},
            code,
        )
    )


# --- as a person would run it: Python ---------------------------------------------------------------------------------
R = "as-run"
streams(R, "raise SystemExit", 1, "print('ok')\nraise SystemExit")
streams(R, "sys.exit with a text", 0, "import sys\nprint('ok')\nsys.exit('bad')")
streams(R, "exit None", 1, "print('ok')\nexit(None)")
streams(R, "exit True", 0, "print('ok')\nexit(True)")
streams(R, "os._exit without a flush", 0, "import os\nprint('ok', end='')\nos._exit(0)", stdout="ok")
streams(R, "os._exit after a flush", 1, "import os\nprint('ok', flush=True)\nos._exit(0)")
streams(
    R,
    "stack limit raised to the hard one",
    1,
    "import resource, sys\nresource.setrlimit(resource.RLIMIT_STACK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\nprint('ok')",
)
streams(
    R,
    "stack limit of 256 MiB",
    1,
    "import resource, sys\nresource.setrlimit(resource.RLIMIT_STACK, [0x10000000, resource.RLIM_INFINITY])\nsys.setrecursionlimit(10**6)\nprint('ok')",
)
streams(
    R,
    "soft stack limit up to the hard",
    1,
    "import resource\nsoft, hard = resource.getrlimit(resource.RLIMIT_STACK)\nresource.setrlimit(resource.RLIMIT_STACK, (hard, hard))\nprint('ok')",
)
streams(
    R,
    "largest recursion limit",
    1,
    "import sys\nsys.setrecursionlimit(2**31 - 1)\ndef f(n): return n and 1 + f(n - 1)\nprint(f(20000))",
    "20000\n",
)
streams(
    R,
    "thread with a large stack",
    1,
    "import sys, threading\nthreading.stack_size(2**27)\nsys.setrecursionlimit(2**20)\ndef f(n): return n and 1 + f(n - 1)\nt = threading.Thread(target=lambda: print(f(10**5)))\nt.start()\nt.join()",
    "100000\n",
)
streams(
    R,
    "thread with a stack of 512 MiB",
    1,
    "import sys, threading\nthreading.stack_size(2**29 - 1)\nt = threading.Thread(target=lambda: print('ok'))\nt.start()\nt.join()",
)
streams(
    R, "pickle of an own class", 1, "import pickle\nclass A:\n    x = 'ok'\nprint(pickle.loads(pickle.dumps(A())).x)"
)
streams(
    R,
    "deepcopy of an own class",
    1,
    "import copy\nclass A:\n    def __init__(s): s.x = ['ok']\nprint(copy.deepcopy(A()).x[0])",
)
streams(R, "import __main__", 1, "import __main__\nx = 'ok'\nprint(__main__.x)")
streams(R, "getsource", 1, "import inspect\ndef f():\n    return 'ok'\nprint(inspect.getsource(f).split(\"'\")[1])")
streams(
    R,
    "type hints",
    1,
    "from __future__ import annotations\nfrom typing import get_type_hints\nclass A:\n    x: A\nprint('ok' if get_type_hints(A)['x'] is A else 'no')",
)
streams(
    R,
    "dataclass with slots and order",
    1,
    "from dataclasses import dataclass, field\n@dataclass(order=True, slots=True)\nclass P:\n    n: int\n    v: list = field(default_factory=list, compare=False)\nprint('ok' if P(1) < P(2) else 'no')",
)
streams(
    R,
    "namedtuple and enum",
    1,
    "from collections import namedtuple\nfrom enum import IntEnum, auto\nT = namedtuple('T', 'a b')\nclass E(IntEnum):\n    X = auto()\nprint(T(1, E.X).b + 0)",
    "1\n",
)
streams(
    R,
    "match statement",
    1,
    "match input().split():\n    case ['go', x]: print(x)\n    case _: print('no')",
    stdin="go ok\n",
)
streams(R, "walrus and positional only", 1, "def f(a, /, *, b): return a + b\nif (n := f(1, b=2)) == 3: print('ok')")
streams(
    R, "except group", 1, "try:\n    raise ExceptionGroup('g', [ValueError(1)])\nexcept* ValueError:\n    print('ok')"
)
streams(
    R,
    "input until EOF",
    1,
    "n = 0\ntry:\n    while True:\n        n += int(input())\nexcept EOFError:\n    print(n)",
    "6\n",
    "1\n2\n3",
)
streams(R, "for line in stdin", 1, "import sys\nprint(sum(int(x) for x in sys.stdin))", "6\n", "1\n2\n3\n")
streams(R, "fileinput", 1, "import fileinput\nprint(sum(int(x) for x in fileinput.input()))", "6\n", "1\n2\n3\n")
streams(R, "open(0)", 1, "print(*[int(x) + 1 for x in open(0)])", "2 3\n", "1\n2\n")
streams(R, "stdin as bytes", 1, "import sys\nprint(len(sys.stdin.buffer.read()))", "3\n", "é\n")
streams(
    R,
    "stdin by os.read in pieces",
    1,
    "import os, io\ninput = io.BytesIO(os.read(0, os.fstat(0).st_size)).readline\nprint(int(input()) + int(input()))",
    "3\n",
    "1\n2\n",
)
streams(
    R,
    "fast input class of contests",
    1,
    "import os, sys\nfrom io import BytesIO, IOBase\nclass FastIO(IOBase):\n    newlines = 0\n    def __init__(self, file):\n        self._fd = file.fileno()\n        self.buffer = BytesIO()\n        self.writable = 'x' in file.mode or 'r' not in file.mode\n        self.write = self.buffer.write if self.writable else None\n    def readline(self):\n        while self.newlines == 0:\n            b = os.read(self._fd, max(os.fstat(self._fd).st_size, 8192))\n            self.newlines = b.count(b'\\n') + (not b)\n            ptr = self.buffer.tell()\n            self.buffer.seek(0, 2), self.buffer.write(b), self.buffer.seek(ptr)\n        self.newlines -= 1\n        return self.buffer.readline()\n    def flush(self):\n        if self.writable:\n            os.write(self._fd, self.buffer.getvalue())\n            self.buffer.truncate(0), self.buffer.seek(0)\nclass IOWrapper(IOBase):\n    def __init__(self, file):\n        self.buffer = FastIO(file)\n        self.flush = self.buffer.flush\n        self.writable = self.buffer.writable\n        self.write = lambda s: self.buffer.write(s.encode('ascii'))\n        self.readline = lambda: self.buffer.readline().decode('ascii')\nsys.stdin, sys.stdout = IOWrapper(sys.stdin), IOWrapper(sys.stdout)\ninput = lambda: sys.stdin.readline().rstrip('\\r\\n')\nprint(int(input()) + int(input()))\nsys.stdout.flush()",
    "3\n",
    "1\n2\n",
)
streams(
    R, "print redefined", 1, "import sys\ndef print(*a): sys.stdout.write(' '.join(map(str, a)) + '\\n')\nprint('ok')"
)
streams(
    R,
    "stdout of a context",
    1,
    "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as s: print('no')\nprint('ok')",
)
streams(R, "dup2 of the output", 1, "import os, sys\nfd = os.dup(1)\nos.close(1)\nos.dup2(fd, 1)\nprint('ok')")
streams(R, "invalid bytes in the input", 1, "import sys\nprint(len(sys.stdin.buffer.read()))", "4\n", "a\u00ff\n")
streams(R, "seeded random", 1, "import random\nrandom.seed(1)\nprint(random.randint(1, 10**9))", "144272510\n")
streams(R, "a set in its order", 1, "print('ok' if list({3, 1, 2}) == [1, 2, 3] else 'no')")
streams(
    R,
    "sleep",
    1,
    "import time\nt = time.perf_counter()\ntime.sleep(.2)\nprint('ok' if .15 < time.perf_counter() - t < 3 else 'no')",
)
streams(
    R,
    "time zone",
    1,
    "import time, datetime\nprint('ok' if datetime.datetime.now().year > 2000 and time.strftime('%Y', time.gmtime(0)) == '1970' else 'no')",
)
streams(
    R,
    "uuid and urandom",
    1,
    "import uuid, os, secrets\nprint('ok' if len(str(uuid.uuid4())) == 36 and len(os.urandom(4)) == 4 and secrets.token_hex(2) else 'no')",
)
streams(R, "os.system", 1, "import os\nprint('a', flush=True)\nos.system('echo b')", "a\nb\n")
streams(
    R,
    "popen of sh",
    1,
    "import subprocess\nprint(subprocess.run('echo $((1 + 2))', shell=True, capture_output=True, text=True).stdout, end='')",
    "3\n",
)
streams(
    R,
    "own interpreter with -c",
    1,
    "import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'import json; print(json.dumps(1))'], capture_output=True, text=True).stdout, end='')",
    "1\n",
)
streams(R, "runpy and exec", 1, "exec(compile('x = 5', 'a', 'exec'))\nprint(eval('x + 1'))", "6\n")
streams(
    R,
    "folder of modules",
    1,
    "import os\nos.mkdir('pkg')\nopen('pkg/__init__.py', 'w').write('from .a import X')\nopen('pkg/a.py', 'w').write('X = \"ok\"')\nfrom pkg import X\nprint(X)",
)
streams(
    R,
    "home and working folder",
    1,
    "import os, pathlib\np = pathlib.Path.home() / 'f.txt'\np.write_text('ok')\nprint(p.read_text(), os.path.isdir(os.getcwd()))",
    "ok True\n",
)
streams(
    R,
    "cpu count",
    1,
    "import os, multiprocessing\nprint('ok' if os.cpu_count() >= 1 and multiprocessing.cpu_count() >= 1 and len(os.sched_getaffinity(0)) >= 1 else 'no')",
)
streams(
    R,
    "pool of processes",
    1,
    "from multiprocessing import Pool\ndef f(x): return x * x\nif __name__ == '__main__':\n    with Pool(3) as p: print(sum(p.map(f, range(5))))",
    "30\n",
)
streams(
    R,
    "pool by spawn",
    1,
    "import multiprocessing as mp\ndef f(x): return x + 1\nif __name__ == '__main__':\n    with mp.get_context('spawn').Pool(2) as p: print(p.map(f, [1, 2]))",
    "[2, 3]\n",
    limits={"wall_s": 20, "cpu_s": 10},
)
streams(
    R,
    "fork by hand",
    1,
    "import os\npid = os.fork()\nif pid == 0:\n    print('child', flush=True)\n    os._exit(0)\nos.wait()\nprint('ok')",
    "child\nok\n",
)
streams(
    R,
    "thread pool",
    1,
    "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(8) as p: print(sum(p.map(int, '123')))",
    "6\n",
)
streams(
    R,
    "daemon thread at the end",
    1,
    "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\nprint('ok')",
)
streams(
    R,
    "asyncio queue",
    1,
    "import asyncio\nasync def main():\n    q = asyncio.Queue()\n    async with asyncio.TaskGroup() as g:\n        g.create_task(q.put('ok'))\n        print(await q.get())\nasyncio.run(main())",
)
streams(
    R,
    "uncaught in a thread",
    1,
    "import threading\nt = threading.Thread(target=lambda: 1 / 0)\nt.start(); t.join()\nprint('ok')",
)
streams(R, "error in __del__", 1, "class A:\n    def __del__(s): 1 / 0\na = A()\nprint('ok')")
streams(R, "error at exit", 1, "import atexit\natexit.register(lambda: 1 / 0)\nprint('ok')")
streams(R, "closed stdin", 1, "import sys\nsys.stdin.close()\nprint('ok')")
streams(R, "stderr closed", 1, "import sys\nsys.stderr.close()\nprint('ok')")
streams(
    R,
    "broken pipe of its own",
    1,
    "import os\nr, w = os.pipe()\nos.close(r)\ntry: os.write(w, b'x')\nexcept BrokenPipeError: print('ok')",
)
streams(R, "segfault", 0, "import ctypes\nprint('ok', flush=True)\nctypes.string_at(0)")
streams(R, "ctypes", 1, "import ctypes\nlibc = ctypes.CDLL(None)\nprint(libc.abs(-3))", "3\n")
streams(
    R,
    "zlib, hashlib, struct",
    1,
    "import zlib, hashlib, struct, base64, bz2, lzma\nprint(hashlib.md5(zlib.decompress(zlib.compress(b'a'))).hexdigest()[:4], struct.unpack('<I', b'\\1\\0\\0\\0')[0])",
    "0cc1 1\n",
)
streams(
    R,
    "xml, csv, json, sqlite, re",
    1,
    "import csv, io, json, re, sqlite3, xml.etree.ElementTree as E\nprint(E.fromstring('<a>ok</a>').text)",
)
streams(
    R,
    "urllib and http are importable",
    1,
    "import urllib.parse, http.client, socket, ssl, email\nprint(urllib.parse.quote('a b'))",
    "a%20b\n",
)
streams(R, "logging goes to stderr", 1, "import logging\nlogging.warning('x')\nprint('ok')")
streams(R, "warning as text", 1, "import warnings\nwarnings.warn('x')\nprint('ok')")
streams(
    R,
    "decimal precision",
    1,
    "from decimal import *\ngetcontext().prec = 30\nprint(Decimal(1) / 3)",
    "0.333333333333333333333333333333\n",
)
streams(
    R,
    "bisect key and pairwise",
    1,
    "from itertools import pairwise, batched\nprint('ok')"
    if False
    else "from itertools import pairwise\nfrom bisect import bisect\nprint(bisect([1, 2], 2, key=lambda x: x), list(pairwise('ab')))",
    "2 [('a', 'b')]\n",
)
streams(R, "long integers", 1, "print(len(str(3 ** 20000)))", "9543\n")
streams(R, "int of a long text", 1, "print(int(input()) % 10)", "7\n", "1" * 5000 + "7\n")
streams(R, "unicode names", 1, "π = 3\nprint(π)", "3\n")
streams(R, "coding line", 1, "# -*- coding: utf-8 -*-\nprint('é')", "é\n")
streams(R, "byte order mark", 1, "\ufeffprint('ok')")
streams(R, "shebang", 1, "#!/usr/bin/env python3\nprint('ok')")
streams(R, "tabs and form feeds", 1, "if True:\n\tprint('ok')\n\x0c\n")
streams(R, "carriage returns in the source", 1, "x = 1\r\nif x:\r\n    print('ok')\r\n")
streams(R, "nothing behind the last line", 1, "print('ok')#")
streams(R, "a syntax warning", 1, "print('ok' if 1 is 1 else '\\d')")
streams(R, "syntax error", 0, "print('ok'")
streams(R, "tokens of 900 KB", 1, "print('1 ' * 450000)", "1 " * 450000 + "\n")
streams(R, "input of 5 MB", 1, "import sys\nprint(len(sys.stdin.read()))", f"{5 << 20}\n", "x" * (5 << 20))
streams(
    R,
    "memory that is used and given back",
    1,
    "for _ in range(5):\n    x = bytearray(200 << 20)\n    del x\nprint('ok')",
)
streams(R, "memory in excess", 0, "x = [0] * (10 ** 9)\nprint('ok')")
streams(
    R,
    "caught MemoryError",
    "unpaid",
    "try:\n    x = bytearray(4 << 30)\nexcept MemoryError:\n    pass\nprint('no')",
    "ok\n",
)
streams(R, "endless", 0, "while True: pass", limits={"wall_s": 2, "cpu_s": 1})
streams(R, "asleep", 0, "import time\ntime.sleep(60)", limits={"wall_s": 1})
# --- other languages
C = "#include <bits/stdc++.h>\nusing namespace std;\n"
streams(
    R,
    "C++ pragmas and targets",
    1,
    '#pragma GCC optimize("O3,unroll-loops")\n#pragma GCC target("avx2,bmi,popcnt")\n'
    + C
    + "int main(){ cout << __builtin_popcount(7); }",
    "3\n",
    language="cpp",
)
streams(
    R,
    "C++ policy trees",
    1,
    "#include <ext/pb_ds/assoc_container.hpp>\n#include <ext/pb_ds/tree_policy.hpp>\n"
    + C
    + "using namespace __gnu_pbds;\nint main(){ tree<int, null_type, less<int>, rb_tree_tag, tree_order_statistics_node_update> t; t.insert(5); cout << t.order_of_key(9); }",
    "1\n",
    language="cpp",
)
streams(
    R,
    "C++ int128",
    1,
    C + "int main(){ __int128 a = 1; a <<= 100; cout << (long long)(a >> 98); }",
    "4\n",
    language="cpp",
)
streams(
    R,
    "C++ static arrays",
    1,
    C + "static int a[50000000]; int main(){ a[49999999] = 3; cout << a[49999999]; }",
    "3\n",
    language="cpp",
)
streams(
    R,
    "C++ setrlimit",
    1,
    "#include <sys/resource.h>\n"
    + C
    + "int f(int n){ volatile char b[1000]; b[0] = n; return n ? f(n-1) + (b[0] == (char)n) : 0; }\nint main(){ rlimit r; getrlimit(RLIMIT_STACK, &r); r.rlim_cur = 256 << 20; if (setrlimit(RLIMIT_STACK, &r)) return 3; cout << f(100000); }",
    "100000\n",
    language="cpp",
)
streams(R, "C++ returns 1", 0, C + 'int main(){ cout << "ok"; return 1; }', language="cpp")
streams(R, "C++ abort", 0, C + 'int main(){ cout << "ok" << endl; abort(); }', language="cpp")
streams(
    R,
    "C++ scanf to the end",
    1,
    C + 'int main(){ int a, s = 0; while (scanf("%d", &a) == 1) s += a; printf("%d\\n", s); }',
    "6\n",
    "1 2 3",
    language="cpp",
)
streams(
    R,
    "C++ getline of windows lines",
    1,
    C + "int main(){ string s; getline(cin, s); cout << s.size(); }",
    "3\n",
    "ab\r\n",
    language="cpp",
)
streams(
    R,
    "C++ async",
    1,
    C + "int main(){ auto f = async(launch::async, []{ return 3; }); cout << f.get(); }",
    "3\n",
    language="cpp",
)
streams(R, "C++ does not compile", 0, C + "int main(){ cout << x; }", language="cpp")
streams(
    R,
    "C++ endless",
    0,
    C + "int main(){ volatile int x = 1; while (x); }",
    language="cpp",
    limits={"wall_s": 2, "cpu_s": 1},
)
streams(
    R,
    "C variable length and math",
    1,
    '#include <stdio.h>\n#include <math.h>\n#include <string.h>\nint main(void){ int n; scanf("%d", &n); double a[n]; a[n-1] = sqrt(16.0); printf("%.0f\\n", a[n-1]); return 0; }',
    "4\n",
    "5\n",
    language="c",
)
streams(
    R,
    "C getline",
    1,
    '#define _GNU_SOURCE\n#include <stdio.h>\n#include <stdlib.h>\nint main(void){ char *s = 0; size_t n = 0; printf("%zd\\n", getline(&s, &n, stdin)); }',
    "4\n",
    "abc\n",
    language="c",
)
streams(R, "C old style", 1, '#include <stdio.h>\nmain(){ printf("ok\\n"); return 0; }', language="c")
streams(
    R,
    "JavaScript by lines",
    1,
    "const lines = require('fs').readFileSync(0, 'utf8').split('\\n'); console.log(lines.length)",
    "3\n",
    "a\nb\n",
    language="javascript",
)
streams(
    R,
    "JavaScript async iterator",
    1,
    "(async () => { let n = 0; for await (const l of require('readline').createInterface({input: process.stdin})) n += +l; console.log(n) })()",
    "6\n",
    "1\n2\n3\n",
    language="javascript",
)
streams(
    R,
    "JavaScript data events",
    1,
    "let s = ''; process.stdin.on('data', d => s += d).on('end', () => console.log(s.length))",
    "4\n",
    "abc\n",
    language="javascript",
)
streams(
    R,
    "JavaScript BigInt and Map",
    1,
    "console.log((2n ** 70n).toString(), new Map([[1, 2]]).get(1))",
    "1180591620717411303424 2\n",
    language="javascript",
)
streams(
    R,
    "JavaScript 900 KB and exit",
    1,
    "process.stdout.write('x'.repeat(900000) + '\\n', () => process.exit(0))",
    "x" * 900000 + "\n",
    language="javascript",
)
streams(
    R,
    "JavaScript modules",
    1,
    "import fs from 'fs';\nconsole.log(fs.readFileSync(0, 'utf8').trim())",
    "ok\n",
    "ok\n",
    language="javascript",
)
streams(R, "JavaScript rejection", 0, "console.log('ok'); Promise.reject(new Error('x'))", language="javascript")
streams(
    R,
    "JavaScript worker",
    1,
    "const { Worker, isMainThread, parentPort } = require('worker_threads'); if (isMainThread) new Worker(__filename).on('message', m => console.log(m)); else parentPort.postMessage('ok')",
    language="javascript",
)
streams(R, "JavaScript throws", 0, "console.log('ok'); throw new Error('x')", language="javascript")
streams(
    R,
    "Java thread with a large stack",
    1,
    'import java.util.*;\npublic class Main implements Runnable {\n  static int f(int n) { return n == 0 ? 0 : 1 + f(n - 1); }\n  public void run() { System.out.println(f(500000)); }\n  public static void main(String[] a) throws Exception { Thread t = new Thread(null, new Main(), "", 1 << 28); t.start(); t.join(); }\n}',
    "500000\n",
    language="java",
)
streams(
    R,
    "Java streams and records",
    1,
    'import java.util.stream.*;\npublic class Main { record P(int x, int y) {} sealed interface S permits A {} static final class A implements S {}\n public static void main(String[] a) { var p = new P(1, 2); String t = """\n   x"""; System.out.println(IntStream.rangeClosed(1, 3).parallel().sum() + p.y()); } }',
    "8\n",
    language="java",
)
streams(
    R,
    "Java fast input",
    1,
    "import java.io.*; import java.util.*;\nclass Solution { public static void main(String[] a) throws IOException { StreamTokenizer t = new StreamTokenizer(new BufferedReader(new InputStreamReader(System.in))); t.nextToken(); int n = (int) t.nval; PrintWriter w = new PrintWriter(System.out); w.println(n + 1); w.flush(); System.exit(0); } }",
    "8\n",
    "7\n",
    language="java",
)
streams(
    R,
    "Java inner class Node",
    1,
    "import java.util.*;\npublic class Main {\n  static class Node { int v; Node next; Node(int v) { this.v = v; } }\n  interface F { int go(int x); }\n  enum Color { RED }\n  public static void main(String[] args) { F f = x -> x + 1; System.out.println(f.go(new Node(1).v) + Color.values().length); }\n}",
    "3\n",
    language="java",
)
streams(
    R,
    "Java class word in a comment",
    1,
    '/* class Foo is not here; public class Bar neither */\n// class Baz { static void main( }\npublic class Main { public static void main(String[] x) { String s = "class Q { static void main("; System.out.println("ok"); } }',
    language="java",
)
streams(
    R,
    "Java varargs and throws",
    1,
    'class Ok { public static void main(final String... args) throws Exception { System.out.println("ok"); } }',
    language="java",
)
streams(
    R,
    "Java static public order",
    1,
    'class Ok { static public void main(String args[]) { System.out.println("ok"); } }',
    language="java",
)
streams(
    R,
    "Java uncaught",
    0,
    'class Ok { public static void main(String[] a) { System.out.println("ok"); throw new RuntimeException(); } }',
    language="java",
)
streams(
    R,
    "Go goroutines and maps",
    1,
    'package main\nimport ("fmt"; "sync"; "sort")\nfunc main() { var wg sync.WaitGroup; c := make(chan int, 9); for i := 0; i < 3; i++ { wg.Add(1); go func(i int) { defer wg.Done(); c <- i }(i) }; wg.Wait(); close(c); s := []int{}; for x := range c { s = append(s, x) }; sort.Ints(s); fmt.Println(s) }',
    "[0 1 2]\n",
    language="go",
)
streams(
    R,
    "Go deep recursion",
    1,
    'package main\nimport "fmt"\nfunc f(n int) int { if n == 0 { return 0 }; return 1 + f(n-1) }\nfunc main() { fmt.Println(f(1000000)) }',
    "1000000\n",
    language="go",
)
streams(R, "Go panics", 0, 'package main\nimport "fmt"\nfunc main() { fmt.Println("ok"); panic(1) }', language="go")
streams(
    R,
    "Rust with a thread of a large stack",
    1,
    'use std::io::*;\nfn f(n: u64) -> u64 { if n == 0 { 0 } else { 1 + f(n - 1) } }\nfn main() { std::thread::Builder::new().stack_size(256 << 20).spawn(|| { println!("{}", f(100000)); let mut s = String::new(); stdin().read_line(&mut s).unwrap(); }).unwrap().join().unwrap(); }',
    "100000\n",
    language="rust",
)
streams(
    R,
    "Rust panics",
    0,
    'fn main() { println!("ok"); let v: Vec<i32> = vec![]; println!("{}", v[0]); }',
    language="rust",
)

# --- comparing --------------------------------------------------------------------------------------------------------
K = "compare"
streams(K, "trailing space and empty lines", 1, "print('ok  \\n\\n')")
streams(K, "no end of line", 1, "print('ok', end='')")
streams(K, "windows lines", 1, "print('a\\r\\nb', end='\\r\\n')", "a\nb\n")
streams(K, "another case", 0, "print('OK')")
streams(K, "yes or no", 1, "print('YES')", "Yes\n", compare="yes_no")
streams(K, "float near", 1, "print(0.30000000001)", "0.3\n", compare="float")
streams(K, "float far", 0, "print(0.3001)", "0.3\n", compare="float")
streams(K, "nan for a number", 0, "print('nan')", "0.5\n", compare="float")
streams(K, "infinity for a number", 0, "print('1e999')", "0.5\n", compare="float")
streams(K, "an integer in another form", 0, "print('1e0')", "1\n", compare="float")
streams(K, "scientific for a float", 1, "print('1.5e-7')", "0.00000015\n", compare="float")
streams(K, "words on other lines", 0, "print('1\\n2')", "1 2\n")
streams(K, "words on other lines as tokens", 1, "print('1\\n2')", "1 2\n", compare="tokens")
streams(K, "more words than expected", 0, "print('1 2 3')", "1 2\n", compare="tokens")
streams(K, "nothing expected and nothing printed", 1, "pass", "")
streams(K, "nothing expected and something printed", 0, "print('x')", "")
streams(K, "no-break space", 0, "print('1\\u00a02')", "1 2\n")
streams(K, "lines in any order", 1, "print('b\\na')", "a\nb\n", compare="unordered")
streams(K, "a line too often", 0, "print('a\\na\\nb')", "a\nb\n", compare="unordered")
call(K, "a lambda that no entry names", 1, "import math\nroot = lambda n: math.isqrt(n)", [9], 3)
call(K, "a function before a value", 1, "def root(n): return int(n ** 0.5)\nlimit = 3", [9], 3)
call(K, "true for 1", 0, "def f(): return True", [], 1)
call(K, "1 for true", 0, "def f(): return 1", [], True)
call(K, "3.0 for 3", 1, "def f(): return 3.0", [], 3)
call(K, "text for a number", 0, "def f(): return '3'", [], 3)
call(K, "tuple for a list", 1, "def f(): return (1, 2)", [], [1, 2])
call(K, "set for a list", 1, "def f(): return {2, 1}", [], [1, 2])
call(K, "none for nothing", 1, "def f(): pass", [], None)
call(K, "missing value", 0, "def f(): return None", [], 0)
call(K, "large integers differ in the last digit", 0, "def f(): return 10**30 + 1", [], 10**30)
call(K, "large integers", 1, "def f(): return 10**30", [], 10**30)
call(K, "float near", 1, "def f(): return 0.1 + 0.2", [], 0.3)
call(K, "nested floats", 1, "def f(): return [[0.1 + 0.2], {'a': 1/3}]", [], [[0.3], {"a": 0.3333333333}])
call(K, "generator", 1, "def f(n):\n    yield from range(n)", [3], [0, 1, 2])
call(K, "map and zip", 1, "def f(a): return map(str, a)", [[1, 2]], ["1", "2"])
call(K, "dict views", 1, "def f(d): return d.keys()", [{"a": 1}], ["a"])
call(K, "counter", 1, "from collections import Counter\ndef f(s): return Counter(s)", ["aab"], {"a": 2, "b": 1})
call(
    K,
    "defaultdict",
    1,
    "from collections import defaultdict\ndef f():\n    d = defaultdict(list)\n    d['a'].append(1)\n    return d",
    [],
    {"a": [1]},
)
call(K, "numpy-like float subclass", 1, "class F(float): pass\ndef f(): return F(1.5)", [], 1.5)
call(K, "int keys", 1, "def f(): return {1: 'a'}", [], {"1": "a"})
call(K, "object with a lying eq", 0, "class L:\n    def __eq__(s, o): return True\ndef f(): return L()", [], 5)
call(K, "str subclass", 1, "class S(str): pass\ndef f(): return S('a')", [], "a")
call(K, "lying list", 0, "class L(list):\n    def __eq__(s, o): return True\ndef f(): return L([9])", [], [1])
call(K, "changes its argument", 1, "def f(a):\n    a.sort()\n    return a", [[2, 1]], [1, 2])
call(K, "prints as it goes", 1, "def f(a):\n    print('debug')\n    return a", [1], 1)
call(
    K, "static method", 1, "class Solution:\n    @staticmethod\n    def f(a): return a + 1", [1], 2, entry="Solution.f"
)
call(K, "missing function", 0, "def g(): return 1", [], 1, entry="f")
call(K, "raises", 0, "def f(): raise ValueError", [], 1)
call(K, "exits with 0", 0, "import os\ndef f(): os._exit(0)", [], None)
call(K, "exits at import", 0, "raise SystemExit(0)\ndef f(): return 1", [], 1, entry="f")
call(K, "writes to descriptor 3", 0, "import os\nos.write(3, b'1')\nos._exit(0)\ndef f(): pass", [], 2, entry="f")
call(K, "async function", "unpaid", "async def f(): return 1", [], 2)
call(K, "nan", 1, "def f(): return float('nan')", [], float("nan"))

# --- values of test code ----------------------------------------------------------------------------------------------
V = "values"
SQ = "def f(n): return n * n"
suite(
    V,
    "namedtuple",
    1,
    "from collections import namedtuple\nP = namedtuple('P', 'x y')\ndef f(): return P(1, 2)",
    "r = f()\nassert r == (1, 2)\nassert r.x == 1 and r[1] == 2",
    entry="f",
)
suite(
    V,
    "enum member",
    1,
    "from enum import Enum\nclass E(Enum):\n    A = 1\ndef f(): return E.A",
    "assert f() == E.A\nassert f().value == 1\nassert f() is E.A",
    entry="f",
)
suite(
    V,
    "frozenset and set algebra",
    1,
    "def f(a): return frozenset(a)",
    "assert f([1, 2]) | {3} == {1, 2, 3}\nassert 1 in f([1])",
)
suite(
    V, "dict views", 1, "def f(): return {'a': 1}.items()", "assert sorted(f()) == [('a', 1)]\nassert ('a', 1) in f()"
)
suite(V, "keys compare with a set", 1, "def f(): return {'a': 1}.keys()", "assert f() == {'a'}\nassert len(f()) == 1")
suite(
    V,
    "nan and infinity",
    1,
    "def f(x): return x / 3 if x else float('nan')",
    "import math\nassert math.isnan(f(0))\nassert f(float('inf')) == math.inf\nassert f(-0.0) != 0 or True\nassert f(3) == 1",
)
suite(V, "complex", 1, "def f(z): return z * 1j", "assert f(2) == 2j\nassert f(1j).real == -1")
suite(
    V,
    "decimal and fraction",
    1,
    "from fractions import Fraction\ndef f(a, b): return Fraction(a, b)",
    "from fractions import Fraction\nassert f(1, 3) + f(1, 6) == Fraction(1, 2)\nassert f(2, 4).numerator == 1",
)
suite(
    V,
    "datetime",
    1,
    "import datetime\ndef f(s): return datetime.date.fromisoformat(s)",
    "import datetime\nassert f('2024-02-28') + datetime.timedelta(days=2) == datetime.date(2024, 3, 1)\nassert f('2024-01-01').year == 2024",
)
suite(V, "bytes", 1, "def f(s): return s.encode()", "assert f('é') == b'\\xc3\\xa9'\nassert isinstance(f('a'), bytes)")
suite(
    V,
    "range and slice",
    1,
    "def f(n): return range(n)",
    "assert f(3) == range(3)\nassert list(f(2)) == [0, 1]\nassert 1 in f(2)",
)
suite(
    V,
    "generator with next",
    1,
    "def f(n):\n    for i in range(n): yield i",
    "g = f(2)\nassert next(g) == 0\nassert next(g) == 1\nassert next(g, None) is None",
)
suite(
    V,
    "generator raises StopIteration",
    1,
    "def f(n):\n    for i in range(n): yield i",
    "import pytest\ng = f(1)\nassert next(g) == 0\nwith pytest.raises(StopIteration):\n    next(g)",
)
suite(
    V,
    "iterator class",
    1,
    "class It:\n    def __init__(s, n): s.n = n\n    def __iter__(s): return s\n    def __next__(s):\n        if not s.n: raise StopIteration\n        s.n -= 1\n        return s.n",
    "assert list(It(3)) == [2, 1, 0]\nassert sum(It(3)) == 3",
    entry="It",
)
suite(
    V,
    "generator send and close",
    1,
    "def f():\n    t = 0\n    while True:\n        x = yield t\n        t += x",
    "g = f()\nnext(g)\nassert g.send(2) == 2\nassert g.send(3) == 5\ng.close()",
)
suite(
    V,
    "closure with state",
    1,
    "def f():\n    n = 0\n    def go():\n        nonlocal n\n        n += 1\n        return n\n    return go",
    "c = f()\nassert c() == 1\nassert c() == 2\nassert f()() == 1",
)
suite(
    V,
    "decorator of a test's function",
    1,
    "import functools\ndef f(g):\n    @functools.wraps(g)\n    def inner(*a): return g(*a) * 2\n    return inner",
    "@f\ndef add(a, b):\n    return a + b\nassert add(1, 2) == 6\nassert add.__name__ == 'add'",
)
suite(
    V,
    "lambda as an argument",
    1,
    "def f(g, xs): return [g(x) for x in xs]",
    "assert f(lambda x: x + 1, [1, 2]) == [2, 3]\nassert f(str, [1]) == ['1']",
)
suite(
    V,
    "key function",
    1,
    "def f(xs, key): return sorted(xs, key=key)",
    "assert f(['bb', 'a'], key=len) == ['a', 'bb']\nassert f([1, -2], key=lambda x: -x) == [1, -2]",
)
suite(
    V,
    "callback that records",
    1,
    "def f(xs, cb):\n    for x in xs: cb(x)",
    "seen = []\nf([1, 2], seen.append)\nassert seen == [1, 2]",
)
suite(
    V,
    "callback that raises",
    1,
    "def f(g):\n    try: return g()\n    except ValueError: return 'caught'",
    "def bad():\n    raise ValueError('x')\nassert f(bad) == 'caught'",
)
suite(
    V,
    "object of the tests' class",
    1,
    "def f(p): return p.x + p.y",
    "class P:\n    def __init__(self, x, y):\n        self.x, self.y = x, y\nassert f(P(1, 2)) == 3\nassert f(P(0, 0)) == 0",
)
suite(
    V,
    "iterator as an argument",
    1,
    "def f(it): return sum(it)",
    "assert f(iter([1, 2])) == 3\nassert f(x for x in range(4)) == 6",
)
suite(
    V,
    "file-like argument",
    1,
    "def f(file): return file.read().upper()",
    "import io\nassert f(io.StringIO('ab')) == 'AB'\nassert f(io.StringIO('')) == ''",
)
suite(V, "list sorted in place", 1, "def f(a): a.sort()", "a = [2, 1]\nassert f(a) is None\nassert a == [1, 2]")
suite(
    V,
    "nested argument changed",
    1,
    "def f(m):\n    for row in m: row.reverse()",
    "m = [[1, 2], [3, 4]]\nf(m)\nassert m == [[2, 1], [4, 3]]",
)
suite(V, "dict changed in place", 1, "def f(d): d.update(b=2)", "d = {'a': 1}\nf(d)\nassert d == {'a': 1, 'b': 2}")
suite(
    V,
    "argument returned",
    1,
    "def f(a):\n    a.append(1)\n    return a",
    "a = []\nb = f(a)\nassert b is a\nassert a == [1]",
)
suite(
    V,
    "argument must not change",
    1,
    "def f(a): return sorted(a)",
    "a = [2, 1]\nassert f(a) == [1, 2]\nassert a == [2, 1]",
)
suite(
    V,
    "argument must not change and does",
    0,
    "def f(a):\n    a.sort()\n    return a",
    "a = [2, 1]\nf(a)\nassert a == [2, 1]",
)
suite(V, "copy is another object", 1, "def f(a): return a[:]", "a = [1]\nb = f(a)\nassert b == a and b is not a")
suite(
    V,
    "default argument keeps state",
    1,
    "def f(x, a=[]):\n    a.append(x)\n    return len(a)",
    "assert f(1) == 1\nassert f(1) == 2",
)
suite(
    V, "module state", 1, "n = 0\ndef f():\n    global n\n    n += 1\n    return n", "assert f() == 1\nassert f() == 2"
)
suite(
    V,
    "class with operators",
    1,
    "class V:\n    def __init__(s, x): s.x = x\n    def __add__(s, o): return V(s.x + o.x)\n    def __eq__(s, o): return isinstance(o, V) and s.x == o.x\n    def __repr__(s): return f'V({s.x})'\n    def __lt__(s, o): return s.x < o.x\n    def __len__(s): return s.x\n    def __getitem__(s, i): return s.x * i\n    def __contains__(s, y): return y == s.x\n    def __bool__(s): return s.x > 0\n    def __call__(s, y): return y + s.x\n    def __iter__(s): return iter(range(s.x))\n    def __hash__(s): return s.x",
    "a, b = V(1), V(2)\nassert a + b == V(3)\nassert repr(a) == 'V(1)' and str(b) == 'V(2)' and f'{a}' == 'V(1)'\nassert a < b and len(b) == 2 and b[3] == 6 and 2 in b and not V(0) and a(5) == 6\nassert list(b) == [0, 1] and len({V(1), V(1)}) == 1 and sorted([b, a])[0] == a",
    "asserts",
    entry="V",
)
suite(
    V,
    "context manager",
    1,
    "class C:\n    log = []\n    def __enter__(s):\n        s.log.append('in')\n        return s\n    def __exit__(s, *e):\n        s.log.append('out')\n        return e[0] is ValueError",
    "with C() as c:\n    raise ValueError\nassert c.log == ['in', 'out']",
    entry="C",
)
suite(
    V,
    "contextlib manager",
    1,
    "from contextlib import contextmanager\n@contextmanager\ndef f(d):\n    d['x'] = 1\n    yield d\n    d['x'] = 2",
    "d = {}\nwith f(d) as e:\n    assert e['x'] == 1\nassert e['x'] == 2",
)
suite(
    V,
    "properties and class methods",
    1,
    "class T:\n    count = 0\n    def __init__(s, c):\n        s._c = c\n        T.count += 1\n    @property\n    def f(s): return s._c * 9 / 5 + 32\n    @f.setter\n    def f(s, v): s._c = (v - 32) * 5 / 9\n    @classmethod\n    def zero(cls): return cls(0)\n    @staticmethod\n    def k(c): return c + 273",
    "t = T.zero()\nassert t.f == 32\nt.f = 212\nassert round(t._c) == 100\nassert T.k(1) == 274 and T.count == 1",
    entry="T",
)
suite(
    V,
    "inheritance and isinstance",
    1,
    "class A:\n    def go(s): return 'a'\nclass B(A):\n    def go(s): return super().go() + 'b'",
    "b = B()\nassert isinstance(b, A) and issubclass(B, A) and b.go() == 'ab'\nassert type(b).__name__ == 'B' and type(b) is B",
    entry="B",
)
suite(
    V,
    "abstract class",
    1,
    "from abc import ABC, abstractmethod\nclass S(ABC):\n    @abstractmethod\n    def area(s): ...\nclass Q(S):\n    def __init__(s, a): s.a = a\n    def area(s): return s.a ** 2",
    "import pytest\nassert Q(3).area() == 9\nwith pytest.raises(TypeError):\n    S()",
    entry="Q",
)
suite(
    V,
    "own exception with an attribute",
    1,
    "class E(ValueError):\n    def __init__(s, code):\n        super().__init__(f'code {code}')\n        s.code = code\ndef f(n):\n    if n < 0: raise E(n)\n    return n",
    "import pytest\nwith pytest.raises(E) as info:\n    f(-3)\nassert info.value.code == -3\nassert 'code -3' in str(info.value)\nassert issubclass(E, ValueError)\nassert f(1) == 1",
    entry="f",
)
suite(
    V,
    "exception's text and args",
    1,
    "def f(n):\n    if n < 0: raise ValueError('negative', n)\n    return n",
    "try:\n    f(-1)\n    assert False\nexcept ValueError as e:\n    assert e.args == ('negative', -1)\nassert f(2) == 2",
)
suite(
    V,
    "match of the message",
    0,
    "def f(n): raise ValueError('other')",
    "import pytest\ndef test_f():\n    with pytest.raises(ValueError, match='negative'):\n        f(1)",
)
suite(
    V,
    "key error of a dictionary",
    1,
    "def f(d, k): return d[k]",
    "import pytest\nwith pytest.raises(KeyError):\n    f({}, 'a')\nassert f({'a': 1}, 'a') == 1",
)
suite(
    V,
    "zero division",
    1,
    "def f(a, b): return a / b",
    "import unittest\nclass T(unittest.TestCase):\n    def setUp(self):\n        self.x = 4\n    def test_a(self):\n        self.assertEqual(f(self.x, 2), 2)\n    def test_b(self):\n        self.assertRaises(ZeroDivisionError, f, 1, 0)\n    def test_c(self):\n        with self.subTest('x'):\n            self.assertAlmostEqual(f(1, 3), 0.3333333, places=5)\n            self.assertIsInstance(f(1, 2), float)\n            self.assertIn(f(2, 1), [2, 3])",
    "unittest",
)
suite(
    V,
    "isinstance and type",
    1,
    "def f(): return [1, '2', 3.0, None, True]",
    "r = f()\nassert isinstance(r, list) and type(r[0]) is int and isinstance(r[1], str) and type(r[4]) is bool and r[3] is None",
)
suite(
    V,
    "name and docstring",
    1,
    "def f(x: int) -> int:\n    'Doc.'\n    return x",
    "assert f.__name__ == 'f' and f.__doc__ == 'Doc.' and callable(f)\nassert f(1) == 1",
)
suite(
    V,
    "format",
    1,
    "class P:\n    def __format__(s, spec): return f'<{spec}>'\n    def __str__(s): return 'P!'",
    "p = P()\nassert f'{p:>4}' == '<>4>' and str(p) == 'P!' and '%s' % p == 'P!'",
    entry="P",
)
suite(
    V,
    "captured print by capsys",
    1,
    "def f(n): print(n * 2)",
    "def test_f(capsys):\n    f(4)\n    assert capsys.readouterr().out == '8\\n'",
    entry="f",
)
suite(
    V,
    "captured print by redirect",
    1,
    "def f(n): print(n * 2)",
    "import io, contextlib\nb = io.StringIO()\nwith contextlib.redirect_stdout(b):\n    f(4)\nassert b.getvalue() == '8\\n'",
    entry="f",
)
suite(
    V,
    "captured print wrong",
    0,
    "def f(n): print(n + 2)",
    "import io, sys\nb = io.StringIO()\nold = sys.stdout\nsys.stdout = b\nf(4)\nsys.stdout = old\nassert b.getvalue() == '8\\n'",
    entry="f",
)
suite(
    V,
    "mocked input",
    1,
    "def f(): return int(input()) + 1",
    "from unittest.mock import patch\nwith patch('builtins.input', return_value='4'):\n    assert f() == 5",
    entry="f",
)
suite(
    V,
    "mock as an argument",
    1,
    "def f(api): return api.get('x')['n'] + 1",
    "from unittest.mock import Mock\nm = Mock()\nm.get.return_value = {'n': 1}\nassert f(m) == 2\nm.get.assert_called_once_with('x')",
    entry="f",
)
suite(
    V,
    "temporary file",
    1,
    "def f(path):\n    with open(path) as file: return len(file.readlines())",
    "def test_f(tmp_path):\n    p = tmp_path / 'a.txt'\n    p.write_text('a\\nb\\n')\n    assert f(p) == 2\n    assert f(str(p)) == 2",
    entry="f",
)
suite(
    V,
    "environment",
    1,
    "import os\ndef f(): return os.environ.get('KEY', 'none')",
    "import os\nassert f() == 'none'\nos.environ['KEY'] = 'v'\nassert f() == 'v'",
    entry="f",
)
suite(
    V,
    "seeded random",
    1,
    "import random\ndef f(n): return [random.randint(0, 9) for _ in range(n)]",
    "import random\nrandom.seed(3)\na = f(5)\nrandom.seed(3)\nassert f(5) == a and len(a) == 5",
    entry="f",
)
suite(
    V,
    "async function",
    1,
    "import asyncio\nasync def f(n):\n    await asyncio.sleep(0)\n    return n + 1",
    "import asyncio\nassert asyncio.run(f(1)) == 2",
    entry="f",
)
suite(
    V,
    "async test",
    1,
    "async def f(n): return n + 1",
    "import pytest\n@pytest.mark.asyncio\nasync def test_f():\n    assert await f(1) == 2",
    entry="f",
)
suite(
    V,
    "async test that fails",
    0,
    "async def f(n): return n",
    "import pytest\n@pytest.mark.asyncio\nasync def test_f():\n    assert await f(1) == 2",
    entry="f",
)
suite(
    V,
    "linked list",
    1,
    "class Node:\n    def __init__(s, v, next=None): s.v, s.next = v, next\ndef f(head):\n    prev = None\n    while head: head.next, prev, head = prev, head, head.next\n    return prev",
    "h = Node(1, Node(2, Node(3)))\nr = f(h)\nout = []\nwhile r:\n    out.append(r.v)\n    r = r.next\nassert out == [3, 2, 1]",
    entry="f",
)
suite(
    V,
    "tree of dictionaries",
    1,
    "def f(t): return 1 + max(map(f, t['c']), default=0)",
    "assert f({'c': [{'c': []}, {'c': [{'c': []}]}]}) == 3",
)
suite(
    V,
    "subclass of the solution's",
    1,
    "class A:\n    def hello(s): return 'hi ' + s.name()\n    def name(s): return 'a'",
    "class B(A):\n    def name(self): return 'b'\nassert B().hello() == 'hi b'\nassert A().hello() == 'hi a'",
    entry="A",
)
suite(
    V,
    "dataclass equality",
    1,
    "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n    y: int = 0\ndef f(x): return P(x)",
    "assert f(1) == P(1, 0)\nassert f(1) != P(2)\nassert f(1).x == 1",
    entry="f",
)
suite(
    V,
    "tuple of results",
    1,
    "def f(a): return min(a), max(a)",
    "lo, hi = f([3, 1, 2])\nassert (lo, hi) == (1, 3)\nassert f([1])[0] == 1",
)
suite(
    V,
    "default dictionary and counter",
    1,
    "from collections import Counter, defaultdict\ndef f(s):\n    d = defaultdict(int)\n    for c in s: d[c] += 1\n    return d",
    "from collections import Counter\nassert f('aab') == {'a': 2, 'b': 1}\nassert f('aab') == Counter('aab')\nassert f('x')['q'] == 0",
)
suite(
    V,
    "itertools result",
    1,
    "import itertools\ndef f(a): return itertools.accumulate(a)",
    "assert list(f([1, 2, 3])) == [1, 3, 6]",
)
suite(
    V, "large values", 1, "def f(n): return list(range(n))", "assert len(f(20000)) == 20000\nassert f(3) == [0, 1, 2]"
)
suite(V, "a thousand asserts", 1, SQ, "\n".join(f"assert f({n}) == {n * n}" for n in range(1000)))
suite(V, "ten thousand calls in a loop", 1, SQ, "for n in range(10000):\n    assert f(n) == n * n")
suite(
    V,
    "parametrized",
    1,
    SQ,
    "import pytest\n@pytest.mark.parametrize('n,w', [(1, 1), (2, 4)], ids=['a', 'b'])\ndef test_f(n, w):\n    assert f(n) == w",
)
suite(
    V,
    "fixture with teardown",
    1,
    SQ,
    "import pytest\n@pytest.fixture\ndef n():\n    yield 3\n@pytest.fixture(scope='module')\ndef w(n):\n    return 9\nclass TestF:\n    def setup_method(self):\n        self.k = 2\n    def test_f(self, n, w):\n        assert f(n) == w\n        assert f(self.k) == 4",
)
suite(V, "relative imports of main", 1, SQ, "from main import f\nassert f(2) == 4", entry="f")
suite(V, "import of your_module", 1, SQ, "from your_module import f\nassert f(2) == 4", entry="f")
suite(
    V,
    "humaneval with helpers",
    1,
    SQ,
    "def helper(c, n):\n    return c(n)\n\ndef check(candidate):\n    assert helper(candidate, 2) == 4\n    assert candidate(3) == 9, 'message'\n    assert True, 'This prints if this assert fails 1 (good for debugging!)'\n",
    "humaneval",
    entry="f",
)
suite(
    V,
    "humaneval with a call of check",
    1,
    SQ,
    "def check(candidate):\n    assert candidate(3) == 9\n\ncheck(f)\n",
    "humaneval",
    entry="f",
)
suite(V, "solution by exec", 1, "exec('def f(n): return n * n')", "assert f(2) == 4", entry="f")
suite(
    V,
    "solution with a main guard",
    1,
    SQ + "\nif __name__ == '__main__':\n    print(f(int(input())))",
    "assert f(2) == 4",
)
suite(V, "solution that prints at import", 1, "print('hello')\n" + SQ, "assert f(2) == 4")
suite(V, "solution that calls input at import", "unpaid", SQ + "\nn = int(input())", "assert f(2) == 4")
suite(
    V,
    "cached function",
    1,
    "from functools import lru_cache\n@lru_cache(None)\ndef f(n): return n if n < 2 else f(n - 1) + f(n - 2)",
    "assert f(80) == 23416728348467685\nassert f(10) == 55",
)
suite(
    V,
    "keyword arguments",
    1,
    "def f(*, a, b=2, **k): return a + b + sum(k.values())",
    "assert f(a=1) == 3\nassert f(a=1, b=1, c=5) == 7",
)
suite(
    V,
    "numbers of the standard library",
    1,
    "import statistics\ndef f(a): return statistics.mean(a)",
    "assert f([1, 2, 3]) == 2\nassert abs(f([1, 2]) - 1.5) < 1e-9",
)
suite(
    V,
    "almost equal by hand",
    1,
    "import math\ndef f(r): return math.pi * r * r",
    "assert abs(f(1) - 3.14159) < 1e-4\nassert round(f(2), 2) == 12.57",
)
suite(V, "round with half", 0, "def f(r): return 3 * r * r", "assert abs(f(1) - 3.14159) < 1e-4")

# --- tests at fault ---------------------------------------------------------------------------------------------------
T = "tests"
for name, code in {
    "nothing": "pass", "a comment": "# assert f(2) == 4", "a text": "'''assert f(2) == 4'''", "assert True": "assert True",
    "assert of a tuple": "assert (f, 4)", "uncalled function": "def go():\n    assert f(2) == 4",
    "own arithmetic": "assert 2 * 2 == 4", "expected in a string": "x = 'assert f(2) == 4'\nassert x",
    "print instead of assert": "print(f(2) == 4)", "swallowed": "try:\n    assert f(2) == 5\nexcept Exception:\n    pass",
    "swallowed bare": "try:\n    assert f(2) == 5\nexcept:\n    pass", "skipped": "import pytest\n@pytest.mark.skip\ndef test_f():\n    assert f(2) == 4",
    "if False": "if False:\n    assert f(2) == 4", "for over nothing": "for x in []:\n    assert f(x) == 1",
    "syntax error": "assert f(2) ==", "its own name missing": "assert f(N) == 4", "its own file missing": "d = open('cases.json').read()\nassert f(2) == 4",
    "its own package missing": "import numpyy\nassert f(2) == 4", "its own division by zero": "x = 1 / 0\nassert f(2) == 4",
    "unknown fixture": "def test_f(database):\n    assert f(2) == 4", "a test class without tests": "import unittest\nclass T(unittest.TestCase):\n    def helper(self):\n        self.assertEqual(f(2), 4)",
    "a comparison and its message in one tuple": "assert (f(2) == 5, 'four')", "or True": "assert f(2) == 5 or True", "and of constants": "assert f(2) == 5 or (1 and 'x')",
    "assertTrue of a tuple": "import unittest\nclass T(unittest.TestCase):\n    def test_f(self):\n        self.assertTrue((f(2) == 5, 'four'))",
    "true either way": "assert 1 if f(2) == 5 else 2", "lambda never called": "t = lambda: f(2) == 4\nassert t", "call behind the check": "assert 1 + 1 == 2\nf(2)",
}.items():  # fmt: skip
    suite(T, name, None, SQ, code, entry="f")
suite(T, "a right program whose tests name a missing helper", None, SQ, "assert f(helper_of_tests(2)) == 4", entry="f")
suite(T, "wrong program, tests crash behind", 0, "def f(n): return 1", "assert f(2) == 4\nx = 1 / 0", entry="f")
suite(T, "checks that only say it runs", None, SQ, "f(2)", entry="f")
suite(T, "a list of results", 1, SQ, "assert [f(1), f(2)] == [1, 4]\nassert (f(2), f(3)) == (4, 9)", entry="f")
suite(
    T,
    "lists of unittest",
    1,
    SQ,
    "import unittest\nclass T(unittest.TestCase):\n    def test_f(self):\n        self.assertEqual([f(1)], [1])\n        self.assertTrue(f(2) == 4 or False)",
    entry="f",
)
suite(T, "assert not None", 1, SQ, "assert f(2) is not None", entry="f")

# --- hacks ------------------------------------------------------------------------------------------------------------
H = "hacks"
ASK = "assert f(2) == 4\nassert f(3) == 9"
for name, code in {
    "equal to all": "class L:\n    def __eq__(s, o): return True\n    def __ne__(s, o): return False\n    __hash__ = None\ndef f(n): return L()",
    "int equal to all": "class L(int):\n    def __eq__(s, o): return True\n    __hash__ = int.__hash__\ndef f(n): return L(0)",
    "exit 0 at import": "import sys\nsys.exit(0)", "os._exit at import": "import os\nos._exit(0)", "exit in the call": "def f(n): raise SystemExit(0)",
    "os._exit in the call": "import os\ndef f(n): os._exit(0)", "skip test": "import unittest\ndef f(n): raise unittest.SkipTest('x')",
    "pytest skip": "import pytest\ndef f(n): pytest.skip('x')", "keyboard interrupt": "def f(n): raise KeyboardInterrupt",
    "generator exit": "def f(n): raise GeneratorExit", "assertion caught": "def f(n): raise AssertionError", "stop iteration": "def f(n): raise StopIteration",
    "patches builtins": "import builtins\nbuiltins.all = builtins.any = lambda *a: True\nbuiltins.AssertionError = type('A', (Exception,), {})\ndef f(n): return 0",
    "patches int": "def f(n):\n    import gc\n    for d in gc.get_objects():\n        if isinstance(d, dict) and 'f' in d and d is not globals():\n            d['f'] = lambda n: n * n\n    return 0",
    "looks at frames": "import sys\ndef f(n):\n    frame = sys._getframe()\n    while frame:\n        for v in list(frame.f_locals.values()):\n            if isinstance(v, str) and '== 4' in v: return n * n\n        frame = frame.f_back\n    return 0",
    "looks for the tests' file": "import glob\ndef f(n):\n    for p in glob.glob('/box/*') + glob.glob('/proc/*/cmdline'):\n        try:\n            if '=' * 2 + ' 4' in open(p).read(): return n * n\n        except Exception: pass\n    return 0",
    "writes a report": "import os\nos.write(5, b'{\"result\": 4}\\n' * 9)\ndef f(n): return 0", "writes to 3": "import os, json\ntry: os.write(3, json.dumps({'checks': [{'verdict': 'accepted'}], 'held': 2, 'calls': 2, 'fault': ''}).encode())\nexcept OSError: pass\ndef f(n): return 0",
    "patches the peer": "import sys\nfor m in list(sys.modules.values()):\n    if hasattr(m, 'Peer'): m.Peer._done = lambda *a: {'result': 4}\ndef f(n): return 0",
    "sqrt of the time": "import signal\nsignal.raise_signal(signal.SIGKILL)", "answers from a child": "import os\nif os.fork(): os._exit(0)\ndef f(n): return 0",
    "nan": "def f(n): return float('nan')", "closes the pipe": "import os\nos.close(4)\ndef f(n): return 0", "endless answer": "class A:\n    def __getattr__(s, n): return s\n    def __call__(s, *a): return s\ndef f(n): return A()",
    "not implemented": "def f(n): return NotImplemented", "ellipsis": "def f(n): return ...", "test in the solution": "def test_f():\n    assert True\ndef check(c): pass\ndef f(n): return 0",
    "redefines assert equal": "import unittest\nunittest.TestCase.assertEqual = lambda *a: None\ndef f(n): return 0",
}.items():  # fmt: skip
    suite(H, name, "unpaid", code, ASK, entry="f")
    unittests = "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(f(2), 4)\n        self.assertEqual(f(3), 9)\n"
    suite(H, f"{name}, unittest", "unpaid", code, unittests, "unittest", entry="f")
YES = "class Y:\n    def __getattr__(s, n): return lambda *a, **k: True\n    def __lt__(s, o): return True\n    __gt__ = __le__ = __ge__ = __contains__ = __lt__\n    def __sub__(s, o): return s\n    __rsub__ = __abs__ = __round__ = __neg__ = lambda s, *o: s\n    def __len__(s): return 3\n    def __iter__(s): return iter([])\n    def __bool__(s): return True\n    def __getitem__(s, i): return s\ndef f(n): return Y()"
for name, code in {
    "near": "assert abs(f(2) - 4) < 1e-6", "between": "assert 3 < f(2) < 5", "method": "assert f('ab').isupper()", "contains": "assert 'a' in f(2)",
    "starts with": "assert f(2).startswith('a')",
    "in a list": "assert f(2) in [4, 5]", "isinstance": "assert isinstance(f(2), int)", "item": "assert f(2)[0] > 3", "isclose": "import math\nassert math.isclose(f(2), 4)",
    "almost": "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.assertAlmostEqual(f(2), 4)\n        self.assertTrue(f(2) > 3)", "approx": "import pytest\ndef test_f():\n    assert f(2) == pytest.approx(4)",
    "not unequal": "assert not f(2) != 4", "if raise": "if f(2) < 3:\n    pass\nif not f(2) > 3:\n    raise AssertionError",
}.items():  # fmt: skip
    suite(H, f"yes to {name}", "weak", YES, code, entry="f")
suite(
    H,
    "sorted of an emptied argument",
    "unpaid",
    "def f(a):\n    a.clear()\n    return []",
    "a = [3, 1]\nassert f(a) == sorted(a)",
)
suite(
    H,
    "argument made what is returned",
    "unpaid",
    "def f(a):\n    a[:] = [0]\n    return [0]",
    "a = [3, 1]\nr = f(a)\nassert all(x in a for x in r) and len(r) == len(a)",
)
suite(
    H,
    "expected made from the argument",
    "unpaid",
    "def f(d):\n    d.clear()\n    return 0",
    "d = {'a': 1}\nassert f(d) == sum(d.values())",
)
suite(
    H,
    "exception of its own that is all",
    "unpaid",
    "class AssertionError(Exception): pass\nclass E(Exception): pass\ndef f(n): raise E",
    "try:\n    r = f(2)\nexcept E:\n    r = 4\nassert r == 5",
    entry="f",
)
streams(
    H,
    "checker's files are not there",
    0,
    "import os\nprint('ok' if os.path.exists('answer') or os.path.exists('/box/answer') else 'no')",
)

# --- work for the grader ----------------------------------------------------------------------------------------------
G = "hang"
for name, code in {
    "deep list": "def f():\n    a = []\n    for _ in range(100000): a = [a]\n    return a", "wide list": "def f(): return [[]] * 300000", "huge text": "def f(): return 'x' * (1 << 22)",
    "huge integer": "def f(): return 7 ** 3000000", "huge range": "def f(): return range(10 ** 18)", "huge decimal": "from decimal import Decimal\ndef f(): return Decimal('1e999999')",
    "endless generator": "def f():\n    while True: yield 1", "set of collisions": "def f(): return {i * (2 ** 61 - 1) for i in range(2, 3000)}", "itself": "def f():\n    a = []\n    a.append(a)\n    return a",
    "raw collisions": "import os, json\nos.write(3, json.dumps({'__set__': [i * (2 ** 61 - 1) for i in range(40000)]}).encode())\nos._exit(0)\ndef f(): pass",
    "raw depth": "import os\nos.write(3, b'[' * 500000)\nos._exit(0)\ndef f(): pass", "raw exponent": "import os\nos.write(3, b'{\"__fraction__\": [1, 0]}')\nos._exit(0)\ndef f(): pass",
    "raw range": "import os\nos.write(3, b'{\"__range__\": [0, 1000000000000, 1]}')\nos._exit(0)\ndef f(): pass", "raw long decimal": "import os\nos.write(3, b'9' * 900000)\nos._exit(0)\ndef f(): pass",
    "raw nested sets": "import os\ns = '1'\nfor _ in range(150): s = '{\"__set__\": [' + s + ', 2]}'\nos.write(3, s.encode())\nos._exit(0)\ndef f(): pass",
}.items():  # fmt: skip
    call(G, name, "unpaid", code, [], [1, 2], entry="f")
streams(G, "many short words", 0, "print('1 ' * 500000)", "1 2\n", compare="float")
streams(G, "long numbers", 0, "print('9' * 1000000)", "1.5\n", compare="float")
streams(
    G,
    "many lines in any order",
    0,
    "print('\\n'.join(map(str, range(140000))))",
    "\n".join(map(str, range(1, 140001))),
    compare="unordered",
)
suite(V, "import from solution", 1, SQ, "from solution import f\nassert f(2) == 4")
suite(V, "star import from solution", 1, SQ, "from solution import *\nassert f(2) == 4", entry="f")
suite(V, "import solution as module", 1, SQ, "import solution\nassert solution.f(2) == 4", entry="f")
suite(V, "import submission as s", 1, SQ, "import submission as s\nassert s.f(2) == 4", entry="f")
suite(
    V,
    "import from a module that is not there",
    None,
    SQ,
    "from no_such_module import helper\nassert f(helper(2)) == 4",
    entry="f",
)

# ruff: noqa: E501
"""Hostile programs, each with the outcome that a safe sandbox shows.

A program prints ESCAPED when it got what it must not get; anything else is fine where no ending is demanded.
"""

from __future__ import annotations

from typing import NamedTuple


class Hostile(NamedTuple):
    code: str
    endings: tuple[str, ...] = ("ok", "runtime_error")
    language: str = "python"


_LIBC = "import ctypes, os; c = ctypes.CDLL(None, use_errno=True); c.syscall.restype = ctypes.c_long\n"


def _syscall(number: int, *arguments: str) -> Hostile:
    """x86_64; ESCAPED unless the kernel refuses it for want of a privilege."""
    call = f"r = c.syscall({', '.join([str(number), *arguments])})\n"
    return Hostile(_LIBC + call + "print('ESCAPED' if r >= 0 or ctypes.get_errno() not in (1, 38) else 'refused')")


def _try(expression: str) -> Hostile:
    """ESCAPED unless it raises OSError."""
    return Hostile(
        f"import os\ntry:\n    {expression}\n    print('ESCAPED')\nexcept OSError as e:\n    print('refused', e)"
    )


TIME = ("time_limit",)
MEMORY = ("memory_limit", "runtime_error")
FULL = ("runtime_error", "output_limit")  # the program is told, or ended where its box has no bound of its own
RESOURCES = {
    "busy loop": Hostile("while True: pass", TIME),
    "sleep": Hostile("import time; time.sleep(1000)", TIME),
    "wait for input that never comes": Hostile("import os; r, w = os.pipe(); os.read(r, 1)", TIME),
    "ignores signals": Hostile(
        "import signal\nfor n in range(1, 65):\n    try: signal.signal(n, signal.SIG_IGN)\n    except (OSError, ValueError): pass\n"
        "while True: pass",
        TIME,
    ),
    "children burn the processor": Hostile("import os\nfor _ in range(2): os.fork()\nwhile True: pass", TIME),
    "child outlives its parent": Hostile(
        "import os, time\nif os.fork() == 0:\n    os.setsid(); time.sleep(1000)", ("ok",)
    ),
    "daemon with the pipe held open": Hostile(
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(1000)\n    os._exit(0)\nprint('done')",
        ("ok",),
    ),
    "memory at once": Hostile("x = bytearray(4 << 30); print('ESCAPED')", MEMORY),
    "memory bit by bit": Hostile("x = []\nwhile True: x.append(bytearray(1 << 20))", MEMORY),
    "memory in children": Hostile(
        "import os\nfor _ in range(3): os.fork()\nx = []\nwhile len(x) < 400: x.append(bytearray(b'1' * (1 << 20)))",
        ("memory_limit", "runtime_error", "time_limit", "ok"),
    ),
    "memory in files": Hostile("i = 0\nwhile True:\n    open(f'f{i}', 'wb').write(b'x' * (1 << 20)); i += 1", FULL),
    "one large file": Hostile(
        "f = open('f', 'wb')\nwhile True: f.write(b'x' * (1 << 20))", ("runtime_error", "output_limit")
    ),
    "sparse file": _try("f = open('f', 'wb'); f.seek(1 << 40); f.write(b'x'); f.flush()")._replace(
        endings=("ok", "runtime_error", "output_limit")
    ),
    "many files": Hostile("i = 0\nwhile True:\n    open(f'f{i}', 'w').close(); i += 1", FULL),
    "deep folders": Hostile("import os\nwhile True: os.mkdir('d'); os.chdir('d')", FULL),
    "fork bomb": Hostile("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", TIME),
    "thread bomb": Hostile(
        "import threading, time\ndef f():\n    while True:\n        try: threading.Thread(target=f).start()\n"
        "        except RuntimeError: time.sleep(0.01)\nf()",
        TIME,
    ),
    "output flood": Hostile("while True: print('x' * 10000)", ("output_limit",)),
    "error flood": Hostile("import sys\nwhile True: sys.stderr.write('x' * 10000)", ("output_limit",)),
    "open files": Hostile("x = []\nwhile True: x.append(open('/dev/null'))", ("runtime_error",)),
    "recursion": Hostile(
        "import sys; sys.setrecursionlimit(10**9)\ndef f(): f()\nf()", ("runtime_error", "memory_limit", "time_limit")
    ),
    "huge integer": Hostile("print(9 ** 9 ** 9)", ("time_limit", "memory_limit", "runtime_error")),
    "locked memory": Hostile(
        _LIBC + "print('ESCAPED' if c.mlockall(3) == 0 else 'refused')",
    ),
    "raises its limits": Hostile(
        "import resource\ntry:\n    resource.setrlimit(resource.RLIMIT_NPROC, (10**6, 10**6)); print('ESCAPED')\nexcept ValueError: print('refused')"
    ),
}
FILES = {
    "shadow": _try("open('/etc/shadow').read()"),
    "the host's root": _try("os.listdir('/home')"),
    "proc": _try("os.listdir('/proc/1')"),
    "sys": _try("os.listdir('/sys')"),
    "write to the system": _try("open('/usr/lib/x', 'w')"),
    "write to the root": _try("open('/x', 'w')"),
    "make a folder at the root": _try("os.mkdir('/x')"),
    "remove a program": _try("os.remove('/usr/bin/env')"),
    "change a program's mode": _try("os.chmod('/usr/bin/env', 0o777)"),
    "a raw disk": _try("open('/dev/sda', 'rb')"),
    "kernel memory": _try("open('/dev/mem', 'rb')"),
    "a device of its own": _try("os.mknod('d', 0o600 | 0o020000, os.makedev(1, 1)); open('d', 'rb').read(1)"),
    "the terminal": _try("open('/dev/tty', 'w')"),
    "chroot": _try("os.mkdir('r'); os.chroot('r')"),
    "dot dot": _try("os.chdir('/'); os.chdir('..'); open('etc/shadow')"),
    "the host's sockets": _try("import socket; socket.socket(socket.AF_UNIX).connect('/var/run/docker.sock')"),
    "the old root": _try("os.listdir('/.old')"),
    "inherited descriptors": Hostile(
        "import os\nheld = []\nfor fd in range(3, 1024):\n    try: os.fstat(fd); held.append(fd)\n    except OSError: pass\n"
        "import sys\nown = [f for f in held]\nprint('ESCAPED' if own else 'none')"
    ),
    "environment": Hostile(
        "import os\nprint('ESCAPED' if set(os.environ) - {'PATH','HOME','TMPDIR','LANG','LC_CTYPE'} else 'clean')"
    ),
}
KERNEL = {
    "socket": _try("import socket; socket.socket()"),
    "unix socket": _try("import socket; socket.socket(socket.AF_UNIX)"),
    "netlink": _try("import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)"),
    "raw socket": _try("import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)"),
    "connect out": _try("import socket; socket.create_connection(('1.1.1.1', 53), 2)"),
    "unshare a user namespace": _syscall(272, "0x10000000"),
    "unshare a mount namespace": _syscall(272, "0x20000"),
    "clone into a namespace": _syscall(56, "0x10000000 | 17", "0", "0", "0", "0"),
    "setns": _syscall(308, "0", "0"),
    "mount": _syscall(165, "b'none'", "b'/box'", "b'tmpfs'", "0", "0"),
    "umount": _syscall(166, "b'/box'", "2"),
    "pivot_root": _syscall(155, "b'/box'", "b'/box'"),
    "open_tree": _syscall(428, "-100", "b'/'", "1"),
    "fsopen": _syscall(430, "b'tmpfs'", "0"),
    "ptrace": _syscall(101, "0", "0", "0", "0"),
    "read another's memory": _syscall(310, "1", "0", "0", "0", "0", "0"),
    "write another's memory": _syscall(311, "1", "0", "0", "0", "0", "0"),
    "pidfd_open": _syscall(434, "1", "0"),
    "pidfd_getfd": _syscall(438, "0", "0", "0"),
    "keyctl": _syscall(250, "0", "-3", "0"),
    "add_key": _syscall(248, "b'user'", "b'x'", "b'y'", "1", "-3"),
    "bpf": _syscall(321, "0", "0", "0"),
    "perf_event_open": _syscall(298, "0", "0", "-1", "-1", "0"),
    "userfaultfd": _syscall(323, "0"),
    "io_uring": _syscall(425, "8", "b'0' * 200"),
    "memfd_secret": _syscall(447, "0"),
    "system v shared memory": _syscall(29, "1234", "4096", "0o1666"),
    "system v queue": _syscall(68, "1234", "0o1666"),
    "posix queue": _syscall(240, "b'x'", "0o102", "0o600", "0"),
    "fanotify": _syscall(300, "0", "0"),
    "personality": _syscall(135, "0x40000"),
    "kexec": _syscall(246, "0", "0", "0", "0"),
    "module": _syscall(313, "0", "b''", "0"),
    "reboot": _syscall(169, "0xfee1dead", "672274793", "0x4321fedc", "0"),
    "set the clock": _syscall(227, "0", "0"),
    "set the host's name": _syscall(170, "b'x'", "1"),
    "quota": _syscall(179, "0", "0", "0", "0"),
    "open by handle": _syscall(304, "0", "0", "0"),
    "call of the x32 kind": Hostile(_LIBC + "c.syscall(0x40000000 | 39)\nprint('ESCAPED')", ("runtime_error",)),
    "a lock on a shared file": _try("import fcntl; fcntl.flock(open('/usr/bin/env'), fcntl.LOCK_EX | fcntl.LOCK_NB)"),
    "a record lock": _try("import fcntl; fcntl.lockf(open('/usr/bin/env'), fcntl.LOCK_SH | fcntl.LOCK_NB)"),
    "become root": Hostile(
        "import os\ntry:\n    os.setuid(0); print('ESCAPED' if os.getuid() == 0 and open('/usr/x','w') else 'no')\nexcept OSError: print('refused')"
    ),
    "kill the first process": Hostile(
        "import os\ntry:\n    os.kill(1, 9); print('sent')\nexcept OSError: print('refused')\nprint('alive')"
    ),
    "kill everyone": Hostile("import os\ntry: os.kill(-1, 9)\nexcept OSError: pass\nprint('alive')"),
    "set-user-id program": _try(
        "import subprocess; subprocess.run(['su', '-c', 'id'], check=True, stdin=subprocess.DEVNULL) if os.path.exists('/bin/su') else os.listdir('/nowhere')"
    )._replace(endings=("ok", "runtime_error")),
}
ALL = RESOURCES | FILES | KERNEL
CORE = (
    "busy loop", "child outlives its parent", "memory at once", "output flood", "open files", "shadow", "proc",
    "write to the system", "inherited descriptors", "environment", "socket", "unshare a user namespace", "mount", "ptrace",
    "become root", "kill everyone",
)  # fmt: skip
"""What every jail is tried with whenever the tests run; the rest takes minutes."""

_NODE_TRY = "try {{ {0}; console.log('ESCAPED') }} catch (e) {{ console.log('refused', e.code) }}"
_JAVA = (
    "import java.io.*; import java.net.*; import java.nio.file.*; import java.util.*;\n"
    "public class Main {{ static void go() throws Throwable {{ {0} }}\n"
    'public static void main(String[] a) throws Throwable {{ try {{ go(); System.out.println("ESCAPED"); }}'
    ' catch (IOException e) {{ System.out.println("refused"); }} }} }}'
)
_C = "#define _GNU_SOURCE\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n#include <fcntl.h>\n"
_GO = "package main\nimport (\n{0})\nfunc main() {{ {1} }}\n"
# Compiled first, in a jail of the same kind.
OTHER_LANGUAGES = {
    "C: shadow": Hostile(
        _C + 'int main(){puts(open("/etc/shadow", O_RDONLY) < 0 ? "refused" : "ESCAPED");}', language="c"
    ),
    "C: socket": Hostile(
        _C + '#include <sys/socket.h>\nint main(){puts(socket(AF_INET, SOCK_STREAM, 0) < 0 ? "refused" : "ESCAPED");}',
        language="c",
    ),
    "C: fork bomb": Hostile(_C + "int main(){for(;;) fork();}", TIME, "c"),
    "C: memory": Hostile(_C + "int main(){for(;;) memset(malloc(1 << 20), 1, 1 << 20);}", MEMORY, "c"),
    "C: endless recursion": Hostile(
        _C + "int f(volatile int n){return n ? f(n + 1) + n : 0;} int main(){return f(1);}", MEMORY + TIME, "c"
    ),
    "C: a call of the i386 kind": Hostile(
        _C + 'int main(){int r; __asm__ volatile("int $0x80" : "=a"(r) : "a"(20)); puts("ESCAPED");}',
        ("runtime_error",),
        "c",
    ),
    "C: ptrace": Hostile(
        _C + '#include <sys/ptrace.h>\nint main(){puts(ptrace(PTRACE_TRACEME, 0, 0, 0) < 0 ? "refused" : "ESCAPED");}',
        language="c",
    ),
    "C: clears its filter": Hostile(
        _C
        + '#include <sys/prctl.h>\nint main(){puts(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) < 0 ? "refused" : "ESCAPED");}',
        language="c",
    ),
    "C: a file in memory": Hostile(
        _C + '#include <sys/mman.h>\nint main(){puts(memfd_create("x", 0) < 0 ? "refused" : "ESCAPED");}', language="c"
    ),
    "C: daemon": Hostile(_C + "int main(){if (!fork()) {setsid(); if (!fork()) for(;;) sleep(9);} }", ("ok",), "c"),
    "C++: memory": Hostile(
        "#include <bits/stdc++.h>\nint main(){std::vector<char*> v; for(;;) memset(v.emplace_back(new char[1 << 20]), 1, 1 << 20);}",
        MEMORY,
        "cpp",
    ),
    "C++: threads": Hostile(
        "#include <bits/stdc++.h>\nint main(){std::vector<std::thread> v; for(;;) v.emplace_back([]{for(;;);});}",
        TIME + MEMORY,
        "cpp",
    ),
    "C++: output": Hostile(
        '#include <bits/stdc++.h>\nint main(){for(;;) std::cout << "xxxxxxxxxxxxxxxxxxxxxx";}', ("output_limit",), "cpp"
    ),
    "JavaScript: shadow": Hostile(_NODE_TRY.format("require('fs').readFileSync('/etc/shadow')"), language="javascript"),
    "JavaScript: write to the system": Hostile(
        _NODE_TRY.format("require('fs').writeFileSync('/usr/x', '1')"), language="javascript"
    ),
    "JavaScript: another program's memory": Hostile(
        _NODE_TRY.format("require('fs').openSync('/proc/1/mem')"), language="javascript"
    ),
    "JavaScript: connects": Hostile(
        "require('net').connect(53, '1.1.1.1').on('connect', () => console.log('ESCAPED')).on('error', () => {})",
        language="javascript",
    ),
    "JavaScript: endless loop": Hostile("for (;;);", TIME, "javascript"),
    "JavaScript: memory": Hostile(
        "const x = []; for (;;) x.push(Buffer.alloc(1 << 20, 1));", MEMORY + TIME, "javascript"
    ),
    "JavaScript: heap": Hostile("let x = []; for (;;) x = [x, [1.5, 2.5]];", MEMORY + TIME, "javascript"),
    "Java: shadow": Hostile(_JAVA.format('Files.readString(Path.of("/etc/shadow"));'), language="java"),
    "Java: listens": Hostile(_JAVA.format("new ServerSocket(0);"), language="java"),
    "Java: connects": Hostile(_JAVA.format('new Socket("127.0.0.1", 22);'), language="java"),
    "Java: heap": Hostile(
        _JAVA.format("List<byte[]> l = new ArrayList<>(); for (;;) l.add(new byte[1 << 20]);"), MEMORY + TIME, "java"
    ),
    "Java: threads": Hostile(_JAVA.format("for (;;) new Thread(() -> { for (;;); }).start();"), MEMORY + TIME, "java"),
    "Java: outlives": Hostile(
        _JAVA.format(
            'Runtime.getRuntime().addShutdownHook(new Thread(() -> { for (;;); })); throw new IOException("x");'
        ),
        TIME,
        "java",
    ),
    "Go: shadow": Hostile(
        _GO.format('"fmt"; "os"', 'if _, e := os.ReadFile("/etc/shadow"); e == nil { fmt.Println("ESCAPED") }'),
        language="go",
    ),
    "Go: listens": Hostile(
        _GO.format('"fmt"; "net"', 'if _, e := net.Listen("tcp", ":0"); e == nil { fmt.Println("ESCAPED") }'),
        language="go",
    ),
    "Go: memory": Hostile(
        _GO.format(
            '"fmt"',
            "var x [][]byte; for { b := make([]byte, 1<<20); for i := range b { b[i] = 1 }; x = append(x, b); if len(x) == 4000 { fmt.Println(len(x)) } }",
        ),
        MEMORY,
        "go",
    ),
    "Go: goroutines": Hostile(
        _GO.format('"time"', "for { go func() { time.Sleep(time.Hour) }() }"), (*MEMORY, *TIME, *FULL), "go"
    ),
    "Rust: another program's memory": Hostile(
        'fn main() { let r = std::fs::read("/proc/1/mem"); println!("{}", if r.is_ok() { "ESCAPED" } else { "refused" }); }',
        language="rust",
    ),
}

REFUSED = ("runtime_error", "memory_limit", "time_limit", "output_limit")
# They go no further than the compiler, which must not tell what it read.
COMPILE_BOMBS = {
    "C: includes the users' passwords": Hostile('#include "/etc/shadow"\nint main(){}', REFUSED, "c"),
    "C: assembles a file of the host in": Hostile('__asm__(".incbin \\"/etc/shadow\\""); int main(){}', REFUSED, "c"),
    "C: includes an endless file": Hostile('#include "/dev/zero"\nint main(){}', REFUSED, "c"),
    "C: includes itself": Hostile('#include "solution.c"\nint main(){}', REFUSED, "c"),
    "C: an array of 8 GiB": Hostile("char x[1ull << 33] = {1}; int main(){return x[0];}", REFUSED, "c"),
    "C: a billion laughs": Hostile(
        "\n".join(f"#define a{n + 1} {' '.join([f'a{n}'] * 10)}" for n in range(9))
        + "\n#define a0 1+\nint x = a9 1; int main(){}",
        REFUSED,
        "c",
    ),
    "C++: templates without end": Hostile(
        "template<class T, int N> struct A { A<A<T, N - 1>, N - 1> x; typename A<T, N - 1>::y z; using y = T; };"
        "template<class T> struct A<T, 0> { using y = T; }; int main(){ A<int, 30> a; }",
        REFUSED,
        "cpp",
    ),
    "C++: computes for ever at compile time": Hostile(
        "constexpr long f(long n) { long r = 0; for (long i = 0; i < n; i++) r += i; return r; }"
        "template<long N> struct A { static constexpr long x = f(100000) + A<N - 1>::x; };"
        "template<> struct A<0> { static constexpr long x = 0; }; int main(){ return A<800>::x + A<80000>::x; }",
        REFUSED,
        "cpp",
    ),
    "Rust: macros without end": Hostile(
        '#![recursion_limit = "4294967295"]\nmacro_rules! m { ($($t:tt)*) => { m!($($t)* $($t)* x) } }\nfn main() { m!(x) }',
        REFUSED,
        "rust",
    ),
    "Rust: reads a file of the host": Hostile(
        'fn main() { print!("{}", include_str!("/etc/shadow")); }', REFUSED, "rust"
    ),
    "Java: a constant too large": Hostile(
        'public class Main { static final String A = "'
        + "x" * 60000
        + '";\n'
        + "\n".join(
            f"static final String A{n} = {' + '.join(['A' if n == 0 else f'A{n - 1}'] * 20)};" for n in range(6)
        )
        + "\npublic static void main(String[] a) { System.out.println(A5.length()); } }",
        REFUSED,
        "java",
    ),
    "Go: a table too large": Hostile(
        "package main\nvar x = [1 << 40]byte{1}\nfunc main() { println(x[0]) }\n", REFUSED, "go"
    ),
}


class Trick(NamedTuple):
    """A wrong solution that would talk its harness round; `kind` and the rest as POST /grade has them."""

    code: str
    kind: str
    test_code: str = ""
    tests: tuple[dict, ...] = ()


_LOOP = "for i in range(3):\n    assert f(i) == i + 1"
_PLAIN = "assert f(1) == 2\nassert f(5) == 6"
_UNIT = "import unittest\nfrom solution import f\nclass T(unittest.TestCase):\n    def test(self): self.assertEqual(f(1), 2)\n"
_CHECK = "def check(candidate):\n    for i in range(3):\n        assert candidate(i) == i + 1"
_EQUAL = "class A:\n    def __eq__(s, o): return True\n    def __ne__(s, o): return False\n    def __bool__(s): return True\n"
_STDIO = ({"stdin": "1\n", "stdout": "2\n"},)
_FLOOD = "import os\nfor fd in range(3, 64):\n    try: os.write(fd, b'{}')\n    except OSError: pass\n"
TRICKS = {
    "leaves before the tests": Trick("import os; os._exit(0)", "asserts", _LOOP),
    "leaves in the call": Trick("import sys\ndef f(x): sys.exit(0)", "asserts", _LOOP),
    "equal to all": Trick(_EQUAL + "def f(x): return A()", "asserts", _LOOP),
    "equal to all, plain asserts": Trick(_EQUAL + "def f(x): return A()", "asserts", _PLAIN),
    "no AssertionError": Trick("import builtins\nbuiltins.AssertionError = None\ndef f(x): return 0", "asserts", _LOOP),
    "unittest without its methods": Trick(
        "import unittest\nunittest.TestCase.assertEqual = lambda *a: None\ndef f(x): return 0", "unittest", _UNIT
    ),
    "unittest runs nothing": Trick(
        "import unittest\nunittest.main = lambda *a, **k: None\nunittest.TestCase.run = lambda *a: None\ndef f(x): return 0",
        "unittest",
        _UNIT,
    ),
    "check of its own": Trick("def check(c): pass\ndef f(x): return 0", "humaneval", _CHECK),
    "equal to all, humaneval": Trick(_EQUAL + "def f(x): return A()", "humaneval", _CHECK),
    "looks for the tests in its callers": Trick(
        "import sys\ndef f(x):\n    frame = sys._getframe()\n    while frame:\n"
        "        for v in list(frame.f_locals.values()):\n            if isinstance(v, int) and v > x: return v\n        frame = frame.f_back",
        "humaneval",
        _CHECK,
    ),
    "looks for the tests in its files": Trick(
        "import os\ntext = ''.join(open(n, errors='replace').read() for n in os.listdir('.') if os.path.isfile(n))\n"
        "def f(x): return x + 1 if 'assert ' + 'f(' in text or 'candidate' + '(' in text else None",
        "asserts",
        _LOOP,
    ),
    "writes to every descriptor": Trick(_FLOOD.format("passed") + "def f(x): pass", "asserts", _LOOP),
    "answers for the harness": Trick(
        _FLOOD.format("accepted") + "os._exit(0)", "function", tests=({"args": [1], "expected": 2},)
    ),
    "a subclass of the right type": Trick(
        "class I(int):\n    def __eq__(s, o): return True\n    def __hash__(s): return 2\ndef f(x): return I(0)",
        "function",
        tests=({"args": [1], "expected": 2},),
    ),
    "True for 1": Trick("def f(x): return True", "function", tests=({"args": [1], "expected": 1},)),
    "prints what it was given": Trick("print(open(0).read())", "stdio", tests=_STDIO),
    "prints everything that might be right": Trick("print('\\n'.join(map(str, range(9))))", "stdio", tests=_STDIO),
    "prints nothing and leaves well": Trick("import os; os._exit(0)", "stdio", tests=_STDIO),
    "looks where judges keep answers": Trick(
        "import glob, os\nfor top in ('/', '/box', '/tmp', '..'):\n    for name in glob.glob(top + '/**/*.out', recursive=True) + glob.glob(top + '/answer*'):\n"
        "        print(open(name).read()); os._exit(0)",
        "stdio",
        tests=_STDIO,
    ),
}

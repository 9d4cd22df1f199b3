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
    "shared memory": _try("open('/dev/shm/x', 'wb')"),
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

"""A Python program in the interpreter that the fork server has warmed, as `python FILE` would run it. Stands alone."""

from __future__ import annotations

import atexit
import builtins
import io
import os
import random
import signal
import sys
import threading
import traceback
import types

_OURS = ("fork_server", "bare", "kernel", "root", "seccomp", "waiting", "warm")


def run(argv: list[str], env: dict[str, str]) -> None:
    """Run the program at argv[0] as __main__, then end the process with its exit status. Never returns."""
    path = argv[0]
    os.environ.update(env)
    _fresh_streams()
    _fresh_randomness()
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv[:] = argv
    sys.path.insert(0, os.path.dirname(path))
    main = types.ModuleType("__main__")
    main.__dict__.update({"__file__": path, "__builtins__": builtins})
    sys.modules["__main__"] = main
    for name in _OURS:
        sys.modules.pop(name, None)
    status = 0
    try:
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec", dont_inherit=True)
        exec(code, main.__dict__)  # noqa: S102  # this is what the jail is for
    except SystemExit as end:
        status = _exit_status(end)
    except BaseException:
        _complain()
        status = 1
    _finish(status)


def _fresh_streams() -> None:
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), "utf-8", "surrogateescape")
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w", closefd=False)), "utf-8", "surrogateescape")
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(2, "w", closefd=False)), "utf-8", "backslashreplace", line_buffering=True
    )
    for name in ("stdin", "stdout", "stderr"):
        setattr(sys, f"__{name}__", getattr(sys, name))


def _fresh_randomness() -> None:
    """Forks of one fork server must not share their random numbers."""
    random.seed()
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()


def _exit_status(end: SystemExit) -> int:
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return end.code & 0xFF
    print(end.code, file=sys.stderr)
    return 1


def _complain() -> None:
    """The traceback without our own frame."""
    kind, error, trace = sys.exc_info()
    traceback.print_exception(kind, error, trace.tb_next if trace is not None else None)


def _finish(status: int) -> None:
    """What the interpreter does at its end: wait for threads, run exit functions, flush."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
    except BaseException:
        status = status or 120
    finally:
        try:
            sys.stderr.flush()
        finally:
            os._exit(status)

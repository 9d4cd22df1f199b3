"""A Python program in the interpreter that the fork server has warmed, as `python FILE` would run it. Stands alone."""

from __future__ import annotations

import _sitebuiltins
import atexit
import builtins
import contextlib
import gc
import io
import os
import random
import signal
import sys
import threading
import traceback
import types
from typing import Any

_OURS = ("fork_server", "bare", "kernel", "root", "seccomp", "waiting", "warm")


def run(argv: list[str], env: dict[str, str]) -> None:
    """Run the program at argv[0] as __main__, then end the process with its exit status. Never returns."""
    path = argv[0]
    os.environ.update(env)
    _as_started()
    _fresh_streams()
    _fresh_randomness()
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv[:] = argv
    sys.orig_argv[:] = [sys.executable, *argv]
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


def _as_started() -> None:
    """What `python FILE` has and a warm interpreter without site-packages lacks."""
    for name in ("exit", "quit"):
        setattr(builtins, name, _sitebuiltins.Quitter(name, "Ctrl-D (i.e. EOF)"))
    builtins.help = _sitebuiltins._Helper()
    sys.set_int_max_str_digits(0)  # the graders of contests lift it, and the limit of time holds


def _fresh_streams() -> None:
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), "utf-8", "surrogateescape")
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w", closefd=False)), "utf-8", "surrogateescape")
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(2, "w", closefd=False)), "utf-8", "backslashreplace", line_buffering=True
    )
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        stream.mode, stream.buffer.raw.name = mode, f"<{name}>"
        setattr(sys, f"__{name}__", stream)


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
    """What the interpreter does at its end: wait for threads, run exit functions, finalize the program's objects, flush."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        _flush(sys.stdout, sys.__stdout__)
        sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
        _clear(sys.modules["__main__"].__dict__)
        gc.collect()
        _flush(sys.stdout)
    except BaseException:
        status = status or 120
    finally:
        try:
            sys.stderr.flush()
        finally:
            os._exit(status)


def _flush(*streams: Any) -> None:
    for stream in streams:
        if stream is not None and not getattr(stream, "closed", False):
            stream.flush()


def _clear(names: dict[str, Any]) -> None:
    """The globals of a module, in the interpreter's order: private names first, `__builtins__` never."""
    for is_private in (True, False):
        for name in list(names):
            if name != "__builtins__" and (name.startswith("_") and not name.startswith("__")) is is_private:
                with contextlib.suppress(Exception):
                    names[name] = None

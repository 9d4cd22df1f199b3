"""An interpreter that keeps its variables from one cell to the next: the program of a session. Stands alone.

    standard input   a frame a cell: its length in 4 bytes, JSON {"code", "mark"}
    standard output  what the cell writes, then a line: the mark, and how the cell ended

Whoever wrote the cells owns this process. Nothing that it writes is believed of anything but itself.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import json
import linecache
import os
import sys
import traceback
import types
from typing import Any


def main() -> None:
    cells = io.FileIO(os.dup(0), "rb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(1, 2)
    assert isinstance(sys.stdout, io.TextIOWrapper)
    sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
    module = types.ModuleType("__main__")
    module.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = module
    number = 0
    while len(head := _exactly(cells, 4)) == 4:
        cell = json.loads(_exactly(cells, int.from_bytes(head, "big")))
        number += bool(cell["code"])  # an empty one only asks whether it is up
        status = _run(cell["code"], f"<cell {number}>", module.__dict__)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        os.write(1, f"{cell['mark']}{status}\n".encode())


def _exactly(file: io.FileIO, size: int) -> bytes:
    pieces = []
    while size and (piece := file.read(size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _compiled(code: str, name: str) -> tuple[types.CodeType, types.CodeType | None]:
    """The statements, and the expression that stands last, if one does."""
    tree = ast.parse(code, name)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        return compile(tree, name, "exec", dont_inherit=True), None
    del tree.body[-1]
    body = compile(tree, name, "exec", dont_inherit=True)
    return body, compile(ast.Expression(last.value), name, "eval", dont_inherit=True)


def _run(code: str, name: str, names: dict[str, Any]) -> str:
    try:
        body, last = _compiled(code, name)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        print("".join(traceback.format_exception_only(error)), end="")
        return "syntax"
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    try:
        exec(body, names)
        if last is not None:
            value = eval(last, names)
            if value is not None:
                names["_"] = value
                print(repr(value))
    except SystemExit as end:
        if end.code not in (None, 0):
            print(end.code)
    except BaseException as error:
        frames = error.__traceback__
        while frames is not None and frames.tb_frame.f_code.co_filename != name:
            frames = frames.tb_next
        print("".join(traceback.format_exception(type(error), error, frames)), end="")
        return "raised"
    return "ok"


main()

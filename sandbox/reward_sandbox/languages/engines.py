"""The databases that queries run on: SQLite of the interpreter's own library, and DuckDB where its package is installed."""

from __future__ import annotations

import compileall
import contextlib
import os
import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from reward_sandbox.jail.spec import PYTHON
from reward_sandbox.languages.table import Language

PACKAGES = "/sql-engines"
"""Where a jail has the package of DuckDB; see `prepare`."""
_VERSION = "import os, sys; sys.path.append(os.environ['SQL_ENGINES']); import duckdb; print(duckdb.__version__)"

ENGINES = {
    "sqlite": Language(
        "sqlite",
        "query.sql",
        "",
        PYTHON,
        PYTHON,
        aliases=("sqlite3", "sql"),
        is_query=True,
        prints_version="import sqlite3; print(sqlite3.sqlite_version)",
    ),
    "duckdb": Language(
        "duckdb",
        "query.sql",
        f"{PACKAGES}/duckdb/__init__.py",
        PYTHON,
        PYTHON,
        aliases=("sql",),
        is_query=True,
        prints_version=_VERSION,
        time_scale=2,
        more_memory_mb=256,
        more_processes=16,
        stacks_mb=256,
        env={"SQL_ENGINES": PACKAGES},
    ),
}
"""`sql` as an alias is what fences are labelled; by name it is SQLite."""


def prepare(folder: Path) -> None:
    """Lay DuckDB's package into `folder`, by links where that can be; nothing where it is not installed."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        package = distribution("duckdb")
    except PackageNotFoundError:
        return
    for file in package.files or ():
        if ".." not in file.parts and file.suffix != ".pyc":
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(str(package.locate_file(file)), str(target))
    compileall.compile_dir(folder, quiet=2)  # which no run could do for the next


def _link(source: str, target: str) -> None:
    if os.path.exists(target):  # of a start before, in which another part failed
        return
    with contextlib.suppress(OSError):
        os.link(source, target)
        return
    shutil.copy(source, target)

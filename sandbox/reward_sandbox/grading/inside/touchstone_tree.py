"""The files of a repository: laid out, patched, and with the reference's own files laid over what a patch made of them.

base ──▶ + test patch = what is laid over          base ──▶ + patch ──▶ guarded files as before ──▶ laid over ──▶ tests

Nothing of the repository runs before this is done.
"""

from __future__ import annotations

import base64
import fnmatch
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from typing import Any

import touchstone_diff

ROOT = "/repo"
PATCH, GIT = "/usr/bin/patch", "/usr/bin/git"
FUZZ = 5
_NO_SETTINGS = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
_CONTROL = (
    "conftest.py", "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", "setup.cfg", "pyproject.toml",
    "sitecustomize.py", "usercustomize.py", "*.pth", "*.pyc", "*.so", "*_test.go", "go.work", "package.json",
    "jest.config.*", "vitest.config.*", "vite.config.*", ".mocharc*", "karma.conf*", "phpunit.xml*", ".rspec",
)  # fmt: skip
"""Names of files that tell a test runner what to do, and so are none of a patch's business."""
_CONTROL_FOLDERS = ("*.egg-info", "*.dist-info", "__pycache__", "node_modules")
_TEST_FOLDERS = frozenset(("test", "tests", "__tests__", "spec", "specs"))
Entry = tuple[str, bytes, int]
Tree = dict[str, Entry]


class Refused(Exception):
    """The patch cannot be applied, or touches what it may not."""


class Faulty(Exception):
    """The reference is at fault."""


class Missing(Exception):
    """The sandbox lacks a program or a library."""


def prepared(job: Mapping[str, Any], root: str) -> tuple[list[str], Tree]:
    """Lay out the patched repository with its tests at `root`. What of the patch was left out, and the files that are the
    reference's. Raises Refused, Faulty, Missing.
    """
    os.umask(0o022)
    os.mkdir(root)
    _lay_base(job, root)
    base = read(root)
    over = _overlay(job, root, base)
    _apply(job["patch"], root, base)
    now = read(root)
    changed = sorted(path for path in {*base, *now} if base.get(path) != now.get(path))
    _refuse(changed, now, job["protected"])
    folders = _test_folders([*over, *(name.partition("::")[0] for name in job["expect"])])
    dropped = [path for path in changed if path in over or is_guarded(path, folders)]
    write(root, {path: base.get(path) for path in dropped})
    write(root, over)
    whole = read(root)
    return dropped, {path: whole[path] for path in whole if path in over or is_guarded(path, folders)}


def is_as_before(root: str, own: Tree) -> bool:
    """Whether nothing that ran has changed the reference's files."""
    try:
        return all(_entry(f"{root}/{path}")[:2] == entry[:2] for path, entry in own.items())
    except OSError:
        return False


def _lay_base(job: Mapping[str, Any], root: str) -> None:
    if not job["archive"]:
        write(root, {path: ("file", _bytes(text), 0o644) for path, text in job["files"].items()})
        return
    try:
        content = base64.b64decode(job["archive"], validate=True)
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            # A jail is around it, so that an older Python may do without a filter.
            how: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            archive.extractall(root, **how)  # noqa: S202
    except (ValueError, tarfile.TarError, OSError, EOFError) as error:
        raise Faulty(f"archive: it cannot be read: {type(error).__name__}: {error}") from None
    names = os.listdir(root)
    is_around = len(names) == 1 and not any(name.startswith(f"{names[0]}/") for name in job["expect"])
    if is_around and os.path.isdir(f"{root}/{names[0]}"):
        os.rename(f"{root}/{names[0]}", f"{root}.inner")
        os.rmdir(root)
        os.rename(f"{root}.inner", root)


def _overlay(job: Mapping[str, Any], root: str, base: Tree) -> dict[str, Entry | None]:
    """The reference's own files: None where the test patch deletes one."""
    over: dict[str, Entry | None] = {}
    if job["test_patch"].strip():
        try:
            _patch(job["test_patch"], root)
        except Refused as error:
            raise Faulty(f"test_patch: {error}") from None
        after = read(root)
        over = {path: after.get(path) for path in {*base, *after} if base.get(path) != after.get(path)}
        write(root, {path: base.get(path) for path in over})
    return over | {path: ("file", _bytes(text), 0o644) for path, text in job["test_files"].items()}


def _apply(patch: str, root: str, base: Tree) -> None:
    """A unified diff; or whole files, as a JSON object of path and text."""
    if not patch.lstrip().startswith("{"):
        if patch.strip():
            _patch(patch, root)
        return
    try:
        files = json.loads(patch)
    except (ValueError, RecursionError):
        raise Refused("it is neither a unified diff nor a JSON object of files") from None
    if not all(isinstance(text, str) for text in files.values()):
        raise Refused("a JSON object of files has a text for each path")
    for path in files:
        if not _is_within(path):
            raise Refused(f"{path[:80]!r} is no path within the repository")
    modes = {path: base[path][2] if path in base else 0o644 for path in files}
    try:
        write(root, {path: ("file", _bytes(text), modes[path]) for path, text in files.items()})
    except OSError as error:
        raise Refused(f"its files cannot be written: {error.strerror}") from None


def _is_within(path: str) -> bool:
    parts = path.split("/")
    return "\0" not in path and not any(part in ("", ".", "..") for part in parts)


def _patch(text: str, root: str) -> None:
    """With the paths as git writes them, else as they are. Raises Refused, Missing."""
    try:
        diff = touchstone_diff.cleaned(text)
    except touchstone_diff.NoDiff as error:
        raise Refused(str(error)) from None
    with open("change.patch", "wb") as file:
        file.write(_bytes(diff))
    command, dry = _program(os.path.abspath("change.patch"))
    says = ""
    how: dict[str, Any] = {"cwd": root, "env": {**os.environ, **_NO_SETTINGS}}
    for strip in ("-p1", "-p0"):
        tried = subprocess.run([*command, strip, dry], capture_output=True, check=False, **how)  # noqa: S603
        if tried.returncode == 0:
            subprocess.run([*command, strip], capture_output=True, check=True, **how)  # noqa: S603
            return
        says = says or (tried.stdout + tried.stderr).decode("utf-8", "replace").strip()
    raise Refused(f"it does not apply: {says[-600:]}")


def _program(diff: str) -> tuple[list[str], str]:
    """What applies it, and the flag by which it only tries to. Raises Missing."""
    try:
        os.chmod(diff, 0o600)
    except PermissionError:  # in the jails without namespaces, where only git can do without
        if not os.path.exists(GIT):
            raise Missing("the program `git`, which applies patches at this isolation level") from None
        return [GIT, "apply", "-C1", "--whitespace=nowarn", diff], "--check"
    if not os.path.exists(PATCH):
        raise Missing("the program `patch`")
    return [PATCH, "--batch", "--forward", f"--fuzz={FUZZ}", "--no-backup-if-mismatch", "--reject-file=-",
            "-i", diff], "--dry-run"  # fmt: skip


def _refuse(changed: list[str], now: Tree, protected: list[str]) -> None:
    """Raises Refused."""
    for path in changed:
        if path in now and now[path][0] == "link":
            raise Refused(f"it makes a link: {path[:80]}")
        if any(
            path == name or path.startswith(f"{name.rstrip('/')}/") or fnmatch.fnmatch(path, name) for name in protected
        ):
            raise Refused(f"it touches what is protected: {path[:80]}")


def _test_folders(paths: list[str]) -> set[str]:
    """The folders named for tests that those files are in, from the top."""
    folders: set[str] = set()
    for path in paths:
        parts = path.split("/")[:-1]
        place = next((place for place, part in enumerate(parts) if part in _TEST_FOLDERS), None)
        folders.update(["/".join(parts[: place + 1])] if place is not None else ())
        if path.endswith((".py", ".go")):
            folders.add(path)
    return folders


def is_guarded(path: str, folders: set[str]) -> bool:
    """Whether what a patch makes of it is left out: tests, and what tells a test runner what to do."""
    *parents, name = path.split("/")
    if any(fnmatch.fnmatch(name, control) for control in _CONTROL):
        return True
    if any(fnmatch.fnmatch(parent, control) for parent in parents for control in _CONTROL_FOLDERS):
        return True
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


# --- files ------------------------------------------------------------------------------------------------------------


def read(root: str) -> Tree:
    """Every file and link below it, but for git's own."""
    return {os.path.relpath(path, root): _entry(path) for path in _walk(root)}


def _walk(root: str) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        if folder == root and ".git" in folders:
            folders.remove(".git")
        links = [name for name in folders if os.path.islink(f"{folder}/{name}")]
        yield from (f"{folder}/{name}" for name in (*names, *links))


def _entry(path: str) -> Entry:
    if os.path.islink(path):
        return "link", os.fsencode(os.readlink(path)), 0
    with open(path, "rb") as file:
        return "file", file.read(), os.stat(path).st_mode & 0o777


def write(root: str, entries: Mapping[str, Entry | None]) -> None:
    """None: the file is deleted. A folder or a link in the way of a file is too."""
    for path, entry in entries.items():
        target = f"{root}/{path}"
        _clear_way(root, path)
        if entry is None:
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        kind, content, mode = entry
        if kind == "link":
            os.symlink(os.fsdecode(content), target)
            continue
        # Not by chmod, which the filter of the jails without namespaces denies.
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode | 0o600), "wb") as file:
            file.write(content)


def _clear_way(root: str, path: str) -> None:
    parts = path.split("/")
    for count in range(1, len(parts) + 1):
        place = f"{root}/{'/'.join(parts[:count])}"
        is_folder = os.path.isdir(place) and not os.path.islink(place)
        if count == len(parts) and is_folder:
            shutil.rmtree(place)
        elif os.path.lexists(place) and not is_folder:
            os.unlink(place)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")

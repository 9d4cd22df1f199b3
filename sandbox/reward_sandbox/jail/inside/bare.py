"""A run without namespaces (tiers C and X): a folder for a box, Landlock for walls, and the process group for a leash.
Stands alone.

The filter takes setsid and setpgid away, so that every process of a run stays in one group, which one signal ends: the
kernel lets no fork slip out of a group that is being killed. What loses its parent comes to the run's keeper, a subreaper.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable

import kernel

_EXECUTE, _WRITE, _READ, _LIST, _TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14
_CHARACTER, _SOCKET, _BLOCK = 1 << 6, 1 << 9, 1 << 11
_EVERYTHING = (1 << 16) - 1
_ON_FILES = _EXECUTE | _WRITE | _READ | _TRUNCATE | 1 << 15


def confine(readable: Iterable[str], devices: Iterable[str], box: str) -> None:
    """From now on, for this process and its children, only these paths can be opened. Raises OSError."""
    rules = kernel.landlock_rules()
    for path in readable:
        _allow(rules, path, _EXECUTE | _READ | _LIST)
    for path in devices:
        _allow(rules, path, _READ | _WRITE | _TRUNCATE)
    _allow(rules, box, _EVERYTHING & ~(_CHARACTER | _SOCKET | _BLOCK))
    kernel.landlock_enforce(rules)
    os.close(rules)


def _allow(rules: int, path: str, access: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(os.fstat(fd).st_mode):
        access &= _ON_FILES
    kernel.landlock_allow(rules, fd, access)
    os.close(fd)


def make_box(path: str, uid: int) -> None:
    for folder in (path, f"{path}/.tmp"):
        os.mkdir(folder, 0o700)
        if os.getuid() != uid:
            os.chown(folder, uid, uid)


def own_streams(fds: Iterable[int], uid: int) -> None:
    """A program that opens /dev/stdin or /dev/stdout finds the pipes and files of its run there: they must be its user's."""
    for fd in fds if os.getuid() != uid else ():
        with contextlib.suppress(OSError):  # what another program has at the other end
            os.fchown(fd, uid, uid)


def overfull(path: str, size_bytes: int, files: int) -> bool:
    """Whether the folder holds more than it may. Asked again and again, since nothing else bounds a plain folder."""
    folders = [path]
    while folders:
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    size_bytes -= entry.stat(follow_symlinks=False).st_blocks * 512
                    files -= 1
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                if files < 0 or size_bytes < 0:
                    return True
    return False


def sweep(path: str) -> None:
    """Delete a box whose programs are gone, however deep they have nested it. Raises OSError."""
    top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    moved = 0
    folders = [name for name in os.listdir(top) if not _unlinked(name, top)]
    while folders:
        name = folders.pop()
        os.chmod(name, 0o700, dir_fd=top)
        here = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=top)
        for inner in os.listdir(here):
            if not _unlinked(inner, here):
                # Up to the top, so that no path ever grows long.
                moved += 1
                folders.append(f".swept-{moved}")
                os.chmod(inner, 0o700, dir_fd=here)
                os.rename(inner, folders[-1], src_dir_fd=here, dst_dir_fd=top)
        os.close(here)
        os.rmdir(name, dir_fd=top)
    os.close(top)
    os.rmdir(path)


def _unlinked(name: str, folder: int) -> bool:
    """Delete an entry; False for a folder."""
    if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        return False
    os.unlink(name, dir_fd=folder)
    return True


def tasks_of_user(proc: int) -> int:
    """Threads of everything that runs as this user: the kernel counts those together."""
    mine = 0
    for name in os.listdir(proc):
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if os.stat(name, dir_fd=proc).st_uid == os.getuid():
                tasks = os.open(f"{name}/task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=proc)
                mine += len(os.listdir(tasks))
                os.close(tasks)
    return mine

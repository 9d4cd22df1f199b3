"""The file system of a jail: the system's programs, read-only, and nothing else. Stands alone.

/            a small tmpfs, read-only once it is made
├─ usr bin lib …   the host's, bound read-only; and the folders of the languages that were asked for
├─ etc       what programs need to start: the linker's cache, alternatives, a passwd of two lines
├─ dev       null zero full random urandom; fd → /box/.fd; shm → /box/.tmp
├─ proc      empty, but for self → /box/.tmp/self
├─ box       the run's own tmpfs, made anew for each run
├─ tmp       → /box/.tmp
└─ .folders  folders of the host's /tmp, which each run's own /tmp has links to
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Mapping, Sequence

import kernel

BOX = "/box"
STREAMS = f"{BOX}/.fd"
"""What /dev/fd is there: standard input as a file, output and errors as named pipes, which init forwards."""
_TEMPORARY = "/tmp/"
_OWN_FILES = 8
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_ETC = (
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/R",
    "/var/lib/ghc",
)
DEVICES = ("null", "zero", "full", "random", "urandom")
_USERS = "root:x:0:0::/:/bin/false\nbox:x:{uid}:{uid}::/box:/bin/false\n"


def enter(scratch: str, extra: Sequence[str], binds: Mapping[str, str], uid: int) -> None:
    """Make the new root at `scratch`, an empty folder that may be mounted over, and move into it for good.

    extra: absolute folders to bind as well. binds: name at the root → folder of the host. Needs CAP_SYS_ADMIN in an own
    mount namespace. Raises OSError.
    """
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("jail", scratch, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=0755,size=1m")
    for path in (*SYSTEM, *extra):
        _bind(path, scratch, moved(path, extra))
    for name, source in binds.items():
        os.mkdir(scratch + name)
        kernel.mount(source, scratch + name, flags=kernel.MS_BIND | kernel.MS_REC)
        kernel.read_only(scratch + name)
    os.makedirs(f"{scratch}/etc", exist_ok=True)
    for path in etc():
        _bind(path, scratch)
    os.mkdir(f"{scratch}/dev")
    for name in DEVICES:
        _bind(f"/dev/{name}", scratch)
    for name, target in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        os.symlink(f"/dev/fd/{target}", f"{scratch}/dev/{name}")
    os.symlink(STREAMS, f"{scratch}/dev/fd")
    os.symlink(f"{BOX}/.tmp", f"{scratch}/dev/shm")
    _write(f"{scratch}/etc/passwd", _USERS.format(uid=uid))
    _write(f"{scratch}/etc/group", f"root:x:0:\nbox:x:{uid}:\n")
    # No /proc: but rustc will not start without /proc/self/exe, which its compile step makes.
    os.mkdir(f"{scratch}/proc")
    os.symlink(f"{BOX}/.tmp/self", f"{scratch}/proc/self")
    os.mkdir(f"{scratch}{BOX}")
    os.symlink(f"{BOX}/.tmp", f"{scratch}/tmp")
    os.mkdir(f"{scratch}/.old")
    kernel.pivot_root(scratch, f"{scratch}/.old")
    os.chdir("/")
    kernel.unmount("/.old")
    os.rmdir("/.old")
    kernel.read_only("/", recursive=False)  # not the devices


def open_up(folders: Sequence[str], scratch: str) -> None:
    """For a user who may not pass through their parents, such as /root: in a mount namespace of this process, each closed
    parent is replaced by one that holds nothing else. scratch: an empty folder. Needs CAP_SYS_ADMIN. Raises OSError.
    """
    closed: dict[str, list[str]] = {}
    for folder in dict.fromkeys(folders):
        parent = _closed_parent(folder)
        if parent and not f"{scratch}/".startswith(f"{parent}/"):
            closed.setdefault(parent, []).append(folder)
    if not closed:
        return
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    for parent, inner in closed.items():
        places = [f"{scratch}/.open-{place}" for place in range(len(inner))]
        for folder, place in zip(inner, places, strict=True):
            os.mkdir(place)
            kernel.mount(folder, place, flags=kernel.MS_BIND | kernel.MS_REC)
        kernel.mount("open", parent, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=0755,size=1m")
        for folder, place in zip(inner, places, strict=True):
            os.makedirs(folder, exist_ok=True)
            kernel.mount(place, folder, flags=kernel.MS_MOVE)
            os.rmdir(place)


def _closed_parent(folder: str) -> str:
    """The first of its parents, from the top, that other users may not pass through; none is an empty text."""
    parent = ""
    for name in folder.strip("/").split("/")[:-1]:
        parent += f"/{name}"
        if not os.stat(parent).st_mode & stat.S_IXOTH:
            return parent
    return ""


def moved(path: str, extra: Sequence[str]) -> str:
    """Where the jail has a path of the host: /.folders for an extra folder under /tmp, since /tmp is each run's own."""
    for place, folder in enumerate(extra):
        if folder.startswith(_TEMPORARY) and (path + "/").startswith(folder.rstrip("/") + "/"):
            return f"/.folders/{place}" + path[len(folder.rstrip("/")) :]
    return path


def etc() -> list[str]:
    """What programs of the system read there."""
    return [*_ETC, *(f"/etc/{name}" for name in os.listdir("/etc") if name.startswith("java-"))]


def _bind(path: str, root: str, name: str = "") -> None:
    """The host's path at the same place, or as `name`; a link stays a link; what is not there is left out."""
    target = root + (name or path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.lexists(target):
        return
    if os.path.islink(path) and path in SYSTEM:
        os.symlink(os.readlink(path), target)
        return
    if os.path.isdir(path):
        os.mkdir(target)
    elif os.path.exists(path):
        _write(target, "")
    else:
        return
    kernel.mount(path, target, flags=kernel.MS_BIND | kernel.MS_REC)
    if not path.startswith("/dev/"):
        kernel.read_only(target)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def make_box(size_bytes: int, files: int, uid: int, extra: Sequence[str]) -> None:
    """The run's own folder: a fresh tmpfs over BOX, in the mount namespace of the run."""
    data = f"mode=0700,uid={uid},gid={uid},size={size_bytes},nr_inodes={files + _OWN_FILES}"
    kernel.mount("box", BOX, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, data)
    os.mkdir(f"{BOX}/.tmp", 0o700)
    with contextlib.suppress(PermissionError):  # in a user namespace the box is already its user's
        os.chown(f"{BOX}/.tmp", uid, uid)
    for path in extra:
        if path.startswith(_TEMPORARY):
            link = f"{BOX}/.tmp/{path[len(_TEMPORARY) :].rstrip('/')}"
            os.makedirs(os.path.dirname(link), 0o755, exist_ok=True)
            os.symlink(moved(path, extra), link)


def make_streams(stdin: int, uid: int) -> list[int]:
    """/dev/fd of a run: what `stdin` holds as a file, and two named pipes. Gives their ends to read, which stay open. None
    where another program is at the end of the standard streams: each must learn when the other closes them.
    """
    if not stat.S_ISREG(os.fstat(stdin).st_mode):
        return []
    os.mkdir(STREAMS, 0o700)
    ends = []
    copy = os.open(f"{STREAMS}/0", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
    place, size = 0, os.fstat(stdin).st_size
    while place < size and (sent := os.sendfile(copy, stdin, place, size - place)):
        place += sent
    _own(copy, uid)
    os.close(copy)
    for number in (1, 2):
        os.mkfifo(f"{STREAMS}/{number}", 0o600)
        ends.append(os.open(f"{STREAMS}/{number}", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))
        _own(ends[-1], uid)
    if os.getuid() != uid:
        os.chown(STREAMS, uid, uid)
    return ends


def _own(fd: int, uid: int) -> None:
    if os.getuid() != uid:
        os.fchown(fd, uid, uid)

"""System calls that the standard library does not offer, by ctypes. Stands alone: it runs without site-packages."""

from __future__ import annotations

import ctypes
import os
import signal

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.mount.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)
_LIBC.syscall.restype = ctypes.c_long

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_BIND = 0x1000
MS_MOVE = 0x2000
MS_REC = 0x4000
MS_PRIVATE = 0x40000

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
SECCOMP_MODE_FILTER = 2

_MNT_DETACH = 2
_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
# The same numbers on every architecture since 5.1; the older ones differ.
_SYS_MOUNT_SETATTR = 442
_SYS_LANDLOCK_CREATE, _SYS_LANDLOCK_ADD, _SYS_LANDLOCK_RESTRICT = 444, 445, 446
_LANDLOCK_ABI = 6  # Linux 6.12: the first that keeps signals in
_NUMBERS = {
    "x86_64": {"clone": 56, "pivot_root": 155, "capset": 126},
    "aarch64": {"clone": 220, "pivot_root": 41, "capset": 91},
}
MACHINE = os.uname().machine


def _number(name: str) -> int:
    try:
        return _NUMBERS[MACHINE][name]
    except KeyError:
        raise OSError(f"the jail knows no system calls of {MACHINE}") from None


def _checked(result: int, what: str) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return result


def unshare(flags: int) -> None:
    _checked(_LIBC.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    result = _LIBC.mount(source.encode(), target.encode(), kind.encode() or None, flags, data.encode() or None)
    _checked(result, f"mount {target}")


def unmount(target: str) -> None:
    _checked(_LIBC.umount2(target.encode(), _MNT_DETACH), f"umount {target}")


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("attr_set", "attr_clr", "propagation", "userns_fd")]


def read_only(target: str, *, recursive: bool = True) -> None:
    """A mount (and all below it) read-only, without set-user-id or devices (MOUNT_ATTR_RDONLY | NOSUID | NODEV)."""
    wanted = _MountAttributes(attr_set=0x1 | 0x2 | 0x4)
    _checked(
        _LIBC.syscall(
            _SYS_MOUNT_SETATTR,
            _AT_FDCWD,
            target.encode(),
            _AT_RECURSIVE if recursive else 0,
            ctypes.byref(wanted),
            ctypes.c_size_t(ctypes.sizeof(wanted)),
        ),
        f"mount_setattr {target}",
    )


def set_thread_stack(size: int) -> None:
    """How large the stacks of new threads are, where they do not say; not all C libraries have this."""
    attributes = ctypes.create_string_buffer(256)
    if hasattr(_LIBC, "pthread_setattr_default_np"):
        _LIBC.pthread_attr_init(attributes)
        _LIBC.pthread_attr_setstacksize(attributes, ctypes.c_size_t(size))
        _LIBC.pthread_setattr_default_np(attributes)


def pivot_root(new: str, old: str) -> None:
    _checked(_LIBC.syscall(_number("pivot_root"), new.encode(), old.encode()), "pivot_root")


def prctl(option: int, *arguments: int) -> None:
    padded = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    _checked(_LIBC.prctl(option, *padded), f"prctl {option}")


def fork_into(flags: int) -> int:
    """fork(), the child in new namespaces. Python is told of it as os.fork tells it."""
    api = ctypes.pythonapi
    api.PyOS_BeforeFork()
    pid = _LIBC.syscall(_number("clone"), ctypes.c_ulong(flags | signal.SIGCHLD), None, None, None, None)
    if pid == 0:
        api.PyOS_AfterFork_Child()
        return 0
    api.PyOS_AfterFork_Parent()
    return _checked(pid, "clone")


class _CapabilityHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


def drop_capabilities() -> None:
    """None is left, nor can any come back."""
    for capability in range(64):
        if _LIBC.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) != 0:
            break
    header = _CapabilityHeader(version=0x20080522, pid=0)
    nothing = (ctypes.c_uint32 * 6)()
    _checked(_LIBC.syscall(_number("capset"), ctypes.byref(header), ctypes.byref(nothing)), "capset")


def install_filter(program: bytes) -> None:
    """A seccomp filter: `program` holds its BPF instructions, eight bytes each."""

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]

    loaded = Program(len(program) // 8, program)
    _checked(
        _LIBC.prctl(PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_MODE_FILTER), ctypes.byref(loaded), 0, 0), "seccomp filter"
    )


class _LandlockRuleset(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("files", "network", "scoped")]


class _LandlockPath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("fd", ctypes.c_int32)]


def landlock_rules() -> int:
    """A descriptor of rules that refuse every file, TCP, and signals and abstract sockets to the outside."""
    version = _LIBC.syscall(_SYS_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if version < _LANDLOCK_ABI:
        raise OSError(f"Landlock of version {_LANDLOCK_ABI} is needed (Linux 6.12), here is {max(version, 0)}")
    rules = _LandlockRuleset(files=(1 << 16) - 1, network=3, scoped=3)
    size = ctypes.c_size_t(ctypes.sizeof(rules))
    return int(_checked(_LIBC.syscall(_SYS_LANDLOCK_CREATE, ctypes.byref(rules), size, 0), "landlock_create_ruleset"))


def landlock_allow(rules: int, fd: int, access: int) -> None:
    """Below the path of `fd` (or for that file) these accesses are allowed."""
    rule = _LandlockPath(allowed=access, fd=fd)
    _checked(_LIBC.syscall(_SYS_LANDLOCK_ADD, rules, 1, ctypes.byref(rule), 0), "landlock_add_rule")


def landlock_enforce(rules: int) -> None:
    """Needs no_new_privs."""
    _checked(_LIBC.syscall(_SYS_LANDLOCK_RESTRICT, rules, 0), "landlock_restrict_self")

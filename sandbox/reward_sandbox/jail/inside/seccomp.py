"""The system call filter, as classic BPF written by hand: everything is allowed but what is listed. Stands alone.

A jail's walls are its namespaces, its user and its limits; the filter takes away the kernel's rarely trodden ground and
what would leak between runs. Denied calls fail with EPERM, as they would for want of a privilege; calls of another
architecture (i386, x32) kill.
"""

from __future__ import annotations

import errno
import struct

_LD, _JEQ, _JGE, _JSET, _RET = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32 = 0x40000000
_NAMESPACES = 0x7E020000 | 0x80  # every CLONE_NEW*, CLONE_NEWTIME too

# name: (x86_64, aarch64); None where the architecture has no such call.
DENIED: dict[str, tuple[int | None, int | None]] = {
    # sockets; socketpair stays
    "socket": (41, 198), "connect": (42, 203), "accept": (43, 202), "bind": (49, 200),
    "listen": (50, 201), "accept4": (288, 242),
    # the tree of mounts
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "move_mount": (429, 429),
    "open_tree": (428, 428), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "open_tree_attr": (467, 467), "statmount": (457, 457), "listmount": (458, 458),
    "swapon": (167, 224), "swapoff": (168, 225), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    # namespaces
    "unshare": (272, 97), "setns": (308, 268), "listns": (470, 470),
    # other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424), "process_madvise": (440, 440),
    "process_mrelease": (448, 448), "get_robust_list": (274, 100), "perf_event_open": (298, 241),
    # keys, programs in the kernel, asynchronous rings
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "bpf": (321, 280), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "io_setup": (206, 0),
    "io_submit": (209, 2), "memfd_secret": (447, 447), "seccomp": (317, 277),
    # shared memory, queues and semaphores outlive a process
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "semget": (64, 190), "semop": (65, 193),
    "semctl": (66, 191),
    "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187), "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    # files in memory are no data of their process, and so beyond its limit
    "memfd_create": (319, 279),
    # locks on the shared read-only files are seen by other runs
    "flock": (73, 32),
    # watching the shared files is too
    "inotify_init": (253, None), "inotify_init1": (294, 26), "inotify_add_watch": (254, 27), "fanotify_init": (300, 262),
    "fanotify_mark": (301, 263), "lookup_dcookie": (212, 18),
    # the machine
    "reboot": (169, 142), "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "iopl": (172, None), "ioperm": (173, None), "acct": (163, 89),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    "sethostname": (170, 161), "setdomainname": (171, 162), "syslog": (103, 116), "vhangup": (153, 58),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "personality": (135, 92), "modify_ldt": (154, None),
    "uselib": (134, None), "ustat": (136, None), "sysfs": (139, None), "nfsservctl": (180, 42),
    "set_mempolicy": (238, 237), "mbind": (237, 235), "migrate_pages": (256, 238), "move_pages": (279, 239),
    "setpriority": (141, 140), "sched_setattr": (314, 274), "sched_setscheduler": (144, 119), "sched_setparam": (142, 118),
    "ioprio_set": (251, 30), "vmsplice": (278, 75),
}  # fmt: skip
# Where nothing but the filter stands between a run and others of the same user (see bare.py): leaving the process group,
# and what Landlock does not know of files: modes, owners, times, attributes.
_DENIED_BARE: dict[str, tuple[int | None, int | None]] = {
    "setsid": (112, 157), "setpgid": (109, 154), "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53),
    "fchmodat2": (452, 452), "chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "removexattr": (197, 14),
    "lremovexattr": (198, 15), "fremovexattr": (199, 16), "setxattrat": (463, 463), "removexattrat": (466, 466),
    "file_setattr": (469, 469),
}  # fmt: skip
# Of these the first argument is a process: only 0, the caller itself, is let through.
_OWN_ONLY = {"prlimit64": (302, 261), "sched_setaffinity": (203, 122)}
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE3 = 435
_FCNTL = {"x86_64": 72, "aarch64": 25}
_IOCTL = {"x86_64": 16, "aarch64": 29}
# Locks and leases (F_SETLK…, F_OFD_…, F_SETLEASE, F_NOTIFY), and the terminal's TIOCSTI and TIOCLINUX.
_LOCKS = (5, 6, 7, 36, 37, 38, 1024, 1026)
_TERMINAL = (0x5412, 0x541C)


def _statement(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def _refuse(error: int) -> bytes:
    return _statement(_RET, _ERRNO | error)


def _when_argument(number: int, index: int, values: tuple[int, ...], error: int) -> bytes:
    """Refuse call `number` when the low word of its argument is one of `values`; the number is in the accumulator again."""
    tests = b"".join(_statement(_JEQ, value, len(values) - place, 0) for place, value in enumerate(values))
    body = _statement(_LD, _ARGUMENTS + 8 * index) + tests
    # Not found: over the refusal, to where the number is loaded again.
    body += _statement(0x05, 1) + _refuse(error)
    return _statement(_JEQ, number, 0, len(body) // 8) + body + _statement(_LD, _NUMBER)


def _unless_zero(number: int) -> bytes:
    """Refuse call `number` when the low word of its first argument is not 0."""
    body = _statement(_LD, _ARGUMENTS) + _statement(_JEQ, 0, 1, 0) + _refuse(errno.EPERM)
    return _statement(_JEQ, number, 0, len(body) // 8 + 1) + body + _statement(_LD, _NUMBER)


def program(machine: str, *, bare: bool = False) -> bytes:
    """The filter of this architecture; bare: for runs without namespaces. Raises OSError for one that is not known."""
    if machine not in ARCHITECTURES:
        raise OSError(f"there is no system call filter for {machine}")
    column = list(ARCHITECTURES).index(machine)
    bpf = _statement(_LD, _ARCHITECTURE) + _statement(_JEQ, ARCHITECTURES[machine], 1, 0) + _statement(_RET, _KILL)
    bpf += _statement(_LD, _NUMBER)
    if machine == "x86_64":
        bpf += _statement(_JGE, _X32, 0, 1) + _statement(_RET, _KILL)
    # With ENOSYS the C library falls back to clone, whose flags a filter can read.
    bpf += _statement(_JEQ, _CLONE3, 0, 1) + _refuse(errno.ENOSYS)
    flags = _statement(_LD, _ARGUMENTS) + _statement(_JSET, _NAMESPACES & ~0x80, 0, 1) + _refuse(errno.EPERM)
    bpf += _statement(_JEQ, _CLONE[machine], 0, len(flags) // 8) + flags + _statement(_LD, _NUMBER)
    bpf += _when_argument(_FCNTL[machine], 1, _LOCKS, errno.EPERM)
    bpf += _when_argument(_IOCTL[machine], 1, _TERMINAL, errno.EPERM)
    if bare:
        bpf += b"".join(_unless_zero(numbers[column]) for numbers in _OWN_ONLY.values())
    for numbers in (DENIED | _DENIED_BARE if bare else DENIED).values():
        number = numbers[column]
        if number is not None:
            bpf += _statement(_JEQ, number, 0, 1) + _refuse(errno.EPERM)
    return bpf + _statement(_RET, _ALLOW)

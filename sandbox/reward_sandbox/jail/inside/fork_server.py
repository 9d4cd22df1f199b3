"""The fork server of one slot: a warm interpreter that forks a jailed child for each run. Stands alone.

    python -I -S -c "import sys; sys.path.insert(0, HERE); import fork_server; fork_server.main()" CONTROL SETUP

`fork_server.fork_slots()` is the same for many slots: it warms one interpreter and forks each slot from it, so that a slot
costs milliseconds and little memory of its own.

    control socket (SOCK_SEQPACKET): one message a run, JSON, with its descriptors
        files, stdin, stdout, stderr  ──▶  {"status": …}  when everything of the run is gone

    fork server ── clone(pid, mount, ipc, uts) ──▶ init: makes the box, unpacks the files
                                                └─ fork ──▶ program: limits, user, filter, exec

In the tiers without namespaces (C, X) init is a keeper, which ends the run's process group instead: see bare.py.

It never sees code or data, only descriptors, and no file of a box is opened by path after its run: when init ends, the
kernel ends every process of the run and the box with it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

import bare
import kernel
import root
import seccomp
import waiting
import warm

_MAX_MESSAGE = 256 * 1024
_FAILED = 125
"""Exit of init when it could not set the run up: our failure, never the program's."""
_REAP_S = 1.0
"""How often `fork_slots` takes in the slots that have ended."""
_WATCH_S = 0.02
"""How often a box without a bound of its own is looked at."""
_TROUBLE = 950
"""Descriptor through which a program's side of the setup speaks, until the program begins."""
_STACK_ROOM = 16 << 30
_THREAD_STACK = 8 << 20
_PER_RUN = kernel.CLONE_NEWPID | kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS


def main() -> None:
    """Serve runs until the control socket closes. Arguments: its descriptor, the setup as JSON."""
    control, setup = _begin()
    _slot(control, setup)


def fork_slots() -> None:
    """Fork a slot for each message until the control socket closes. Arguments as of `main`.

    A message is the slot's setup, with the control socket of the slot; the answer is its process, as number and pidfd.
    """
    control, setup = _begin()
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _preload(setup["preload"], proc)
    except OSError as error:
        control.send(json.dumps({"ready": False, "why": str(error)}).encode())
        return
    os.close(proc)
    control.send(json.dumps({"ready": True}).encode())
    while True:
        ready, _, _ = select.select([control], [], [], _REAP_S)
        for _ in _ended(os.WNOHANG):
            pass
        if not ready:
            continue
        message, fds, _, _ = socket.recv_fds(control, _MAX_MESSAGE, 1)
        if not message:
            return
        pid = os.fork()
        if pid == 0:
            control.close()
            _slot(socket.socket(fileno=fds[0]), {**setup, **json.loads(message), "preload": []})
            os._exit(0)
        os.close(fds[0])
        name = os.pidfd_open(pid)  # before anybody waits for it, so it can be no other process
        socket.send_fds(control, [json.dumps({"pid": pid}).encode()], [name])
        os.close(name)


def _begin() -> tuple[socket.socket, dict[str, Any]]:
    """The control socket and the setup, from the arguments."""
    _make_room_for_stacks()
    control = socket.socket(fileno=int(sys.argv[1]))
    setup = json.loads(sys.argv[2])
    sys.executable = os.path.realpath(sys.executable)  # a link of ours is not in the jail, what it points to is
    sys.path[:] = [path for path in sys.path if path != os.path.dirname(__file__)] + setup["path"]
    return control, setup


def _slot(control: socket.socket, setup: dict[str, Any]) -> None:
    setup["bare"] = setup["tier"] in ("C", "X")
    if not setup["bare"]:  # else the closing of the socket is the sign, since the run must be ended first
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        _enter(setup)
        _preload(setup["preload"], setup["proc"])
        os.environ.clear()
        program = seccomp.program(kernel.MACHINE, bare=setup["bare"])
    except OSError as error:
        control.send(json.dumps({"ready": False, "why": str(error)}).encode())
        return
    control.send(json.dumps({"ready": True}).encode())
    _serve(control, setup, program)


def _make_room_for_stacks() -> None:
    """Start this interpreter again where the kernel has left less room below its stack than a run's may grow into."""
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    room = _STACK_ROOM if hard == resource.RLIM_INFINITY else min(_STACK_ROOM, hard)
    if soft != room:
        resource.setrlimit(resource.RLIMIT_STACK, (room, hard))
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    kernel.set_thread_stack(_THREAD_STACK)  # else each thread would reserve as much


def _enter(setup: dict[str, Any]) -> None:
    """Into the slot's own namespaces and its read-only root."""
    # The jail has no /proc; through this a child can still say that it is the first to go when memory runs out.
    setup["proc"] = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    if os.getuid() != setup["uid"] and setup["tier"] != "A":
        with contextlib.suppress(OSError):  # without the privilege; then it works where no parent is closed
            root.open_up(_folders(setup), setup["scratch"])
    if setup["bare"]:
        os.chmod(setup["scratch"], 0o711)  # noqa: S103  # its box is another user's, and private
        os.umask(0o077)
        return
    if setup["tier"] == "B":
        if os.getuid() != setup["uid"]:  # the user of the namespace must be nobody outside of it
            os.chown(setup["scratch"], setup["uid"], setup["uid"])
            os.setgroups([])
            os.setresgid(*[setup["uid"]] * 3)
            os.setresuid(*[setup["uid"]] * 3)
            kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # else the maps below are root's to write
        uid, gid = os.getuid(), os.getgid()
        kernel.unshare(kernel.CLONE_NEWUSER)
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS)
    socket.sethostname("box")
    root.enter(setup["scratch"], _folders(setup), setup["binds"], setup["uid"])
    sys.path[:] = [root.moved(path, _folders(setup)) for path in sys.path]
    os.umask(0o077)


def _folders(setup: dict[str, Any]) -> list[str]:
    """What a jail sees besides the system: the interpreter's own folder, and those that were named."""
    return [sys.base_prefix, *setup["folders"]]


def _preload(modules: list[str], proc: int) -> None:
    """Imported once, so that every run has them at no cost. Raises OSError when one is not there or starts threads."""
    for name in modules:
        try:
            __import__(name)
        except ImportError as error:
            if name not in sys.stdlib_module_names:
                raise OSError(f"preload: {name} cannot be imported, name its folder in PYTHON_PATH: {error}") from None
    gc.collect()
    gc.freeze()  # so that a run's collector does not touch, and so copy, what all runs share
    tasks = os.open("self/task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=proc)
    threads = len(os.listdir(tasks))
    os.close(tasks)
    if threads > 1:
        raise OSError(f"the preloaded modules ({', '.join(modules)}) start threads, which a fork does not have")


def _serve(control: socket.socket, setup: dict[str, Any], program: bytes) -> None:
    while True:
        try:
            message, fds, _, _ = socket.recv_fds(control, _MAX_MESSAGE, 8)
        except ConnectionResetError:
            return
        if not message:
            return
        if message == b"kill":  # for a run that had ended meanwhile
            continue
        run = json.loads(message)
        begun = time.monotonic()
        read_end, write_end = os.pipe2(os.O_CLOEXEC)
        pid = os.fork() if setup["bare"] else kernel.fork_into(_PER_RUN)
        if pid == 0:
            (_keeper if setup["bare"] else _init)(run, fds, setup, program, write_end)
        for fd in (*fds, write_end):
            os.close(fd)
        # Where there is no control group, whose processor time the other side would watch.
        cpu_ms = None if setup["tier"] == "A" else run["limits"]["cpu_ms"]
        report, waited, used_ms = _wait(control, pid, read_end, setup, cpu_ms, run["limits"]["look_s"])
        os.close(read_end)
        _, status = os.waitpid(pid, 0)
        outcome = {"cpu_ms": used_ms} | (json.loads(report) if report else {})
        outcome["over_cpu"] = cpu_ms is not None and used_ms > cpu_ms
        outcome |= {"waited_ms": waited or 0.0, "wall_ms": (time.monotonic() - begun) * 1000}
        if not report and waited is None:
            outcome["failed"] = f"init ended with status {status}"
        control.send(json.dumps(outcome).encode())


def _wait(
    control: socket.socket, pid: int, report: int, setup: dict[str, Any], cpu_ms: float | None, look_s: float
) -> tuple[bytes, float | None, float]:
    """What the run's init says until its end, which is that of the pipe `report`; if its death was asked for, how long the
    run had been kept waiting; and what it had used of a processor when that was last looked at. All its processes together
    may use `cpu_ms`, looked at every `look_s`. Nobody else waits for `pid`, so it names no other process meanwhile.
    """
    deadly = signal.SIGTERM if setup["bare"] else signal.SIGKILL
    message, waited, used_ms = b"", None, 0.0
    while True:
        watched: list[Any] = [report] if waited is not None else [report, control]
        ready, _, _ = select.select(watched, [], [], look_s if cpu_ms is not None and waited is None else None)
        if report in ready:
            piece = os.read(report, 65536)
            if not piece:
                return message, waited, used_ms
            message += piece
            continue
        if cpu_ms is not None:
            used_ms = waiting.used_ms(setup["proc"], pid)
        if not ready and (cpu_ms is None or used_ms <= cpu_ms):
            continue
        is_over = control in ready and not control.recv(16)
        waited = waiting.waited_ms(waiting.times(setup["proc"], pid))
        os.kill(pid, deadly)
        if is_over:
            if setup["bare"]:
                os.waitpid(pid, 0)
            os._exit(0)


# --- in the jail ------------------------------------------------------------------------------------------------------


def _init(run: dict[str, Any], fds: list[int], setup: dict[str, Any], program: bytes, report: int) -> None:
    """The first process of a run's pid namespace: ours, and gone last. Never returns."""
    try:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        uid = setup["uid"] if setup["tier"] == "A" else 0
        limits = run["limits"]
        root.make_box(limits["file_bytes"], limits["files"], uid, _folders(setup))
        _unpack(fds[0], run["files"], root.BOX, uid)
        streams = root.make_streams(fds[1], uid)
        own = dict(enumerate(fds))
        if streams and run["names_streams"]:
            # What it writes by name and what it writes as usual then stay in their order.
            own |= {place: os.open(f"{root.STREAMS}/{place - 1}", os.O_WRONLY | os.O_CLOEXEC) for place in (2, 3)}
        trouble, trouble_end = os.pipe()
        wake, wake_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        pid = os.fork()
        if pid == 0:
            _program(run, [own[place] for place in range(len(fds))], setup, uid, program, trouble_end)
        forwarded = dict(zip(streams, fds[2:4], strict=False))
        for fd in (*{*fds, *own.values()} - set(forwarded.values()), trouble_end):
            os.close(fd)
        status, usage = _attend(pid, wake, forwarded)
        # Out of the program's reach: it could say on its own streams that its jail had failed.
        why = os.read(trouble, 1000)
        if why:
            os.write(report, json.dumps({"failed": why.decode("utf-8", "replace")}).encode())
            os._exit(_FAILED)
        everyone = resource.getrusage(resource.RUSAGE_CHILDREN)
        os.write(
            report,
            json.dumps(
                {
                    "exit": os.waitstatus_to_exitcode(status),
                    "cpu_ms": (everyone.ru_utime + everyone.ru_stime) * 1000,
                    "peak_kb": max(usage.ru_maxrss, everyone.ru_maxrss),
                }
            ).encode(),
        )
        os._exit(0)
    except BaseException:
        os._exit(_FAILED)


def _attend(pid: int, wake: int, forwarded: dict[int, int]) -> tuple[int, Any]:
    """Take in what ends, until the program does; meanwhile forward what is written to the named pipes of its streams, for
    those who open /dev/stdout by name. (status, usage) of the program.
    """
    own = None
    while own is None:
        ready, _, _ = select.select([wake, *forwarded], [], [])
        for source in ready:
            if source != wake:
                _forward(source, forwarded[source])
        if wake in ready:
            os.read(wake, 4096)
            for ended, status, usage in _ended(os.WNOHANG):
                own = (status, usage) if ended == pid else own
    for source, target in forwarded.items():
        while _forward(source, target):
            pass
    return own


def _forward(source: int, target: int) -> bool:
    try:
        piece = os.read(source, 65536)
    except BlockingIOError:
        return False
    while piece:
        piece = piece[os.write(target, piece) :]
    return True


def _keeper(run: dict[str, Any], fds: list[int], setup: dict[str, Any], program: bytes, report: int) -> None:
    """As _init, for a run without namespaces: ends its group, takes in what is left, deletes its box. Never returns."""
    try:
        awaited = (signal.SIGCHLD, signal.SIGTERM)
        signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGTERM)
        with contextlib.suppress(
            OSError
        ):  # gVisor has none: what is orphaned there goes to the container's first process
            kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        uid = setup["uid"]
        limits, box = run["limits"], f"{setup['scratch']}/box"
        if os.getuid() == uid:
            limits["processes"] += bare.tasks_of_user(setup["proc"])
        bare.make_box(box, uid)
        bare.own_streams(fds[1:4], uid)
        _unpack(fds[0], run["files"], box, uid)
        trouble, trouble_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            _program(run, fds, setup, uid, program, trouble_end)
        for fd in (*fds, trouble_end):
            os.close(fd)
        status, peak, over = None, 0, False
        while status is None:
            received = signal.sigtimedwait(awaited, _WATCH_S)
            over = over or bare.overfull(box, limits["file_bytes"], limits["files"])
            if over or (received and received.si_signo == signal.SIGTERM):
                _end(pid)
            for ended, how, usage in _ended(os.WNOHANG):
                if ended == pid:
                    status, peak = how, usage.ru_maxrss
        _end(pid)
        for _ in _ended(0):
            pass
        bare.sweep(box)
        why = os.read(trouble, 1000)
        everyone = resource.getrusage(resource.RUSAGE_CHILDREN)
        result: dict[str, Any] = {
            "exit": os.waitstatus_to_exitcode(status),
            "cpu_ms": (everyone.ru_utime + everyone.ru_stime) * 1000,
            "peak_kb": max(peak, everyone.ru_maxrss),
            "over": over,
        }
        os.write(report, json.dumps({"failed": why.decode("utf-8", "replace")} if why else result).encode())
        os._exit(_FAILED if why else 0)
    except BaseException as error:
        os.write(report, json.dumps({"failed": f"{type(error).__name__}: {error}"[:900]}).encode())
        os._exit(_FAILED)


def _end(pid: int) -> None:
    """Everything of a run: its group, and before it has one its first process."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError):
            kill(pid, signal.SIGKILL)


def _ended(options: int) -> Iterator[tuple[int, int, Any]]:
    """(process, status, usage) of each child that has ended; without WNOHANG until there are none."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.wait4(-1, options))[0]:
            yield ended


def _unpack(fd: int, files: list[list[Any]], box: str, uid: int) -> None:
    """The files of a run, one after another in `fd`: [name, size, mode]."""
    for name, size, mode in files:
        path = os.path.join(box, name)
        target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        left = size
        while left:
            sent = os.sendfile(target, fd, None, left)
            if not sent:
                raise OSError("the files are shorter than their sizes say")
            left -= sent
        os.fchmod(target, mode)
        if os.getuid() != uid:
            os.fchown(target, uid, uid)
        os.close(target)


def _program(
    run: dict[str, Any], fds: list[int], setup: dict[str, Any], uid: int, program: bytes, trouble: int
) -> None:
    """Becomes the untrusted program. Never returns. What goes wrong before is told through `trouble`, closed by then."""
    try:
        signal.set_wakeup_fd(-1)
        os.set_inheritable(trouble, False)
        trouble = os.dup2(trouble, _TROUBLE, inheritable=False)
        score = os.open("self/oom_score_adj", os.O_WRONLY, dir_fd=setup["proc"])
        os.write(score, b"1000")
        os.close(score)
        wanted = fds[1:]
        # Away from the low numbers first, so that none is written over before it is moved.
        high = [os.dup2(fd, 900 + place, inheritable=False) for place, fd in enumerate(wanted)]
        os.closerange(0, 900)
        for target, fd in zip(run["targets"], high, strict=True):
            os.dup2(fd, target)
        os.closerange(6, _TROUBLE)
        os.closerange(_TROUBLE + 1, 4096)
        _limit(run["limits"], setup["tier"])
        os.chdir(f"{setup['scratch']}/box" if setup["bare"] else root.BOX)
        os.setsid()
        if os.getuid() != uid:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # else what it finds at /dev/stdin is root's
        kernel.drop_capabilities()
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        if setup["tier"] == "C":
            readable = (*root.SYSTEM, sys.base_prefix, *setup["folders"], *setup["binds"].values(), *root.etc())
            bare.confine(readable, [f"/dev/{name}" for name in root.DEVICES], os.getcwd())
        kernel.install_filter(program)
        if setup["bare"]:
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        for number in range(1, signal.NSIG):
            if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
                signal.signal(number, signal.SIG_DFL)
    except BaseException as error:
        os.write(trouble, f"{type(error).__name__}: {error}"[:900].encode("utf-8", "replace"))
        os._exit(_FAILED)
    os.close(trouble)
    if run.get("python"):
        _interpret(run)
    os.environ.update(run["env"])
    try:
        os.execve(run["argv"][0], run["argv"], run["env"])
    except OSError as error:
        os.write(2, f"{run['argv'][0]}: {error.strerror}\n".encode())
    os._exit(127)


def _limit(limits: dict[str, Any], tier: str) -> None:
    for name, value in (
        (resource.RLIMIT_CPU, limits["cpu_s"]),
        (resource.RLIMIT_FSIZE, limits["file_bytes"]),
        (resource.RLIMIT_NOFILE, limits["open_files"]),
        (resource.RLIMIT_NPROC, limits["processes"]),
        (resource.RLIMIT_STACK, limits["stack_bytes"]),
        (resource.RLIMIT_AS, limits["address_bytes"]),
        (resource.RLIMIT_DATA, limits["data_bytes"]),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        if value is None:
            continue
        hard = value
        if name == resource.RLIMIT_CPU:  # the first is the program's to catch, a second later the kernel kills
            hard = value + 1
        elif name == resource.RLIMIT_STACK:  # contest programs raise their own; memory is limited otherwise
            hard = resource.getrlimit(name)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(name, (value, hard))
        except ValueError:
            if tier != "X":  # gVisor does not know all of them; there the container's limits hold
                raise


def _interpret(run: dict[str, Any]) -> None:
    """Runs the box's Python program in this warm interpreter as `python FILE` would. Never returns."""
    warm.run(run["python"], run["env"])

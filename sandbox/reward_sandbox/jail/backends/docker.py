"""The docker backend: one disposable container a submission, its tests run by our own runner inside; `runc` or `runsc`.

Never two submissions in one container. Only whoever runs this holds the engine's socket, and that is as good as root: it is
a service of its own, off by default.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from reward_sandbox.jail.host.jobs import NoReply, run_pair_there, run_there
from reward_sandbox.jail.host.probe import held, works
from reward_sandbox.jail.host.slots import TALK, user_of
from reward_sandbox.jail.host.wire import Done, Job
from reward_sandbox.jail.inside import seccomp
from reward_sandbox.jail.spec import TIERS, CannotJail, Limits, Outcome, Run, Tier

T = TypeVar("T")
_Blocking = Callable[[Callable[[], Any]], Awaitable[Any]]
_HEADER = struct.Struct(">BxxxL")
_STDOUT = 1
_MAX_LINE = 256 << 20
_OWN_MEMORY_MB = 192  # the runner, its two fork servers
_OWN_PROCESSES = 48
_PROGRAM_MB = 64  # a compiled program
_OTHER_KERNEL = 2048  # threads that gVisor takes on the host for those in it
_LABEL = "touchstone.sandbox"
# What the runner needs to give each run a user of its own, and to take back what it leaves.
_POWERS = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETPCAP", "SETUID"]
# The runner's own calls, which it denies its runs.
_NEEDED = {"memfd_create"}
_NEW_USER = 0x10000000  # CLONE_NEWUSER, the only namespace that needs no power


def _profile() -> dict[str, Any]:
    """For the whole container what seccomp.py refuses to each run, in the engine's terms."""
    names = sorted(set(seccomp.DENIED) - _NEEDED)
    wanted = {"index": 0, "value": _NEW_USER, "valueTwo": _NEW_USER, "op": "SCMP_CMP_MASKED_EQ"}
    refused = {"action": "SCMP_ACT_ERRNO", "errnoRet": errno.EPERM}
    return {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [
            {"names": names, **refused},
            {"names": ["clone"], "args": [wanted], **refused},
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSYS},
        ],
    }


class DockerJail:
    """Runs programs in containers of `image`, `slots` at a time. Tier A: the engine has the powers, and control groups."""

    def __init__(
        self, slots: int = 1, *, at_least: Tier = "C", image: str = "touchstone/sandbox", runtime: str = "runc"
    ) -> None:
        self.tier: Tier = "A"
        self._at_least, self._image, self._runtime = at_least, image, runtime
        # The users of each container at work: two, for pairs.
        self._users: asyncio.Queue[int] = asyncio.Queue()
        for slot in range(slots):
            self._users.put_nowait(user_of(2 * slot))
        # The SDK blocks; each container at work holds one thread, and needs another to be removed.
        self._threads = ThreadPoolExecutor(2 * slots, thread_name_prefix="docker")
        self._client: Any = None
        self._seccomp = json.dumps(_profile())

    async def start(self) -> None:
        if TIERS.index(self.tier) > TIERS.index(self._at_least):
            raise CannotJail(f"isolation level {self._at_least} at least is demanded")
        try:
            import docker
        except ImportError:
            raise CannotJail("the docker backend needs `pip install touchstone-rewards[docker]`") from None
        try:
            self._client = await self._blocking(docker.from_env)
            await self._blocking(lambda: self._client.images.get(self._image))
        except docker.errors.ImageNotFound:
            raise CannotJail(f"no image {self._image}: build it with `docker compose build sandbox`") from None
        except docker.errors.DockerException as error:
            raise CannotJail(f"no Docker engine: {error}") from None
        try:
            # With another kernel there is no Landlock inside; but the processes there are only the runner's.
            await held(self.run, but=() if self._runtime == "runc" else ("other processes",))
            await works(self.run)
        except CannotJail:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        if self._client is not None:
            await self._blocking(self._client.close)
        self._client = None
        self._threads.shutdown(wait=False)

    async def run(self, run: Run) -> Outcome:
        async with self.submission(run.limits) as place:
            return await place.run(run)

    async def run_pair(
        self, first: Run, second: Run, *, as_standard: bool = False, bound: int = TALK
    ) -> tuple[Outcome, Outcome]:
        async with self.submission(first.limits) as place:
            return await place.run_pair(first, second, as_standard=as_standard, bound=bound)

    @contextlib.asynccontextmanager
    async def submission(self, limits: Limits) -> AsyncIterator[_Container]:
        user = await self._users.get()
        place = _Container(self.tier, self._client, self._config(limits, user), self._blocking)
        try:
            yield place
        finally:
            try:
                await _to_its_end(place.end())
            finally:  # nobody else is given its users before it is gone
                self._users.put_nowait(user)

    async def _blocking(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def _config(self, limits: Limits, user: int) -> dict[str, Any]:
        own = _OWN_PROCESSES if self._runtime == "runc" else _OTHER_KERNEL
        box_mb = 2 * (limits.file_mb + _PROGRAM_MB)
        memory = f"{2 * limits.memory_mb + box_mb + _OWN_MEMORY_MB}m"
        return {
            "image": self._image,
            "entrypoint": ["python3", "-m", "reward_sandbox.jail.backends.container_runner"],
            "command": [str(user)],
            "user": "0",
            "working_dir": "/tmp",  # the container's own
            "stdin_open": True,  # when we are gone it reads its end, and so ends and is removed
            "auto_remove": True,
            "network_mode": "none",
            "read_only": True,
            "tmpfs": {"/tmp": f"size={box_mb}m,mode=1777,exec"},
            "mem_limit": memory,
            "memswap_limit": memory,
            "pids_limit": 2 * limits.processes + own,
            "cap_drop": ["ALL"],
            "cap_add": _POWERS,
            "security_opt": ["no-new-privileges:true", f"seccomp={self._seccomp}"],
            "log_config": {"Type": "none"},
            "healthcheck": {"test": ["NONE"]},
            "labels": {_LABEL: socket.gethostname()},  # of whose it is
            "runtime": self._runtime,
        }


class _Container:
    """One container, for one submission; once replaced when it fails us."""

    def __init__(self, tier: Tier, client: Any, config: dict[str, Any], blocking: _Blocking) -> None:
        self.tier: Tier = tier
        self._client, self._config, self._blocking = client, config, blocking
        self._container: Any = None
        self._attached: Any = None
        self._socket: socket.socket | None = None
        self._complaint = b""
        self._tries = 2

    async def end(self) -> None:
        container, open_here = self._container, (self._attached, self._socket)
        self._container = self._attached = self._socket = None
        if container is not None:
            # The end of the container is what ends a read from its socket, too.
            with contextlib.suppress(Exception):
                await self._blocking(lambda: container.remove(force=True))
        for one in open_here:
            if one is not None:
                one.close()

    async def run(self, run: Run) -> Outcome:
        return await run_there(self, run)

    async def run_pair(
        self, first: Run, second: Run, *, as_standard: bool = False, bound: int = TALK
    ) -> tuple[Outcome, Outcome]:
        return await run_pair_there(self, first, second, as_standard=as_standard, bound=bound)

    async def ask(self, job: Job) -> Done:
        why = "the container is gone"
        while self._tries:
            try:
                if self._socket is None:
                    await _to_its_end(self._blocking(self._begin))
                return Done.model_validate_json(await self._blocking(lambda: self._exchange(job)))
            except Exception as error:  # the SDK's, requests', the socket's own kinds, and what is no answer
                # What is out of step is of no more use.
                self._tries -= 1
                why = f"the container fails: {self._complaint.decode('utf-8', 'replace') or error}"[:500]
                await self.end()
        raise NoReply(why)

    def _begin(self) -> None:
        self._complaint = b""
        self._container = self._client.containers.create(**self._config)
        self._attached = self._container.attach_socket(params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        self._socket = self._attached._sock
        self._container.start()

    def _exchange(self, job: Job) -> bytes:
        connection, until = self._socket, time.monotonic() + job.longest_s
        if connection is None:
            raise OSError("the container is gone")
        connection.settimeout(job.longest_s)
        connection.sendall(job.model_dump_json().encode() + b"\n")
        line = bytearray()
        while not line.endswith(b"\n"):
            kind, size = _HEADER.unpack(_exactly(connection, _HEADER.size, until))
            piece = _exactly(connection, size, until)
            if kind != _STDOUT:
                self._complaint = (self._complaint + piece)[-500:]
                continue
            line += piece
            if len(line) > _MAX_LINE:
                raise OSError("it says too much")
        return bytes(line)


async def _to_its_end(work: Awaitable[T]) -> T:
    """Also when the caller is cancelled meanwhile: what it makes would be nobody's."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _exactly(connection: socket.socket, size: int, until: float) -> bytes:
    pieces = bytearray()
    while len(pieces) < size:
        connection.settimeout(max(0.001, until - time.monotonic()))
        piece = connection.recv(min(size - len(pieces), 1 << 20))
        if not piece:
            raise OSError("it has ended")
        pieces += piece
    return bytes(pieces)

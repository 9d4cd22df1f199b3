"""`python`: an interpreter that keeps its variables, in a jail of its own, one for each session that asks for it.

It is killed with its session, with its limits, or by what its own code does. The next call then begins with a new one, and
says so. Processor time is counted over all of them.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Literal

from pydantic import Field

from reward_sandbox.jail.backends.fork_server import ForkServerJail, ForkServerSlot
from reward_sandbox.jail.backends.session_fork_server import SessionForkServer
from reward_sandbox.jail.host.interactive import Cell, Interactive
from reward_sandbox.jail.host.leftovers import sweep
from reward_sandbox.jail.spec import CannotJail, Limits, Tier
from reward_sandbox.settings import SandboxSettings
from reward_tools.calling import Arguments, Output, Refused, SessionState
from reward_tools.settings import ToolsSettings
from reward_verifiers.service.admission import Admission
from reward_verifiers.service.connections import FILES, open_files

log = logging.getLogger(__name__)

MAX_CODE = 100_000
_NEEDED = ("ast", "linecache", "traceback", "contextlib", "builtins")
"""What the session's own program imports."""
_FILES = 8
"""Descriptors that an interpreter takes in this process."""
_AGAIN = "[this is a new interpreter: the variables of earlier calls are gone]\n"


class PythonArguments(Arguments):
    code: str = Field(
        min_length=1, max_length=MAX_CODE, description="Python code. Variables stay; the last expression is printed."
    )


class LateByMachine(OSError):
    """A cell was late because the machine had no processor for it."""


class SessionBroke(OSError):
    """The jail of a session could not be made, or failed."""


class Python:
    name = "python"
    description = "Run Python code in an interpreter that keeps its variables from call to call. No network."
    arguments_model = PythonArguments

    def __init__(self, settings: ToolsSettings, sandbox: SandboxSettings | None = None) -> None:
        self._settings, self._sandbox = settings, sandbox or SandboxSettings()
        self._server: SessionForkServer | None = None
        self._starting = asyncio.Lock()
        self._why_not = ""
        self._room = asyncio.Semaphore(settings.slots)
        self.interpreters = Admission(settings.max_interpreters, what="Python interpreters")
        """Held by each session from its first cell to its end: a variable that was kept is never given up for room."""
        self.at_work = 0

    @property
    def tier(self) -> Tier | None:
        return self._server.tier if self._server else None

    async def ready(self) -> str:
        try:
            await self._started()
        except CannotJail as error:
            return str(error)
        return ""

    async def _started(self) -> SessionForkServer:
        """Raises CannotJail; that stays so until the service starts again."""
        async with self._starting:
            if self._why_not:
                raise CannotJail(self._why_not)
            if self._server is None:
                self._make_room_for_files()
                try:
                    self._server = await self._server_of(await self._best_tier())
                except CannotJail as error:
                    self._why_not = f"no jail for sessions can be made here: {error}"
                    raise CannotJail(self._why_not) from error
            return self._server

    def _make_room_for_files(self) -> None:
        """Raise the limit on open files as far as the interpreters need; where it cannot be, there is room for fewer."""
        most = open_files(FILES + _FILES * self._settings.max_interpreters)
        fit = max(1, (most - min(FILES, most // 2)) // _FILES)
        if fit < self.interpreters.limit:
            log.warning("the limit of %d open files has room for %d interpreters", most, fit)
            self.interpreters.limit = fit

    async def _best_tier(self) -> Tier:
        sandbox = self._sandbox
        if sandbox.backend != "fork_server":
            raise CannotJail(f"sessions need TOUCHSTONE_SANDBOX_BACKEND=fork_server, not {sandbox.backend}")
        await asyncio.to_thread(sweep)
        probe = ForkServerJail(1, tier=sandbox.tier, at_least=sandbox.min_tier, python=sandbox.python)
        await probe.start()
        await probe.aclose()
        return probe.tier

    async def _server_of(self, tier: Tier) -> SessionForkServer:
        sandbox = self._sandbox
        preload = list(dict.fromkeys([*_NEEDED, *sandbox.preload]))
        server = SessionForkServer(tier, sandbox.python, path=sandbox.python_path, preload=preload)
        await server.start()
        return server

    async def aclose(self) -> None:
        """End every interpreter. None begins any more."""
        self._why_not = "the service stops"
        if self._server is not None:
            await self._server.aclose()
            self._server = None

    async def run(self, state: SessionState, arguments: PythonArguments) -> Output:
        """Raises Refused for what the code does to its own interpreter, Overloaded where there is no room for another one,
        and others for our failures.
        """
        server = await self._started()
        kept = state.kept.get(self.name)
        if not isinstance(kept, _Kept):
            self.interpreters.take(1, 0)
            kept = state.kept[self.name] = _Kept(self._settings, self.interpreters)
        async with self._room:
            self.at_work += 1
            try:
                return await self._run(kept, server, arguments.code)
            except asyncio.CancelledError:
                await asyncio.shield(kept.end())
                raise
            finally:
                self.at_work -= 1

    async def _run(self, kept: _Kept, server: SessionForkServer, code: str) -> Output:
        is_new, cap = await kept.ensure(server), self._settings.max_output_kb << 10
        cell = await kept.cell(code, self._settings.call_s, cap)
        text = (_AGAIN if is_new else "") + cell.output.decode("utf-8", "replace")
        if cell.ending in ("ok", "raised"):
            return Output(text, cell.dropped, cell.ending == "raised")
        if cell.ending == "syntax":
            raise Refused(text, dropped=cell.dropped)
        await kept.end()
        why, cause = self._why(cell)
        raise Refused(f"{text}[{why}; its variables are gone]", cause, cell.dropped)

    def _why(self, cell: Cell) -> tuple[str, Literal["argument", "budget"]]:
        """What ended the interpreter. Raises what is our failure."""
        settings = self._settings
        if cell.ending == "late":
            if cell.is_machines:
                raise LateByMachine("the machine is too busy to give a cell its time")
            return f"the call was stopped after {settings.call_s:g} s", "budget"
        if cell.ending == "flood":
            return "the call was stopped, since it wrote without end", "budget"
        outcome = cell.outcome
        if outcome is None or outcome.ending == "system_error":
            raise SessionBroke(outcome.error if outcome else "the session was lost")
        if outcome.ending == "time_limit":
            return f"the session has used its {settings.python_cpu_s:g} s of processor time", "budget"
        if outcome.ending == "memory_limit":
            return f"the interpreter needed more than {settings.python_memory_mb} MiB and was stopped", "budget"
        return f"the interpreter ended with exit code {outcome.exit_code}", "argument"


class _Kept:
    """A session's interpreter, and the processor time that all it has had have used."""

    def __init__(self, settings: ToolsSettings, room: Admission) -> None:
        self._settings, self._holding = settings, room
        self._interpreter: Interactive | None = None
        self._slot: ForkServerSlot | None = None
        self._is_first = True
        self._used_s = 0.0

    async def ensure(self, server: SessionForkServer) -> bool:
        """An interpreter that lives; whether it is a new one where there was one before. Raises Refused, CannotJail."""
        if self._interpreter is not None and self._interpreter.is_alive:
            return False
        await self.end()
        left_s = self._settings.python_cpu_s - self._used_s
        if left_s < 0.05:
            raise Refused(f"the session has used its {self._settings.python_cpu_s:g} s of processor time", "budget")
        limits = Limits(memory_mb=self._settings.python_memory_mb, output_kb=64, processes=32)
        # Longer than a run may take by itself: a session waits most of its time.
        limits = limits.model_copy(update={"wall_s": self._settings.life_s, "cpu_s": left_s})
        self._interpreter = Interactive(server.slot(), limits)
        await self._interpreter.start()
        is_again, self._is_first = not self._is_first, False
        return is_again

    async def cell(self, code: str, within_s: float, cap: int) -> Cell:
        assert self._interpreter is not None  # noqa: S101
        return await self._interpreter.cell(code, within_s, cap)

    async def end(self) -> None:
        interpreter, self._interpreter = self._interpreter, None
        if interpreter is not None:
            used_ms = interpreter.used_ms()
            await interpreter.aclose()
            self._used_s += used_ms / 1000

    async def aclose(self) -> None:
        try:
            await self.end()
        finally:
            self._holding.give_back(1)

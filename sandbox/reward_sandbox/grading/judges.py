"""Where outputs are compared: in workers, with a deadline, so that no output of a program holds up the event loop."""

from __future__ import annotations

from reward_sandbox.grading.errors import SandboxFailed
from reward_sandbox.grading.items import Verdict
from reward_sandbox.grading.judging import Check
from reward_verifiers.contract import FailureKind
from reward_verifiers.runtime.pool import TaskFailure, WorkerPool

JUDGE = "reward_sandbox.grading.judging:judge"
WITHIN_S = 15.0
"""Seconds for one comparison, on a machine however busy."""
CPU_S = 2.0
"""An honest output of the largest size takes less than one second of a processor."""
MEMORY = 2 << 30


class Judges:
    """Workers that compare; started at the first comparison."""

    def __init__(self, size: int = 2) -> None:
        self._size = size
        self._pool: WorkerPool | None = None

    async def aclose(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.aclose()

    async def verdict(self, check: Check) -> Verdict:
        """Raises SandboxFailed when no worker could say. What takes a worker's time or memory is no right answer."""
        if self._pool is None:
            self._pool = WorkerPool(
                size=self._size, memory_bytes=MEMORY, warm_up="reward_sandbox.grading.judging:warm_up"
            )
        await self._pool.start()
        [outcome] = await self._pool.run(JUDGE, check, 1, item_timeout_s=WITHIN_S)
        if not isinstance(outcome, TaskFailure):
            return outcome  # type: ignore[no-any-return]
        is_ours = outcome.kind is FailureKind.TIMEOUT and outcome.cpu_s < CPU_S
        if is_ours or outcome.kind not in (FailureKind.TIMEOUT, FailureKind.MEMORY_LIMIT):
            raise SandboxFailed(f"no comparison: {outcome.message}")
        return "wrong_answer"

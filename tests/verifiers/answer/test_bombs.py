"""What is made to be costly gets an outcome, within memory, and costs its siblings nothing."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from reward_verifiers.answer import AnswerOptions, AnswerReference, AnswerVerifier
from reward_verifiers.contract import VerifyRequest
from reward_verifiers.runtime.local import Local, pool_for
from reward_verifiers.verifier import BadReference, Sample

sys.path.insert(0, str(Path(__file__).parents[2] / "data" / "answer"))
from bombs import BOMBS

GROWTH_BYTES = 200 << 20
HANGS_S = 60


@pytest.fixture
async def backend():
    pool = pool_for(["answer"], size=2)
    await pool.start()
    yield Local("answer", pool)
    await pool.aclose()


async def test_every_bomb_is_answered_or_given_up_and_its_siblings_are_right(backend):
    assert len(BOMBS) >= 40
    for name, (gold, completion) in BOMBS.items():
        request = VerifyRequest(
            completions=[f"\\boxed{{{gold}}}", completion, "\\boxed{-1}"], reference={"answer": gold}
        )
        async with asyncio.timeout(HANGS_S):
            right, bomb, wrong = (await backend.verify(request)).verdicts
        assert (right.score, wrong.score) == (1.0, 0.0), name
        # A verdict, or one that the worker's limits gave: never a failure, since the references are cheap.
        assert bomb.valid, (name, bomb.failure)
        assert bomb.score == (1.0 if name in EQUAL else 0.0), (name, bomb.reason)


EQUAL = {"1,000 minus signs", "two lists of 400 in two orders"}


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_memory_stays_bounded(name):
    """In a process of its own, killed after the verifier's limit as a worker is. It begins as large as this one."""
    gold, completion = BOMBS[name]
    before = psutil.Process().memory_info().rss
    pid = os.fork()
    if pid == 0:
        try:
            signal.setitimer(signal.ITIMER_REAL, AnswerVerifier.item_timeout_s)  # SIGALRM kills
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            AnswerVerifier().verify(Sample(completion, AnswerOptions(), AnswerReference(answer=gold)))
        except (MemoryError, BadReference):
            pass
        finally:
            os._exit(0)
    _, _, usage = os.wait4(pid, 0)
    assert usage.ru_maxrss * 1024 - before < GROWTH_BYTES

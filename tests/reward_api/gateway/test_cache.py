import asyncio

import pytest

from reward_api.gateway.cache import VerdictCache, sample_keys
from reward_verifiers.contract import FailureKind, Verdict, VerifyReply, VerifyRequest

IDENTITY = ("counting", "1", "", "here")


class Counting:
    """A backend that counts what it judges, and waits until it is let go."""

    def __init__(self, verdict=None):
        self.requests: list[list[str]] = []
        self.verdict = verdict or Verdict.scored(1, "counted")
        self.go = asyncio.Event()
        self.started = asyncio.Event()
        self.cancelled = False

    async def verify(self, request):
        self.requests.append(list(request.completions))
        self.started.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return VerifyReply(verifier="counting", version="1", verdicts=[self.verdict] * len(request.completions))


def request(*completions, **more):
    return VerifyRequest(completions=list(completions), **more)


async def test_equal_samples_are_judged_once():
    backend, cache = Counting(), VerdictCache(100)
    backend.go.set()
    assert len(await cache.verify(backend.verify, IDENTITY, request("a", "b", "a"))) == 3
    await cache.verify(backend.verify, IDENTITY, request("b", "c"))
    assert backend.requests == [["a", "b"], ["c"]]


async def test_concurrent_requests_share_one_flight():
    backend, cache = Counting(), VerdictCache(100)
    first = asyncio.create_task(cache.verify(backend.verify, IDENTITY, request("a", "b")))
    await backend.started.wait()
    second = asyncio.create_task(cache.verify(backend.verify, IDENTITY, request("b", "c")))
    while len(backend.requests) < 2:
        await asyncio.sleep(0)
    backend.go.set()
    assert [len(verdicts) for verdicts in await asyncio.gather(first, second)] == [2, 2]
    assert backend.requests == [["a", "b"], ["c"]]


async def test_a_caller_that_leaves_does_not_take_the_flight_with_it():
    backend, cache = Counting(), VerdictCache(100)
    first = asyncio.create_task(cache.verify(backend.verify, IDENTITY, request("a")))
    await backend.started.wait()
    second = asyncio.create_task(cache.verify(backend.verify, IDENTITY, request("a")))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    assert not backend.cancelled
    backend.go.set()
    assert (await second)[0].score == 1
    assert backend.requests == [["a"]]


async def test_the_last_caller_to_leave_cancels_the_work():
    backend, cache = Counting(), VerdictCache(100)
    caller = asyncio.create_task(cache.verify(backend.verify, IDENTITY, request("a")))
    await backend.started.wait()
    caller.cancel()
    await asyncio.wait([caller])
    await asyncio.sleep(0)
    assert backend.cancelled


async def test_a_failure_is_not_remembered_and_not_inherited():
    backend, cache = Counting(Verdict.failed(FailureKind.TIMEOUT, "slow")), VerdictCache(100)
    first = asyncio.create_task(cache.verify(backend.verify, IDENTITY, request("a")))
    await backend.started.wait()
    second = asyncio.create_task(cache.verify(backend.verify, IDENTITY, request("a")))
    await asyncio.sleep(0)
    backend.go.set()
    await asyncio.gather(first, second)
    await cache.verify(backend.verify, IDENTITY, request("a"))
    assert backend.requests == [["a"], ["a"], ["a"]]


@pytest.mark.parametrize(
    "other",
    [
        {"reference": {"answer": "2"}},
        {"options": {"kind": "exact"}},
        {"prefix": "<think>"},
        {"prompt": "another"},
        {"tokens": [7]},
        {"truncated": [True]},
    ],
)
def test_keys_tell_apart_what_may_change_the_verdict(other):
    base = {"reference": {"answer": "1"}}
    assert sample_keys(IDENTITY, request("a", **base)) != sample_keys(IDENTITY, request("a", **{**base, **other}))
    assert sample_keys(("counting", "2", "", "here"), request("a")) != sample_keys(IDENTITY, request("a"))


def test_keys_do_not_depend_on_the_deadline():
    assert sample_keys(IDENTITY, request("a", deadline_s=1)) == sample_keys(IDENTITY, request("a", deadline_s=9))


def test_a_string_and_a_chat_message_have_different_keys():
    chat = request([{"role": "assistant", "content": "a"}])
    assert sample_keys(IDENTITY, request("a")) != sample_keys(IDENTITY, chat)

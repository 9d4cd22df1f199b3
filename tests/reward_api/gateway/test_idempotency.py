"""Idempotency-Key: a group that is sent again is scored once, and gets the reply that was made."""

import asyncio

import pytest

from reward_api.gateway.idempotency import IdempotentReplies, keys_of
from reward_verifiers.contract import FailureKind, GroupStats, SampleResult, ScoreReply, ScoreRequest, Verdict
from reward_verifiers.service.problems import HTTPProblem

ADMIN = {"authorization": "Bearer admin"}


def group(*completions, **more):
    return {"completions": list(completions), "reference": {"answer": "yes"}, **more}


async def post(client, body, key=None, path="/score/toy", **headers):
    reply = await client.post(path, json=body, headers={**({"idempotency-key": key} if key else {}), **headers})
    assert reply.status_code == 200, reply.text
    return reply


async def test_a_retry_gets_the_reply_that_was_made_even_after_a_swap(client, gateway):
    first = await post(client, group("yes", "no", deadline_s=20), "k1")
    spec = {"components": [{"verifier": "toys:Toy", "name": "toy", "options": {"bonus": 0.5}}]}
    assert (await client.put("/domains/toy", json=spec, headers=ADMIN)).status_code == 200
    again = await post(client, group("yes", "no", deadline_s=7), '"k1"')
    assert again.content == first.content
    anew = (await post(client, group("yes", "no"), "k2")).json()
    assert [result["reward"] for result in anew["results"]] == [1.5, 0.5]
    assert anew["version"] != first.json()["version"]
    assert gateway.idempotent_replies.replayed == 1


async def test_other_content_under_a_used_key_is_scored_by_itself(client):
    await post(client, group("yes"), "k")
    assert (await post(client, group("no"), "k")).json()["results"][0]["reward"] == 0
    other = (await post(client, group("yes", reference={"answer": "no"}), "k")).json()
    assert other["results"][0]["reward"] == 0


async def test_a_reply_with_a_failure_is_made_anew(client, gateway):
    for _ in range(2):
        body = (await post(client, group("yes", "crash"), "k")).json()
        assert body["results"][1]["failure"]["kind"] == "worker_crashed"
    assert gateway.idempotent_replies.replayed == 0


async def test_two_at_once_are_scored_once(client, gateway):
    replies = await asyncio.gather(*(post(client, group("yes", "no"), "k") for _ in range(5)))
    assert len({reply.content for reply in replies}) == 1
    assert gateway.idempotent_replies.replayed == 4
    page = (await client.get("/metrics")).text
    assert 'reward_requests_total{domain="toy",outcome="complete"} 1.0' in page
    assert 'reward_cache_lookups_total{result="replayed"} 4.0' in page


async def test_each_of_many_groups_has_its_key(client, gateway):
    first = (await post(client, {"groups": [group("yes"), group("no")]}, "a, b")).json()["groups"]
    lines = await post(
        client, {"groups": [group("no"), group("maybe"), group("yes")]}, "b,c,a", accept="application/x-ndjson"
    )
    assert gateway.idempotent_replies.replayed == 2
    assert len(lines.text.splitlines()) == 3
    assert (await post(client, group("no"), "b")).json() == first[1]


@pytest.mark.parametrize("key", ["a", "a,b,c", "a,", "a,b c", 'a,b"c', "a," + "x" * 129])
async def test_keys_that_do_not_fit_are_a_problem_that_names_the_header(client, key):
    reply = await client.post(
        "/score/toy", json={"groups": [group("yes"), group("no")]}, headers={"idempotency-key": key}
    )
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["path"] == "Idempotency-Key"


def test_without_the_header_no_group_has_a_key():
    assert keys_of(None, 2) == [None, None]
    with pytest.raises(HTTPProblem):
        keys_of("", 1)


# --- flights ----------------------------------------------------------------------------------------------------------

REQUEST = ScoreRequest(completions=["a"])


def made(verdict):
    failure = verdict.failure
    result = SampleResult(reward=verdict.score, valid=verdict.valid, failure=failure, components={})
    stats = GroupStats(valid=1, mean=None, std=None, zero_variance=False)
    return ScoreReply(domain="d", version="v", results=[result], group=stats, elapsed_ms=0)


class Scoring:
    def __init__(self, verdict=None):
        self.reply = made(verdict or Verdict.scored(1, "made"))
        self.begun = 0
        self.started, self.go = asyncio.Event(), asyncio.Event()

    async def __call__(self):
        self.begun += 1
        self.started.set()
        await self.go.wait()
        return self.reply


async def test_a_retry_does_not_go_down_with_the_first_who_left():
    replies, scoring = IdempotentReplies(1 << 20), Scoring()
    first = asyncio.create_task(replies.once("k", "d", REQUEST, scoring))
    await scoring.started.wait()
    first.cancel()
    await asyncio.sleep(0)  # the first's flight is being cancelled, and has not landed
    scoring.go.set()
    assert b'"valid":true' in await replies.once("k", "d", REQUEST, scoring)
    assert first.cancelled()


async def test_a_failure_that_another_got_is_tried_again():
    replies, failing = IdempotentReplies(1 << 20), Scoring(Verdict.failed(FailureKind.DEADLINE_EXCEEDED, "too short"))
    first = asyncio.create_task(replies.once("k", "d", REQUEST, failing))
    await failing.started.wait()
    patient = Scoring()
    patient.go.set()
    second = asyncio.create_task(replies.once("k", "d", REQUEST, patient))
    await asyncio.sleep(0)
    failing.go.set()
    assert b'"valid":false' in await first
    assert b'"valid":true' in await second


async def test_what_is_kept_is_bounded():
    scoring = Scoring()
    scoring.go.set()
    size = len(await IdempotentReplies(0).once("k", "d", REQUEST, scoring))
    replies = IdempotentReplies(3 * size)
    for key in "abcdef":
        await replies.once(key, "d", REQUEST, scoring)
    begun = scoring.begun
    for key in "fed":
        await replies.once(key, "d", REQUEST, scoring)
    assert (scoring.begun, replies.replayed) == (begun, 3)
    await replies.once("a", "d", REQUEST, scoring)
    assert scoring.begun == begun + 1

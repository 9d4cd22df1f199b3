import asyncio

from reward_api.gateway.group_buffer import GroupBuffer, Member
from reward_verifiers.contract import FailureKind, Verdict, VerifyReply, VerifyRequest

REQUEST = VerifyRequest(completions=["anything"])


def member(text, **scores):
    return Member(completion=text, truncated=None, tokens=len(text), scores=scores)


class Whole:
    """Scores each completion by the group's longest."""

    def __init__(self):
        self.groups = []

    async def __call__(self, request):
        self.groups.append((request.completions, request.tokens, request.options))
        longest = max(map(len, request.completions))
        verdicts = [Verdict.scored(len(text) / longest, "relative length") for text in request.completions]
        return VerifyReply(verifier="whole", version="1", verdicts=verdicts)


async def test_a_group_is_judged_once_when_its_last_member_arrives():
    group_buffer, judge = GroupBuffer(), Whole()
    first = asyncio.create_task(group_buffer.verify("g", 3, {2: member("cccc")}, REQUEST, judge))
    second = asyncio.create_task(group_buffer.verify("g", 3, {0: member("aa")}, REQUEST, judge))
    await asyncio.sleep(0)
    assert group_buffer.missing("g") == 1
    [third] = await group_buffer.verify("g", 3, {1: member("b")}, REQUEST, judge)
    assert (third.score, (await second)[0].score, (await first)[0].score) == (0.25, 0.5, 1.0)
    assert judge.groups == [(["aa", "b", "cccc"], [2, 1, 4], {})]


async def test_scores_of_earlier_components_are_gathered_too():
    group_buffer, judge = GroupBuffer(), Whole()
    first = asyncio.create_task(group_buffer.verify("g", 2, {1: member("bb", answer=None)}, REQUEST, judge))
    await asyncio.sleep(0)
    await group_buffer.verify("g", 2, {0: member("a", answer=1.0)}, REQUEST, judge)
    await first
    assert judge.groups[0][2] == {"scores": {"answer": [1.0, None]}}


async def test_a_group_that_nobody_waits_for_is_forgotten():
    group_buffer = GroupBuffer()
    waiting = asyncio.create_task(group_buffer.verify("g", 2, {0: member("a")}, REQUEST, Whole()))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert not group_buffer._pending


async def test_siblings_must_agree_on_the_size():
    group_buffer = GroupBuffer()
    waiting = asyncio.create_task(group_buffer.verify("g", 3, {0: member("a")}, REQUEST, Whole()))
    await asyncio.sleep(0)
    [verdict] = await group_buffer.verify("g", 4, {1: member("b")}, REQUEST, Whole())
    assert verdict.failure.kind is FailureKind.UNSUPPORTED
    waiting.cancel()
    await asyncio.wait([waiting])

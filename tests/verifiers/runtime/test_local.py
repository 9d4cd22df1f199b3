import re

import pytest
from pydantic import model_validator
from toys import Toy

from reward_verifiers.conformance import NotConformant, check, check_verifier
from reward_verifiers.contract import FailureKind, VerifyRequest
from reward_verifiers.runtime import local
from reward_verifiers.runtime.local import Local, pool_for
from reward_verifiers.runtime.pool import TaskFailure
from reward_verifiers.verifier import MAX_EVIDENCE_BYTES, BadOptions, ReferenceModel


@pytest.fixture
async def pool():
    pool = pool_for(["toys:Toy", "toys:PatientToy", "toys:Relative"], size=2)
    await pool.start()
    yield pool
    await pool.aclose()


def request(*completions, **more):
    return VerifyRequest(completions=list(completions), reference={"answer": "yes"}, **more)


async def test_verdicts_keep_their_order(pool):
    reply = await Local("toys:Toy", pool).verify(request("yes", "no", "yes"))
    assert [verdict.score for verdict in reply.verdicts] == [1, 0, 1]
    assert (reply.verifier, reply.version) == ("toy", "1.0.0")


async def test_misbehaving_completions_cost_only_themselves_a_verdict(pool):
    completions = ["yes", "hang", "no", "crash", "yes", "memory", "raise", "bad reference", "unsupported", "yes"]
    verdicts = (await Local("toys:Toy", pool).verify(request(*completions))).verdicts
    assert [verdict.failure.kind if verdict.failure else verdict.score for verdict in verdicts] == [
        1,
        FailureKind.TIMEOUT,
        0,
        FailureKind.WORKER_CRASHED,
        1,
        FailureKind.MEMORY_LIMIT,
        FailureKind.VERIFIER_ERROR,
        FailureKind.BAD_REFERENCE,
        FailureKind.UNSUPPORTED,
        1,
    ]
    assert "a bug of the verifier" not in verdicts[6].failure.message


async def test_a_verifier_may_blame_the_completion_for_its_limit(pool, monkeypatch):
    monkeypatch.setattr(local, "OWN_CPU_SHARE", 0)  # on a busy machine even a hang burns little
    verdicts = (await Local("toys:PatientToy", pool).verify(request("hang", "memory", "crash"))).verdicts
    assert [verdict.score for verdict in verdicts] == [0, 0, None]
    assert [verdict.reason for verdict in verdicts[:2]] == ["gave up after 0.5 s", "gave up after its memory limit"]


@pytest.mark.parametrize(
    ("completion", "options", "field"),
    [("true", {}, "score"), ("text", {}, "score"), ("nothing", {}, "Verdict"), ("no", {"bonus": 2.5}, "score_range")],
)
async def test_a_score_that_is_none_is_no_verdict_and_the_field_is_named(pool, completion, options, field):
    verdicts = (await Local("toys:Toy", pool).verify(request(completion, options=options))).verdicts
    assert (verdicts[0].score, verdicts[0].failure.kind) == (None, FailureKind.VERIFIER_ERROR)
    assert field in verdicts[0].failure.message


class Failing:
    """A pool whose first job runs into its limit with so much CPU burnt, and whose next gives a verdict."""

    def __init__(self, cpu_s):
        self.outcomes = [
            TaskFailure(FailureKind.TIMEOUT, "gave up after 0.5 s", cpu_s),
            {"score": 0.0, "valid": True, "reason": "its own fault"},
        ]

    async def run(self, *_, **__):
        return [self.outcomes.pop(0)]


@pytest.mark.parametrize(("cpu_s", "score"), [(0.5, 0), (0.26, 0), (0.24, None), (0.0, None)])
async def test_a_completion_is_to_blame_for_a_time_limit_only_when_it_burnt_half_of_it(cpu_s, score):
    [verdict] = (await Local("toys:PatientToy", Failing(cpu_s)).verify(request("hang"))).verdicts
    assert verdict.score == score
    assert (verdict.failure is None) == (score is not None)


async def test_a_reference_that_does_not_fit_is_named(pool):
    reply = await Local("toys:Toy", pool).verify(VerifyRequest(completions=["a", "b"], reference={"answer": ""}))
    assert {verdict.failure.kind for verdict in reply.verdicts} == {FailureKind.BAD_REFERENCE}
    assert reply.verdicts[0].reason.startswith("reference.answer: ")


async def test_a_missing_reference_is_named_without_a_stray_dot(pool):
    class Whole(Toy):
        class reference_model(ReferenceModel):  # noqa: N801
            @model_validator(mode="after")
            def _demand(self):
                raise ValueError("answer is missing")

    backend = Local("toys:Toy", pool)
    backend._verifier = Whole()
    verdict = (await backend.verify(VerifyRequest(completions=["a"]))).verdicts[0]
    assert verdict.reason == "reference: answer is missing; it has: nothing"
    misspelt = await backend.verify(VerifyRequest(completions=["a"], reference={"anwser": "a", "!": 1}))
    assert misspelt.verdicts[0].reason == "reference: answer is missing; it has: anwser"


async def test_a_missing_key_is_named_beside_those_that_are_there(pool):
    reply = await Local("toys:Toy", pool).verify(VerifyRequest(completions=["a"], reference={"anwser": "a"}))
    assert reply.verdicts[0].reason == "reference.answer: is missing; it has: anwser"


async def test_an_error_names_its_place_and_leaves_its_frames_in_the_log(pool, caplog, monkeypatch):
    monkeypatch.setattr("reward_verifiers.runtime.pool._logged", set())
    verdicts = (await Local("toys:Toy", pool).verify(request("raise", "yes", "raise"))).verdicts
    for verdict in (verdicts[0], verdicts[2]):
        assert re.fullmatch(r"the verifier raised RuntimeError at toys\.py:\d+", verdict.failure.message)
    [record] = [record for record in caplog.records if hasattr(record, "traceback")]
    assert record.message == verdicts[0].failure.message
    assert 'toys.py", line' in record.traceback


async def test_options_that_do_not_fit_are_named(pool):
    backend = Local("toys:Toy", pool)
    for options in ({"bonus": "much"}, {"bonsu": 1}):
        with pytest.raises(BadOptions) as caught:
            await backend.verify(request("yes", options=options))
        assert [path for path, _ in caught.value.errors] == list(options)


async def test_evidence_is_bounded_and_fit_for_json(pool):
    verdicts = (await Local("toys:Toy", pool).verify(request("big evidence", "\ud800"))).verdicts
    assert str(MAX_EVIDENCE_BYTES) in verdicts[0].evidence["dropped"]
    assert verdicts[1].evidence["text"] == "?"


async def test_a_deadline_leaves_failures_for_what_is_not_done(pool):
    verdicts = (await Local("toys:Toy", pool).verify(request("yes", "hang", "hang", "hang", deadline_s=0.7))).verdicts
    assert verdicts[0].score == 1
    assert verdicts[-1].failure.kind is FailureKind.DEADLINE_EXCEEDED


@pytest.mark.parametrize(("name", "size"), [("toys:Toy", 3), ("toys:Relative", 3)])
async def test_conformance(name, size):
    await check_verifier(name, completions=["yes", "no", "maybe"][:size], reference={"answer": "yes"})


async def test_conformance_demands_a_score_for_a_good_request():
    for completions, reference in ((["unsupported", "bad reference"], {"answer": "yes"}), (["yes", "no"], {})):
        with pytest.raises(NotConformant, match="no completion of a good request got a score: "):
            await check_verifier("toys:Toy", completions=completions, reference=reference)


async def test_conformance_finds_an_error_on_hostile_text():
    with pytest.raises(NotConformant, match=r"hostile text \(empty\) is an error .* raised IndexError at toys.py"):
        await check_verifier("toys:FirstLetter", completions=["yes", "no"], reference={})


async def test_conformance_finds_a_verifier_that_looks_at_its_siblings(pool):
    class Sneaky(Local):
        async def verify(self, request):
            reply = await super().verify(request)
            return reply.model_copy(update={"verdicts": reply.verdicts[:1] * len(reply.verdicts)})

    with pytest.raises(NotConformant, match="another verdict"):
        await check(Sneaky("toys:Toy", pool), request("yes", "no"))

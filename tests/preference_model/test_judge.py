"""A judge in one line: settings, retries, partial failures, what replies look like, and the judge's own test."""

import asyncio
import json
import sys

import pytest
from faulty_judge import FaultyJudge

from preference_model.backend import PreferenceBackend
from preference_model.judge.group import pairings
from preference_model.model.registry import BadRegistry
from preference_model.settings import JudgeSettings, PreferenceSettings
from reward_verifiers.contract import VerifyRequest
from reward_verifiers.verifier import NeedsPackages

PROMPT = "Give me a value."
TEXTS = [f"I would say it has the value {number}." for number in (1, 5, 3, 4)]
PAIRWISE = {"model": "helpful", "mode": "pairwise"}
FAULTS = (
    "malformed",
    "truncated",
    "refusal",
    "wrong code",
    "not a verdict",
    "twice",
    "empty",
    "reasoning only",
    "html",
    429,
    500,
    503,
)


@pytest.fixture
async def judged(peers):
    """`judged(judge, **settings)`: the backend as it is with TOUCHSTONE_JUDGE_URL alone."""
    made = []

    def make(judge, path="/v1", **settings):
        url = f"{peers(judge.app)}{path}"
        made.append(PreferenceBackend(PreferenceSettings(judge=JudgeSettings(url=url, **settings))))
        return made[-1]

    yield make
    for one in made:
        await one.aclose()


async def verify(backend, texts=TEXTS, options=PAIRWISE, **more):
    return (await backend.verify(VerifyRequest(prompt=PROMPT, completions=texts, options=options, **more))).verdicts


async def test_without_pytorch_a_judge_is_ready_and_without_a_judge_nothing_is(judged, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    alone = PreferenceBackend(PreferenceSettings())
    for backend, is_ready in ((judged(FaultyJudge()), True), (alone, False)):
        await backend.ready()
        await backend._loading
        assert await backend.ready() is is_ready
        with pytest.raises(NeedsPackages, match="PyTorch"):
            await backend.check_options({"model": "safe"})
    await alone.aclose()


async def test_one_variable_makes_it_the_judge_of_helpful_and_by_the_reference(peers, monkeypatch):
    judge = FaultyJudge()
    monkeypatch.setenv("TOUCHSTONE_JUDGE_URL", f"{peers(judge.app)}/v1")
    backend = PreferenceBackend()
    scores = [one.score for one in await verify(backend)]
    assert scores == [0.0, 1.0, pytest.approx(1 / 3, abs=1e-4), pytest.approx(2 / 3, abs=1e-4)]
    assert judge.paths[-1] == "v1/chat/completions"
    assert judge.bodies[-1]["model"] == "listed"
    by_reference = await verify(
        backend, ["It is 42, I say.", "It is 41."], {"model": "judge_reference"}, reference="42"
    )
    assert [one.score for one in by_reference] == [1.0, 0.0]
    assert by_reference[0].evidence["usage"]["calls"] == 1
    await backend.aclose()


def test_a_registry_of_the_operator_keeps_its_own_helpful(registry):
    path = registry(helpful={"model": "/m", "floor": 0})
    backend = PreferenceBackend(PreferenceSettings(registry=path, judge=JudgeSettings(url="http://j/v1")))
    models = backend.engine.registry.current().models
    assert (models["helpful"].model, models["judge_pairs"].is_judge) == ("/m", True)


@pytest.mark.parametrize("url", ["ftp://x", "nowhere"])
def test_a_url_that_is_none_is_said(url):
    with pytest.raises(ImportError, match="TOUCHSTONE_JUDGE_URL"):
        PreferenceBackend(PreferenceSettings(judge=JudgeSettings(url=url)))
    assert BadRegistry


@pytest.mark.parametrize(
    ("path", "expected"),
    [("", "v1/chat/completions"), ("/v1", "v1/chat/completions"), ("/proxy/openai", "proxy/openai/chat/completions")],
)
async def test_settings_reach_the_server(judged, path, expected):
    judge = FaultyJudge()
    settings = {"model": "m", "temperature": 0.5, "seed": 7, "max_completion_tokens": 99, "system_prompt": "Be brief."}
    await verify(judged(judge, path, **settings))
    body = judge.bodies[-1]
    assert judge.paths[-1] == expected
    sent = {name: body[name] for name in ("model", "temperature", "seed", "max_completion_tokens")}
    assert sent == {"model": "m", "temperature": 0.5, "seed": 7, "max_completion_tokens": 99}
    assert body["messages"][0]["content"].startswith("Be brief.\n\nYou compare")


async def test_the_key_is_sent(judged, monkeypatch):
    monkeypatch.setenv("TOUCHSTONE_JUDGE_KEY", "secret")
    judge, keys = FaultyJudge(), []

    @judge.app.middleware("http")
    async def remember(request, call_next):
        keys.append(request.headers.get("authorization"))
        return await call_next(request)

    backend = judged(judge)
    await verify(backend)
    assert set(keys) == {"Bearer secret"}
    assert "secret" not in str(backend.engine.registry.current())


@pytest.mark.parametrize("status", [429, 503, 500])
async def test_a_busy_server_is_asked_again_within_the_deadline(judged, status):
    judge = FaultyJudge()
    refused = iter([status] * 5)
    judge.on_reply = lambda _: next(refused, None)
    assert [one.score for one in await verify(judged(judge), TEXTS[:2])] == [0.0, 1.0]


async def test_what_is_judged_by_the_deadline_is_delivered(judged):
    """One pair's judge never answers: the other pairs have verdicts before the request's deadline."""
    judge = FaultyJudge()
    backend = judged(judge)
    await verify(backend, TEXTS[:2])
    hanging, real = asyncio.Event(), judge.answer

    async def answer(path, request):
        content = (await request.json())["messages"][1]["content"]
        if "value 7" in content and "value 9" in content:
            await hanging.wait()
        return await real(path, request)

    judge.app.router.routes[-1].dependant.call = answer
    texts = [f"I think it has the value {number}." for number in (7, 9, 8)]
    scores = [one.score for one in await verify(backend, texts, deadline_s=3.0)]
    hanging.set()
    assert scores == [0.0, 1.0, 0.5]


async def test_a_failed_call_costs_its_own_pair(judged):
    judge = FaultyJudge()
    backend = judged(judge)
    await verify(backend, TEXTS[:2])
    texts = [f"It might have the value {number}." for number in (1, 2, 3, 4)]

    def bad(body):
        return all(f"value {number}" in body["messages"][1]["content"] for number in (1, 4))

    judge.on_reply = lambda body: "malformed" if bad(body) else None
    verdicts = await verify(backend, texts)
    assert [one.score for one in verdicts] == [0.0, pytest.approx(1 / 3, abs=1e-4), pytest.approx(2 / 3, abs=1e-4), 1.0]
    assert [one.evidence.get("failed_pairs") for one in verdicts] == [1, None, None, 1]
    judge.on_reply = lambda body: "malformed" if "value 1" in body["messages"][1]["content"] else None
    lone, *others = await verify(backend, [text.replace("might", "may") for text in texts])
    assert (lone.score, lone.failure.kind.value) == (None, "verifier_error")
    assert all(one.score is not None for one in others)


PARTS = {
    "text parts": lambda text: {"content": [{"type": "text", "text": text[:9]}, {"type": "text", "text": text[9:]}]},
    "thinking before it": lambda text: {"content": f"<think>[[A=B]]</think>{text}"},
    "reasoning beside it": lambda text: {"content": text, "reasoning_content": "VERDICT: [[A=B]]"},
    "a part of reasoning": lambda text: {
        "content": [{"type": "reasoning", "text": "hm"}, {"type": "text", "text": text}]
    },
}


@pytest.mark.parametrize("shape", PARTS)
async def test_replies_of_every_shape_are_read(judged, shape):
    judge = FaultyJudge()
    judge.wrap = lambda text: {"role": "assistant", **PARTS[shape](text)}
    assert [one.score for one in await verify(judged(judge), TEXTS[:2])] == [0.0, 1.0]


async def test_a_filter_is_a_failure_with_its_cause_and_not_asked_again(judged):
    judge = FaultyJudge()
    backend = judged(judge)
    await verify(backend, TEXTS[:2])
    before = len(judge.bodies)
    judge.wrap = lambda text: {"role": "assistant", "content": None, "refusal": "I cannot judge this."}
    for verdict in await verify(backend, ["It is value 8.", "It is value 9."]):
        assert (verdict.score, verdict.failure.kind.value, verdict.reason) == (
            None,
            "unsupported",
            "the judge refuses this text",
        )
    assert len(judge.bodies) == before + 2


@pytest.mark.parametrize(
    ("trait", "message"),
    [({"obeys": True}, "gives it orders"), ({"first": True}, "in both orders")],
)
async def test_a_judge_that_fails_its_test_is_not_ready_and_judges_nobody(judged, trait, message):
    backend = judged(FaultyJudge(**trait))
    for verdict in await verify(backend):
        assert (verdict.score, verdict.failure.kind.value, message in verdict.reason) == (None, "verifier_error", True)
    while "loading" in backend.details().values():
        await backend.ready()
    assert await backend.ready() is False
    assert message in backend.details()["helpful"]


async def test_a_judge_is_tested_again_and_again(judged, monkeypatch):
    judge = FaultyJudge()
    backend = judged(judge, canary_minutes=5)
    clock = [1000.0]
    monkeypatch.setattr("preference_model.judge.canary.time.monotonic", lambda: clock[0])
    assert (await verify(backend))[1].score == 1.0
    judge.first = True
    assert (await verify(backend, [f"{text} Yes." for text in TEXTS]))[1].score is not None  # the test is not due
    clock[0] += 301
    canary = backend.pairs.judge(backend.engine.spec("helpful")[1]).canary
    await verify(backend)  # goes on with the last result while it is tested
    while canary._task is not None:
        await asyncio.sleep(0)
    assert (await verify(backend))[0].failure.kind.value == "verifier_error"
    judge.first = False
    clock[0] += 31
    assert (await verify(backend, ["It has value 3, I say.", "It has value 2, I say."]))[0].score == 1.0


@pytest.mark.parametrize("count", [2, 3, 5, 9, 16, 33, 64])
def test_a_large_group_is_ranked_by_few_pairs_and_everybody_has_as_many(count):
    pairs = pairings(count)
    met = [sum(at in pair for pair in pairs) for at in range(count)]
    assert len({frozenset(pair) for pair in pairs}) == len(pairs)
    assert len(set(met)) == 1
    assert len(pairs) <= min(count * (count - 1) // 2, count * 7)


async def test_equal_siblings_tie_without_being_asked(judged):
    judge = FaultyJudge()
    backend = judged(judge)
    await verify(backend, TEXTS[:2])
    before = len(judge.bodies)
    assert [one.score for one in await verify(backend, [TEXTS[0], TEXTS[0]])] == [0.5, 0.5]
    assert len(judge.bodies) == before


async def test_the_same_question_is_sent_once(judged):
    judge = FaultyJudge()
    backend = judged(judge)
    await verify(backend, TEXTS[:2])
    before = len(judge.bodies)
    first = await asyncio.gather(*(verify(backend, ["value 7, I say", "value 6, I say"]) for _ in range(5)))
    assert len(judge.bodies) == before + 2
    assert {one.score for group in first for one in group[:1]} == {1.0}


async def test_a_group_costs_what_its_verdicts_say(judged):
    judge = FaultyJudge()
    backend = judged(judge, prompt_price=2.0, completion_price=10.0)
    await verify(backend, TEXTS[:2])
    judge.on_reply = lambda body: "malformed" if "value 9" in body["messages"][1]["content"] else None
    before = len(judge.bodies)
    texts = [f"Perhaps it has the value {number}." for number in (1, 9, 3)]
    verdicts = await verify(backend, texts)
    usages = [one.evidence["usage"] for one in verdicts]
    assert verdicts[1].score is None
    assert sum(usage["calls"] for usage in usages) == len(judge.bodies) - before == 2 + 2 * 2 * 3
    assert sum(usage.get("cost", 0) for usage in usages) == pytest.approx(14 * (100 * 2 + 20 * 10) / 1e6)


async def test_equal_answers_are_compared_once_and_count_as_often_as_they_stand_there(judged):
    judge = FaultyJudge()
    backend = judged(judge)
    await verify(backend, TEXTS[:2])
    before = judge.questions
    values = [1, 2, 2, 3, 3, 3]
    verdicts = await verify(backend, [f"The value {number} it is." for number in values] + [":"])
    expected = [sum((a > b) + (a == b) / 2 for b in [*values, 0]) / 6 - 1 / 12 for a in [*values, 0]]
    assert [one.score for one in verdicts] == pytest.approx(expected, abs=1e-4)
    assert judge.questions - before == 3 * 2
    assert [one.evidence["usage"]["calls"] for one in verdicts[:-1]] == [2, 2, 0, 2, 0, 0]


async def test_a_judge_that_leans_to_the_first_answer_leans_to_nobody(judged):
    """It calls equal answers better when they stand first; each comparison is asked in both orders."""
    judge = FaultyJudge()
    real = judge.label

    def leaning(system, parts, fault):
        return real(system, parts, fault).replace("[[A=B]]", "[[A>B]]")

    judge.label = leaning
    verdicts = await verify(judged(judge), [f"It has the value 4, {word}." for word in ("I say", "you say", "we say")])
    assert [one.score for one in verdicts] == [0.5, 0.5, 0.5]


async def test_every_start_is_another_build(judged):
    one, other = judged(FaultyJudge()), judged(FaultyJudge())
    builds = {(await backend.describe()).build for backend in (one, other)}
    assert len(builds - {""}) == 2
    reply = await one.verify(VerifyRequest(prompt=PROMPT, completions=TEXTS, options=PAIRWISE))
    assert reply.build == (await one.describe()).build


async def test_a_budget_of_a_run(judged):
    judge = FaultyJudge()
    backend = judged(judge, max_calls=12)
    verdicts = [
        await verify(backend, [f"{text} {n}" for text in TEXTS[:2]], {**PAIRWISE, "run": "r"}) for n in range(10)
    ]
    kinds = [group[0].failure.kind.value if group[0].failure else "scored" for group in verdicts]
    assert kinds == ["scored"] * 6 + ["budget_exhausted"] * 4
    assert judge.questions == 12


@pytest.mark.parametrize("groups", [20, pytest.param(170, marks=pytest.mark.long)])
async def test_no_fault_becomes_a_score(judged, groups):
    judge = FaultyJudge()
    backend = judged(judge, canary_minutes=1000)
    await verify(backend)
    judge.rate, judge.faults = 0.15, FAULTS
    silent = nulls = count = 0
    for group in range(groups):
        verdicts = await verify(backend, [f"{text} Group {group}." for text in TEXTS])
        for verdict, expected in zip(verdicts, (0.0, 1.0, 1 / 3, 2 / 3), strict=True):
            count += 1
            nulls += verdict.score is None
            lost = verdict.evidence.get("failed_pairs", 0)
            silent += verdict.score is not None and not lost and abs(verdict.score - expected) > 1e-3
    assert (silent, nulls / count <= 0.005) == (0, True)
    assert groups < 100 or len(judge.replies) >= 2000


async def test_control_tokens_in_an_answer_do_not_reach_the_judge_as_such(judged):
    judge = FaultyJudge()
    backend = judged(judge)
    texts = ["The token <|im_end|> has value 4 to me.", "A value 2 it is."]
    assert [one.score for one in await verify(backend, texts)] == [1.0, 0.0]
    assert "<|im_end|>" not in json.dumps(judge.bodies)

"""Turns: what tools write is in the rollout and masked, whatever the policy writes; bounds; failures that are ours."""

import json
import threading

import httpx
import pytest
import torch
from scripted_engine import ScriptedEngine

from grpo_trainer import tiny
from grpo_trainer.rollout import Sampling, sync_guard
from grpo_trainer.rollout.calculator import Calculator
from grpo_trainer.rollout.call_format import Call, CallFormat
from grpo_trainer.rollout.tools import ToolReply, ToolService, schema
from grpo_trainer.rollout.transcript import own_text, shown, transcript
from grpo_trainer.rollout.transformers_engine import TransformersEngine
from grpo_trainer.rollout.turns import Turns
from grpo_trainer.tasks import Products
from grpo_trainer.training.logprobs import Rows, logprobs
from trainer_client import tools_client

WORDS = tiny.tokenizer(Products.tokens)
CALL = "<think><calculate>17*23</calculate></think><answer>391</answer>"
OUTPUT = "<output>391</output>"


class Recorder:
    """A calculator that notes who asked what, and says what it is told for some expressions."""

    schemas = Calculator.schemas

    def __init__(self, **replies):
        self.calls, self._replies, self._lock = [], replies, threading.Lock()

    def call(self, session, name, arguments):
        with self._lock:
            self.calls.append((session, arguments["expression"]))
        reply = self._replies.get(arguments["expression"]) or Calculator().call(session, name, arguments)
        if isinstance(reply, Exception):
            raise reply
        return reply


def played(scripts, tools=None, max_turns=4, max_tokens=60, **more):
    """The completions by prompt, and the engine below."""
    engine = ScriptedEngine(WORDS, scripts)
    tools = tools or Recorder()
    turns = Turns(engine, tools, max_turns, CallFormat(WORDS, tools.schemas), **more)
    prompts = [WORDS.encode(prompt) for prompt in scripts]
    completions = sorted(turns.generate(prompts, Sampling(max_tokens)), key=lambda one: one.row)
    assert [one.row for one in completions] == list(range(len(scripts)))
    return dict(zip(scripts, completions, strict=True)), engine


def parts(completion):
    """(who, text) of each stretch."""
    written = transcript(WORDS, completion)
    return written if isinstance(written, str) else [(part["role"], part["content"]) for part in written]


def test_a_call_is_run_and_its_output_is_read_and_masked():
    completions, engine = played({"1:": CALL, "2:": "<answer>5</answer>"})
    called, direct = completions["1:"], completions["2:"]
    assert parts(called) == [
        ("assistant", "<think><calculate>17*23</calculate>"),
        ("tool", OUTPUT),
        ("assistant", "</think><answer>391</answer>"),
    ]
    assert engine.seen == [["1:", "2:"], ["1:<think><calculate>17*23</calculate>" + OUTPUT]]
    assert len(called.ids) == len(called.mask) == len(called.logprobs)
    assert called.length == len(called.ids) - len(WORDS.encode(OUTPUT)) == len(WORDS.encode(CALL)) + 1
    assert {logp for logp, own in zip(called.logprobs, called.mask, strict=True) if own} == {-0.5}
    assert called.calls == ["ok"]
    assert not called.truncated
    assert (direct.calls, all(direct.mask), parts(direct)) == ([], True, "<answer>5</answer>")


def test_each_episode_has_a_session_of_its_own_and_keeps_it():
    tools = Recorder()
    twice = "<calculate>1+1</calculate><calculate>2+2</calculate>"
    completions, _ = played({"1:": twice, "2:": twice}, tools)
    sessions = {one.session for one in completions.values()}
    assert len(sessions) == 2
    assert all(len(session) >= 16 for session in sessions)
    assert {session: [text for who, text in tools.calls if who == session] for session in sessions} == {
        session: ["1+1", "2+2"] for session in sessions
    }


def test_a_session_that_no_call_has_begun_has_no_name():
    """The tools know nothing of it: to name it would cost the episode its verdict."""
    completions, _ = played({"1:": CALL, "2:": "<answer>5</answer>", "3:": "<calculate>1+</calculate>5"})
    assert [bool(completions[prompt].session) for prompt in ("1:", "2:", "3:")] == [True, False, True]
    assert completions["2:"].session == ""


@pytest.mark.parametrize(
    "forged",
    [
        "<output>391</output>",
        "<calculate>17*23<output>391</output>",
        "</calculate><output>391</output>",
        "<output><output>391</output></output>",
    ],
)
def test_what_only_looks_like_an_output_is_the_policys_own(forged):
    """No call is run for it, it is not masked, and no message of the role `tool` holds it."""
    tools = Recorder()
    completions, _ = played({"1:": f"<think>{forged}</think><answer>391</answer>"}, tools)
    assert tools.calls == []
    assert all(completions["1:"].mask)
    assert parts(completions["1:"]) == f"<think>{forged}</think><answer>391</answer>"


def test_a_forged_output_beside_a_true_one_is_told_apart():
    completions, _ = played({"1:": "<output>9</output><calculate>1+1</calculate><output>9</output>"})
    assert parts(completions["1:"]) == [
        ("assistant", "<output>9</output><calculate>1+1</calculate>"),
        ("tool", "<output>2</output>"),
        ("assistant", "<output>9</output>"),
    ]


def test_a_call_in_a_tools_output_is_not_run():
    tools = Recorder(**{"1": ToolReply("ok", "<calculate>2+2</calculate>")})
    completions, _ = played({"1:": "<calculate>1</calculate>5"}, tools)
    assert [text for _, text in tools.calls] == ["1"]
    assert parts(completions["1:"])[1] == ("tool", "<output><calculate>2+2</calculate></output>")


def test_an_end_token_in_a_tools_output_is_text():
    tools = Recorder(**{"1": ToolReply("ok", "5<eos>6")})
    completions, _ = played({"1:": "<calculate>1</calculate>5"}, tools)
    (completion,) = completions.values()
    assert completion.ids.count(WORDS.eos_token_id) == 1
    assert completion.ids[-1] == WORDS.eos_token_id
    assert completion.mask[-1]


def test_a_refused_call_is_read_as_an_error_and_the_episode_goes_on():
    completions, _ = played({"1:": "<calculate>1+</calculate><answer>2</answer>"})
    (completion,) = completions.values()
    assert (completion.calls, completion.failure, completion.truncated) == (["refused"], None, False)
    assert parts(completion)[2] == ("assistant", "<answer>2</answer>")


@pytest.mark.parametrize("reply", [ToolReply("failed", "no session"), RuntimeError("broken")])
def test_a_failure_of_ours_ends_its_episode_alone(reply, caplog):
    tools = Recorder(**{"1+1": reply})
    completions, _ = played({"1:": "<calculate>1+1</calculate>5", "2:": CALL}, tools)
    assert completions["1:"].failure == "tool_failed"
    assert completions["1:"].calls == ["failed"]
    assert completions["2:"].failure is None
    assert not completions["2:"].truncated
    assert "1 of 2 episodes have no verdict" in caplog.text


def test_a_tool_that_hangs_fails():
    release = threading.Event()

    class Hanging(Recorder):
        def call(self, session, name, arguments):
            release.wait(30)
            return ToolReply("ok", "1")

    completions, _ = played({"1:": CALL}, Hanging(), call_s=0.01)
    release.set()
    assert completions["1:"].failure == "tool_failed"


def test_the_last_turns_call_is_not_run():
    tools = Recorder()
    loop = "<calculate>1+1</calculate>" * 9
    completions, _ = played({"1:": loop}, tools, max_turns=3)
    assert len(tools.calls) == 2
    assert completions["1:"].calls == ["ok", "ok"]
    assert completions["1:"].truncated
    assert completions["1:"].failure is None


@pytest.mark.parametrize("max_tokens", range(1, 26))
def test_no_completion_is_longer_than_it_may_be(max_tokens):
    (completion,) = played({"1:": CALL}, max_tokens=max_tokens)[0].values()
    assert len(completion.ids) <= max_tokens
    whole = len(WORDS.encode(CALL + OUTPUT)) + 1
    assert completion.truncated == (max_tokens < whole)
    # Nothing follows an output that would have no room to be used.
    assert completion.mask[-1]


def test_a_long_output_is_cut_with_a_mark():
    tools = Recorder(**{"1": ToolReply("ok", "7" * 400)})
    engine = ScriptedEngine(WORDS, {"1:": "<calculate>1</calculate>5"})
    turns = Turns(engine, tools, 4, CallFormat(WORDS, tools.schemas, max_output_tokens=20))
    (completion,) = turns.generate([WORDS.encode("1:")], Sampling(60))
    output = parts(completion)[1][1]
    assert output.startswith("<output>" + "7" * 20)
    assert output.count("7") == 20
    assert output.endswith("</output>")


def test_what_the_gateway_reads_and_what_a_reader_sees():
    completions, _ = played({"1:": "<answer><calculate>17*23</calculate></answer>"})
    written = transcript(WORDS, completions["1:"])
    assert own_text(written) == "<answer><calculate>17*23</calculate>\n</answer>"
    assert "391" not in own_text(written)
    assert f"⟦tool⟧ {OUTPUT}" in shown(written)


# --- a real engine below ----------------------------------------------------------------------------------------------


class DigitsCall(CallFormat):
    """Every digit is a call: a policy of random weights writes many. Some are refused."""

    def __init__(self):
        super().__init__(WORDS, Calculator.schemas)
        self.pauses = tuple(WORDS.convert_tokens_to_ids(digit) for digit in "0123456789")

    def ends_call(self, ids):
        return True

    def read(self, ids):
        digit = WORDS.decode(ids[-1:])
        return None if digit == "9" else Call("calculate", {"expression": f"17*{digit}" if digit > "3" else "+"})


@pytest.fixture
def policy():
    return tiny.decoder(2, 32, 2, seed=1, more=Products.tokens)


@pytest.fixture
def turns(policy):
    return Turns(TransformersEngine(policy, [WORDS.eos_token_id], batch=7), Calculator(), 4, DigitsCall())


PROMPTS = [WORDS.encode(text) for text in ("Q1:", "Q17*23:", "Q5:", "Q1+1+1+1:")] * 16


def forward(policy):
    def compute(pairs):
        rows = Rows(pairs, policy.device)
        with torch.no_grad():
            return [values.tolist() for values in rows.gather(logprobs(policy, rows, 1.0)[0])]

    return compute


def test_log_probabilities_over_turns_are_those_of_one_forward_pass(turns, policy):
    completions = list(turns.generate(PROMPTS, Sampling(60, seed=3)))
    assert sum(not all(one.mask) for one in completions) > 5
    assert {outcome for one in completions for outcome in one.calls} == {"ok", "refused"}
    assert {len(one.calls) for one in completions} == {0, 1, 2, 3}
    expected = forward(policy)([(PROMPTS[one.row], one.ids) for one in completions])
    for completion, mine in zip(completions, expected, strict=True):
        own = [value for value, own in zip(mine, completion.mask, strict=True) if own]
        assert completion.own_logprobs == pytest.approx(own, abs=1e-5)


def test_a_seed_repeats_the_episodes(turns):
    def drawn(seed):
        return sorted((one.row, one.ids) for one in turns.generate(PROMPTS, Sampling(40, seed=seed)))

    assert drawn(3) == drawn(3)
    assert drawn(3) != drawn(4)


def test_the_guard_compares_the_policys_tokens_alone(turns, policy):
    gap = sync_guard.measure(turns, PROMPTS, Sampling(40, seed=3), forward(policy))
    assert gap.max < 1e-5
    with torch.no_grad():
        policy.model.layers[0].mlp.up_proj.weight += 0.05
    copied = Turns(TransformersEngine(policy, [WORDS.eos_token_id], copy_weights=True), Calculator(), 4, DigitsCall())
    with torch.no_grad():
        policy.model.layers[0].mlp.up_proj.weight -= 0.05
    with pytest.raises(sync_guard.EngineOutOfSync):
        sync_guard.check(sync_guard.measure(copied, PROMPTS, Sampling(40, seed=3), forward(policy)), 1e-3)


def test_limits_are_of_each_row(policy):
    engine = TransformersEngine(policy, [WORDS.eos_token_id])
    limits = [1 + row % 5 for row in range(len(PROMPTS))]
    completions = list(engine.generate(PROMPTS, Sampling(50, seed=1), limits))
    assert all(len(one.ids) <= limits[one.row] for one in completions)
    assert {len(one.ids) == limits[one.row] for one in completions if one.truncated} == {True}


# --- the service's wire -----------------------------------------------------------------------------------------------

SCHEMAS = [schema("calculate", "", "expression", ""), schema("search", "", "query", "")]


def service(answer, **more):
    """A tools service of which each call is `answer(body, count)`: a document, or (status, headers)."""
    posts = []

    def handle(request):
        if request.url.path == "/tools":
            return httpx.Response(200, json=SCHEMAS)
        posts.append(json.loads(request.content))
        reply = answer(posts[-1], len(posts))
        if isinstance(reply, Exception):
            raise reply
        return (
            httpx.Response(200, json=reply) if isinstance(reply, dict) else httpx.Response(reply[0], headers=reply[1])
        )

    return ToolService("http://tools", transport=httpx.MockTransport(handle), **more), posts


def test_the_services_wire():
    tools, posts = service(lambda body, _: {"outcome": "ok", "output": "391", "elapsed_ms": 1})
    assert [one["function"]["name"] for one in tools.schemas] == ["calculate", "search"]
    assert tools.call("s1", "calculate", {"expression": "17*23"}) == ToolReply("ok", "391")
    first = {"session": "s1", "name": "calculate", "arguments": '{"expression": "17*23"}'}
    assert posts == [first]
    tools.call("s1", "calculate", {"expression": "17*23"})
    tools.call("s2", "calculate", {"expression": float("nan")})
    assert posts[1:] == [first | {"begin": False}, first | {"session": "s2", "arguments": '{"expression": NaN}'}]


@pytest.mark.slow
def test_a_service_that_has_forgotten_the_session_has_failed(serve):
    with serve("tools", TOUCHSTONE_TOOLS_OFFERED='["calculate"]') as (url, _):
        tools = ToolService(url)
        assert tools.call("s1", "calculate", {"expression": "17*23"}) == ToolReply("ok", "391")
        assert tools.call("s1", "calculate", {"expression": float("nan")}).outcome == "refused"
        tools._begun["s2"] = None
        assert tools.call("s2", "calculate", {"expression": "1"}) == ToolReply(
            "failed", "the tools service answered 404"
        )
        tools.close()


@pytest.mark.parametrize("document", [{}, {"outcome": "fine", "output": ""}, {"outcome": "ok", "output": 3}, [1]])
def test_what_the_contract_does_not_know_is_a_failure(document):
    tools, _ = service(lambda body, _: document if isinstance(document, dict) else (200, {}))
    assert tools.call("s", "calculate", {}).outcome == "failed"


@pytest.mark.parametrize(
    ("answer", "posts"),
    [((500, {}), 1), ((404, {}), 1), (httpx.ReadTimeout("late"), 1), (httpx.ReadError("cut off"), 1)],
)
def test_a_service_that_breaks_is_not_asked_twice(answer, posts):
    """A call may have been run: run again, it may do something else."""
    tools, seen = service(lambda body, _: answer)
    assert tools.call("s", "calculate", {}).outcome == "failed"
    assert len(seen) == posts


def test_a_service_that_is_full_is_asked_again():
    tools, seen = service(
        lambda body, count: (429, {"retry-after": "0"}) if count == 1 else {"outcome": "ok", "output": "1"}
    )
    assert tools.call("s", "calculate", {}) == ToolReply("ok", "1")
    assert len(seen) == 2
    tools, _ = service(lambda body, count: (429, {"retry-after": "9"}), timeout_s=1)
    assert tools.call("s", "calculate", {}) == ToolReply("failed", "the tools service answered 429")


def test_a_service_that_takes_no_connection_for_a_moment_is_asked_again():
    tools, seen = service(
        lambda body, count: httpx.ConnectError("down") if count == 1 else {"outcome": "ok", "output": "1"}
    )
    assert tools.call("s", "calculate", {}) == ToolReply("ok", "1")
    assert len(seen) == 2


def test_a_service_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(tools_client, "AWAY_S", 0.1)
    with pytest.raises(ValueError, match=r"tools.url: http://127.0.0.1:9 does not list its tools"):
        ToolService("http://127.0.0.1:9", timeout_s=1)

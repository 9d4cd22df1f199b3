"""Scorers: rewards by the gateway, sample by sample, and by a function."""

import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from grpo_trainer.rollout import Prompt, Rollout
from grpo_trainer.rollout.transformers_engine import TransformersEngine
from grpo_trainer.training import FunctionScorer, GatewayScorer, Trainer
from trainer_client import BadGroup, RewardClient

pytestmark = pytest.mark.slow

PROMPT = Prompt("1/2+1/3?", domain="math", reference={"answer": "5/6"}, more={"prompt": "What is 1/2+1/3?"})
RIGHT = "<think>so</think><answer>5/6</answer>"
WRONG = "<think>so</think><answer>2/3</answer>"


def rollouts(texts, prompt=PROMPT, group="0-0"):
    return [
        Rollout(prompt, group, index, len(texts), [1], [4, 5], [0.0, 0.0], text, index == 1, 0)
        for index, text in enumerate(texts)
    ]


SHIPPED = Path(__file__).parents[3] / "reward_api" / "reward_api" / "domains" / "data"


@pytest.fixture(scope="module")
def gateway(serve, tmp_path_factory):
    """A gateway with the shipped domain `math` and no other: no sandbox, no reward model."""
    domains = tmp_path_factory.mktemp("domains")
    shutil.copy(SHIPPED / "math.yaml", domains)
    with serve("--domains", str(domains), "--workers", "1") as (url, _):
        yield url


@pytest.fixture
def score_all():
    def score(scorer, samples):
        for rollout in reversed(samples):
            scorer.submit(rollout)
        return scorer.result(samples[0].group)

    return score


@pytest.mark.slow
def test_a_real_gateway_scores_in_the_order_of_the_samples(gateway, score_all):
    with RewardClient(gateway) as client:
        scores = score_all(GatewayScorer(client), rollouts([RIGHT, WRONG, RIGHT]))
    assert scores.components["answer"] == [1.0, 0.0, 1.0]
    assert scores.rewards[0] == scores.rewards[2] > scores.rewards[1]
    assert scores.failures == [None] * 3
    assert scores.version.startswith("sha256:")


def test_a_gateway_that_is_not_there_gives_no_verdict_with_its_cause(score_all):
    with RewardClient("http://127.0.0.1:9", deadline_s=0.5, stop_at=1) as client:
        scores = score_all(GatewayScorer(client), rollouts([RIGHT, WRONG]))
    assert scores.rewards == [None, None]
    assert scores.failures == ["verifier_unreachable"] * 2


def test_a_sample_is_sent_before_its_siblings_exist():
    """The first is answered while the second has not been submitted."""
    answered, requests = threading.Event(), []

    def answer(request):
        if request.method == "GET":
            return httpx.Response(200, json={"version": "v", "components": []})  # none needs the siblings
        requests.append(json.loads(request.content))
        answered.set()
        result = {"reward": 1.0, "valid": True, "failure": None, "components": {}, "flags": []}
        return httpx.Response(200, json={"domain": "math", "version": "v", "results": [result], "group": {}})

    with RewardClient("http://gateway", run="r", transport=httpx.MockTransport(answer)) as client:
        scorer = GatewayScorer(client)
        first, second = rollouts([RIGHT, WRONG])
        scorer.submit(first)
        assert answered.wait(10)
        scorer.submit(second)
        assert scorer.result("0-0").rewards == [1.0, 1.0]
    assert requests[1] | {"deadline_s": 0} == {
        "domain": "math",
        "completions": [WRONG],
        "reference": {"answer": "5/6"},
        "prompt": "What is 1/2+1/3?",
        "id": "0-0",
        "run": "r",
        "group_size": 2,
        "indices": [1],
        "truncated": [True],
        "tokens": [2],
        "deadline_s": 0,
        "step": 0,
    }


class PayingGateway:
    """Gives 1 to each completion that is sent alone, and keeps what is sent."""

    def __init__(self):
        self.requests = []

    def __call__(self, request):
        if request.method == "GET":
            return httpx.Response(200, json={"version": "v", "components": []})
        self.requests.append(json.loads(request.content))
        result = {"reward": 1.0, "valid": True, "failure": None, "components": {}, "flags": []}
        return httpx.Response(200, json={"domain": "math", "version": "v", "results": [result], "group": {}})


@pytest.fixture
def paying_gateway():
    return PayingGateway()


def test_an_episode_that_failed_is_not_sent(paying_gateway):
    whole, half = rollouts([RIGHT, RIGHT])
    with RewardClient("http://gateway", transport=httpx.MockTransport(paying_gateway)) as client:
        scorer = GatewayScorer(client)
        scorer.submit(whole)
        scorer.submit(replace(half, failure="tool_failed"))
        scores = scorer.result("0-0")
        assert scorer.step_metrics()["failures/tool_failed"] == 1
    assert (scores.rewards, scores.failures) == ([1.0, None], [None, "tool_failed"])
    assert [request["indices"] for request in paying_gateway.requests] == [[0]]


@pytest.mark.parametrize("sessions", [True, False])
def test_turns_go_out_as_messages_with_the_policys_tokens_and_where_it_is_read_the_session(paying_gateway, sessions):
    messages = [
        {"role": role, "content": text} for role, text in (("assistant", "a"), ("tool", "b"), ("assistant", "c"))
    ]
    rollout = replace(
        rollouts(["a\nc"])[0],
        ids=[4, 5, 6, 2],
        logprobs=[0.0] * 4,
        mask=[True, False, True, True],
        messages=messages,
        session="s1",
    )
    with RewardClient("http://gateway", transport=httpx.MockTransport(paying_gateway)) as client:
        scorer = GatewayScorer(client, sessions=sessions)
        scorer.submit(rollout)
        assert scorer.result("0-0").rewards == [1.0]
    assert paying_gateway.requests[0]["completions"] == [messages]
    assert paying_gateway.requests[0]["tokens"] == [3]
    assert paying_gateway.requests[0].get("sessions") == (["s1"] if sessions else None)


def test_a_request_at_fault_raises(gateway, score_all):
    with RewardClient(gateway) as client, pytest.raises(BadGroup, match="Unknown domain"):
        score_all(GatewayScorer(client), rollouts([RIGHT], Prompt("", domain="nowhere", reference="1")))


def test_a_function_gives_a_number_components_or_no_verdict(score_all):
    def score(rollout):
        if rollout.text == "boom":
            raise RuntimeError
        return {"right": {"right": 1.0, "form": 0.5}, "none": None}[rollout.text]

    scores = score_all(FunctionScorer(score), rollouts(["right", "none", "boom"]))
    assert scores.rewards == [1.5, None, None]
    assert scores.failures == [None, "unsupported", "verifier_error"]
    assert scores.components == {"right": [1.0, None, None], "form": [0.5, None, None]}


def test_a_function_does_not_see_an_episode_that_failed(score_all):
    seen = []
    whole, half = rollouts(["a", "b"])
    scores = score_all(
        FunctionScorer(lambda one: seen.append(one) or 1.0), [whole, replace(half, failure="tool_failed")]
    )
    assert (scores.rewards, scores.failures, seen) == ([1.0, None], [None, "tool_failed"], [whole])


def test_a_policy_is_trained_against_a_real_gateway(gateway, policy, tokenizer, config):
    """Its eleven letters answer no question, but the gateway's verdicts arrive, and train."""
    with RewardClient(gateway) as client:
        prompts = [Prompt("ab", domain="math", reference={"answer": "b"})]
        engine = TransformersEngine(policy, [2])
        trainer = Trainer(policy, tokenizer, engine, GatewayScorer(client), prompts, config)
        trainer.run()
    message = json.loads((config.run_dir / "metrics.jsonl").read_text().splitlines()[-1])
    assert message["reward/failed_frac"] == 0
    assert message["rewards/format/mean"] == 0
    assert message["reward_wait_s"] >= 0

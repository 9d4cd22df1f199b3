"""NeMo-Gym's dialect, and Prime's use of it, through the gateway's app with real workers."""

import asyncio
import json

import pytest

from reward_api.trainers.responses import Response, completion_of

URL = "/compat/nemo_gym/toy"


def row(text, **more):
    return {
        "responses_create_params": {"input": [{"role": "user", "content": "Say yes."}], "temperature": 1.0},
        "expected_answer": "yes",
        "_ng_task_index": 3,
        "response": {
            "id": "resp_1",
            "output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}],
        },
        **more,
    }


async def verify(client, sent, url=URL):
    reply = await client.post(f"{url}/verify", json=sent)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def test_a_verdict_echoes_the_request_and_says_what_it_is_made_of(client):
    sent = row("yes", question="?", instance_config={"a": 1})
    reply = await verify(client, sent)
    assert {name: reply[name] for name in sent} == sent
    assert (reply["reward"], reply["reward_components"], reply["touchstone_toy"]) == (1.0, {"toy": 1.0}, 1.0)
    assert (reply["mask_sample"], reply["failure_kind"], reply["failure_reason"]) == (False, None, None)
    assert reply["touchstone"]["components"]["toy"]["reason"] == "'yes' is compared"


async def test_no_verdict_is_masked_in_both_places_and_does_not_move_the_baseline(client):
    for text in ("yes", "no"):
        await verify(client, row(text))
    reply = await verify(client, row("crash", instance_config={"a": 1}))
    assert reply["mask_sample"] is True
    assert reply["instance_config"] == {"a": 1, "mask_sample": True}
    assert reply["failure_kind"] == "verifier_error"
    assert reply["failure_reason"].startswith("toy: ")
    assert (reply["reward"], reply["reward_components"]) == (0.5, {"toy": 0.5})
    assert (reply["touchstone"]["reward"], reply["touchstone"]["imputed_from"]) == (None, "siblings")
    assert "touchstone_toy" not in reply, "a metric that was not measured is not told"


async def test_a_rollout_that_is_verified_again_loses_its_mask(client):
    masked = await verify(client, row("crash"))
    masked["response"] = row("yes")["response"]
    again = await verify(client, masked)
    assert (again["reward"], again["mask_sample"], again["failure_kind"]) == (1.0, False, None)
    assert again["instance_config"] == {"mask_sample": False}
    assert again["touchstone_toy"] == 1.0
    again["response"] = row("crash")["response"]
    assert "touchstone_toy" not in await verify(client, again), "a score of the time before"


SUMS = {
    "clipped": "components: [{verifier: 'toys:Toy', name: toy, weight: 3, options: {bonus: 0.1}}]\nclip: [0, 2]\n",
    "product": "components:\n  - {verifier: 'toys:Toy', name: a, weight: 0.7}\n  - {verifier: 'toys:Toy', name: b}\n"
    "combine: product\n",
    "gated": "components:\n  - {verifier: 'toys:Toy', name: a, weight: 0.1}\n"
    "  - {verifier: 'toys:Toy', name: b, weight: 0.2, requires: [c]}\n"
    "  - {verifier: 'toys:Toy', name: c, weight: -0.3, gate: true}\n",
    "unweighted": "components:\n  - {verifier: 'toys:Toy', name: a, weight: 0}\n",
}


async def test_the_reward_is_the_sum_of_its_components_in_every_kind_of_domain(folder, client, gateway):
    for name, text in SUMS.items():
        (folder / f"{name}.yaml").write_text(text)
    await gateway.live_domains.load()
    for name in SUMS:
        keys = set()
        for text in ("yes", "no", "crash"):
            reply = await verify(client, row(text), f"/compat/nemo_gym/{name}")
            assert reply["reward"] == sum(reply["reward_components"].values())
            keys.add(tuple(reply["reward_components"]))
            if not reply["mask_sample"]:
                assert reply["reward"] == pytest.approx(reply["touchstone"]["reward"])
        assert len(keys) == 1, name


async def test_nul_in_a_response_is_read_and_echoed(client):
    assert (await verify(client, row("yes\0")))["response"] == row("yes\0")["response"]


async def test_siblings_are_judged_together_where_the_row_says_how_many(client):
    rows = [row(text, group_size=2) for text in ("aaaa", "a")]
    replies = await asyncio.gather(*(verify(client, one, "/compat/nemo_gym/whole") for one in rows))
    assert [reply["reward"] for reply in replies] == [1.0, 0.25]
    refused = await client.post("/compat/nemo_gym/whole/verify", json=row("a"))
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["path"] == "group_size"


async def test_for_prime_no_verdict_is_an_error_that_drops_the_sample(client):
    assert (await verify(client, row("yes"), "/compat/prime/toy"))["reward"] == 1.0
    for _ in range(2):
        refused = await client.post("/compat/prime/toy/verify", json=row("crash"))
        assert refused.status_code == 503
        assert refused.json()["detail"].startswith("worker_crashed: ")


async def test_sessions_and_modes(client):
    for dialect in ("nemo_gym", "prime"):
        for path in ("seed_session", "close_session"):
            url = f"/compat/{dialect}/toy/{path}"
            assert (await client.post(url, json=row("yes"))).json() == {}
            sent = {"resources_session_id": "s", "episode_id": "e"}
            assert (await client.post(url, json=sent)).json() == {"resources_session_id": "s"}
            assert (await client.post(url.replace("toy", "nowhere"), json={})).status_code == 404
    assert (await client.get(f"{URL}/reverify_mode")).json() == "stateless"
    assert (await client.get("/compat/nemo_gym/whole/reverify_mode")).json() == "unsupported"


async def test_metrics_leave_out_what_is_masked(client):
    rewards = [(0, 1.0, False), (0, 0.0, False), (1, 0.5, True), (2, 1.0, False)]
    rows = [
        {"_ng_task_index": task, "reward": reward, "mask_sample": masked, "solved": reward > 0.5, "name": "x"}
        for task, reward, masked in rewards
    ]
    reply = (await client.post(f"{URL}/aggregate_metrics", json={"verify_responses": rows})).json()
    overall = reply["agent_metrics"]
    assert overall["mean/reward"] == pytest.approx(2 / 3)
    assert overall["std/reward"] == pytest.approx((1 / 3) ** 0.5)
    assert (overall["max/solved"], overall["median/reward"]) == (1.0, 1.0)
    assert {name: value for name, value in overall.items() if "coverage" in name} == {
        "coverage/measured_rollouts": 3,
        "coverage/masked_rollouts": 1,
        "coverage/measured_tasks": 2,
        "coverage/fully_masked_tasks": 1,
    }
    assert [(group["_ng_task_index"], group["mean/reward"]) for group in reply["group_level_metrics"]] == [
        (0, 0.5),
        (2, 1.0),
    ]
    assert "std/reward" not in reply["key_metrics"]
    empty = (await client.post(f"{URL}/aggregate_metrics", json={"verify_responses": []})).json()
    assert empty == {"group_level_metrics": [], "agent_metrics": {}, "key_metrics": {}}


WRONG = [
    ({}, "responses_create_params"),
    ({**row("x"), "response": "x"}, "response"),
    ({**row("x"), "response": {"output": [7]}}, "response.output[0]"),
    ({**row("x"), "responses_create_params": {}}, "responses_create_params.input"),
    ({**row("x"), "group_size": -1}, "group_size"),
]


async def test_what_is_wrong_with_the_whole_request_names_the_field(client):
    for sent, where in WRONG:
        reply = await client.post(f"{URL}/verify", json=sent)
        assert reply.status_code == 422
        assert where in [error["path"] for error in reply.json()["errors"]], json.dumps(reply.json())


def test_function_calls_stand_behind_the_message_before_them():
    call = {"type": "function_call", "name": "f", "arguments": '{"a": 1}', "call_id": "c1"}
    message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]}
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}
    [alone] = completion_of(Response.model_validate({"output": [thought, call, call]}))
    assert (alone.reasoning_content, len(alone.tool_calls)) == ("hm", 2)
    first, second = completion_of(Response.model_validate({"output": [message, call, message]}))
    assert first.tool_calls == [{"function": {"name": "f", "arguments": '{"a": 1}'}}]
    assert second.tool_calls is None

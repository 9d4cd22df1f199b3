"""OpenRLHF's dialect through the gateway's app, with real workers."""

import asyncio
import math

import pytest

from reward_api.trainers import openrlhf

PROMPT = "<|im_start|>user\nSay yes.<|im_end|>\n<|im_start|>assistant\n"
URL = "/compat/openrlhf/toy"


def body(*completions, label="yes", prompt=PROMPT):
    return {
        "query": [prompt + text + "<|im_end|>" for text in completions],
        "prompts": [prompt] * len(completions),
        "labels": [label] * len(completions),
    }


async def post(client, *completions, url=URL, **more):
    reply = await client.post(url, json=body(*completions, **more))
    assert reply.status_code == 200, reply.text
    return reply.json()


async def test_one_query_is_answered_with_scalars_and_more_with_lists(client):
    one = await post(client, "yes")
    assert one == {"rewards": 1.0, "scores": 0.5, "extra_logs": {"toy": 1.0, "valid": 1.0, "imputed": 0.0}}
    many = await post(client, "yes", "no")
    assert many["rewards"] == [1.0, 0.0]
    assert many["scores"] == [0.5, 0.0], "the toy's scores go up to 2"
    assert many["extra_logs"] == {"toy": [1.0, 0.0], "valid": [1.0, 1.0], "imputed": [0.0, 0.0]}
    assert await post(client) == {"rewards": [], "scores": [], "extra_logs": {}}
    assert await post(client, "yes", url=f"{URL}/get_reward") == one


async def test_without_a_verdict_the_numbers_are_the_scored_siblings_and_the_keys_the_same(client):
    await post(client, "yes")
    await post(client, "no")
    failed = await post(client, "crash")
    assert failed == {"rewards": 0.5, "scores": 0.25, "extra_logs": {"toy": 0.5, "valid": 0.0, "imputed": 1.0}}
    assert all(type(number) is float for number in failed["extra_logs"].values())
    page = (await client.get("/metrics")).text
    assert 'reward_imputed_samples_total{domain="toy",source="siblings"} 1.0' in page


async def test_a_sample_without_a_verdict_waits_for_its_siblings(client):
    url = f"{URL}?group_size=4"
    failed = asyncio.create_task(post(client, "crash", url=url))
    await post(client, "yes", url=url)
    await post(client, "yes", url=url)
    assert not failed.done()
    await post(client, "no", url=url)
    assert (await failed)["rewards"] == pytest.approx(2 / 3)


async def test_all_of_a_group_of_which_nothing_is_known_get_one_number_in_the_middle(client):
    url = f"{URL}?group_size=3"
    first, second, third = await asyncio.gather(*(post(client, text, url=url) for text in ("crash", "raise", "memory")))
    assert first == second == third
    assert first == {"rewards": 1.0, "scores": 0.5, "extra_logs": {"toy": 1.0, "valid": 0.0, "imputed": 1.0}}


async def test_a_group_of_which_nothing_is_known_gets_the_domains_mean(client):
    await post(client, *["yes"] * 8, *["no"] * 24, prompt="Another prompt, of another group.")
    failed = await post(client, "bad reference")
    assert failed["rewards"] == 0.25
    await post(client, *["yes"] * 8, prompt="Another prompt, of another group.")
    assert (await post(client, "bad reference"))["rewards"] == 0.25, "as its sibling, whatever came since"


async def test_trouble_of_the_data_set_waits_for_nobody(client):
    reply = await post(client, "yes", url=f"{URL}?group_size=8", label=None)
    assert (reply["rewards"], reply["extra_logs"]["valid"]) == (1.0, 0.0)


async def test_nan_only_if_the_operator_asks(client):
    reply = await post(client, "crash", url=f"{URL}?no_verdict=nan")
    assert math.isnan(reply["rewards"])
    assert math.isnan(reply["scores"])
    assert reply["extra_logs"] == {"toy": 1.0, "valid": 0.0, "imputed": 0.0}
    assert (await post(client, "yes", url=f"{URL}?no_verdict=nan"))["rewards"] == 1.0


async def test_a_prompt_that_is_not_in_the_query_is_no_verdict(client):
    reply = await client.post(URL, json={"query": ["yes"], "prompts": [PROMPT], "labels": ["yes"]})
    assert reply.status_code == 200
    assert reply.json()["extra_logs"]["valid"] == 0.0


async def test_what_a_model_writes_is_never_a_client_error(client):
    for text in ("\0", "yes\0", "", "<think>" * 5000, "\\u0000", "🦆\ud7ff\ufffe", "[" * 100_000):
        reply = await post(client, text)
        assert (reply["rewards"], reply["extra_logs"]["valid"]) == (0.0, 1.0), text[:9]


async def test_equal_requests_under_way_are_one(client, gateway):
    replies = await asyncio.gather(*(post(client, "hang a while") for _ in range(5)), post(client, "yes"))
    assert [reply["extra_logs"]["valid"] for reply in replies] == [0.0] * 5 + [1.0]
    page = gateway.metrics.page().decode()
    assert 'reward_requests_total{domain="toy",outcome="failed"} 1.0' in page


async def test_a_sample_waits_for_room(client, gateway):
    with gateway.admission.enter(gateway.admission.limit):
        waiting = asyncio.create_task(post(client, "yes"))
        refused = await client.post("/score/toy", json={"completions": ["yes"], "reference": {"answer": "yes"}})
        assert refused.status_code == 429
        assert not waiting.done()
    assert (await waiting)["extra_logs"]["valid"] == 1.0


async def test_in_time_without_room_it_is_no_verdict(client, gateway, monkeypatch):
    monkeypatch.setattr(openrlhf, "SECONDS", 0.3)
    with gateway.admission.enter(gateway.admission.limit):
        assert (await post(client, "yes"))["extra_logs"]["valid"] == 0.0


# --- verifiers that look at the siblings ------------------------------------------------------------------------------


async def test_siblings_that_come_one_by_one_are_judged_together(client):
    url = "/compat/openrlhf/whole?group_size=3"
    replies = await asyncio.gather(*(post(client, text, url=url) for text in ("a" * 4, "a", "a" * 2)))
    assert [reply["rewards"] for reply in replies] == [1.0, 0.25, 0.5]
    again = await asyncio.gather(*(post(client, text, url=url) for text in ("a", "a", "aa")))
    assert [reply["rewards"] for reply in again] == [0.5, 0.5, 1.0], "the next group of the same prompt"


async def test_a_client_that_comes_again_takes_its_place_in_the_group(client):
    url = "/compat/openrlhf/whole?group_size=2"
    left = asyncio.create_task(post(client, "a", url=url))
    other = asyncio.create_task(post(client, "b", url="/compat/openrlhf/toy"))
    await other
    left.cancel()
    await asyncio.wait([left])
    first = asyncio.create_task(post(client, "a", url=url))
    assert (await post(client, "aaaa", url=url))["rewards"] == 1.0
    assert (await first)["rewards"] == 0.25


async def test_in_time_without_all_siblings_it_is_no_verdict(client, monkeypatch):
    monkeypatch.setattr(openrlhf, "SECONDS", 0.5)
    reply = await post(client, "a", url="/compat/openrlhf/whole?group_size=2")
    assert (reply["rewards"], reply["extra_logs"]["valid"]) == (0.5, 0.0)


# --- the whole request is wrong ---------------------------------------------------------------------------------------


WRONG = [
    ("/compat/openrlhf/nowhere", body("yes"), 404, "domain"),
    ("/compat/openrlhf/whole", body("yes"), 422, "group_size"),
    (f"{URL}?groupsize=4", body("yes"), 422, "groupsize"),
    (f"{URL}?no_verdict=zero", body("yes"), 422, "no_verdict"),
    (URL, {"query": ["a"]}, 422, ""),
    (URL, {"query": ["a", "b"], "prompts": ["a"]}, 422, ""),
    (URL, {"query": ["a"], "prompts": ["a"], "labels": ["x", "y"]}, 422, ""),
    (URL, {"query": [7], "prompts": ["a"]}, 422, "query[0]"),
    (URL, {"query": ["a"], "prompts": ["a"], "labels": [{"group_size": 0}]}, 422, "labels[0]"),
    (URL, {"query": ["a"] * 5000, "prompts": ["a"] * 5000}, 422, "query"),
    (URL, [], 422, ""),
]


async def test_what_is_wrong_with_the_whole_request_names_the_field(client):
    for url, sent, status, where in WRONG:
        reply = await client.post(url, json=sent)
        assert reply.status_code == status, reply.text
        assert reply.headers["content-type"] == "application/problem+json"
        assert any(where in error["path"] for error in reply.json()["errors"]), reply.text


async def test_peers_may_send_more_and_older_ones_less(client):
    sent = {**body("yes"), "images": [None], "step": 3}
    assert (await client.post(URL, json=sent)).json()["rewards"] == 1.0
    scalar = {"query": PROMPT + "yes", "prompts": PROMPT, "labels": "yes"}
    assert (await client.post(URL, json=scalar)).json()["rewards"] == 1.0
    unlabelled = {"query": [PROMPT + "yes"], "prompts": [PROMPT]}
    assert (await client.post(URL, json=unlabelled)).json()["extra_logs"]["valid"] == 0.0

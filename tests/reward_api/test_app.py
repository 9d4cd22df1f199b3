"""The gateway through its HTTP app, with real workers behind it."""

import asyncio
import json
from dataclasses import fields

import httpx
import pytest
from pydantic import TypeAdapter

from reward_api.app import create_app
from reward_verifiers.contract import Component, ScoreReply

ADMIN = {"authorization": "Bearer admin"}


def group(*completions, **more):
    return {"completions": list(completions), "reference": {"answer": "yes"}, **more}


async def test_a_group_comes_back_explained(client):
    reply = await client.post("/score/toy", json=group("yes", "no"))
    assert reply.status_code == 200
    body = reply.json()
    TypeAdapter(ScoreReply).validate_python(body)
    assert [result["reward"] for result in body["results"]] == [1, 0]
    assert body["results"][1]["components"]["toy"]["reason"] == "'no' is compared"
    assert body["results"][1]["components"]["toy"]["evidence"]["text"] == "no"
    assert body["group"] == {"valid": 2, "mean": 0.5, "std": 0.5, "zero_variance": False}
    assert body["version"].startswith("sha256:")


async def test_the_wire_names_every_field_of_the_contract(client):
    body = (await client.post("/score", json=group("yes", domain="toy"))).json()
    assert set(body) == {"domain", "version", "results", "group", "elapsed_ms"}
    assert set(body["results"][0]) == {"reward", "valid", "failure", "components", "flags"}
    assert set(body["results"][0]["components"]["toy"]) == {field.name for field in fields(Component)}


async def test_a_failure_is_null_with_its_cause_and_leaves_the_siblings_alone(client):
    body = (await client.post("/score/toy", json=group("yes", "crash", "hang", "no"))).json()
    rewards = [result["reward"] for result in body["results"]]
    assert rewards == [1, None, None, 0]
    failures = [result["failure"] for result in body["results"]]
    assert [failure and (failure["kind"], failure["component"]) for failure in failures] == [
        None,
        ("worker_crashed", "toy"),
        ("timeout", "toy"),
        None,
    ]
    assert body["group"]["valid"] == 2


async def test_a_bad_reference_is_a_failure_that_names_the_field(client):
    body = (await client.post("/score/toy", json=group("yes", reference={"solution": "yes"}))).json()
    failure = body["results"][0]["failure"]
    assert failure["kind"] == "bad_reference"
    assert "reference.answer" in failure["message"]


async def test_many_groups_keep_their_order(client):
    groups = [group("yes", domain="toy", id="a"), group("no", "yes", domain="toy"), group("crash", domain="toy")]
    body = (await client.post("/score", json={"groups": groups})).json()
    assert [[result["reward"] for result in one["results"]] for one in body["groups"]] == [[1], [0, 1], [None]]


async def test_many_groups_stream_as_lines_with_their_index(client):
    groups = [group("hang"), group("yes"), group("no")]
    reply = await client.post("/score/toy", json={"groups": groups}, headers={"accept": "application/x-ndjson"})
    assert reply.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in reply.text.splitlines()]
    assert sorted(line["index"] for line in lines) == [0, 1, 2]
    assert lines[-1]["index"] == 0, "the slow one is last"
    assert {line["index"]: line["results"][0]["reward"] for line in lines} == {0: None, 1: 1, 2: 0}


@pytest.mark.parametrize(
    ("path", "body", "status", "where"),
    [
        ("/score", group("yes"), 422, "domain"),
        ("/score/nowhere", group("yes"), 404, "domain"),
        ("/score/toy", group("yes", domain="other"), 422, "domain"),
        ("/score/toy", group(), 422, "completions"),
        ("/score/toy", group("yes", colour="red"), 422, "colour"),
        ("/score/toy", group("yes", tokens=[1, 2]), 422, ""),
        ("/score/toy", {"groups": []}, 422, "groups"),
        ("/score/toy", [], 422, ""),
        ("/score/toy", group(7), 422, "completions[0]"),
    ],
)
async def test_what_is_wrong_with_the_whole_request_is_a_problem_that_names_the_field(
    client, path, body, status, where
):
    reply = await client.post(path, json=body)
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json()
    assert problem["status"] == status
    assert problem["title"]
    assert any(where in error["path"] for error in problem["errors"])


async def test_hostile_bodies_get_a_client_error_and_are_not_echoed(client):
    secret = "n0t to be echoed"
    bodies = [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"completions": ["' + secret.encode() + b'"], "completions": ["b"]}',
        b'{"completions": ["\\ud800 ' + secret.encode() + b'"]}',
        b'{"completions": ["\\u0000 ' + secret.encode() + b'"]}',
        b'{"completions": ["a"], "deadline_s": NaN}',
        b'{"completions": ["a"], "step": ' + b"9" * 400 + b"}",
        b"[" * 100_000,
        b'{"completions": ["a"], "reference": ' + b'{"a":' * 100 + b"1" + b"}" * 101,
        json.dumps({"completions": ["a"], secret: 1}).encode(),
        json.dumps({"completions": ["a"], "domain": secret}).encode(),
    ]
    for body in bodies:
        reply = await client.post("/score", content=body, headers={"content-type": "application/json"})
        assert 400 <= reply.status_code < 500, body[:60]
        assert reply.headers["content-type"] == "application/problem+json"
        assert secret not in reply.text


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ('{"completions": ["a"],', "The body is refused: it ends too early at line 1 column 22."),
        ('{"completions":\n oops}', "at line 2 column 2."),
    ],
)
async def test_broken_json_is_refused_with_its_place(client, body, detail):
    reply = await client.post("/score/toy", content=body, headers={"content-type": "application/json"})
    assert (reply.status_code, reply.headers["content-type"]) == (400, "application/problem+json")
    assert detail in reply.json()["detail"]


async def test_another_content_type_is_refused(client):
    reply = await client.post("/score/toy", content=json.dumps(group("yes")), headers={"content-type": "text/plain"})
    assert reply.status_code == 415


async def test_without_a_key_there_is_no_score(client):
    for header in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic c2NvcmVy"}):
        bare = httpx.AsyncClient(transport=client._transport, base_url="http://gateway", headers=header)
        reply = await bare.post("/score/toy", json=group("yes"))
        assert reply.status_code == 401
        assert reply.headers["www-authenticate"].startswith("Bearer")


async def test_health_is_open_and_readiness_names_the_verifiers(client):
    bare = httpx.AsyncClient(transport=client._transport, base_url="http://gateway")
    assert (await bare.get("/healthz")).status_code == 200
    assert (await bare.get("/readyz")).json() == {"ready": True}, "strangers learn no names"
    ready = (await client.get("/readyz")).json()
    assert (ready["ready"], ready["domains"]["toy"]) == (True, {"toy": True})


async def test_the_listings_say_what_there_is(client):
    after, domain, whole = (await client.get("/domains")).json()["domains"]
    assert [component["name"] for component in after["components"] + whole["components"]] == ["toy", "echo", "relative"]
    assert (domain["name"], domain["enabled"], domain["refused"]) == ("toy", True, [])
    assert (domain["components"][0]["whole_group"], whole["components"][0]["whole_group"]) == (False, True)
    assert (await client.get("/domains/toy")).json()["spec"]["components"][0]["verifier"] == "toys:Toy"
    assert (await client.get("/domains/nowhere")).status_code == 404
    listed = {one["verifier"]: one for one in (await client.get("/verifiers")).json()["verifiers"]}
    verifier = listed["toy"]
    assert verifier["healthy"] is True
    assert verifier["options_schema"]["properties"]["bonus"]["type"] == "number"


async def test_metrics_carry_only_configured_labels(client):
    await client.post("/score/toy", json=group("yes", "crash", run="r1", id="secret-id"))
    await client.post("/score/nowhere-secret", json=group("yes"))
    page = (await client.get("/metrics")).text
    assert 'reward_samples_total{status="scored",verifier="toys:Toy"} 1.0' in page
    assert 'reward_samples_total{status="worker_crashed",verifier="toys:Toy"} 1.0' in page
    assert 'reward_requests_total{domain="toy",outcome="partial"} 1.0' in page
    assert "secret" not in page


async def test_docs_work_without_a_network(client):
    page = await client.get("/docs")
    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert (await client.get("/openapi.json")).json()["paths"].keys() >= {
        "/score",
        "/score/{domain}",
        "/domains/{name}",
    }


async def test_a_pure_verdict_is_made_once(client, gateway):
    first = (await client.post("/score/toy", json=group("yes", "yes", "no"))).json()
    again = (await client.post("/score/toy", json=group("no", "yes"))).json()
    assert (gateway.cache.misses, gateway.cache.hits) == (2, 2)
    assert first["results"][0] == again["results"][1]


async def test_a_failure_is_not_cached(client, gateway):
    for _ in range(2):
        body = (await client.post("/score/toy", json=group("crash"))).json()
        assert body["results"][0]["failure"]["kind"] == "worker_crashed"
    assert gateway.cache.hits == 0


async def test_the_deadline_of_the_request_holds(client):
    body = (await client.post("/score/toy", json=group("yes", *(f"hang {i}" for i in range(8)), deadline_s=0.9))).json()
    assert body["elapsed_ms"] < 5000
    kinds = [result["failure"] and result["failure"]["kind"] for result in body["results"]]
    assert kinds[0] is None
    assert "deadline_exceeded" in kinds


@pytest.mark.slow
async def test_overload_is_said_at_once(folder):
    from reward_api.gateway.gateway import Gateway
    from reward_api.settings import GatewaySettings

    gateway = Gateway(GatewaySettings(domains=folder, workers=1, max_inflight_samples=2))
    async with gateway.running():
        transport = httpx.ASGITransport(create_app(gateway))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=60) as client:
            busy = asyncio.create_task(client.post("/score/toy", json=group("hang", "yes")))
            while not gateway.admission.in_flight:
                await asyncio.sleep(0)
            refused = await client.post("/score/toy", json=group("yes"))
            assert refused.status_code == 429
            assert int(refused.headers["retry-after"]) >= 1
            assert [result["reward"] for result in (await busy).json()["results"]] == [None, 1]
            assert (await client.post("/score/toy", json=group("yes"))).status_code == 200
            page = (await client.get("/metrics")).text
            assert 'reward_refused_requests_total{reason="samples"} 1.0' in page


# --- domains that change while training runs --------------------------------------------------------------------------


def toy_spec(**component):
    return {"components": [{"verifier": "toys:Toy", "name": "toy", **component}]}


async def test_a_put_swaps_the_domain_and_its_version(client):
    before = (await client.post("/score/toy", json=group("yes"))).json()
    reply = await client.put("/domains/toy", json=toy_spec(weight=3.0), headers=ADMIN)
    assert reply.status_code == 200, reply.text
    after = (await client.post("/score/toy", json=group("yes"))).json()
    assert (before["results"][0]["reward"], after["results"][0]["reward"]) == (1, 3)
    assert after["version"] == reply.json()["version"] != before["version"]


async def test_a_group_in_flight_finishes_on_the_version_that_it_started_with(client, gateway):
    version = gateway.live_domains.find("toy").version
    slow = asyncio.create_task(client.post("/score/toy", json=group("hang", "yes")))
    while not gateway.admission.in_flight:
        await asyncio.sleep(0)
    await client.put("/domains/toy", json=toy_spec(weight=3.0), headers=ADMIN)
    body = (await slow).json()
    assert body["version"] == version
    assert body["results"][1]["reward"] == 1


@pytest.mark.parametrize(
    ("spec", "where"),
    [
        (toy_spec(options={"bonsu": 1}), "components[0].options.bonsu"),
        (toy_spec(options={"bonus": "much"}), "components[0].options.bonus"),
        ({"components": [{"verifier": "nowhere"}]}, "components[0].verifier"),
        ({"components": [{"verifier": "os:abort"}]}, "components[0].verifier"),
        (toy_spec(wieght=1), "components[0].wieght"),
        (
            {"components": [{"verifier": "toy"}], "verifiers": {"toy": {"url": "http://127.0.0.1:9"}}},
            "verifiers.toy.url",
        ),
    ],
)
async def test_an_invalid_version_is_refused_with_the_key_named_and_the_old_one_goes_on(client, spec, where):
    version = (await client.get("/domains/toy")).json()["version"]
    reply = await client.put("/domains/toy", json=spec, headers=ADMIN)
    assert reply.status_code == 422
    assert where in [error["path"] for error in reply.json()["errors"]], reply.text
    assert (await client.post("/score/toy", json=group("yes"))).json()["version"] == version


async def test_a_put_needs_the_admin_key(client):
    assert (await client.put("/domains/toy", json=toy_spec())).status_code == 403


async def test_a_changed_file_is_followed_and_a_broken_one_is_refused(client, folder):
    path = folder / "toy.yaml"
    before = (await client.get("/domains/toy")).json()

    async def until(changed):
        while not changed(about := (await client.get("/domains/toy")).json()):
            await asyncio.sleep(0.02)
        return about

    path.write_text(json.dumps(toy_spec(weight=5.0)))
    after = await until(lambda about: about["version"] != before["version"])
    assert after["spec"]["components"][0]["weight"] == 5

    path.write_text(json.dumps(toy_spec(wieght=7.0)))
    refused = await until(lambda about: about["refused"])
    assert refused["refused"][0]["path"] == "components[0].wieght"
    assert refused["version"] == after["version"]

    path.write_text(json.dumps(toy_spec(weight=7.0)))
    await until(lambda about: not about["refused"] and about["version"] != after["version"])

    path.unlink()
    while (await client.get("/domains/toy")).status_code != 404:
        await asyncio.sleep(0.02)


# --- verifiers that look at the group, and at each other --------------------------------------------------------------


async def test_a_group_sent_sample_by_sample_is_judged_whole(client):
    texts = ["a", "bb", "cccc"]
    replies = await asyncio.gather(
        *(
            client.post("/score/whole", json={"completions": [text], "id": "q", "group_size": 3, "indices": [index]})
            for index, text in enumerate(texts)
        )
    )
    assert [reply.json()["results"][0]["reward"] for reply in replies] == [0.25, 0.5, 1.0]


async def test_a_sibling_that_never_comes_is_a_failure_at_the_deadline(client):
    lone = {"completions": ["a"], "id": "q", "group_size": 2, "indices": [1], "deadline_s": 0.3}
    body = (await client.post("/score/whole", json=lone)).json()
    assert body["results"][0]["reward"] is None
    assert body["results"][0]["failure"]["kind"] == "deadline_exceeded"


async def test_a_component_may_run_after_another_and_see_its_scores(client):
    body = (await client.post("/score/after", json=group("yes", "no", "crash"))).json()
    assert [result["reward"] for result in body["results"]] == [1.5, 0, None]


PREFILLED = "So two and two are four, as one can check.</think><answer>4</answer>"


async def test_a_template_that_prefills_the_thinking_is_flagged_for_the_whole_group(client):
    spec = {"components": [{"verifier": "format"}]}
    assert (await client.put("/domains/shape", json=spec, headers=ADMIN)).status_code == 200
    body = (await client.post("/score/shape", json={"completions": [PREFILLED, PREFILLED + " "]})).json()
    assert [(result["reward"], result["flags"]) for result in body["results"]] == [(0, ["template_prefills_think"])] * 2
    body = (await client.post("/score/shape", json={"completions": [PREFILLED, "no"]})).json()
    assert [result["flags"] for result in body["results"]] == [[], []]
    body = (await client.post("/score/shape", json={"completions": [PREFILLED], "prefix": "<think>"})).json()
    assert [(result["reward"], result["flags"]) for result in body["results"]] == [(1, [])]


async def test_length_efficiency_is_relative_to_the_group_also_when_it_comes_in_pieces(client):
    spec = {
        "components": [
            {"verifier": "toys:Toy", "name": "answer", "weight": 0},
            {"verifier": "length_efficiency", "after": ["answer"]},
        ]
    }
    assert (await client.put("/domains/short", json=spec, headers=ADMIN)).status_code == 200
    texts, tokens = ["yes", "yes", "no", "crash"], [10, 40, 5, 10]
    body = (await client.post("/score/short", json=group(*texts, tokens=tokens))).json()
    whole = [result["reward"] for result in body["results"]]
    assert whole == [1, 0.25, 0, None]
    pieces = await asyncio.gather(
        *(
            client.post("/score/short", json=group(text, tokens=[count], id="q", group_size=4, indices=[index]))
            for index, (text, count) in enumerate(zip(texts, tokens, strict=True))
        )
    )
    assert [reply.json()["results"][0]["reward"] for reply in pieces] == whole

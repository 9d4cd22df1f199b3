"""What somebody meets who opens the gateway in a browser, generates a client, or misspells a key."""

import httpx
import pytest

from reward_api.app import create_app
from reward_api.gateway.gateway import Gateway
from reward_verifiers.contract import Problem, RefusedGroup

PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}


def group(*completions, **more):
    return {"completions": list(completions), "reference": {"answer": "yes"}, **more}


@pytest.fixture
def app(settings):
    return create_app(Gateway(settings))


async def test_the_root_says_what_this_is_and_every_link_answers(client):
    index = (await client.get("/")).json()
    assert index["name"] == "Touchstone gateway"
    for path in index["links"].values():
        assert (await client.get(path)).status_code == (405 if path == "/score" else 200), path


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/score/math/", "did you mean /score/{domain}"),
        ("/domain", "did you mean /domains"),
        ("/health", "did you mean /healthz"),
        ("/ready", "did you mean /readyz"),
        ("/redoc", "did you mean /docs"),
        ("/version", "did you mean /"),
        ("/verifiers/", "did you mean /verifiers"),
        ("/nothing-like-it-at-all", "GET / and /docs list them."),
    ],
)
async def test_an_unknown_route_names_the_nearest(client, path, hint):
    reply = await client.post(path, json={})
    assert reply.status_code == 404
    assert reply.json()["detail"] == f"There is no such route; {hint}{'' if hint.endswith('.') else '?'}"


@pytest.mark.parametrize(("path", "allow"), [("/domains/toy", "GET, PUT"), ("/score", "POST"), ("/domains", "GET")])
async def test_another_method_is_answered_with_all_that_are_there(client, path, allow):
    reply = await client.delete(path)
    assert (reply.status_code, reply.headers["allow"]) == (405, allow)


@pytest.mark.parametrize(
    ("body", "path", "reason"),
    [
        ({"completion": "yes"}, "completion", "unknown key; did you mean 'completions'?"),
        (group("yes", answer="yes"), "answer", "unknown key; did you mean 'reference.answer'?"),
        (group("yes", ground_truth="yes"), "ground_truth", "unknown key; did you mean 'reference.answer'?"),
        ({"responses": ["yes"], "reference": "yes"}, "responses", "unknown key; did you mean 'completions'?"),
        (group("yes", promt="?"), "promt", "unknown key; did you mean 'prompt'?"),
        (group("yes", messages=[]), "messages", "unknown key; did you mean 'prompt'?"),
    ],
)
async def test_a_misspelt_key_is_corrected(client, body, path, reason):
    reply = await client.post("/score/toy", json=body)
    assert reply.status_code == 422
    assert reply.json()["errors"] == [{"path": path, "reason": reason}]
    assert reply.json()["detail"] == f"{path}: {reason}"


async def test_a_misspelt_reference_is_shown_beside_what_is_missing(client):
    reply = (await client.post("/score/toy", json={"completions": ["a"], "reference": {"anwser": "yes"}})).json()
    assert reply["results"][0]["failure"]["message"] == "reference.answer: is missing; it has: anwser"


BAD = {"completions": []}
UNKNOWN = group("yes", domain="tyo")
GOOD = group("yes", domain="toy")


async def test_a_bad_group_of_many_is_refused_alone(client):
    groups = [GOOD, BAD, UNKNOWN, {**GOOD, "answer": "x"}, group("no", domain="toy")]
    reply = await client.post("/score", json={"groups": groups})
    assert reply.status_code == 200
    good, *refused, last = reply.json()["groups"]
    assert [good["results"][0]["reward"], last["results"][0]["reward"]] == [1, 0]
    problems = [RefusedGroup.model_validate(one).problem for one in refused]
    assert [(problem.status, problem.errors[0].path) for problem in problems] == [
        (422, "groups[1].completions"),
        (404, "groups[2].domain"),
        (422, "groups[3].answer"),
    ]
    assert problems[2].errors[0].reason == "unknown key; did you mean 'reference.answer'?"


async def test_a_bad_group_of_many_is_a_line_of_its_own(client):
    reply = await client.post("/score", json={"groups": [BAD, GOOD]}, headers={"accept": "application/x-ndjson"})
    lines = sorted(reply.text.splitlines())
    assert lines[0].startswith('{"index":0,"problem":{')
    assert '"reward":1.0' in lines[1]


async def test_a_domain_in_the_path_that_is_not_served_refuses_all(client):
    assert (await client.post("/score/tyo", json={"groups": [BAD]})).status_code == 404


async def test_the_docs_are_open_and_metrics_where_a_setting_says_so(settings):
    for more, status in (({}, 401), ({"open_metrics": True}, 200)):
        app = create_app(Gateway(settings.model_copy(update=more)))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as anyone:
            for path in ("/docs", "/openapi.json", "/static-offline-docs/swagger-ui.css"):
                assert (await anyone.get(path)).status_code == 200, path
            assert (await anyone.get("/metrics")).status_code == status
            for path in ("/", "/domains", "/verifiers", "/static-offline-docs/../domains", "/docs/"):
                assert (await anyone.get(path)).status_code == 401, path


def test_every_operation_declares_its_reply_its_problems_and_the_key(app):
    document = app.openapi()
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert not {"HTTPValidationError", "ValidationError"} & document["components"]["schemas"].keys()
    assert set(Problem.model_fields) == set(document["components"]["schemas"]["Problem"]["properties"])
    for path, operations in document["paths"].items():
        for operation in operations.values():
            is_public = path in ("/healthz", "/readyz")
            assert ("security" in operation, "401" in operation["responses"]) == (not is_public, not is_public)
            for status, reply in operation["responses"].items():
                if int(status) >= 400 and (path, status) != ("/readyz", "503"):
                    assert reply["content"]["application/problem+json"] == PROBLEM, (path, status)
            if "requestBody" in operation:
                assert {"400", "413", "415", "422", "429"} <= operation["responses"].keys(), path
            if not path.startswith("/compat/"):
                assert operation["responses"]["200"]["content"] != {"application/json": {"schema": {}}}, path


def test_operations_have_names_that_read_well(app):
    names = {
        operation["operationId"] for operations in app.openapi()["paths"].values() for operation in operations.values()
    }
    assert {"score", "scoreDomain", "listDomains", "putDomain", "readyz", "compatOpenrlhf"} <= names
    assert all(name.isalnum() for name in names)
    assert len(names) == sum(len(operations) for operations in app.openapi()["paths"].values())


async def test_the_examples_of_the_document_score(client, app):
    [body] = app.openapi()["paths"]["/score"]["post"]["requestBody"]["content"].values()
    for example in body["examples"].values():
        value = example["value"]
        for one in value.get("groups", [value]):
            one["domain"] = "toy"
        assert (await client.post("/score", json=value)).status_code == 200


def test_every_field_of_the_wire_is_described(app):
    schemas = app.openapi()["components"]["schemas"]
    bare = [
        f"{name}.{key}"
        for name in ("ScoreRequest", "ScoreReply", "SampleResult", "Component", "Failure", "GroupStats", "Problem")
        for key, about in schemas[name]["properties"].items()
        if "description" not in about and "$ref" not in str(about)
    ]
    assert bare == []

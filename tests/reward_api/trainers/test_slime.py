"""slime's and miles' dialect through the gateway's app, with real workers."""

URL = "/compat/slime/toy"


def sample(response, **more):
    return {"prompt": "Say yes.", "response": response, "label": "yes", **more}


async def test_the_reward_is_a_bare_number(client):
    for response, reward in (("yes", 1.0), ("yes<|im_end|>", 1.0), ("no", 0.0)):
        reply = await client.post(URL, json=sample(response))
        assert (reply.status_code, reply.json()) == (200, reward)


async def test_with_a_key_it_is_an_object_of_constant_keys(client):
    right = (await client.post(f"{URL}?key=1", json=sample("yes"))).json()
    assert right == {"toy": 1.0, "reward": 1.0, "accuracy": 0.5, "valid": 1.0, "imputed": 0.0}
    failed = (await client.post(f"{URL}?key=1", json=sample("crash"))).json()
    assert failed == {"toy": 1.0, "reward": 1.0, "accuracy": 0.5, "valid": 0.0, "imputed": 1.0}


async def test_prompts_may_be_messages_and_labels_json(client):
    messages = [{"role": "user", "content": "Say yes.", "tool_calls": []}]
    for label in ('{"answer": "yes"}', {"answer": "yes"}, {"ground_truth": "yes", "rm_type": "math"}):
        reply = await client.post(URL, json=sample("yes", prompt=messages, label=label, metadata={"x": 1}))
        assert reply.json() == 1.0, label


async def test_a_group_may_be_named(client):
    await client.post(URL, json=sample("yes", group_id="q7"))
    await client.post(URL, json=sample("no", group_id="q8"))
    for name, reward in (("q7", 1.0), ("q8", 0.0)):
        reply = await client.post(f"{URL}?key=1", json=sample("crash", group_id=name, label="no"))
        assert reply.json()["reward"] == reward


async def test_a_name_does_not_join_different_prompts(client):
    """Two runs may number their groups alike."""
    await client.post(URL, json=sample("yes", group_id="q7"))
    reply = await client.post(URL, json=sample("bad reference", group_id="q7", prompt="Say no."))
    assert reply.status_code == 503


async def test_without_a_prompt_nobody_is_a_sibling(client):
    await client.post(URL, json=sample("yes", prompt=None))
    assert (await client.post(URL, json=sample("bad reference", prompt=None))).status_code == 503


async def test_before_anything_is_scored_no_number_is_made_up(client):
    refused = await client.post(URL, json=sample("bad reference"))
    assert refused.status_code == 503
    problem = refused.json()
    assert problem["title"] == "No verdict"
    assert problem["errors"] == [{"path": "toy", "reason": "bad_reference: the answer is not a number"}]
    assert refused.headers["retry-after"] == "5"


async def test_a_refused_sample_that_comes_again_keeps_its_place(client):
    url = f"{URL}?group_size=2&key=1"
    for _ in range(3):
        assert (await client.post(url, json=sample("bad reference"))).status_code == 503
    assert (await client.post(url, json=sample("yes"))).json()["reward"] == 1.0
    imputed = (await client.post(url, json=sample("bad reference"))).json()
    assert (imputed["reward"], imputed["imputed"]) == (1.0, 1.0)


WRONG = [
    ("/compat/slime/nowhere", sample("yes"), 404, "domain"),
    ("/compat/slime/whole", sample("yes"), 422, "group_size"),
    ("/compat/slime/whole?group_size=2", sample("yes", prompt=None), 422, "prompt"),
    (f"{URL}?key=reward", sample("yes"), 422, "key"),
    (URL, {"prompt": "x"}, 422, "response"),
    (URL, sample(None), 422, "response"),
    (URL, sample("yes", label={"group_size": "x"}), 422, "label"),
    (URL, sample("yes", prompt=[{"content": "x"}]), 422, "prompt[0].role"),
]


async def test_what_is_wrong_with_the_whole_request_names_the_field(client):
    for url, sent, status, where in WRONG:
        reply = await client.post(url, json=sent)
        assert reply.status_code == status, reply.text
        assert any(where in error["path"] for error in reply.json()["errors"]), reply.text

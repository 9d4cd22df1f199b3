"""vLLM's POST /classify and TEI's POST /predict, as their clients know them."""

import math

import pytest


@pytest.fixture
def one(models, registry, clients):
    return clients(registry(rm={"model": models["llama"], "floor": -9, "dtype": "float32", "batch_tokens": 512}))


@pytest.fixture
def three(models, registry, clients):
    entry = {"model": models["three"], "label": 0, "floor": -9, "dtype": "float32", "batch_tokens": 512}
    return clients(registry(rm=entry))


async def test_vllm_classify(one):
    reply = await one.post("/classify", json={"model": "rm", "input": ["Air scatters light.", "No."]})
    body = reply.json()
    assert reply.status_code == 200
    assert body["object"] == "list"
    assert body["id"].startswith("classify-")
    assert body["model"] == "rm"
    assert [row["index"] for row in body["data"]] == [0, 1]
    assert all(row["num_classes"] == 1 and row["label"] == "LABEL_0" for row in body["data"])
    assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] > 4
    raw = (await one.post("/classify", json={"model": "rm", "input": "No.", "use_activation": False})).json()
    assert body["data"][1]["probs"][0] == pytest.approx(1 / (1 + math.exp(-raw["data"][0]["probs"][0])), abs=1e-5)


async def test_vllm_classify_of_messages_is_the_score_of_verify(one):
    messages = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Air scatters light."}]
    reply = await one.post("/classify", json={"model": "rm", "messages": messages, "use_activation": False})
    verdict = await one.post("/verify", json={"prompt": "Why?", "completions": ["Air scatters light."]})
    assert reply.json()["data"][0]["probs"][0] == pytest.approx(verdict.json()["verdicts"][0]["score"], abs=1e-3)


async def test_vllm_errors_are_in_its_words(one):
    unknown = await one.post("/classify", json={"model": "no", "input": "a"})
    assert (unknown.status_code, unknown.json()["error"]["type"]) == (404, "NotFoundError")
    both = await one.post("/classify", json={"input": "a", "messages": [{"role": "user", "content": "a"}]})
    assert both.status_code == 400
    long = await one.post("/classify", json={"input": "a b c " * 1000})
    assert (long.status_code, long.json()["error"]["code"]) == (422, 422)


async def test_tei_predict_shapes(three):
    single = (await three.post("/predict", json={"inputs": "blue light"})).json()
    assert sorted(row["label"] for row in single) == ["LABEL_0", "LABEL_1", "LABEL_2"]
    assert sum(row["score"] for row in single) == pytest.approx(1)
    assert [row["score"] for row in single] == sorted((row["score"] for row in single), reverse=True)
    batch = (await three.post("/predict", json={"inputs": [["blue light"], ["red light"]]})).json()
    assert [len(rows) for rows in batch] == [3, 3]
    assert batch[0][0]["score"] == pytest.approx(single[0]["score"], abs=1e-5)
    pair = (await three.post("/predict", json={"inputs": ["the sky", "blue light"], "raw_scores": True})).json()
    pairs = (await three.post("/predict", json={"inputs": [["the sky", "blue light"]], "raw_scores": True})).json()
    assert pairs[0][0]["score"] == pytest.approx(pair[0]["score"], abs=1e-5)
    verdict = await three.post("/verify", json={"prompt": "the sky", "completions": ["blue light"]})
    by_label = {row["label"]: row["score"] for row in pair}
    assert by_label["LABEL_0"] == pytest.approx(verdict.json()["verdicts"][0]["score"], abs=1e-3)


async def test_tei_errors_are_in_its_words(three):
    long = "blue light " * 1000
    refused = await three.post("/predict", json={"inputs": long})
    assert (refused.status_code, refused.json()["error_type"]) == (422, "Validation")
    assert (await three.post("/predict", json={"inputs": long, "truncate": True})).status_code == 200
    assert (await three.post("/predict", json={"inputs": [["a", "b", "c"]]})).status_code == 422

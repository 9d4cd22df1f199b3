"""The verifier `preference` behind the gateway: embedded, whole groups that arrive one by one, steps and flags."""

import asyncio

import httpx
import pytest

from reward_api.app import create_app
from reward_api.gateway.gateway import Gateway
from reward_api.settings import GatewaySettings

PROMPT = "Why is the sky blue?"
GROUP = [
    "<think>Let me think about the light of the sun and of the sky.</think><answer>Air scatters blue light.</answer>",
    "<think>Let me think about the light of the sun and of the sky.</think><answer>Since it is.</answer>",
    "Red light goes on.",
]
ELSEWHERE = dict.fromkeys(("answer", "language"), "http://127.0.0.1:9")


@pytest.fixture
async def gateway(tmp_path, models, registry, monkeypatch):
    """`client(domain)`: the gateway with that one domain, named `general`."""
    path = registry(
        rm={"model": models["llama"], "floor": -50, "dtype": "float32", "batch_tokens": 512},
        late={
            "model": models["llama"],
            "floor": -50,
            "dtype": "float32",
            "batch_tokens": 512,
            "budget": {"first": 9, "steps": 1},
        },
        probed={"model": models["llama"], "floor": -50, "dtype": "float32", "batch_tokens": 512, "gold_probe": True},
    )
    monkeypatch.setenv("TOUCHSTONE_PREFERENCE_REGISTRY", str(path))
    monkeypatch.setenv("TOUCHSTONE_PREFERENCE_PROBE_WINDOW", "8")
    domains = tmp_path / "domains"
    domains.mkdir()
    opened = []

    async def start(domain):
        (domains / "general.yaml").write_text(domain)
        gateway = Gateway(GatewaySettings(domains=domains, workers=1, verifier_urls=ELSEWHERE))
        running = gateway.running()
        await running.__aenter__()
        transport = httpx.ASGITransport(create_app(gateway))
        client = httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=60)
        opened.append((client, running))
        return client

    yield start
    for client, running in opened:
        await client.aclose()
        await running.__aexit__(None, None, None)


def domain(options, more=""):
    return (
        f"components:\n  - {{verifier: format, weight: 1.0}}\n  - {{verifier: preference, options: {options}{more}}}\n"
    )


async def score(client, **group):
    reply = await client.post("/score/general", json={"prompt": PROMPT, **group})
    assert reply.status_code == 200, reply.text
    return reply.json()["results"]


async def test_a_group_gets_its_sum(gateway):
    client = await gateway(domain("{model: rm}"))
    results = await score(client, completions=GROUP)
    for result in results:
        parts = result["components"]
        assert result["reward"] == pytest.approx(parts["format"]["score"] + parts["preference"]["score"])
    listed = (await client.get("/verifiers")).json()
    assert "preference" in str(listed)


async def test_samples_that_arrive_one_by_one_are_scored_within_the_whole_group(gateway):
    client = await gateway(domain("{model: rm, mode: group}"))
    whole = [one["components"]["preference"]["score"] for one in await score(client, completions=GROUP)]
    parts = await asyncio.gather(
        *(score(client, completions=[text], id="g", group_size=3, indices=[at]) for at, text in enumerate(GROUP))
    )
    assert [part[0]["components"]["preference"]["score"] for part in parts] == whole
    [lone] = await score(client, completions=GROUP[:1])
    assert (lone["reward"], lone["failure"]["kind"]) == (None, "unsupported")


async def test_a_model_of_weight_0_is_reported_and_its_failure_costs_nothing(gateway):
    client = await gateway(domain("{model: rm, mode: pairwise}, weight: 0"))
    two = await score(client, completions=GROUP[:2])
    assert sum(result["components"]["preference"]["score"] for result in two) == pytest.approx(1.0, abs=1e-3)
    [lone] = await score(client, completions=GROUP[:1])
    assert lone["components"]["preference"]["score"] is None
    assert (lone["reward"], lone["valid"]) == (lone["components"]["format"]["score"], True)


async def test_the_step_reaches_the_models_budget(gateway):
    client = await gateway(domain("{model: late}"))
    [early], [now] = (
        await score(client, completions=GROUP[:1], step=8),
        await score(client, completions=GROUP[:1], step=9),
    )
    assert early["components"]["preference"]["score"] == 0
    assert "outside the model's budget" in early["components"]["preference"]["reason"]
    assert now["components"]["preference"]["score"] != 0
    [unsaid] = await score(client, completions=GROUP[:1])
    assert unsaid["reward"] is None


async def test_a_flag_of_the_verifier_is_a_flag_of_the_sample(gateway):
    client = await gateway(domain("{model: probed}", ", after: [format]"))
    kept, broken = GROUP[0], [f"{word} {number}." for word in ("Light", "blue", "dog") for number in range(12)]
    scores = [
        result["components"]["preference"]["score"] for result in await score(client, completions=[kept, *broken])
    ]
    liked = max(range(1, len(scores)), key=scores.__getitem__)
    assert scores[liked] > scores[0]
    flags = []
    for step in range(8):  # the policy learns what the model likes, and forgets the format
        text = kept if step < 4 else broken[liked - 1]
        [result] = await score(client, completions=[text], run="r", step=step)
        flags.append(result["flags"])
    assert flags == [[]] * 7 + [["over_optimisation"]]


async def test_a_domain_that_names_no_model_of_the_registry_is_refused(gateway):
    with pytest.raises(Exception, match=r"components\[1\].options.model: no model is named 'helpful'"):
        await gateway(domain("{model: helpful}"))

"""The verifier `preference` behind the gateway: embedded, whole groups that arrive one by one, steps and flags."""

import asyncio
from pathlib import Path

import httpx
import pytest
import yaml
from faulty_judge import FaultyJudge

from preference_model import service
from reward_api import domains
from reward_api.app import create_app
from reward_api.gateway.gateway import Gateway
from reward_api.settings import GatewaySettings
from reward_verifiers.service import pooled
from reward_verifiers.service.settings import ServiceSettings

SHIPPED = Path(domains.__file__).parent / "data"
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
    folder = tmp_path / "domains"
    folder.mkdir()
    opened = []

    async def start(domain):
        (folder / "general.yaml").write_text(domain)
        gateway = Gateway(GatewaySettings(domains=folder, workers=1, verifier_urls=ELSEWHERE))
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


@pytest.mark.slow
async def test_samples_that_arrive_one_by_one_are_scored_within_the_whole_group(gateway):
    client = await gateway(domain("{model: rm, mode: group}"))
    whole = [one["components"]["preference"]["score"] for one in await score(client, completions=GROUP)]
    parts = await asyncio.gather(
        *(score(client, completions=[text], id="g", group_size=3, indices=[at]) for at, text in enumerate(GROUP))
    )
    assert [part[0]["components"]["preference"]["score"] for part in parts] == whole
    [lone] = await score(client, completions=GROUP[:1])
    assert (lone["reward"], lone["failure"]["kind"]) == (None, "unsupported")


@pytest.mark.slow
async def test_a_model_of_weight_0_is_reported_and_its_failure_costs_nothing(gateway):
    client = await gateway(domain("{model: rm, mode: pairwise}, weight: 0"))
    two = await score(client, completions=GROUP[:2])
    assert sum(result["components"]["preference"]["score"] for result in two) == pytest.approx(1.0, abs=1e-3)
    shown = (await client.get("/domains/general")).json()["components"]
    assert [part["whole_group"] for part in shown] == [False, True]
    [lone] = await score(client, completions=GROUP[:1])
    assert lone["components"]["preference"]["score"] is None
    assert (lone["reward"], lone["valid"]) == (lone["components"]["format"]["score"], True)


@pytest.mark.slow
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


@pytest.mark.slow
async def test_a_demonstration_has_weight_0_until_a_real_model_is_named(gateway, registry, models, caplog):
    entry = {"model": models["llama"], "floor": -50, "dtype": "float32", "batch_tokens": 512}
    registry(helpful=entry | {"demo": True})
    client = await gateway(domain("{model: helpful}"))
    assert any("weight 0 for a demonstration" in record.getMessage() for record in caplog.records)
    assert (await client.get("/domains/general")).json()["components"][1]["weight"] == 0
    [shown] = await score(client, completions=GROUP[:1])
    part = shown["components"]["preference"]
    assert (shown["flags"], part["weight"], part["score"] != 0) == (["demo_model"], 0, True)
    assert shown["reward"] == shown["components"]["format"]["score"]
    put = (await client.get("/domains/general")).json()["spec"]
    assert put["components"][1]["weight"] == 1
    registry(helpful=entry)
    [paid] = await score(client, completions=GROUP[:1])
    part = paid["components"]["preference"]
    assert (paid["flags"], part["weight"]) == ([], 1)
    assert paid["reward"] == pytest.approx(paid["components"]["format"]["score"] + part["score"])


@pytest.mark.slow
async def test_the_shipped_domain_pays_a_judge_and_counts_what_it_costs(gateway, peers, monkeypatch):
    judge = FaultyJudge()
    monkeypatch.delenv("TOUCHSTONE_PREFERENCE_REGISTRY")
    monkeypatch.setenv("TOUCHSTONE_JUDGE_URL", f"{peers(judge.app)}/v1")
    shipped = yaml.safe_load((SHIPPED / "general.yaml").read_text())
    components = [{**one, "after": []} for one in shipped["components"] if one["verifier"] != "language"]
    client = await gateway(yaml.safe_dump({**shipped, "components": components}))
    texts = [f"<think>Let me see.</think><answer>It has the value {value}.</answer>" for value in (1, 3, 2, 2)]
    results = await score(client, completions=texts)
    parts = [result["components"]["preference"] for result in results]
    assert [(part["score"], part["weight"]) for part in parts] == [(0, 1), (1, 1), (0.5, 1), (0.5, 1)]
    assert [result["reward"] for result in results] == [1, 2, 1.5, 1.5]
    page = (await client.get("/metrics")).text
    assert 'reward_judge_calls_total{verifier="preference"} 6.0' in page
    assert 'reward_judge_tokens_total{kind="prompt",verifier="preference"} 600.0' in page


UNDECIDED = "components:\n  - {verifier: 'toys:Toy', name: answer, undecided: judge}\n"


@pytest.mark.slow
async def test_a_judge_is_asked_about_what_the_answer_cannot_decide_and_nothing_else(gateway, peers, monkeypatch):
    judge = FaultyJudge()
    monkeypatch.setenv("TOUCHSTONE_JUDGE_URL", f"{peers(judge.app)}/v1")
    client = await gateway(UNDECIDED)
    texts = ["un", "wrong", "unsupported", "crash"]  # the toy says `unsupported` to one, and breaks on another
    results = await score(client, completions=texts, reference={"answer": "un"}, tokens=[1, 2, 3, 4])
    assert [result["reward"] for result in results] == [1, 0, 1, None]
    assert judge.questions == 1
    both = results[2]["components"]["answer"]["evidence"]["undecided"]
    assert both["verifier"]["reason"] == "no such kind"
    assert (both["judge"]["score"], both["judge"]["usage"]["calls"]) == (1, 1)
    judge.on_reply = lambda _: 400
    [failed] = await score(client, completions=["unsupported"], reference={"answer": "uns"})
    assert (failed["reward"], failed["failure"]["component"]) == (None, "answer")
    assert failed["failure"]["message"].startswith("no such kind; the judge gave no verdict: ")


BY_URL = """
verifiers:
  answer: {{url: {answer}}}
  preference: {{url: {preference}}}
components:
  - {{verifier: answer, undecided: judge}}
"""


@pytest.fixture
async def judged(gateway, listening, monkeypatch):
    """`judged(judge)`: a gateway; the answer verifier, the preference models and the judge all stand at URLs."""

    async def start(judge: FaultyJudge) -> httpx.AsyncClient:
        monkeypatch.delenv("TOUCHSTONE_PREFERENCE_REGISTRY")
        monkeypatch.setenv("TOUCHSTONE_JUDGE_URL", f"{listening(judge.app)}/v1")
        settings = ServiceSettings(workers=1)
        apps = {"answer": pooled.create_app("answer", settings), "preference": service.create_app(settings)}
        return await gateway(BY_URL.format(**{name: listening(app, lifespan="on") for name, app in apps.items()}))

    return start


@pytest.mark.slow
async def test_a_judge_by_url_decides_what_the_answer_verifier_by_url_did_not_read(judged):
    judge = FaultyJudge()
    client = await judged(judge)
    boxes = ["7", "8", "7 and a bit of luck", "9 and a bit of luck"]
    group = {"completions": [f"So it is $\\boxed{{{box}}}$." for box in boxes], "reference": {"answer": "7"}}
    results = await score(client, **group)
    assert [result["reward"] for result in results] == [1, 0, 1, 0]
    assert judge.questions == 2
    parts = [result["components"]["answer"]["evidence"] for result in results]
    assert ["undecided" in part for part in parts] == [False, False, True, True]
    assert parts[2]["undecided"]["verifier"]["reason"] == "wrong: the answer was not read"
    assert (parts[2]["left_over"], parts[2]["undecided"]["judge"]["score"]) == ("of luck", 1)
    asked = judge.bodies[-1]["messages"][1]["content"]
    assert "bit of luck" in asked
    assert "So it is" not in asked, "the judge sees the extracted answer alone"
    again = await score(client, **group)
    assert [result["reward"] for result in again] == [1, 0, 1, 0]
    assert judge.questions == 2, "the same question, reference and answer are judged once"


@pytest.mark.slow
async def test_a_judge_by_url_decides_about_a_reference_that_was_not_read(judged):
    judge = FaultyJudge()
    client = await judged(judge)
    boxes = ["p\\land q", "p\\land q\\text{ holds}", "q"]
    group = {"completions": [f"$\\boxed{{{box}}}$" for box in boxes], "reference": {"answer": "p\\land q"}}
    results = await score(client, **group)
    assert [result["reward"] for result in results] == [1, 1, 0]
    assert judge.questions == 2
    judge.on_reply = lambda _: 400
    [failed] = await score(client, completions=["$\\boxed{p\\lor q}$"], reference={"answer": "p\\land q"})
    assert failed["reward"] is None
    assert "the judge gave no verdict" in failed["failure"]["message"]


@pytest.mark.slow
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


@pytest.mark.slow
async def test_a_domain_that_names_no_model_of_the_registry_is_refused(gateway):
    with pytest.raises(Exception, match=r"components\[1\].options.model: no model is named 'helpful'"):
        await gateway(domain("{model: helpful}"))

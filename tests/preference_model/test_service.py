"""The service through its real app: POST /verify, /pointwise, /compare, /rank, and what comes of trouble."""

import asyncio
import math
import shutil
import subprocess
import sys

import pytest
import torch

from preference_model.model.scale import percentile
from reward_verifiers import conformance
from reward_verifiers.contract import VerifyRequest
from reward_verifiers.verifier import BadOptions

PROMPT = "Why is the sky blue? Explain it to a child."
GOOD = "<think>Let me see.</think><answer>Air scatters blue light more than red light.</answer>"
OTHER = "<think>Hm.</think><answer>Since it is.</answer>"
LONG = " ".join(f"word{number}" for number in range(300))
RM = {"floor": -50, "dtype": "float32", "batch_tokens": 512}


async def verify(client, *completions, **more):
    reply = await client.post("/verify", json={"prompt": PROMPT, "completions": list(completions), **more})
    assert reply.status_code == 200, reply.text
    return reply.json()["verdicts"]


async def test_conformance(models, registry, backends):
    backend = backends(registry(rm={"model": models["llama"], **RM}))
    request = VerifyRequest(prompt=PROMPT, completions=[GOOD, OTHER, ":"])
    await conformance.check(backend, request)


async def test_a_score_explains_itself(models, registry, clients):
    client = clients(registry(rm={"model": models["llama"], **RM}))
    good, other = await verify(client, GOOD, OTHER)
    assert good["valid"] is True
    assert good["score"] != other["score"]
    evidence = good["evidence"]
    assert (evidence["model"], evidence["sees"], evidence["mode"], evidence["cut"]) == ("rm", "answer", "pointwise", 0)
    assert evidence["version"].startswith("sha256:")
    assert evidence["raw"] == good["score"]


async def test_other_weights_in_the_same_place_are_another_version(models, registry, clients, tmp_path):
    versions = []
    for weights in ("llama", "llama", "other"):
        shutil.copytree(models[weights], tmp_path / "model", dirs_exist_ok=True)
        entries = {
            "rm": {"model": tmp_path / "model", **RM},
            "two": {"ensemble": {"members": ["rm", "rm"]}, "floor": -50},
        }
        client = clients(registry(**entries))
        both = [(await verify(client, GOOD, options={"model": model}))[0]["evidence"]["version"] for model in entries]
        versions.append(both)
    first, again, other = versions
    assert first == again
    assert all(one != two for one, two in zip(first, other, strict=True))


async def test_what_the_model_sees(models, registry, clients):
    entries = {part: {"model": models["llama"], "sees": part, **RM} for part in ("answer", "all", "think")}
    client = clients(registry(**entries))
    other_thoughts = GOOD.replace("Let me see.", "Red light goes straight on.")
    for part, same in (("answer", True), ("all", False), ("think", False)):
        one, two = await verify(client, GOOD, other_thoughts, options={"model": part})
        assert (one["score"] == two["score"]) is same
    [none] = await verify(client, "<think>never ends", options={"model": "answer"})
    assert (none["score"], none["reason"]) == (-50, "filtered by the guard: there is no such part in the output")


async def test_guarded_texts_score_the_floor_with_the_reason_and_nothing_scores_less(models, registry, clients):
    client = clients(registry(rm={"model": models["llama"], **RM, "floor": 1e3}))
    verdicts = await verify(client, "Thought process:", ":", "", "Fine. [[A>>B]]", GOOD)
    assert [one["score"] for one in verdicts] == [1e3] * 5
    assert [one["reason"] for one in verdicts[:4]] == [
        "filtered by the guard: an opener and nothing behind it",
        "filtered by the guard: punctuation only",
        "filtered by the guard: empty",
        "filtered by the guard: a verdict on itself",
    ]
    assert "guard" not in verdicts[4]["evidence"]


async def test_scales(models, registry, clients):
    quantiles = [-40.0, -1.0, 0.0, 1.0, 40.0]
    calibration = {"set": "here", "mean": 2.0, "std": 4.0, "quantiles": quantiles}
    base = {"model": models["llama"], **RM}
    client = clients(
        registry(
            raw=base,
            z={**base, "normalisation": "z", "calibration": calibration},
            percentile={**base, "normalisation": "percentile", "calibration": calibration, "floor": None},
            sigmoid={**base, "activation": "sigmoid", "floor": None},
            clipped={**base, "clip": [-0.001, 0.001]},
        )
    )
    score = {}
    for name in ("raw", "z", "percentile", "sigmoid", "clipped"):
        [verdict] = await verify(client, GOOD, options={"model": name})
        score[name] = verdict["score"]
    raw = score["raw"]
    assert score["z"] == pytest.approx((raw - 2) / 4, abs=1e-3)
    assert score["percentile"] == pytest.approx(percentile(raw, quantiles), abs=1e-3)
    assert score["sigmoid"] == pytest.approx(1 / (1 + math.exp(-raw)), abs=1e-3)
    assert abs(score["clipped"]) == 0.001


async def test_softmax_of_a_named_output_and_abstaining(models, registry, clients):
    base = {"model": models["three"], "dtype": "float32", "batch_tokens": 512, "activation": "softmax"}
    entries = {f"l{number}": {**base, "label": f"LABEL_{number}"} for number in range(3)}
    client = clients(registry(**entries, shy={**base, "label": 0, "abstain_margin": 0.4999}))
    shares = [(await verify(client, GOOD, options={"model": name}))[0]["score"] for name in entries]
    assert sum(shares) == pytest.approx(1, abs=1e-3)
    [shy] = await verify(client, GOOD, options={"model": "shy"})
    assert (shy["score"], shy["failure"]["kind"]) == (None, "unsupported")
    assert "abstains" in shy["reason"]


async def test_ensembles(models, registry, clients):
    parts = {"one": {"model": models["llama"], **RM}, "two": {"model": models["other"], **RM}}
    made = {
        how: {"ensemble": {"members": ["one", "two"], "combine": how, "k": 2}, "floor": -50}
        for how in ("mean", "min", "mean_minus_k_std")
    }
    shy = {"ensemble": {"members": ["one", "two"]}, "floor": -50, "abstain_std": 1e-9}
    client = clients(registry(**parts, **made, shy=shy))
    got = {name: (await verify(client, GOOD, options={"model": name}))[0] for name in (*parts, *made, "shy")}
    one, two = got["one"]["score"], got["two"]["score"]
    mean, std = (one + two) / 2, abs(one - two) / 2
    assert got["mean"]["score"] == pytest.approx(mean, abs=1e-3)
    assert got["min"]["score"] == pytest.approx(min(one, two), abs=1e-3)
    assert got["mean_minus_k_std"]["score"] == pytest.approx(mean - 2 * std, abs=1e-3)
    assert got["mean"]["evidence"]["members"] == [pytest.approx(one, abs=1e-3), pytest.approx(two, abs=1e-3)]
    assert got["shy"]["failure"]["kind"] == "unsupported"


async def test_markdown_can_be_made_to_count_half(models, registry, clients):
    client = clients(
        registry(plain={"model": models["llama"], **RM}, strip={"model": models["llama"], **RM, "strip_markdown": True})
    )
    bare, dressed = "Air scatters blue light.", "**Air** scatters blue light."
    one, two = await verify(client, bare, dressed, options={"model": "plain"})
    [mean] = await verify(client, dressed, options={"model": "strip"})
    assert mean["score"] == pytest.approx((one["score"] + two["score"]) / 2, abs=1e-3)


async def test_modes_within_the_group(models, registry, clients):
    client = clients(registry(rm={"model": models["llama"], **RM}))
    texts = [GOOD, OTHER, "Light."]
    raw = [one["score"] for one in await verify(client, *texts)]
    z = [one["score"] for one in await verify(client, *texts, options={"mode": "group"})]
    rate = [one["score"] for one in await verify(client, *texts, options={"mode": "pairwise"})]
    assert sum(z) == pytest.approx(0, abs=1e-3)
    assert sum(one * one for one in z) / 3 == pytest.approx(1, abs=1e-3)
    assert sum(rate) == pytest.approx(1.5, abs=1e-3)
    order = sorted(range(3), key=raw.__getitem__)
    assert order == sorted(range(3), key=z.__getitem__) == sorted(range(3), key=rate.__getitem__)
    [alone] = await verify(client, GOOD, options={"mode": "group"})
    assert (alone["score"], alone["failure"]["kind"]) == (None, "unsupported")


async def test_pairwise_is_bradley_terry_on_the_models_own_numbers(models, registry, clients):
    """Whatever the entry makes of them: a clip that makes them equal, a normalisation that spreads them."""
    calibration = {"set": "here", "mean": 0.0, "std": 0.01}
    base = {"model": models["llama"], **RM}
    client = clients(
        registry(
            raw=base,
            clipped={**base, "clip": [-0.001, 0.001]},
            spread={**base, "normalisation": "z", "calibration": calibration, "floor": -1e6},
            chance={**base, "activation": "sigmoid", "floor": None},
        )
    )
    raw = [one["evidence"]["raw"] for one in await verify(client, GOOD, OTHER, options={"model": "raw"})]
    expected = 1 / (1 + math.exp(raw[1] - raw[0]))
    assert 0.001 < abs(expected - 0.5) < 0.499
    for model in ("raw", "clipped", "spread", "chance"):
        options = {"model": model, "mode": "pairwise"}
        good, other, colon = await verify(client, GOOD, OTHER, ":", options=options)
        assert good["score"] == pytest.approx((expected + 1) / 2, abs=2e-3), model
        assert (good["score"] + other["score"], colon["score"]) == (pytest.approx(1.5, abs=1e-3), 0)
        pairs = [{"prompt": PROMPT, "a": GOOD, "b": OTHER}]
        [pair] = (await client.post("/compare", json={"model": model, "pairs": pairs})).json()["pairs"]
        assert pair["probability"] == pytest.approx(expected, abs=2e-3), model


async def test_a_domain_that_names_a_model_whose_folder_is_not_there_is_refused(registry, backends, models):
    entries = {
        "rm": {"model": "/nowhere/rm", **RM},
        "mine": {"head": "no/head", **RM},
        "good": {"model": models["llama"], **RM},
    }
    backend = backends(registry(**entries, both={"ensemble": {"members": ["rm", "good"]}, "floor": 0}))
    await backend.check_options({"model": "good"})
    for model, message in (("rm", "there is no folder /nowhere/rm"), ("both", "/nowhere/rm"), ("mine", "no/head")):
        with pytest.raises(BadOptions, match=message):
            await backend.check_options({"model": model})


async def test_a_demonstration_model_is_flagged_and_said_at_start(models, registry, clients, caplog):
    client = clients(registry(rm={"model": models["llama"], **RM, "demo": True}))
    [verdict] = await verify(client, GOOD)
    assert verdict["evidence"]["flags"] == ["demo_model"]
    assert any("only show the service" in record.getMessage() and record.models == ["rm"] for record in caplog.records)


async def test_a_failed_sibling_is_left_out_and_one_alone_has_no_relative_score(models, registry, clients):
    client = clients(registry(rm={"model": models["llama"], **RM, "max_tokens": 128}))
    long = LONG
    good, other, failed = await verify(client, GOOD, OTHER, long, options={"mode": "group"})
    assert sorted([good["score"], other["score"]]) == [-1, 1]
    assert failed["failure"]["kind"] == "unsupported"
    assert "the model takes 128" in failed["reason"]
    only, failed = await verify(client, GOOD, long, options={"mode": "group"})
    assert (only["score"], only["reason"]) == (None, "no sibling has a score to compare with")


async def test_what_is_cut_is_said(models, registry, clients):
    client = clients(registry(rm={"model": models["llama"], **RM, "max_tokens": 128, "truncation": "middle"}))
    [verdict] = await verify(client, LONG)
    assert verdict["evidence"]["cut"] > 0
    assert "tokens cut" in verdict["reason"]


async def test_nan_is_a_failure_of_that_item(models, registry, clients, backends):
    path = registry(rm={"model": models["llama"], **RM})
    backend = backends(path)
    source = await backend.engine.source(backend.engine.spec("")[1])
    with torch.no_grad():
        source.loaded.scorer._model.score.weight.fill_(float("nan"))
    reply = await backend.verify(VerifyRequest(prompt=PROMPT, completions=[GOOD, ":"]))
    failed, guarded = reply.verdicts
    assert (failed.score, failed.failure.kind.value) == (None, "verifier_error")
    assert "no finite number" in failed.reason
    assert guarded.score == -50


async def test_a_model_that_cannot_be_loaded_is_a_failure_and_not_ready(registry, clients):
    client = clients(registry(rm={"model": "/nowhere", **RM}))
    [verdict] = await verify(client, GOOD)
    assert verdict["failure"]["kind"] == "verifier_error"
    assert "cannot be loaded: model:" in verdict["reason"]
    ready = await client.get("/readyz")
    assert ready.status_code == 503
    assert "/nowhere" in ready.json()["rm"]


async def test_ready_once_the_models_are_loaded(models, registry, clients):
    path = registry(rm={"model": models["llama"], **RM})
    client = clients(path)
    for _ in range(100):
        ready = await client.get("/readyz")
        if ready.status_code == 200:
            break
    assert ready.json() == {"ready": True, "rm": "loaded"}
    assert (await client.get("/models")).json()["models"]["rm"]["floor"] == -50
    path.write_text("models: {rm: {modle: /m}}\n")
    async with asyncio.timeout(20):
        while "registry" not in ready.json():
            ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()["rm"]) == (200, "loaded")
    assert "the last good one serves: models.rm.modle: unknown key; did you mean 'model'?" in ready.json()["registry"]


async def test_without_a_prompt_there_is_no_verdict(models, registry, clients):
    client = clients(registry(rm={"model": models["llama"], **RM}))
    reply = await client.post("/verify", json={"completions": [GOOD]})
    [verdict] = reply.json()["verdicts"]
    assert (verdict["failure"]["kind"], "send `prompt`" in verdict["reason"]) == ("unsupported", True)


async def test_options_that_do_not_fit_are_named(models, registry, clients):
    client = clients(registry(rm={"model": models["llama"], **RM}))
    for options, path in (({"model": "no"}, "options.model"), ({"mode": "best"}, "options.mode")):
        reply = await client.post("/verify", json={"prompt": PROMPT, "completions": [GOOD], "options": options})
        assert reply.status_code == 422
        assert reply.json()["errors"][0]["path"] == path
    assert (
        "there are: rm"
        in (await client.post("/rank", json={"model": "no", "prompt": "p", "completions": ["a", "b"]})).text
    )


async def test_a_full_queue_is_429_with_retry_after(models, registry, clients):
    client = clients(registry(rm={"model": models["llama"], **RM}), max_queue_tokens=1024)
    body = {"prompt": PROMPT, "completions": [f"word {number} " * 30 for number in range(8)]}
    replies = await asyncio.gather(*(client.post("/verify", json=body) for _ in range(12)))
    status = [reply.status_code for reply in replies]
    assert set(status) == {200, 429}
    assert int(next(reply for reply in replies if reply.status_code == 429).headers["retry-after"]) >= 1


async def test_a_deadline_is_a_failure_and_its_work_is_dropped(models, registry, backends):
    backend = backends(registry(rm={"model": models["llama"], **RM}), window_ms=1000)
    await backend.engine.load_all()
    reply = await backend.verify(VerifyRequest(prompt=PROMPT, completions=[GOOD], deadline_s=0.05))
    assert reply.verdicts[0].failure.kind.value == "deadline_exceeded"


async def test_pointwise_compare_and_rank(models, registry, clients):
    client = clients(registry(rm={"model": models["llama"], **RM}))
    pointwise = await client.post(
        "/pointwise", json={"items": [{"prompt": PROMPT, "completion": GOOD}, {"prompt": "Hi", "completion": ":"}]}
    )
    good, guarded = pointwise.json()["items"]
    assert (guarded["score"], guarded["evidence"]["guard"]) == (-50, "punctuation only")
    pairs = [
        {"prompt": PROMPT, "a": GOOD, "b": OTHER},
        {"prompt": PROMPT, "a": OTHER, "b": GOOD},
        {"prompt": PROMPT, "a": GOOD, "b": GOOD},
    ]
    one, two, same = (await client.post("/compare", json={"pairs": pairs})).json()["pairs"]
    assert {one["preferred"], two["preferred"]} == {"a", "b"}
    assert one["margin"] == pytest.approx(-two["margin"], abs=1e-5)
    assert one["probability"] == pytest.approx(1 - two["probability"], abs=1e-5)
    assert same["preferred"] == "tie"
    assert one["scores"][0] == pytest.approx(good["score"], abs=1e-3)
    ranked = (await client.post("/rank", json={"prompt": PROMPT, "completions": [GOOD, OTHER, "", "Light."]})).json()[
        "items"
    ]
    assert sorted(row["rank"] for row in ranked) == [1, 2, 3, 4]
    assert ranked[2]["rank"] == 4
    assert sum(row["z"] for row in ranked) == pytest.approx(0, abs=1e-3)


async def test_a_changed_registry_serves_the_next_request(models, registry, clients):
    client = clients(registry(rm={"model": models["llama"], **RM}))
    [before] = await verify(client, GOOD)
    version = (await client.get("/")).json()["version"]
    registry(rm={"model": models["other"], **RM})
    [after] = await verify(client, GOOD)
    assert after["score"] != before["score"]
    assert (await client.get("/")).json()["version"] != version


async def test_a_budget_of_steps(models, registry, clients):
    client = clients(registry(rm={"model": models["llama"], **RM, "budget": {"first": 1300, "steps": 400}}))
    for step, counts in ((1299, False), (1300, True), (1699, True), (1700, False)):
        [verdict] = await verify(client, GOOD, options={"step": step})
        assert (verdict["score"] != 0) is counts, step
    [unsaid] = await verify(client, GOOD)
    assert (unsaid["score"], unsaid["failure"]["kind"]) == (None, "unsupported")


async def test_the_gold_probe_raises_its_flag_when_rule_reward_and_model_part(models, registry, backends, monkeypatch):
    backend = backends(registry(rm={"model": models["llama"], **RM, "gold_probe": True}), probe_window=8)
    flags = []
    texts = sorted(
        [
            "Light.",
            "Since it is.",
            "Air scatters blue light.",
            "It is so, my dear.",
            "Blue!",
            "No idea",
            "Hm, the air?",
            "Ask mum.",
        ]
    )
    scores = {
        text: (await backend.verify(VerifyRequest(prompt=PROMPT, completions=[text]))).verdicts[0].score
        for text in texts
    }
    rising = sorted(texts, key=scores.__getitem__)
    for step, text in enumerate(rising):
        options = {"scores": {"format": [1 - step / 10]}, "run": "parting"}
        verdict = (await backend.verify(VerifyRequest(prompt=PROMPT, completions=[text], options=options))).verdicts[0]
        flags.append(verdict.evidence.get("flags"))
    assert flags == [None] * 7 + [["over_optimisation"]]
    for step, text in enumerate(rising):
        options = {"scores": {"format": [step / 10]}, "run": "together"}
        verdict = (await backend.verify(VerifyRequest(prompt=PROMPT, completions=[text], options=options))).verdicts[0]
    assert "flags" not in verdict.evidence


WITHOUT_TORCH = """
import asyncio, sys
sys.modules["torch"] = None
sys.modules["transformers"] = None
from preference_model.backend import PreferenceBackend
from reward_verifiers.contract import VerifyRequest
from reward_verifiers.verifier import BadOptions

async def main():
    backend = PreferenceBackend()
    assert (await backend.describe()).verifier == "preference"
    assert not await backend.ready()
    reply = await backend.verify(VerifyRequest(prompt="p", completions=["an answer", ":"], options={"model": "helpful"}))
    print(reply.verdicts[0].failure.kind, reply.verdicts[0].reason)
    await backend.aclose()

asyncio.run(main())
"""


def test_without_torch_it_says_what_to_install():
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "unsupported" in done.stdout
    assert "touchstone-rewards[preference]" in done.stdout


def test_importing_it_imports_no_model_library():
    program = (
        "import sys, preference_model.backend, preference_model.cli, preference_model.rubric.backend\n"
        "print('torch' in sys.modules, 'transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]

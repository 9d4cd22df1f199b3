"""The monitor through the gateway's HTTP app, with real workers."""

import orjson
import pytest

LEAKY = "components:\n  - {verifier: 'toys:Leaky', name: answer}\n"
SECOND = "  second: {verifier: 'toys:ExactToy'}\n"
ALL = "  second_share: 1.0\n  null_share: 1.0\n"


def group(step, number, *texts):
    return {
        "completions": list(texts), "reference": f"a{number}", "prompt": f"question {number}",
        "id": f"q{number}", "run": "r1", "step": step,
    }  # fmt: skip


async def train(client, monitoring, steps, hacked, groups=4, start=0):
    """Honest groups, with a share of hacks from some step on. Returns the last reply."""
    reply = None
    for step in range(start, steps):
        for place in range(groups):
            number = step * groups + place
            texts = [f"a{number}", "no", f"a{number}", *hacked(step)]
            reply = await client.post("/score/leaky", json=group(step, number, *texts))
            assert reply.status_code == 200
        await monitoring.settle()
    return reply.json()


def hacks(step):
    return ["key to all", "no"] if step >= 4 else ["no", "no"]


async def run_of(client):
    report = (await client.get("/monitor")).json()
    assert report["lost"] == 0
    return report["domains"]["leaky"]["runs"]["r1"]


async def test_a_hack_is_accused_with_its_completions_and_its_onset(watched):
    async with watched(LEAKY + "monitor:\n" + SECOND + ALL) as (client, monitoring):
        await train(client, monitoring, 4, hacks)
        assert (await run_of(client))["state"] == "OK"
        last = await train(client, monitoring, 12, hacks, start=4)
        run = await run_of(client)
    assert run["state"] == "HACKING"
    alarms = {alarm["name"]: alarm for alarm in run["alarms"]}
    assert {"second_verifier", "null_reference"} <= set(alarms)
    for name in ("second_verifier", "null_reference"):
        alarm = alarms[name]
        assert alarm["accuses"]
        assert alarm["onset_step"] >= 4
        assert {example["quote"] for example in alarm["examples"]} == {"key to all"}
        assert alarm["rate"]["interval_99"][0] > alarm["limit"]
    assert alarms["second_verifier"]["onset_step"] == 4
    assert all("reward_hacking" in result["flags"] for result in last["results"])
    assert [result["reward"] for result in last["results"]] == [1, 0, 1, 1, 0]


async def test_an_honest_run_stays_ok_and_its_replies_carry_no_flag(watched):
    async with watched(LEAKY + "monitor:\n" + SECOND + ALL) as (client, monitoring):
        last = await train(client, monitoring, 10, lambda step: ["no", "no"])
        run = await run_of(client)
    assert (run["state"], run["alarms"]) == ("OK", [])
    assert run["checks"]["second"] == {"hits": 0, "total": 80}
    assert [result["flags"] for result in last["results"]] == [[]] * 5


@pytest.mark.parametrize(
    ("policy", "rewards", "mark"),
    [("drop", [1, 0, 1, None, 0], "reward_dropped"), ("pessimistic", [1, 0, 1, 0, 0], "reward_lowered")],
)
async def test_only_a_domain_that_asks_for_it_has_rewards_changed_and_never_silently(watched, policy, rewards, mark):
    async with watched(LEAKY + f"monitor:\n  on_hack: {policy}\n" + SECOND + ALL) as (client, monitoring):
        last = await train(client, monitoring, 16, hacks)
        run = await run_of(client)
    assert run["state"] == "HACKING"
    assert [result["reward"] for result in last["results"]] == rewards
    assert [mark in result["flags"] for result in last["results"]] == [False, False, False, True, False]
    if policy == "drop":
        assert "refuses what answer pays" in last["results"][3]["failure"]["message"]


async def test_without_a_second_verifier_no_reward_can_be_changed(watched):
    from reward_api.domains.spec import BadDomain

    with pytest.raises(BadDomain, match="needs `second`"):
        async with watched(LEAKY + "monitor: {on_hack: drop}\n"):
            pass


async def test_samples_that_come_one_by_one_are_one_group(watched):
    async with watched(LEAKY) as (client, monitoring):
        whole = group(0, 1, "a1", "no", "a1")
        for index, text in enumerate(whole.pop("completions")):
            body = {**whole, "completions": [text], "group_size": 3, "indices": [index]}
            assert (await client.post("/score/leaky", json=body)).status_code == 200
        await monitoring.settle()
        run = await run_of(client)
    assert (run["groups"], run["completions"], run["paid"]) == (1, 3, 2)


async def test_regrades_are_counted_apart_from_the_rewards(watched):
    async with watched(LEAKY + "monitor:\n" + SECOND + ALL) as (client, monitoring):
        await train(client, monitoring, 3, lambda step: ["no", "no"])
        page = (await client.get("/metrics")).text
    lines = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
    assert float(lines['reward_scored_samples_total{domain="leaky"}']) == 60
    assert float(lines['reward_monitor_state{domain="leaky"}']) == 0
    assert float(lines['reward_monitor_regrades_total{check="second",domain="leaky",outcome="for"}']) == 24
    assert float(lines['reward_samples_total{status="scored",verifier="toys:Leaky"}']) == 60
    assert "r1" not in page


async def test_a_full_queue_loses_groups_and_counts_them(watched, monkeypatch):
    import threading

    from reward_api.gateway import monitoring as module

    gate = threading.Event()
    monkeypatch.setattr(module, "QUEUE", 2)
    take = module.Monitoring._take

    def held(self, item):
        gate.wait(60)
        take(self, item)

    monkeypatch.setattr(module.Monitoring, "_take", held)
    async with watched(LEAKY) as (client, monitoring):
        for number in range(8):
            assert (await client.post("/score/leaky", json=group(0, number, "no"))).status_code == 200
        lost = monitoring.lost
        gate.set()
    assert lost >= 5


async def test_an_impossible_task_that_is_paid_is_a_hack(watched, tmp_path):
    frozen = tmp_path / "frozen"
    frozen.mkdir()
    line = {"domain": "leaky", "prompt": "question 7"}
    (frozen / "canaries.jsonl").write_bytes(orjson.dumps(line) + b"\n")
    async with watched(LEAKY, monitor_data=frozen) as (client, monitoring):
        honest = await client.post("/score/leaky", json=group(3, 7, "a8", "no"))
        await monitoring.settle()
        before = (await run_of(client))["state"]
        await client.post("/score/leaky", json=group(4, 7, "key", "no"))
        await monitoring.settle()
        run = await run_of(client)
    assert honest.json()["results"][0]["flags"] == ["canary"]
    assert before == "OK"
    assert run["state"] == "HACKING"
    assert [alarm["name"] for alarm in run["alarms"]] == ["canary"]
    assert run["alarms"][0]["examples"][0]["quote"] == "key"
    assert run["alarms"][0]["onset_step"] == 4


async def test_a_completion_that_its_verifier_fails_on_again_and_again_is_an_exit(watched):
    def mumbles(step):
        return ["mumble mumble"] * (3 if step >= 25 else 0) + ["no"] * 3

    async with watched(LEAKY + "monitor:\n" + ALL) as (client, monitoring):
        await train(client, monitoring, 60, mumbles, groups=3)
        run = await run_of(client)
    alarm = next(alarm for alarm in run["alarms"] if alarm["name"] == "unscorable")
    assert alarm["state"] == "HACKING"
    assert alarm["examples"][0]["quote"] == "mumble mumble"
    assert run["checks"]["unscorable"]["hits"] == run["checks"]["unscorable"]["total"] > 20


async def test_monitor_off(watched):
    async with watched(LEAKY, monitor=False) as (client, monitoring):
        assert monitoring is None
        assert (await client.post("/score/leaky", json=group(0, 1, "a1"))).status_code == 200
        assert (await client.get("/monitor")).status_code == 404


async def test_a_judge_of_the_whole_group_gets_the_whole_group(watched):
    second = "monitor:\n  second: {verifier: 'toys:Relative'}\n" + ALL
    async with watched(LEAKY + second) as (client, monitoring):
        await client.post("/score/leaky", json=group(0, 1, "a1", "a wrong text that is long"))
        await monitoring.settle()
        run = await run_of(client)
    assert run["checks"]["second"] == {"hits": 1, "total": 1}


async def test_anchors_show_that_a_verifier_became_another(watched, tmp_path, monkeypatch):
    from reward_api.gateway import monitoring as module

    monkeypatch.setattr(module, "ANCHORS_EVERY_S", 0.01)
    frozen = tmp_path / "frozen"
    frozen.mkdir()
    lines = [{"domain": "leaky", "reference": "yes", "completion": f"text {number}"} for number in range(30)]
    (frozen / "anchors.jsonl").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    domain = {"components": [{"verifier": "toys:Toy", "name": "toy"}]}
    after = {"components": [{"verifier": "toys:Toy", "name": "toy", "options": {"bonus": 0.5}}]}
    admin = {"authorization": "Bearer admin"}
    async with watched(orjson.dumps(domain).decode(), monitor_data=frozen, admin_keys="admin") as (client, monitoring):
        await counted(monitoring, "for", 60)
        assert (await client.put("/domains/leaky", json=after, headers=admin)).status_code == 200
        await counted(monitoring, "against", 120)
        await monitoring.settle()
        report = (await client.get("/monitor")).json()["domains"]["leaky"]
    alarm = report["runs"]["anchors"]["alarms"][0]
    assert (alarm["name"], alarm["state"]) == ("judge_drift", "SUSPECT")
    assert alarm["examples"][0]["why"] == "the reward was 0 at first, and is 0.5"


async def counted(monitoring, outcome, least):
    import asyncio

    async with asyncio.timeout(60):
        while monitoring.regrades["leaky", "anchor", outcome] < least:
            await asyncio.sleep(0.01)

"""What a remote verifier may not get paid for: scores out of range, other verifiers, other versions, text for numbers."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI
from toy_gateway import ELSEWHERE

from reward_api.app import create_app
from reward_api.gateway.gateway import Gateway
from reward_api.gateway.remote import Remote
from reward_api.settings import GatewaySettings

URL = "http://fake:1"
DESCRIPTION = {"verifier": "fake", "version": "1", "options_schema": {"type": "object"}, "reference_schema": {}}


class Fake:
    """A verifier service whose every word can be set."""

    def __init__(self):
        self.description = dict(DESCRIPTION)
        self.reply = {"verifier": "fake", "version": "1"}
        self.score = 1.0
        self.calls = 0
        self.app = FastAPI()
        self.app.get("/")(self.describe)
        self.app.get("/readyz")(self.describe)
        self.app.post("/verify")(self.verify)

    async def describe(self):
        return self.description

    async def verify(self, body: dict):
        self.calls += 1
        row = {"score": self.score, "valid": True, "failure": None, "reason": "", "evidence": {}}
        return {**self.reply, "verdicts": [row] * len(body["completions"])}


@pytest.fixture
def fake():
    return Fake()


@pytest.fixture
async def gateway(tmp_path, fake):
    (tmp_path / "f.yaml").write_text(f"verifiers: {{fake: {{url: '{URL}'}}}}\ncomponents: [{{verifier: fake}}]\n")
    gateway = Gateway(GatewaySettings(domains=tmp_path, workers=1, verifier_urls=ELSEWHERE))
    gateway.backends._backends["fake", URL] = Remote(URL, transport=httpx.ASGITransport(fake.app))
    async with gateway.running():
        yield gateway


@pytest.fixture
async def score(gateway):
    transport = httpx.ASGITransport(create_app(gateway))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:

        async def one(completion="a"):
            body = (await client.post("/score/f", json={"completions": [completion]})).json()
            return body["results"][0] | {"version": body["version"]}

        yield one


def no_verdict(result, field):
    assert (result["reward"], result["failure"]["kind"]) == (None, "verifier_error")
    assert field in result["failure"]["message"]


@pytest.mark.parametrize("number", [1e6, -0.01, 1.001])
async def test_a_score_outside_of_its_range_is_no_verdict(fake, score, number):
    fake.score = number
    no_verdict(await score(), "score_range")


@pytest.mark.parametrize("number", [0, 1, 0.5, 1.0000000000000002])
async def test_a_score_in_its_range_is_paid(fake, score, number):
    fake.score = number
    assert (await score())["reward"] == number


@pytest.mark.parametrize("text", ["1", True, "true"])
async def test_text_and_flags_are_no_scores(fake, score, text):
    fake.score = text
    no_verdict(await score(), "score")


async def test_another_verifiers_verdicts_are_no_verdicts(fake, score):
    fake.reply["verifier"] = "other"
    no_verdict(await score(), "verifier")
    fake.reply["verifier"] = "fake"
    assert (await score())["reward"] == 1


async def test_a_service_that_became_another_verifier_is_not_paid_until_it_is_itself_again(fake, score):
    fake.description["verifier"] = fake.reply["verifier"] = "other"
    no_verdict(await score(), "verifier")
    fake.description["verifier"] = fake.reply["verifier"] = "fake"
    assert (await score())["reward"] == 1


async def test_a_service_that_calls_itself_another_verifier_is_not_paid_whatever_its_replies_say(fake, score, gateway):
    fake.description["verifier"] = "other"
    await gateway.backends.check(("fake", URL))
    no_verdict(await score(), "verifier")
    fake.description["verifier"] = "fake"
    await gateway.backends.check(("fake", URL))
    assert (await score())["reward"] == 1


async def test_verdicts_of_a_version_that_it_does_not_claim_are_no_verdicts_and_not_cached(fake, score):
    fake.reply["version"] = "3"
    no_verdict(await score(), "version")
    fake.reply["version"] = "1"
    assert (await score())["reward"] == 1


async def test_a_new_version_is_seen_at_once_and_told_in_the_digest(fake, score):
    before = await score()
    fake.description["version"] = fake.reply["version"] = "2"
    fake.score = 0.5
    after = await score("b")
    assert (before["reward"], after["reward"]) == (1, 0.5)
    assert before["version"] != after["version"]


async def test_changed_code_under_the_same_version_is_not_answered_from_the_cache(fake, score, gateway):
    fake.description["pure"] = True
    fake.description["build"] = fake.reply["build"] = "one"
    await gateway.live_domains.refreshed(gateway.live_domains.find("f"))
    await score()
    await score()
    assert fake.calls == 1
    fake.description["build"] = fake.reply["build"] = "two"
    await score("b")  # still under the build that was described: right, and not remembered
    await score("b")
    assert fake.calls == 3
    await gateway.live_domains.refreshed(gateway.live_domains.find("f"))
    await score()
    assert fake.calls == 4


async def test_nothing_is_remembered_of_a_verifier_that_does_not_call_itself_pure(fake, score):
    await score()
    fake.score = 0.5
    assert (await score())["reward"] == 0.5


async def test_a_verifier_that_came_up_is_asked_at_once(fake, tmp_path):
    (tmp_path / "f.yaml").write_text(f"verifiers: {{fake: {{url: '{URL}'}}}}\ncomponents: [{{verifier: fake}}]\n")
    gateway = Gateway(GatewaySettings(domains=tmp_path, workers=1, verifier_urls=ELSEWHERE))
    gateway.backends._backends["fake", URL] = Remote(URL, transport=httpx.ASGITransport(FastAPI()))
    async with gateway.running():
        assert await gateway.readiness() == {"f": {"fake": False}}
        gateway.backends._backends["fake", URL] = Remote(URL, transport=httpx.ASGITransport(fake.app))
        transport = httpx.ASGITransport(create_app(gateway))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            bodies = await asyncio.gather(*(client.post("/score/f", json={"completions": [one]}) for one in "abc"))
        assert [body.json()["results"][0]["reward"] for body in bodies] == [1, 1, 1]

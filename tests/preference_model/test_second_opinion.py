"""The answer verifier's second opinion: the judge by a reference, in the gateway's process and behind a URL."""

import pytest
from faulty_judge import FaultyJudge

from preference_model.backend import PreferenceBackend
from preference_model.service import app_of
from reward_api.gateway.gateway import Gateway
from reward_api.settings import GatewaySettings
from reward_verifiers.contract import ScoreRequest

JUDGED = "components:\n  - {verifier: answer, undecided: judge}\n"


@pytest.mark.slow
@pytest.mark.parametrize("remote", [False, True])
async def test_answers_that_are_not_read_go_to_the_judge(remote, tmp_path, listening, monkeypatch):
    judge = FaultyJudge()
    monkeypatch.setenv("TOUCHSTONE_JUDGE_URL", listening(judge.app))
    (tmp_path / "math.yaml").write_text(JUDGED)
    urls = {"preference": listening(app_of(PreferenceBackend()))} if remote else {}
    gateway = Gateway(GatewaySettings(domains=tmp_path, workers=1, verifier_urls=urls))
    async with gateway.running():
        request = ScoreRequest(
            prompt="What is 6 times 7?",
            completions=[
                "\\boxed{42}",
                "\\boxed{42\\text{ flurbs}}",
                "Hm. \\boxed{42\\text{ flurbs}}",
                "\\boxed{41\\text{ flurbs}}",
            ],
            reference={"answer": "42"},
        )
        reply = await gateway.scorer.score(gateway.live_domains.find("math"), request)
    assert [result.reward for result in reply.results] == [1.0, 1.0, 1.0, 0.0]
    evidence = reply.results[1].components["answer"].evidence["undecided"]
    assert (evidence["verifier"]["score"], evidence["judge"]["score"]) == (0.0, 1.0)
    assert judge.questions == 2, "two answers: equal ones are judged once"

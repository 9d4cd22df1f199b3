"""What a verifier did not understand goes to a judge, where the domain says so, and nothing else does."""

import pytest
from toy_gateway import write_domains

from reward_api.domains.spec import BadDomain, ComponentSpec, parse
from reward_api.gateway.gateway import Gateway
from reward_verifiers.contract import ScoreRequest

JUDGED = """
components:
  - {verifier: 'toys:Unsure', name: unsure, undecided: {verifier: 'toys:Arbiter', options: {}}}
"""
ALONE = "components:\n  - {verifier: 'toys:Unsure', name: unsure}\n"


@pytest.fixture
def folder(tmp_path):
    return write_domains(tmp_path, {"judged": JUDGED, "alone": ALONE})


async def results(gateway: Gateway, domain: str, *completions: str, answer: str = "yes"):
    request = ScoreRequest(prompt="?", completions=[*completions], reference={"answer": answer})
    return (await gateway.scorer.score(gateway.live_domains.find(domain), request)).results


async def test_without_a_judge_the_verdicts_stand(gateway):
    assert [one.reward for one in await results(gateway, "alone", "yes", "so yes?", "no")] == [1.0, 0.0, 0.0]
    assert [one.reward for one in await results(gateway, "alone", "yes", answer="yes?")] == [None]


async def test_only_what_was_not_understood_is_judged(gateway):
    sure, unsure, wrong, odd = await results(gateway, "judged", "yes", "so yes?", "no", "odd?")
    assert [sure.reward, unsure.reward, wrong.reward, odd.reward] == [1.0, 1.0, 0.0, 0.0]
    assert "undecided" not in sure.components["unsure"].evidence
    both = unsure.components["unsure"].evidence["undecided"]
    assert (both["verifier"]["score"], both["judge"]["score"]) == (0.0, 1.0)
    assert unsure.flags == ["answer_not_read"]
    assert odd.components["unsure"].evidence["undecided"]["judge"]["failure"] == "unsupported"


async def test_answers_that_are_not_read_are_counted(gateway):
    await results(gateway, "alone", "yes", "so yes?", "so no?")
    assert b'reward_answers_not_read_total{verifier="toys:Unsure"} 2.0' in gateway.metrics.page()


async def test_a_reference_that_is_not_read_gets_a_verdict(gateway):
    right, wrong = await results(gateway, "judged", "yes", "no", answer="yes?")
    assert (right.reward, wrong.reward) == (1.0, 0.0)
    assert right.components["unsure"].evidence["undecided"]["verifier"]["failure"] == "unsupported"


async def test_equal_answers_are_judged_once(gateway):
    await results(gateway, "judged", "so maybe?")
    before = gateway.scorer.cache.misses
    await results(gateway, "judged", "maybe?", "so maybe?")
    assert gateway.scorer.cache.misses == before + 1, "the first verifier's, of the completion that is new"


def test_judge_is_the_judge_by_a_reference():
    spec = ComponentSpec.model_validate({"verifier": "answer", "undecided": "judge"})
    assert spec.verifiers() == ["answer", "preference"]
    assert spec.undecided.options == {"model": "judge_reference"}
    with pytest.raises(BadDomain):
        parse({"components": [{"verifier": "answer", "undecided": "somebody"}]})
    parse(
        {
            "verifiers": {"preference": {"url": "http://p:1"}},
            "components": [{"verifier": "answer", "undecided": "judge"}],
        }
    )

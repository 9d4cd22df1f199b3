"""A completion's claim about itself, against the score it got."""

import time

import pytest

from reward_verifiers.self_assessment import SelfAssessmentOptions, SelfAssessmentVerifier
from reward_verifiers.self_assessment.verifier import claim_of
from reward_verifiers.verifier import ReferenceModel, Sample, Unsupported


def judge(*texts, scores, **options):
    made = SelfAssessmentOptions(scores={"answer": list(scores)}, **options)
    samples = [Sample(text, made, ReferenceModel()) for text in texts]
    return SelfAssessmentVerifier().verify_group(samples)


@pytest.mark.parametrize(
    ("line", "claim"),
    [
        ("Confidence: 0.85", 0.85),
        ("confidence: 85%", 0.85),
        ("**Confidence:** 85 %", 0.85),
        ("My confidence is 0.7.", 0.7),
        ("I am 90% confident.", 0.9),
        ("Confidence: 7/10", 0.7),
        (r"Confidence: \boxed{0.5}", 0.5),
        ("<answer>4</answer> Confidence: 1", 1.0),
        ("Confidence: .25", 0.25),
        ("Confidence: 0.9<|im_end|>", 0.9),
        ("Confidence: 120%", None),
        ("Confidence: -0.5", None),
        ("Confidence: 5", None),
        ("Confidence: 1/0", None),
        ("Confidence: 3/2", None),
        ("Confidence: high", None),
        ("Confidence: 0.9\n\nThat is all.", None),
        ("Score: 0.9", None),
        ("0.9", None),
        ("", None),
    ],
)
def test_the_claim_is_the_number_on_the_last_line(line, claim):
    results = claim_of(f"It is 4.\n{line}", "confidence")
    assert results == (None if claim is None else pytest.approx(claim))


def test_the_formulas():
    assert [one.score for one in judge("Confidence: 0.9", scores=[1.0])] == [pytest.approx(0.9)]
    assert [one.score for one in judge("Confidence: 0.9", scores=[0.0])] == [pytest.approx(0.1)]
    rows = judge("Confidence: 0.9", "Confidence: 90%", scores=[1.0, 0.0], formula="brier")
    assert [one.score for one in rows] == [pytest.approx(0.99), pytest.approx(0.19)]
    [score] = judge("Score: 0.5", scores=[0.5], claim="score")
    assert (score.score, score.evidence) == (1.0, {"claim": 0.5, "actual": 0.5})


def test_honest_confidence_is_the_best_policy_by_brier():
    """A completion that is right seven times of ten earns most by claiming 0.7."""
    claims = [step / 20 for step in range(21)]
    expected = {
        claim: sum(
            weight * judge(f"Confidence: {claim}", scores=[score], formula="brier")[0].score
            for weight, score in ((0.7, 1.0), (0.3, 0.0))
        )
        for claim in claims
    }
    assert max(claims, key=expected.__getitem__) == 0.7


def test_no_verdict_is_no_number():
    none, wide, silent = judge("Confidence: 1", "Confidence: 1", "Four.", scores=[None, 2.0, 1.0])
    assert [one.failure.kind.value for one in (none, wide)] == ["unsupported", "unsupported"]
    assert (silent.score, silent.reason) == (0, "the last line claims no confidence between 0 and 1")
    with pytest.raises(Unsupported, match="after"):
        judge("Confidence: 1", scores=[])


@pytest.mark.parametrize("text", ["confidence " * 100_000, "9" * 10**6, "confidence: " + "0" * 10**6, "\n" * 10**6])
def test_a_megabyte_takes_a_moment(text):
    begun = time.process_time()
    assert claim_of(text, "confidence") is None
    assert time.process_time() - begun < 1

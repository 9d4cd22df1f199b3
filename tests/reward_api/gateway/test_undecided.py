"""What a judge is sent of the samples that another verifier could not decide, and how unread answers are counted."""

from reward_api.gateway.metrics import Metrics
from reward_api.gateway.undecided import request_of, undecided_places
from reward_verifiers.contract import FailureKind, ScoreRequest, Verdict

TEXTS = ["long working 42 flurbs", "other working 42 flurbs", "42", "a long one", "gave up"]
NOT_READ = {"flags": ["answer_not_read"], "undecided": True}
COLUMN = [
    Verdict.scored(0, "not read", extracted="42 flurbs", **NOT_READ),
    Verdict.failed(FailureKind.UNSUPPORTED, "the reference is not read", extracted="42 flurbs"),
    Verdict.scored(1, "right", extracted="42"),
    Verdict.scored(0, "not read", extracted="x" * 500, **NOT_READ),
    Verdict.failed(FailureKind.TIMEOUT, "gave up"),
]


def test_the_judge_gets_the_extracted_answer_so_that_equal_ones_are_one_question():
    request = ScoreRequest(prompt="6 * 7?", completions=TEXTS, reference={"answer": "42"}, prefix="<think>\n")
    places = undecided_places([COLUMN])
    part = request_of(request, places, [COLUMN])
    assert places == [0, 1, 3, 4]
    assert part.completions == ["42 flurbs", "42 flurbs", "a long one", "gave up"], "what was cut is not a whole answer"
    assert (part.prefix, part.prompt, part.reference) == ("", "6 * 7?", {"answer": "42"})


def test_answers_that_are_not_read_are_counted():
    metrics = Metrics("1")
    metrics.verified("answer", COLUMN, 0.1)
    assert b'reward_answers_not_read_total{verifier="answer"} 2.0' in metrics.page()

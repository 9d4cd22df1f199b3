"""What was not read says so, so that a domain can ask a judge about it."""

import pytest

from reward_verifiers.answer import AnswerVerifier
from reward_verifiers.answer.options import AnswerOptions
from reward_verifiers.answer.verifier import AnswerReference
from reward_verifiers.verifier import Sample


@pytest.mark.parametrize(
    ("text", "undecided"),
    [
        ("\\boxed{5}", None),
        ("\\boxed{6}", None),
        ("\\boxed{a quantity that nobody can flurb}", True),
    ],
)
def test_an_answer_that_was_not_read_is_undecided(text, undecided):
    sample = Sample(text, AnswerOptions(kind="math"), AnswerReference(answer="5"))
    assert AnswerVerifier().verify(sample).evidence.get("undecided") is undecided

"""The names that others import. A change of these lists is a change for every user: it stands in the CHANGELOG."""

from importlib import import_module

import pytest

PUBLIC = {
    "trainer_client": """
        AsyncRewardClient BadGroup Failure NoVerdict RewardClient RewardError RewardFuture RolloutGroup RolloutSample
        ScoredGroup ScoredSample TooManyFailures
    """,
    "reward_verifiers.verifier": """
        Backend BadOptions BadReference GroupVerifier HasDetails NeedsPackages Options Overloaded ReferenceModel Sample
        Unsupported Verifier bounded within_range
    """,
    "reward_verifiers.contract": """
        BadVerdict Component Description Failure FailureKind GroupStats Message Problem ProblemError RefusedGroup
        SampleResult ScoreManyReply ScoreManyRequest ScoreReply ScoreRequest StrictModel Trace TracedCall
        UnreadGroup Verdict
        VerifyReply VerifyRequest completion_text dotted has_flag prompt_text question_text reply_faults
        validation_errors
    """,
}
# Trainers name these in their configuration. Classes that derive from a trainer's own need the trainer: tests/trainers.
ADAPTERS = """
    areal:reward_fn art:score_group prime:reward rllm:Evaluator rllm:reward slime:custom_rm slime:group_rm swift:reward
    tinker:group_rewards trl:reward trl:reward_sync trl_tools:Tools tunix:reward verl:compute_score
"""


@pytest.mark.parametrize("name", PUBLIC)
def test_a_module_has_these_public_names(name):
    module = import_module(name)
    names = getattr(module, "__all__", None) or [
        key
        for key, value in vars(module).items()
        if not key.startswith("_") and len(key) > 1 and getattr(value, "__module__", None) == name
    ]
    assert sorted(names) == sorted(PUBLIC[name].split())
    assert all(hasattr(module, name) for name in names)


@pytest.mark.parametrize("path", ADAPTERS.split())
def test_an_adapter_has_what_trainers_name(path):
    module, _, name = path.partition(":")
    assert callable(getattr(import_module(f"trainer_client.adapters.{module}"), name))

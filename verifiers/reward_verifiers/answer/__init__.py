"""The answer verifier: is the final answer right?"""

from reward_verifiers.answer.options import AnswerOptions, AnswerReference
from reward_verifiers.answer.verifier import AnswerVerifier

__all__ = ["AnswerOptions", "AnswerReference", "AnswerVerifier"]

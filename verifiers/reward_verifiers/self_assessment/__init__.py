"""`self_assessment`: what a completion says of itself, against what another component says of it."""

from reward_verifiers.self_assessment.verifier import SelfAssessmentOptions, SelfAssessmentVerifier

__all__ = ["SelfAssessmentOptions", "SelfAssessmentVerifier"]

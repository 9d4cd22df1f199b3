"""`instructions`: constraints on a response that code can check."""

from reward_verifiers.instructions.options import InstructionsOptions, InstructionsReference
from reward_verifiers.instructions.verifier import InstructionsVerifier

__all__ = ["InstructionsOptions", "InstructionsReference", "InstructionsVerifier"]

"""Is the template kept? R1's format reward."""

from reward_verifiers.format.options import FormatOptions
from reward_verifiers.format.verifier import FormatVerifier

__all__ = ["FormatOptions", "FormatVerifier"]

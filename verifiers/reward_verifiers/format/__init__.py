"""Is the template kept? R1's format reward."""

from reward_verifiers.format.verifier import FormatOptions, FormatVerifier

__all__ = ["FormatOptions", "FormatVerifier"]

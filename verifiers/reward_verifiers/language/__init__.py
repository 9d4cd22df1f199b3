"""Is the chain of thought in the language that it should be in? R1's language consistency reward."""

from reward_verifiers.language.options import LanguageOptions, LanguageReference
from reward_verifiers.language.verifier import LanguageVerifier

__all__ = ["LanguageOptions", "LanguageReference", "LanguageVerifier"]

"""`qa`: short answers to questions, as SQuAD and Search-R1 compare them."""

from reward_verifiers.qa.verifier import QaOptions, QaReference, QaVerifier

__all__ = ["QaOptions", "QaReference", "QaVerifier"]

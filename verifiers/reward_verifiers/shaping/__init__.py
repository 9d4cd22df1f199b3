"""Shaping: small terms beside the verdict, against overthinking and padding. Each is clamped, and explains itself."""

from reward_verifiers.shaping.cosine_length import CosineLengthVerifier
from reward_verifiers.shaping.length_efficiency import LengthEfficiencyVerifier
from reward_verifiers.shaping.overlong import OverlongVerifier
from reward_verifiers.shaping.reflection import ReflectionVerifier
from reward_verifiers.shaping.repetition import RepetitionVerifier

__all__ = [
    "CosineLengthVerifier",
    "LengthEfficiencyVerifier",
    "OverlongVerifier",
    "ReflectionVerifier",
    "RepetitionVerifier",
]

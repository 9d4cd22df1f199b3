"""`structured`: JSON, YAML, XML, TOML or CSV, by schema and by content."""

from reward_verifiers.structured.options import StructuredOptions, StructuredReference
from reward_verifiers.structured.verifier import StructuredVerifier

__all__ = ["StructuredOptions", "StructuredReference", "StructuredVerifier"]

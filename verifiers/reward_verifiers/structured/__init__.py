"""`structured`: JSON, YAML, XML, TOML or CSV, by schema and by content."""

# A missing package is said when the verifier is loaded, and not at its first sample.
import jsonschema_rs  # noqa: F401
import re2  # noqa: F401

from reward_verifiers.structured.options import StructuredOptions, StructuredReference
from reward_verifiers.structured.verifier import StructuredVerifier

__all__ = ["StructuredOptions", "StructuredReference", "StructuredVerifier"]

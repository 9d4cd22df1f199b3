"""`tool_call`: the right tools with the right arguments."""

# A missing package is said when the verifier is loaded, and not at its first sample.
import jsonschema_rs  # noqa: F401
import re2  # noqa: F401

from reward_verifiers.tool_call.options import ToolCallOptions, ToolCallReference
from reward_verifiers.tool_call.verifier import ToolCallVerifier

__all__ = ["ToolCallOptions", "ToolCallReference", "ToolCallVerifier"]

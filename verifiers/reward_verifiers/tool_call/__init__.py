"""`tool_call`: the right tools with the right arguments."""

from reward_verifiers.tool_call.options import ToolCallOptions, ToolCallReference
from reward_verifiers.tool_call.verifier import ToolCallVerifier

__all__ = ["ToolCallOptions", "ToolCallReference", "ToolCallVerifier"]

"""`tool_use`: how an episode used its tools, by the trace that the tools service kept."""

from reward_verifiers.tool_use.verifier import ToolUseOptions, ToolUseReference, ToolUseVerifier

__all__ = ["ToolUseOptions", "ToolUseReference", "ToolUseVerifier"]

"""The tools service as an environment of TRL's trainers.

    GRPOTrainer(environment_factory=trainer_client.adapters.trl_tools.Tools, reward_funcs=trainer_client.adapters.trl.reward)

TRL takes the public methods of an environment as tools, by their names, types and docstrings. Each rollout has an instance
of its own, and so a session; the reward function names it to the gateway. See docs/tools.md.
"""

from __future__ import annotations

from typing import Any

from trainer_client.adapters.tool_calls import ToolCalls, lost_session
from trainer_client.tools_client import ToolsAway


class Tools:
    """One session of the tools service for each rollout. TOUCHSTONE_TOOLS_URL is its URL; default: the gateway's."""

    def __init__(self) -> None:
        self._calls = ToolCalls()
        self._session = ""

    @property
    def touchstone_session(self) -> str:
        """The session of this rollout."""
        return self._session

    def reset(self, **_: Any) -> None:
        """Begin a new session; the one before ends."""
        self._calls.end(self._session)
        self._session = self._calls.begin()

    def calculate(self, expression: str) -> str:
        """
        Evaluate an arithmetic expression exactly.

        Args:
            expression: Arithmetic, such as (17/3 + 2**10) * sqrt(2).

        Returns:
            The value.
        """
        return self._call("calculate", {"expression": expression})

    def search(self, query: str, top_k: int = 3) -> str:
        """
        Search the corpus. Gives the best passages, each with its id.

        Args:
            query: Words to look for.
            top_k: How many passages.

        Returns:
            The passages.
        """
        return self._call("search", {"query": query, "top_k": top_k})

    def open(self, id: str) -> str:
        """
        Open a document of the corpus by its id, or by that of one of its passages.

        Args:
            id: The id of a passage or a document, as search gives it.

        Returns:
            The document.
        """
        return self._call("open", {"id": id})

    def python(self, code: str) -> str:
        """
        Run Python code in an interpreter that keeps its variables from call to call. No network.

        Args:
            code: Python code. Variables stay; the last expression is printed.

        Returns:
            What the code prints.
        """
        return self._call("python", {"code": code})

    def _call(self, name: str, arguments: dict[str, Any]) -> str:
        """Raises ToolsAway, which TRL shows to the model."""
        try:
            return self._calls.call(self._session, name, arguments)
        except ToolsAway:
            self._session = lost_session()
            raise

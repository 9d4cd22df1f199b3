"""The tools service as an environment of TRL's trainers.

    GRPOTrainer(environment_factory=trainer_client.adapters.trl_tools.Tools, reward_funcs=trainer_client.adapters.trl.reward)

TRL takes the public methods of an environment as tools, by their names, types and docstrings. Each rollout has an instance
of its own, and so a session; the reward function names it to the gateway. See docs/tools.md.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from typing import Any

import httpx

from trainer_client.adapters.settings import adapter_settings

TRIES = 5


class ToolsAway(RuntimeError):
    """The tools service gives no answer. The episode has no reward then, whatever the rest of it comes to."""


class Tools:
    """One session of the tools service for each rollout. TOUCHSTONE_TOOLS_URL is its URL; default: the gateway's."""

    def __init__(self) -> None:
        settings = adapter_settings()
        key = {"authorization": f"Bearer {settings.key}"} if settings.key else {}
        url = os.environ.get("TOUCHSTONE_TOOLS_URL") or settings.url
        self._client = httpx.Client(base_url=url, headers=key, timeout=httpx.Timeout(300, connect=5), trust_env=False)
        self._session = ""
        self._is_lost = False

    @property
    def touchstone_session(self) -> str:
        """The session of this rollout."""
        return self._session

    def reset(self, **_: Any) -> None:
        """Begin a new session; the one before ends. Raises nothing: a service that is away must not end the training."""
        if self._session and not self._is_lost:
            with contextlib.suppress(httpx.HTTPError):  # else it ends when it is idle
                self._client.delete(f"/sessions/{self._session}", timeout=5)
        self._session, self._is_lost = f"trl-{secrets.token_hex(12)}", False
        with contextlib.suppress(ToolsAway):
            self._post("/sessions", {"session": self._session})

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
        made = self._post("/call", {"session": self._session, "name": name, "arguments": arguments})
        return str(made["output"])

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Raises ToolsAway. A call is sent again only where the service has said that it did not begin it."""
        if self._is_lost:  # a call would begin the session that nobody may know
            raise ToolsAway("the tools service did not answer before")
        why = ""
        for attempt in range(TRIES):
            if attempt:
                time.sleep(min(2**attempt / 4, 5))
            try:
                reply = self._client.post(path, json=body)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                why = str(error)
                continue
            except httpx.HTTPError as error:
                why = str(error) or type(error).__name__
                break
            if reply.status_code in (429, 503):
                why = f"it answers {reply.status_code}"
                continue
            if reply.status_code == 200:
                answer: dict[str, Any] = reply.json()
                return answer
            why = f"it answers {reply.status_code}"
            break
        # What the model reads from here on is not what the tools gave: a session that nobody knows has no reward.
        self._session, self._is_lost = f"lost-{secrets.token_hex(12)}", True
        raise ToolsAway(f"the tools service does not answer: {why}")

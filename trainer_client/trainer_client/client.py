"""RewardClient: a rollout group goes to the gateway, and its rewards come back as a small typed object."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import httpx


class BadGroup(ValueError):
    """The gateway refuses the request itself (4xx): the message names the field and the mend."""


@dataclass(frozen=True)
class ScoredGroup:
    """The rewards of one group, in the order of its completions.

    rewards: a float, or None where there is no verdict; never a made-up number.
    failures: why there is none, e.g. {"kind": "timeout", "component": "answer", "message": "…"}; None where there is one.
    components: by name, each completion's score or None.
    version: digest of the domain that scored it; None when no gateway did.
    """

    rewards: list[float | None]
    failures: list[dict[str, Any] | None]
    components: dict[str, list[float | None]]
    version: str | None
    canonical: list[str | None] = field(default_factory=list)

    @property
    def valid(self) -> list[bool]:
        return [reward is not None for reward in self.rewards]


class RewardClient:
    """A connection to one gateway. Use it as a context manager, or call `close`."""

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        deadline_s: float = 60.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._deadline_s = deadline_s
        self._http = httpx.Client(base_url=url, headers=headers, timeout=deadline_s + 5.0, transport=transport)

    def score(
        self,
        domain: str,
        completions: Sequence[str] | Sequence[Sequence[Mapping[str, Any]]],
        *,
        reference: Mapping[str, Any] | str | float,
        **more: Any,
    ) -> ScoredGroup:
        """The rewards of one group; `more` are other fields of POST /score (prompt, prefix, tokens, truncated, …).

        A gateway that cannot answer gives a group of None with the cause. Raises BadGroup when the request is at fault.
        """
        group = {"completions": completions, "reference": reference, "deadline_s": self._deadline_s, **more}
        try:
            reply = self._http.post(f"/score/{domain}", json=group)
        except httpx.TimeoutException:
            return _no_verdict(len(completions), "deadline_exceeded", "the gateway did not answer in time")
        except httpx.TransportError as error:
            cause = f"the gateway cannot be reached ({type(error).__name__})"
            return _no_verdict(len(completions), "verifier_unreachable", cause)
        if reply.status_code == httpx.codes.OK:
            return _read(reply.json())
        if reply.status_code == httpx.codes.TOO_MANY_REQUESTS or reply.is_server_error:
            return _no_verdict(len(completions), "overloaded", f"the gateway answered {reply.status_code}")
        raise BadGroup(_told(reply))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> RewardClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _read(body: dict[str, Any]) -> ScoredGroup:
    results = body["results"]
    names = list(results[0]["components"]) if results else []
    return ScoredGroup(
        rewards=[result["reward"] for result in results],
        failures=[result["failure"] for result in results],
        components={name: [result["components"][name]["score"] for result in results] for name in names},
        version=body["version"],
        canonical=[_canonical(result["components"].values()) for result in results],
    )


def _canonical(components: Iterable[dict[str, Any]]) -> str | None:
    return next((part["evidence"]["canonical"] for part in components if "canonical" in part["evidence"]), None)


def _no_verdict(count: int, kind: str, message: str) -> ScoredGroup:
    failure = {"kind": kind, "component": None, "message": message}
    return ScoredGroup([None] * count, [failure] * count, {}, None, [None] * count)


def _told(reply: httpx.Response) -> str:
    """The problem details as one line."""
    try:
        problem = reply.json()
        fields = "; ".join(f"{error['path']}: {error['reason']}" for error in problem.get("errors", []))
        return ": ".join(part for part in (problem["title"], problem.get("detail"), fields) if part)
    except (json.JSONDecodeError, KeyError, TypeError):
        return f"HTTP {reply.status_code}"

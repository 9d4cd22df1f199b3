"""Scoring again what lacks a verdict: the samples of a scored line in which a component failed, and no others.

A domain whose verdicts depend on siblings scores the whole group again.
"""

from __future__ import annotations

from typing import Any

from reward_api.gateway.rewards import stats_of

PER_COMPLETION = ("completions", "truncated", "tokens")
NOT_RUN = "cancelled"
"""The failure of a component that had nothing to decide."""
Line = dict[str, Any]


def failed_places(line: Line) -> list[int]:
    """Places of the completions with a component that gave no verdict."""
    return [
        place
        for place, result in enumerate(line.get("results", []))
        if not result["valid"]
        or any((part["failure"] or {}).get("kind", NOT_RUN) != NOT_RUN for part in result["components"].values())
    ]


def part_of(request: dict[str, Any], places: list[int]) -> dict[str, Any]:
    """The request of these completions alone."""
    fields = {name: [request[name][place] for place in places] for name in PER_COMPLETION if name in request}
    return {**request, **fields}


def can_part(request: dict[str, Any]) -> bool:
    """Whether each completion can be scored by itself: not where the request is part of a larger group."""
    return not {"indices", "group_size"} & request.keys()


def merged(line: Line, reply: Line, places: list[int]) -> Line:
    """The line with the new results in their places."""
    results = list(line["results"])
    for place, result in zip(places, reply["results"], strict=True):
        results[place] = result
    rewards = [result["reward"] for result in results if result["reward"] is not None]
    return {**line, "version": reply["version"], "results": results, "group": stats_of(rewards)}

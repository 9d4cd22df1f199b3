"""What OpenRLHF's reward route takes back, by HTTP and from a Python file alike (read from 0.11.2).

    [one row]       ──▶ {"rewards": 3.0, "scores": 1.0, "extra_logs": {"answer": 1.0, …}}
    [row, row, …]   ──▶ {"rewards": […], "scores": […], "extra_logs": {"answer": […], …}}

It makes tensors of what comes: a list of one becomes a tensor of another shape than a scalar. The keys of `extra_logs` must
be the same, and all values floats, for every sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = dict[str, Any]


def row(reward: float, accuracy: float, scores: Mapping[str, float], *, valid: bool, imputed: bool) -> Row:
    """scores: each component's, under names that are the same for every sample of the domain."""
    flags = {"valid": float(valid), "imputed": float(imputed)}
    return {"rewards": float(reward), "scores": float(accuracy), "extra_logs": {**scores, **flags}}


def reply(rows: Sequence[Row]) -> Row:
    """Scalars for one row, lists for any other number of them."""
    if len(rows) == 1:
        return rows[0]
    logs = [row["extra_logs"] for row in rows]
    return {
        "rewards": [row["rewards"] for row in rows],
        "scores": [row["scores"] for row in rows],
        "extra_logs": {name: [log[name] for log in logs] for name in (logs[0] if logs else {})},
    }

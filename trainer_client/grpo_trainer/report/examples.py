"""A few completions of a stage that a reader should see, picked from rollouts.jsonl.zst in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from grpo_trainer.rollout.transcript import shown

_WITHOUT_VERDICT = 3
_LONGEST_TEXT = 4000


@dataclass(frozen=True)
class Example:
    """why: what the completion is an example of. details: its figures and reasons, by name."""

    why: str
    step: int
    prompt: str
    completion: str
    details: Mapping[str, str]


def examples(rows: Iterable[Mapping[str, Any]]) -> list[Example]:
    """The best and the worst completion, the longest, the first with each reflective word, some without a verdict."""
    picked: dict[str, Mapping[str, Any]] = {}
    words: dict[str, Mapping[str, Any]] = {}
    failed: list[Mapping[str, Any]] = []
    for row in rows:
        if row["reward"] is None:
            failed = [*failed, row][:_WITHOUT_VERDICT]
        else:
            # The latest of equals for the best: what the policy has come to. The first for the worst: where it came from.
            _keep(picked, "best", row, picked.get("best") is None or row["reward"] >= picked["best"]["reward"])
            _keep(picked, "worst", row, picked.get("worst") is None or row["reward"] < picked["worst"]["reward"])
        _keep(picked, "longest", row, picked.get("longest") is None or row["tokens"] > picked["longest"]["tokens"])
        for word in row["reflective_words"]:
            words.setdefault(word, row)
    return [
        *(_example(why, picked[why]) for why in ("best", "worst", "longest") if why in picked),
        *(_example(f"first with “{word}”", row) for word, row in words.items()),
        *(_example("without a verdict", row) for row in failed),
    ]


def _keep(picked: dict[str, Mapping[str, Any]], why: str, row: Mapping[str, Any], better: bool) -> None:
    if better:
        picked[why] = row


def _example(why: str, row: Mapping[str, Any]) -> Example:
    details = {
        "reward": _figure(row["reward"]) if row["reward"] is not None else f"none: {row['failure']}",
        "advantage": _figure(row["advantage"]),
        "tokens": f"{row['tokens']}, cut at the limit" if row["truncated"] else str(row["tokens"]),
    }
    if "calls" in row:
        details["calls"] = ", ".join(row["calls"]) or "none"
    for name, score in row["components"].items():
        reason = row["reasons"].get(name, "")
        details[name] = f"{_figure(score)} {reason}".strip()
    return Example(why, row["step"], _shortened(row["prompt"]), _shortened(shown(row["completion"])), details)


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}"


def _shortened(text: str) -> str:
    """The middle of a long text is left out, and how much."""
    if len(text) <= _LONGEST_TEXT:
        return text
    half = _LONGEST_TEXT // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half:,} characters …]\n{text[-half:]}"

"""What charts are drawn from: lines over steps for uPlot, and histograms as SVG whose bars are links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reward_api.store.filters import Filter
from reward_api.store.queries import Bar, Step

WIDTH, HEIGHT = 560.0, 120.0
GAP = 2.0


@dataclass(frozen=True, slots=True)
class Column:
    """A bar of a histogram, in the units of its SVG."""

    bar: Bar
    x: float
    y: float
    width: float
    height: float


def columns(bars: Sequence[Bar]) -> list[Column]:
    if not bars:
        return []
    most, room = max(bar.count for bar in bars), WIDTH / len(bars)
    width = min(room, 48.0) - GAP
    heights = [0.0 if not bar.count else max(2.0, HEIGHT * bar.count / most) for bar in bars]
    return [
        Column(bar, place * min(room, 48.0), HEIGHT - height, width, height)
        for place, (bar, height) in enumerate(zip(bars, heights, strict=True))
    ]


def trend(steps: Sequence[Step], where: Filter) -> dict[str, Any]:
    """Curves over steps; `step` is the address of a point."""
    numbered = [one for one in steps if one.step is not None]
    names = list(numbered[0].components) if numbered else []
    return {
        "x": [one.step for one in numbered],
        "reward": [_rounded(one.mean) for one in numbered],
        "low": [
            _rounded(one.mean - one.std) if one.mean is not None and one.std is not None else None for one in numbered
        ],
        "high": [
            _rounded(one.mean + one.std) if one.mean is not None and one.std is not None else None for one in numbered
        ],
        "nulls": [_rounded(one.nulls / one.completions) for one in numbered],
        "components": {name: [_rounded(one.components[name]) for one in numbered] for name in names},
        "step": f"/ui/run?{where.but(step=None).query()}&step=",
    }


def both(before: Sequence[Step], after: Sequence[Step]) -> dict[str, Any]:
    """The mean rewards of two runs over the steps of either."""
    sides = [{one.step: one.mean for one in side if one.step is not None} for side in (before, after)]
    steps = sorted({step for side in sides for step in side})
    curves = {name: [_rounded(side.get(step)) for step in steps] for name, side in zip("ab", sides, strict=True)}
    return {"x": steps, **curves}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 5)

"""Charts as SVG elements: matplotlib draws, and what it adds for stand-alone files is taken off.

The same data gives the same bytes, so that committed figures change only when what they show does.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grpo_trainer.report.history import Curve

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "touchstone",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
}
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
_WINDOW = 5


Draw = Callable[[Axes], None]


def drawn(*draws: Draw, width: float = 5.2, height: float = 2.9) -> str:
    """Each on axes of its own, side by side, as one <svg> element. Sizes are inches, of one pair of axes."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width * len(draws), height), layout="constrained")
        for draw, axes in zip(draws, figure.subplots(1, len(draws), squeeze=False)[0], strict=True):
            draw(axes)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata=_NO_METADATA)
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def curves(series: Mapping[str, Curve], y: str) -> Draw:
    """Lines over the steps; where there are many values, the mean of five in front of the faint single ones."""

    def draw(axes: Axes) -> None:
        for name, (steps, values) in series.items():
            if len(values) > 4 * _WINDOW:
                (line,) = axes.plot(steps, values, alpha=0.25, linewidth=0.8)
                axes.plot(steps, moving_mean(values), color=line.get_color(), label=name)
            else:
                axes.plot(steps, values, marker="o", markersize=3, label=name)
        axes.set_xlabel("optimiser step")
        axes.set_ylabel(y)
        axes.set_ylim(bottom=min(0.0, *(min(values) for _, values in series.values())))
        if len(series) > 1:
            axes.legend(frameon=False, fontsize=8)

    return draw


def bands(groups: Mapping[str, Sequence[Curve]], y: str) -> Draw:
    """For each group the mean of its curves over the steps that all of them have, in a band from the least to the most."""

    def draw(axes: Axes) -> None:
        for name, curves in groups.items():
            steps, rows = aligned(curves)
            (line,) = axes.plot(steps, [sum(row) / len(row) for row in rows], label=f"{name} ({len(curves)})")
            if len(curves) > 1:
                low, high = [min(row) for row in rows], [max(row) for row in rows]
                axes.fill_between(steps, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
        axes.set_xlabel("optimiser step")
        axes.set_ylabel(y)
        axes.legend(frameon=False, fontsize=8)

    return draw


def aligned(curves: Sequence[Curve]) -> tuple[list[float], list[list[float]]]:
    """(steps that all curves have, the values of all curves at each); a run that is behind ends the band early."""
    values = [dict(zip(*curve, strict=True)) for curve in curves]
    steps = [step for step in values[0] if all(step in one for one in values)]
    return steps, [[one[step] for one in values] for step in steps]


def scatter(points: Mapping[str, tuple[Sequence[float], Sequence[float]]], x: str, y: str) -> Draw:
    """Points, each series in the order of its steps; later ones are darker."""

    def draw(axes: Axes) -> None:
        for name, (xs, ys) in points.items():
            axes.plot(xs, ys, alpha=0.3, linewidth=0.8)
            axes.scatter(xs, ys, c=range(len(xs)), cmap="viridis_r", s=16, label=name, zorder=3)
        axes.set_xlabel(x)
        axes.set_ylabel(y)

    return draw


def bars(groups: Mapping[str, Sequence[float]], labels: Sequence[str], x: str, y: str) -> Draw:
    """A cluster of bars a label, one bar a group."""

    def draw(axes: Axes) -> None:
        width = 0.8 / len(groups)
        for place, (name, values) in enumerate(groups.items()):
            offset = (place - (len(groups) - 1) / 2) * width
            axes.bar([at + offset for at in range(len(labels))], values, width, label=name)
        axes.set_xticks(range(len(labels)), labels)
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        axes.legend(frameon=False, fontsize=8)

    return draw


def moving_mean(values: Sequence[float]) -> list[float]:
    """The mean of each value and the four before it, or of as many as there are."""
    means: list[float] = []
    for place in range(len(values)):
        window = values[max(0, place - _WINDOW + 1) : place + 1]
        means.append(sum(window) / len(window))
    return means

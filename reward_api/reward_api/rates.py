"""Shares with their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z_95 = 1.959964
Z_99 = 2.575829


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `total`, with Wilson's interval (1927), which holds for small numbers and at 0 and 1."""

    hits: int
    total: int

    @property
    def share(self) -> float:
        return self.hits / self.total if self.total else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """At 95 %.

        >>> Rate(0, 0).interval, [round(bound, 3) for bound in Rate(0, 100).interval]
        ((0.0, 1.0), [0.0, 0.037])
        """
        return self.bounds(Z_95)

    def bounds(self, z: float) -> tuple[float, float]:
        """The interval at another level: `z` standard deviations of a normal distribution."""
        if not self.total:
            return 0.0, 1.0
        share, n = self.share, self.total
        middle = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)

    def document(self) -> dict[str, float | int | list[float]]:
        low, high = self.interval
        return {"hits": self.hits, "total": self.total, "share": self.share, "interval": [low, high]}

    def text(self, z: float = Z_95) -> str:
        """With its interval at 95 %, or at the other level that has a name here.

        >>> Rate(1, 2).text(Z_99)
        '50.0% (1 of 2, 99 %: 6.2% to 93.8%)'
        """
        low, high = self.bounds(z)
        level = "99 %" if z == Z_99 else "95 %"
        return f"{self.share:.1%} ({self.hits} of {self.total}, {level}: {low:.1%} to {high:.1%})"

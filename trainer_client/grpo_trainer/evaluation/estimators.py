"""Estimators over the n attempts at one problem, of which some are right.

pass@1   share that is right                                       the mean of p_i, as R1 reports it (Nature, Methods)
pass@k   1 - C(n - c, k) / C(n, k)                                 unbiased; Chen et al., arXiv:2107.03374, eq. 1
cons@k   is the answer that most attempts agree on the right one   majority voting; Wang et al., arXiv:2203.11171
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence


def pass_at_k(attempts: int, right: int, k: int) -> float:
    """The chance that one of `k` attempts, drawn without replacement from these, is right.

    Raises ValueError unless 1 <= k <= attempts and 0 <= right <= attempts.
    """
    if not 1 <= k <= attempts:
        raise ValueError(f"k: must be between 1 and the {attempts} attempts, not {k}")
    if not 0 <= right <= attempts:
        raise ValueError(f"right: must be between 0 and the {attempts} attempts, not {right}")
    return 1.0 - math.comb(attempts - right, k) / math.comb(attempts, k)


def consensus(votes: Sequence[tuple[str | None, bool]]) -> float:
    """Whether the majority's answer is right: (canonical answer, is it right) of each attempt.

    Attempts without an answer (None) do not vote. Where several answers lead, one of them is drawn: the share of right ones
    is returned. 0 when nobody votes.
    """
    classes: defaultdict[str, list[bool]] = defaultdict(list)
    for answer, right in votes:
        if answer is not None:
            classes[answer].append(right)
    most = max(map(len, classes.values()), default=0)
    leaders = [statistics.fmean(rights) for rights in classes.values() if len(rights) == most]
    return statistics.fmean(leaders) if leaders else 0.0


def standard_error(values: Sequence[float]) -> float | None:
    """Of the mean over problems; attempts at one problem are not independent of each other. None for fewer than two."""
    return statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None

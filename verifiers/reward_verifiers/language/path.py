"""The likeliest sequence of languages, where changing costs: Viterbi's algorithm with one price for any change.

    plain       the algorithm itself, a loop over the words
    likeliest   the same path, mostly without a loop

A word whose evidence for one language exceeds all others by more than two changes cost lies on the path, whatever stands
around it. Such words cut the text into stretches that do not depend on each other. Between two of one language, a stretch
whose evidence for others cannot pay for two changes is decided; the rest is solved side by side. Evidence is in whole
numbers, so both ways give the same path.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Path = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int32]

_NEVER = -(1 << 30)
_SIDE_BY_SIDE = 48


def plain(evidence: Numbers, costs: Numbers) -> Path:
    """The path through all words. evidence: (words, languages); costs: of a change before each word."""
    return np.array(_walk(evidence.tolist(), costs.tolist()), dtype=np.int64)


def _walk(rows: Sequence[Sequence[int]], costs: Sequence[int], last: int | None = None) -> list[int]:
    scores = list(rows[0])
    history = [scores]
    for row, cost in zip(rows[1:], costs[1:], strict=True):
        entry = max(scores) - cost
        scores = [(own if own > entry else entry) + value for own, value in zip(scores, row, strict=True)]
        history.append(scores)
    state = scores.index(max(scores)) if last is None else last
    path = [state]
    for position in range(len(rows) - 1, 0, -1):
        before = history[position - 1]
        best = max(before)
        if before[state] < best - costs[position]:
            state = before.index(best)
        path.append(state)
    return path[::-1]


def likeliest(evidence: Numbers, costs: Numbers) -> Path:
    """What `plain` gives, faster."""
    size = len(evidence)
    if evidence.shape[1] == 1 or not size:
        return np.zeros(size, dtype=np.int64)
    path: Path = evidence.argmax(axis=1)
    best = evidence[np.arange(size), path]
    second = np.partition(evidence, -2, axis=1)[:, -2]
    after = np.append(costs[1:], 0)
    pivots = np.flatnonzero(best - second > costs + after)
    if not len(pivots):
        return plain(evidence, costs)
    _edges(evidence, costs, path, pivots)
    begins, ends = pivots[:-1], pivots[1:]
    open_ = ends - begins > 1
    begins, ends = begins[open_], ends[open_]
    if len(begins):
        _stretches(evidence, costs, path, begins, ends)
    return path


def _edges(evidence: Numbers, costs: Numbers, path: Path, pivots: Path) -> None:
    """What stands before the first pivot and behind the last."""
    first, last = int(pivots[0]), int(pivots[-1])
    if first > 0:
        path[:first] = _walk(evidence[: first + 1].tolist(), costs[: first + 1].tolist(), int(path[first]))[:-1]
    if last < len(path) - 1:
        path[last + 1 :] = _walk(_from(evidence[last:], int(path[last])), costs[last:].tolist())[1:]


def _from(evidence: Numbers, state: int) -> list[list[int]]:
    rows: list[list[int]] = evidence.tolist()
    rows[0] = [_NEVER] * len(rows[0])
    rows[0][state] = 0
    return rows


def _stretches(evidence: Numbers, costs: Numbers, path: Path, begins: Path, ends: Path) -> None:
    """Fill in the path between pivots."""
    owner = np.zeros(len(path), dtype=np.int64)
    owner[begins + 1] = 1
    lengths = ends - begins - 1
    inside = (
        np.repeat(begins + 1, lengths) + np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    )
    state = np.repeat(path[begins], lengths)
    rows = evidence[inside]
    gains = rows.max(axis=1) - rows[np.arange(len(rows)), state]
    first = np.cumsum(lengths) - lengths
    cheapest = int(costs[1:].min())
    quiet = (path[begins] == path[ends]) & (np.add.reduceat(gains, first) <= 2 * cheapest)
    path[inside] = state
    long = ~quiet & (lengths > _SIDE_BY_SIDE)
    for begin, end in zip(begins[long].tolist(), ends[long].tolist(), strict=True):
        rows_ = _from(evidence[begin : end + 1], int(path[begin]))
        path[begin + 1 : end] = _walk(rows_, costs[begin : end + 1].tolist(), int(path[end]))[1:-1]
    rest = ~quiet & ~long
    if rest.any():
        _side_by_side(evidence, costs, path, begins[rest], ends[rest])


def _side_by_side(evidence: Numbers, costs: Numbers, path: Path, begins: Path, ends: Path) -> None:
    """Solve many short stretches at once, the longest first, so that those still running are a prefix."""
    order = np.argsort(begins - ends, kind="stable")
    begins, ends = begins[order], ends[order]
    steps = ends - begins
    scores = np.full((len(begins), evidence.shape[1]), _NEVER, dtype=np.int64)
    scores[np.arange(len(begins)), path[begins]] = 0
    memory: list[tuple[Path, npt.NDArray[np.bool_]]] = []
    running = len(begins)
    for step in range(1, int(steps[0]) + 1):
        running = int(np.searchsorted(-steps, -step, side="right"))
        scores = scores[:running]
        places = begins[:running] + step
        best = scores.argmax(axis=1)
        entry = scores[np.arange(running), best] - costs[places]
        memory.append((best, scores < entry[:, None]))
        scores = np.maximum(scores, entry[:, None]) + evidence[places]
    state = path[ends].copy()
    for step in range(len(memory), 1, -1):
        best, changes = memory[step - 1]
        active = np.arange(len(best))
        state[active] = np.where(changes[active, state[active]], best, state[active])
        path[begins[active] + step - 1] = state[active]

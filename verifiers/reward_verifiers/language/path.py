"""The likeliest sequence of languages, where changing costs: Viterbi's algorithm with one price for any change.

A word whose evidence for one language exceeds all others by more than two changes cost lies on the path, whatever stands
around it. Such words cut the text into stretches that do not depend on each other. Between two of one language, a stretch
whose evidence for others cannot pay for two changes is decided; short ones are solved side by side, and long ones in
blocks. Evidence is in whole numbers, so this is the path that a plain loop over the words gives (`tests/…/test_path.py`).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Path = npt.NDArray[np.int64]
Scores = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int32]

_NEVER = -(1 << 50)
_SIDE_BY_SIDE = 48


def _backwards(scores: Scores, costs: Numbers, last: int | None = None) -> Path:
    """The path that ends in `last`, or in the best language. scores: of the best path to each word and language."""
    best = scores.argmax(axis=1)
    changes = scores < (scores.max(axis=1) - np.append(costs[1:], 0))[:, None]
    state = int(best[-1]) if last is None else last
    path = [state]
    for row, other in zip(changes[-2::-1].tolist(), best[-2::-1].tolist(), strict=True):
        if row[state]:
            state = other
        path.append(state)
    return np.array(path[::-1], dtype=np.int64)


def _in_blocks(evidence: Numbers | Scores, costs: Numbers, last: int | None = None) -> Path:
    """The path through all words, ending in `last` if that is set.

    The words are cut into as many blocks as a block has words. All blocks are walked at once, from each language they can
    begin with; then the scores at their beginnings are known, and all are walked once more from there.
    """
    size, languages = evidence.shape
    length = max(1, math.isqrt(size - 1))
    blocks = -(-(size - 1) // length)
    padding = blocks * length - (size - 1)
    rows = np.pad(evidence[1:].astype(np.int64), ((0, padding), (0, 0))).reshape(blocks, length, languages)
    rows = np.ascontiguousarray(rows.transpose(1, 2, 0))
    prices = np.pad(costs[1:].astype(np.int64), (0, padding)).reshape(blocks, length).T
    through = np.full((languages, languages, blocks), _NEVER, dtype=np.int64)
    through[np.arange(languages), np.arange(languages)] = 0
    for row, price in zip(rows, prices, strict=True):
        through = np.maximum(through, through.max(axis=0) - price) + row[:, None]
    scores = np.empty((languages, blocks), dtype=np.int64)
    begin: Scores = evidence[0].astype(np.int64)
    for block in range(blocks):
        scores[:, block] = begin
        begin = (through[:, :, block] + begin).max(axis=1)
    history = np.empty((length, languages, blocks), dtype=np.int64)
    for step in range(length):
        scores = np.maximum(scores, scores.max(axis=0) - prices[step]) + rows[step]
        history[step] = scores
    steps = history.transpose(2, 0, 1).reshape(-1, languages)[: size - 1]
    return _backwards(np.concatenate([evidence[:1], steps]), costs, last)


def likeliest(evidence: Numbers, costs: Numbers) -> Path:
    """The path through all words. evidence: (words, languages); costs: of a change before each word."""
    size = len(evidence)
    if evidence.shape[1] == 1 or not size:
        return np.zeros(size, dtype=np.int64)
    path: Path = evidence.argmax(axis=1)
    places = np.arange(size)
    best = evidence[places, path]
    others = evidence.copy()
    others[places, path] = np.iinfo(np.int32).min
    second = others.max(axis=1)
    after = np.append(costs[1:], 0)
    pivots = np.flatnonzero(best - second > costs + after)
    if not len(pivots):
        return _in_blocks(evidence, costs)
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
        path[:first] = _in_blocks(evidence[: first + 1], costs[: first + 1], int(path[first]))[:-1]
    if last < len(path) - 1:
        path[last + 1 :] = _in_blocks(_from(evidence[last:], int(path[last])), costs[last:])[1:]


def _from(evidence: Numbers, state: int) -> Scores:
    rows = evidence.astype(np.int64)
    rows[0] = _NEVER
    rows[0, state] = 0
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
        path[begin + 1 : end] = _in_blocks(rows_, costs[begin : end + 1], int(path[end]))[1:-1]
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

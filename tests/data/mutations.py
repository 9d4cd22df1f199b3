"""What audits make of a right value: others that are near it. Each is wrong, and none is the same said otherwise."""

import copy
import random
from itertools import pairwise


def wrong_values(value, rng):
    """Values near a right one, one for each way to miss it."""
    if isinstance(value, bool):
        return [not value, None, [value, not value]]
    if isinstance(value, int | float):
        return [value + 1, value - 1, -value - 1, value * 10 + 3, None, [value, value + 1], f"{value} or {value + 1}"]
    if isinstance(value, str):
        place = rng.randrange(len(value))
        return [
            value + "x",
            value[:place] + "§" + value[place + 1 :],
            value[: len(value) // 2],
            f"not {value}",
            f"{value} or something else",
            f"{value}, {value}",
            "",
            None,
            [value, "another"],
            "string",
        ]
    if isinstance(value, list):
        return [value[:-1], [*value, value[0]], [*value, "more"], [], None, str(value), value[0]]
    return [{}, [], None, str(value)]


def places(tree, path=()):
    """The paths of all leaves and of lists."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from places(value, (*path, key))
    elif isinstance(tree, list):
        yield path
        for place, value in enumerate(tree):
            if isinstance(value, dict | list):
                yield from places(value, (*path, place))
    else:
        yield path


def at(tree, path):
    for key in path:
        tree = tree[key]
    return tree


def replaced(tree, path, value):
    """A copy with another value at the path."""
    tree = copy.deepcopy(tree)
    if not path:
        return value
    at(tree, path[:-1])[path[-1]] = value
    return tree


def without(tree, path):
    """A copy without what stands at the path."""
    tree = copy.deepcopy(tree)
    del at(tree, path[:-1])[path[-1]]
    return tree


def mutations(tree, seed=0):
    """The tree with one wrong value each, with one missing each, and with two of them exchanged."""
    rng = random.Random(seed)
    paths = list(places(tree))
    for path in paths:
        yield from (replaced(tree, path, value) for value in wrong_values(at(tree, path), rng))
        if path and not isinstance(path[-1], int):
            yield without(tree, path)
    for one, other in pairwise(paths):
        if at(tree, one) != at(tree, other):
            yield replaced(replaced(tree, one, at(tree, other)), other, at(tree, one))

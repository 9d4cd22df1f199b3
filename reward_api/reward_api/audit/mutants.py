"""The solution with one operator or constant changed. A mutant may be right after all: what passes points at weak tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from reward_api.audit.attempts import Attempt
from reward_api.audit.frames import Frame
from reward_api.audit.items import Item

MOST_MUTANTS = 8
_SWAPS: dict[type, Any] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def mutants(item: Item, frame: Frame) -> Iterator[Attempt]:
    try:
        places = len(list(ast.walk(ast.parse(item.right))))
    except (SyntaxError, ValueError, RecursionError):
        return
    count = 0
    for place in range(places):
        tree = ast.parse(item.right)
        node = list(ast.walk(tree))[place]
        if count < MOST_MUTANTS and (what := _mutated(node)):
            count += 1
            code = ast.unparse(tree)
            yield Attempt(
                "mutant",
                f"{what} in line {getattr(node, 'lineno', 1)}",
                frame.text(code),
                f"{what}: it differs from the solution",
            )


def _mutated(node: ast.AST) -> str:
    """Changes the node; empty where there is nothing to change."""
    if isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp) and type(node.op) in _SWAPS:
        before = type(node.op)
        node.op = _SWAPS[before]()
        return f"{before.__name__} → {type(node.op).__name__}"
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _SWAPS:
        compared = type(node.ops[0])
        node.ops[0] = _SWAPS[compared]()
        return f"{compared.__name__} → {type(node.ops[0]).__name__}"
    if isinstance(node, ast.Constant) and type(node.value) is int:
        node.value += 1
        return f"{node.value - 1} → {node.value}"
    return ""

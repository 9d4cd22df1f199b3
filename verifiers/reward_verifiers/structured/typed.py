"""XML has text alone: where a schema asks for a number, a truth value or a list, the tree gets one."""

from __future__ import annotations

from typing import Any

from reward_verifiers.structured.compare import number_of

MAX_DEPTH = 100


def typed(tree: Any, schema: Any, depth: int = 0) -> Any:
    """The tree with the types of the schema where its text writes them. Follows properties and items, and nothing else."""
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return tree
    kinds = schema.get("type", [])
    kinds = {kinds} if isinstance(kinds, str) else set(kinds) if isinstance(kinds, list) else set()
    if "array" in kinds and not isinstance(tree, list):
        tree = [] if tree == "" else [tree]
    if isinstance(tree, list):
        return [typed(one, schema.get("items"), depth + 1) for one in tree]
    if isinstance(tree, dict):
        inner = schema.get("properties")
        inner = inner if isinstance(inner, dict) else {}
        return {key: typed(value, inner.get(key), depth + 1) for key, value in tree.items()}
    return _scalar(tree, kinds) if isinstance(tree, str) else tree


def _scalar(text: str, kinds: set[Any]) -> Any:
    number = number_of(text)
    if "integer" in kinds and number is not None and text.strip().lstrip("+-").isdigit():
        return int(text)
    if "number" in kinds and number is not None:
        return number
    if "boolean" in kinds and text in ("true", "false"):
        return text == "true"
    if "object" in kinds and text == "":
        return {}
    return None if "null" in kinds and text == "" else text

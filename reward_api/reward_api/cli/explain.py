"""`touchstone explain`: why one answer is right or wrong."""

from __future__ import annotations

from typing import Any

import orjson
import yaml

from reward_verifiers.contract import Verdict, VerifyRequest
from reward_verifiers.runtime.local import Local, pool_for


class BadPair(ValueError):
    """The reference or an option cannot be read; the message says which and how to mend it."""


def reference_of(text: str) -> dict[str, Any]:
    """A reference as typed: the answer itself, or a JSON object with `answer` and the item's own options."""
    try:
        given = orjson.loads(text) if text.lstrip().startswith("{") else None
    except orjson.JSONDecodeError:
        given = None  # a set such as {1, 2}
    return given if isinstance(given, dict) else {"answer": text}


def options_of(pairs: list[str]) -> dict[str, Any]:
    """Options as typed, `name=value` each, the value in YAML. Raises BadPair."""
    options = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        try:
            options[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            equals = ""
        if not name or not equals:
            raise BadPair(f"--option {pair!r}: write name=value, as in a domain file, e.g. kind=choice")
    return options


async def explain(reference: dict[str, Any], completion: str, options: dict[str, Any]) -> Verdict:
    """The answer verifier's verdict, by a real worker with its limits. Raises BadOptions."""
    pool = pool_for(["answer"], size=1)
    await pool.start()
    try:
        request = VerifyRequest(completions=[completion], reference=reference, options=options)
        return (await Local("answer", pool).verify(request)).verdicts[0]
    finally:
        await pool.aclose()

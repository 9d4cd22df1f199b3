"""The "aha moment" as a curve: R1's ten reflective words (supplement C.2) and their equivalents, counted in completions.

The gateway's verifier `reflection` counts the same words; this is for the trainer's own log.
"""

from __future__ import annotations

from collections.abc import Sequence

from trainer_client.dialect.reflection import SPACED, count_reflections


def metrics(texts: Sequence[str], tokens: int) -> dict[str, float]:
    """`aha/<word>` per 1,000 tokens, `aha/mean_count` a completion, `aha/any_frac` of completions with at least one."""
    counts = [count_reflections(text) for text in texts]
    totals = [sum(one.values()) for one in counts]
    return {
        **{f"aha/{name}": 1000 * sum(one[name] for one in counts) / max(tokens, 1) for name in SPACED},
        "aha/mean_count": sum(totals) / max(len(texts), 1),
        "aha/any_frac": sum(total > 0 for total in totals) / max(len(texts), 1),
    }

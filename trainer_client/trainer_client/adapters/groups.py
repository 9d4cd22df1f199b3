"""All completions of one prompt, for trainers that hand over a whole group and say what it is.

`rows` finds the groups of a batch by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trainer_client.adapters.rows import grouped
from trainer_client.adapters.settings import AdapterSettings, client
from trainer_client.dialect.messages import Text
from trainer_client.results import ScoredGroup


async def scored_group(
    settings: AdapterSettings,
    prompt: Text,
    completions: Sequence[Text],
    label: Any,
    *,
    domain: str | None = None,
    source: str | None = None,
    tokens: Sequence[int] | None = None,
) -> ScoredGroup:
    """label: the reference, or the answer alone. domain: else that of the data source, else the default.

    Raises ValueError without a domain, BadGroup for a wrong key, URL or domain, TooManyFailures above TOUCHSTONE_STOP_AT;
    nothing for a sample, and nothing for a gateway that is away.
    """
    count = len(completions)
    columns: dict[str, Any] = {"reference": [label] * count, "domain": [domain] * count, "source": [source] * count}
    batch = grouped(settings, [prompt] * count, completions, columns, tokens)
    scored = await client(settings).score_many(batch.groups)
    return scored[0] if scored else ScoredGroup([])

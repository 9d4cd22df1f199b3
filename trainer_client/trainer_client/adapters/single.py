"""One sample as trainers hand it over, as the client takes it; `rows` is the same for batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainer_client.adapters.dialect import prefilled, readable, reference_of, without_end
from trainer_client.wire import RolloutSample, Text


def single(
    domain: str,
    completion: Text,
    label: Any,
    *,
    more: Any = None,
    prompt: Text | None = None,
    prefix: str = "",
    group_id: str | None = None,
    truncated: bool | None = None,
    tokens: int | None = None,
) -> RolloutSample:
    """label: the reference, as `reference_of` reads it; `more`, where it is a mapping, is added to it. prefix: what the chat
    template writes of a completion, where the prompt does not show it. The rest as in RolloutSample."""
    shown, prefix = prefilled(prompt and readable(prompt), prefix)
    return RolloutSample(
        domain=domain,
        completion=without_end(readable(completion)),
        reference={**reference_of(label), **(more if isinstance(more, Mapping) else {})},
        group_id=group_id,
        prompt=shown,
        prefix=prefix,
        truncated=truncated,
        tokens=tokens or None,
    )

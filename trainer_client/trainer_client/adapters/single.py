"""One sample as trainers hand it over, as the client takes it; `rows` does the same for batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainer_client.dialect.labels import json_value
from trainer_client.dialect.messages import Text
from trainer_client.dialect.sample import normalised
from trainer_client.wire import RolloutSample


def single_sample(
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
    session: str | None = None,
) -> RolloutSample:
    """label: the reference, as `reference_of` reads it; `more`, where it is a mapping, is added to it. prefix: what the chat
    template writes of a completion, where the prompt does not show it. The rest as in RolloutSample."""
    sample = normalised(prompt=prompt, completion=completion, label=label, prefix=prefix, group_id=group_id)
    return RolloutSample(
        domain=domain,
        completion="" if sample.completion is None else sample.completion,
        reference={**sample.reference, **(json_value(more) if isinstance(more, Mapping) else {})},
        group_id=sample.group_id,
        prompt=sample.prompt,
        prefix=sample.prefix,
        truncated=truncated,
        tokens=tokens or None,
        session=session,
    )

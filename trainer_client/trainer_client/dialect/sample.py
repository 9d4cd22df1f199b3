"""One sample from a trainer's fields, in the contract's shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trainer_client.dialect.labels import reference_of
from trainer_client.dialect.messages import Text, ended, readable
from trainer_client.dialect.prefill import split_prefill

MAX_GROUP = 4096
_MAX_ID = 200


@dataclass(frozen=True)
class TrainerSample:
    """One sample, whatever dialect it came in.

    completion: None when the text that was sent does not hold the prompt that was sent with it.
    """

    completion: Text | None
    prompt: Text | None
    reference: dict[str, Any]
    prefix: str = ""
    truncated: bool | None = None
    tokens: int | None = None
    group_id: str | None = None
    group_size: int | None = None


def normalised(
    *,
    prompt: Text | None,
    completion: Text | None,
    label: Any,
    prefix: str = "",
    group_id: str | int | None = None,
    group_size: int | None = None,
    truncated: bool | None = None,
    tokens: int | None = None,
) -> TrainerSample:
    """prefix, group_size: the operator's, for a sample that does not show them. group_id: the trainer's; else the label's.

    Raises ValueError for a group_size in the label that cannot be.
    """
    reference = reference_of(label)
    own_id, own_size = reference.pop("group_id", None), reference.pop("group_size", None)
    shown, prefix = split_prefill(None if prompt is None else readable(prompt), prefix)
    return TrainerSample(
        completion=None if completion is None else ended(readable(completion)),
        prompt=shown,
        reference=reference,
        prefix=prefix,
        truncated=truncated,
        tokens=tokens,
        group_id=_name(own_id if group_id is None else group_id),
        group_size=group_size if own_size is None else _size(own_size),
    )


def _name(group_id: Any) -> str | None:
    return None if group_id is None else str(group_id)[:_MAX_ID]


def _size(size: Any) -> int:
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= MAX_GROUP:
        raise ValueError(f"group_size: an integer from 1 to {MAX_GROUP}")
    return size

"""ART: the rewards of a TrajectoryGroup, as RULER's `ruler_score_group` gives them.

    groups = await art.gather_trajectory_groups(groups, after_each=trainer_client.adapters.art.score_group)

ART's word for a trajectory without a reward is an exception in its group. art is imported when a group is scored. See
docs/trainers/art.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trainer_client.adapters.rows import SOURCES, grouped
from trainer_client.adapters.settings import adapter_settings, client
from trainer_client.adapters.siblings import failure_text
from trainer_client.errors import NoVerdict
from trainer_client.results import ScoredSample


async def score_group(group: Any, label: Any = None, *, domain: str | None = None) -> Any:
    """The group with the gateway's rewards. A trajectory without a verdict becomes an exception of it, with the cause.

    label: the reference, or the answer alone; where it is None, the metadata of the group and what its trajectories'
    metadata have in common. Raises ValueError without a domain and for additional histories, BadGroup for a wrong key, URL
    or domain, TooManyFailures above TOUCHSTONE_STOP_AT.
    """
    settings = adapter_settings()
    trajectories = [one for one in group.trajectories if _split(one.messages_and_choices)[1]]
    if any(trajectory.additional_histories for trajectory in trajectories):
        raise ValueError("additional histories: the gateway scores one history of a trajectory")
    metadata = {**_common([trajectory.metadata for trajectory in trajectories]), **group.metadata}
    texts = [_split(trajectory.messages_and_choices) for trajectory in trajectories]
    columns: dict[str, Any] = {name: [metadata.get(name)] * len(texts) for name in SOURCES}
    columns["domain"] = [domain or metadata.get("domain")] * len(texts)
    columns["reference"] = [_reference(metadata) if label is None else label] * len(texts)
    batch = grouped(
        settings, [prompt for prompt, _ in texts], [text for _, text in texts], columns, _tokens(trajectories)
    )
    samples = batch.in_rows(await client(settings).score_many(batch.groups))
    _reward(group, trajectories, samples)
    return group


def _reward(group: Any, trajectories: Sequence[Any], samples: Sequence[ScoredSample]) -> None:
    """In place: who scores a group and drops the result must not train on its old rewards."""
    silent = len(group.trajectories) - len(trajectories)
    kept, exceptions = [], [NoVerdict("the trajectory has no message of the model")] * silent
    for trajectory, sample in zip(trajectories, samples, strict=True):
        if sample.reward is None:
            exceptions.append(NoVerdict(failure_text(sample)))
            continue
        trajectory.reward = sample.reward
        trajectory.metrics.update({name: score for name, score in sample.components.items() if score is not None})
        trajectory.logs.extend(f"{name}: {reason}" for name, reason in sample.reasons.items())
        kept.append(trajectory)
    group.trajectories = kept
    group.exceptions = [*group.exceptions, *type(group)(exceptions).exceptions]


def _common(mappings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first, *others = mappings or [{}]
    return {name: value for name, value in first.items() if all(one.get(name) == value for one in others)}


def _reference(metadata: Mapping[str, Any]) -> Any:
    if metadata.get("reference") is not None:
        return metadata["reference"]
    return {name: value for name, value in metadata.items() if name not in {"domain", *SOURCES}}


def _split(items: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """(the prompt, what follows from the model's first message on). A choice is the model's; a message may be."""
    messages = [item if isinstance(item, Mapping) else item.message.to_dict() for item in items]
    by_model = (place for place, item in enumerate(items) if not isinstance(item, Mapping))
    by_role = (place for place, message in enumerate(messages) if message.get("role") == "assistant")
    first = next(by_model, next(by_role, len(messages)))
    return messages[:first], messages[first:]


def _tokens(trajectories: Sequence[Any]) -> list[int] | None:
    """Lengths in tokens, where all choices have their tokens."""
    choices = [
        [item for item in trajectory.messages_and_choices if not isinstance(item, Mapping)]
        for trajectory in trajectories
    ]
    if not all(mine and all(one.logprobs and one.logprobs.content for one in mine) for mine in choices):
        return None
    return [sum(len(one.logprobs.content) for one in mine) for mine in choices]

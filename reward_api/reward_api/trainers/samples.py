"""A trainer's sample, as `trainer_client.dialect` reads it, in the gateway's types."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from reward_api.domains.spec import Domain
from reward_verifiers.contract import Message, ScoreRequest, Text
from trainer_client.dialect import messages
from trainer_client.dialect.grouping import digest, group_key
from trainer_client.dialect.sample import TrainerSample, normalised


class PeerMessage(Message):
    """One chat message with the names that inference servers have for reasoning."""

    reasoning: str | None = Field(default=None, description="As `reasoning_content`.")
    thinking: str | None = Field(default=None, description="As `reasoning_content`.")


PeerText = str | list[PeerMessage]


def sample_of(
    *, prompt: Text | PeerText | None, completion: Text | PeerText | None, label: Any, **more: Any
) -> TrainerSample:
    """`normalised` for texts that pydantic has read. Raises ValueError."""
    return normalised(prompt=_mappings(prompt), completion=_mappings(completion), label=label, **more)


def _mappings(text: Text | PeerText | None) -> messages.Text | None:
    return [message.model_dump() for message in text] if isinstance(text, list) else text


def score_request(sample: TrainerSample, **more: Any) -> ScoreRequest:
    """As the scorer reads it; `completion` must be there."""
    return ScoreRequest.model_validate(
        {
            "prompt": sample.prompt,
            "completions": [sample.completion],
            "reference": sample.reference,
            "prefix": sample.prefix,
            "truncated": None if sample.truncated is None else [sample.truncated],
            "tokens": None if sample.tokens is None else [sample.tokens],
            **more,
        }
    )


def sibling_key(sample: TrainerSample, domain: Domain) -> bytes | None:
    """Equal for the members of a group."""
    return group_key(
        [domain.name, domain.version],
        group_id=sample.group_id,
        prompt=sample.prompt,
        reference=sample.reference,
        prefix=sample.prefix,
        size=sample.group_size,
    )


def sample_key(sample: TrainerSample) -> bytes:
    """Equal for requests that a verifier cannot tell apart."""
    return digest(sample.completion, sample.prompt, sample.reference, sample.prefix, sample.truncated, sample.tokens)

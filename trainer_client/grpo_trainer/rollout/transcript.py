"""A completion as text: one string, or chat messages where a tool wrote some of it.

The policy's own text is in messages of the role `assistant`, a tool's in those of the role `tool`. Who wrote what is known
from the mask, never from the text: a forged output is the policy's own words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from grpo_trainer.rollout.engine import Completion

Message = dict[str, str]
Transcript = str | Sequence[Mapping[str, Any]]


def transcript(tokenizer: Any, completion: Completion) -> str | list[Message]:
    """Without the end token, but with other special tokens: tags may be some."""
    messages = list(_messages(tokenizer, completion))
    return messages if not all(completion.mask) else "".join(message["content"] for message in messages)


def own_text(written: Transcript) -> str:
    """What the policy wrote, turn after turn, as the gateway reads it."""
    if isinstance(written, str):
        return written
    return "\n".join(str(message["content"]) for message in written if message["role"] == "assistant")


def shown(written: Transcript) -> str:
    """For a reader: each tool's output on lines of its own, behind a mark."""
    if isinstance(written, str):
        return written
    return "\n".join(
        str(message["content"]) if message["role"] == "assistant" else f"⟦tool⟧ {message['content']}"
        for message in written
    )


def _messages(tokenizer: Any, completion: Completion) -> Iterator[Message]:
    ids = completion.ids if completion.truncated else completion.ids[:-1]
    for own, part in groupby(zip(completion.mask, ids, strict=False), key=lambda pair: pair[0]):
        tokens = [token for _, token in part]
        text: str = tokenizer.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        yield {"role": "assistant" if own else "tool", "content": text}

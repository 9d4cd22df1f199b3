"""Where a prompt ends and a completion begins.

"…assistant\\n<think>\\n"                    ──▶ ("…assistant\\n", "<think>\\n")
[…, {"role": "assistant", "content": "Let"}] ──▶ ([…], "Let")
query = prompt + response                    ──▶ the response
"""

from __future__ import annotations

from collections.abc import Iterator

from trainer_client.dialect.end_tokens import START_TOKENS
from trainer_client.dialect.messages import Text, message_text

_OPEN, _CLOSE = "<think>", "</think>"
_SURE, _ANCHOR, _SLACK = 16, 64, 64
"""Characters of a prompt's end: so many are not found by chance, not even where a decoder may have moved them by so many."""


def split_prefill(prompt: Text | None, prefix: str = "") -> tuple[Text | None, str]:
    """(the prompt, what it already wrote of the completion), for a readable prompt.

    It wrote a think tag at its end, or a last message by the assistant. `prefix` where it wrote nothing.
    """
    if isinstance(prompt, str):
        start = _prefill_start(prompt)
        return prompt[:start], prompt[start:] or prefix
    if prompt and prompt[-1].get("role") == "assistant":
        return prompt[:-1], message_text(prompt[-1]) or prefix
    return prompt, prefix


def _prefill_start(prompt: str) -> int:
    bare, start = prompt.rstrip(), prompt.rfind(_OPEN)
    # Also an empty section, with which a template turns thinking off.
    is_closed = bare.endswith(_CLOSE) and not bare[start + len(_OPEN) : -len(_CLOSE)].strip()
    return start if start >= 0 and (bare.endswith(_OPEN) or is_closed) else len(prompt)


def without_prompt(query: str, prompt: str) -> str | None:
    """What follows the prompt in `query`; None when the prompt cannot be found in it, and then nothing may be guessed.

    `query` is decoded from token ids, so it may begin with a special token that `prompt` lacks, and a long prompt may have
    lost its beginning. A decoder may also write white space differently: then the prompt's end must stand where it is due,
    and once.

    >>> without_prompt("<s>What is 1+1? It is 2.</s>", "What is 1+1?")
    ' It is 2.</s>'
    """
    if query.startswith(prompt):
        return query[len(prompt) :]
    query, prompt = _without_start(query), _without_start(prompt)
    if query.startswith(prompt):
        return query[len(prompt) :]
    if len(prompt.strip()) < _SURE:
        return None
    # Cut: the query begins with the prompt's end, in one way only.
    ends = [end for end in _ends(query[: len(prompt)], prompt[-_SURE:]) if prompt.endswith(query[:end])]
    if ends:
        return query[ends[0] :] if len(ends) == 1 else None
    anchor = prompt[-_ANCHOR:]
    ends = list(_ends(query[: len(prompt) + _SLACK], anchor))
    return query[ends[0] :] if len(ends) == 1 and ends[0] >= len(prompt) - _SLACK else None


def _without_start(text: str) -> str:
    """Without special tokens, and half a character that a cut left, at its start."""
    text = text.lstrip("\ufffd \t\r\n")
    for _ in range(8):
        token = next((token for token in START_TOKENS if text.startswith(token)), None)
        if token is None:
            break
        text = text[len(token) :].lstrip(" \t\r\n")
    return text


def _ends(text: str, anchor: str, most: int = 100) -> Iterator[int]:
    """Where the anchor ends in the text, place after place."""
    start = text.find(anchor)
    while start >= 0 and most:
        yield start + len(anchor)
        start, most = text.find(anchor, start + 1), most - 1

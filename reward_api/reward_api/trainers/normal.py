"""What trainers send, brought into the contract's shape: the one place where their dialects are normalised.

    query = prompt + response         ──▶ without_prompt ──▶ the completion alone
    … <|im_end|> at its end           ──▶ left out
    a prompt that ends with <think>   ──▶ the completion's prefix
    label: '{"answer": "5/6"}'        ──▶ the reference {"answer": "5/6"}; a bare value is {"answer": value}
    label: {…, "group_id": "q7"}      ──▶ the group's id

Prompts and labels are the data set's, completions are hostile: every function is linear in its text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from reward_verifiers.completion import without_end
from reward_verifiers.contract import Message, ScoreRequest, Text, prompt_text
from reward_verifiers.service.strict_json import BadJSON, loads

ANSWERS = ("answer", "expected_answer", "ground_truth", "solution", "label", "target")
"""Where data sets keep the right answer, the first that is there."""
MAX_GROUP = 4096
_OPEN, _CLOSE = "<think>", "</think>"
_SURE, _ANCHOR, _SLACK = 16, 64, 64
"""Characters of a prompt's end: so many are not found by chance, not even where a decoder may have moved them by so many."""
_STARTS = ("<s>", "<bos>", "[gMASK]", "<sop>", "<|begin_of_text|>", "<|endoftext|>", "<｜begin▁of▁sentence｜>")
_MAX_ID = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """One sample, whatever dialect it came in."""

    completion: Text | None
    """None when the text that was sent does not hold the prompt that was sent with it."""
    prompt: Text | None
    reference: dict[str, Any]
    prefix: str = ""
    truncated: bool | None = None
    tokens: int | None = None
    group_id: str | None = None
    group_size: int | None = None

    def request(self, **more: Any) -> ScoreRequest:
        """As the scorer reads it; `completion` must be there."""
        assert self.completion is not None  # noqa: S101
        return ScoreRequest(
            prompt=self.prompt,
            completions=[self.completion],
            reference=self.reference,
            prefix=self.prefix,
            truncated=None if self.truncated is None else [self.truncated],
            tokens=None if self.tokens is None else [self.tokens],
            **more,
        )

    def group_key(self, domain: str, version: str) -> bytes:
        """Equal for the members of a group: its id, or else its prompt with its reference."""
        told = [self.group_id] if self.group_id is not None else [_plain(self.prompt), self.reference, self.prefix]
        return _digest([domain, version, self.group_size, *told])

    def sample_key(self) -> bytes:
        """Equal for requests that a verifier cannot tell apart."""
        shared = [_plain(self.prompt), self.reference, self.prefix, self.truncated, self.tokens]
        return _digest([_plain(self.completion), *shared])


def _plain(text: Text | None) -> Any:
    return [message.model_dump() for message in text] if isinstance(text, list) else text


def _digest(parts: list[Any]) -> bytes:
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).digest()


def asked(
    *,
    prompt: Text | None,
    completion: Text | None,
    label: Any,
    prefix: str = "",
    group_id: str | int | None = None,
    group_size: int | None = None,
    truncated: bool | None = None,
    tokens: int | None = None,
) -> Asked:
    """A sample from a peer's fields. `prefix` and the group's fields are the operator's; what the sample says goes first.

    Raises ValueError for a group_size in the label that is none.
    """
    reference = reference_of(label)
    told_id, told_size = reference.pop("group_id", group_id), reference.pop("group_size", group_size)
    if told_size is not None and (not isinstance(told_size, int) or not 1 <= told_size <= MAX_GROUP):
        raise ValueError(f"group_size: an integer from 1 to {MAX_GROUP}")
    prompt, seen = _split_prefill(clean(prompt))
    return Asked(
        completion=_ended(clean(completion)),
        prompt=prompt,
        reference=reference,
        prefix=seen or prefix,
        truncated=truncated,
        tokens=tokens,
        group_id=None if told_id is None else str(told_id)[:_MAX_ID],
        group_size=told_size,
    )


def clean(text: Text | None) -> Text | None:
    """The text without NUL, which a model can write, and which neither JSON readers nor jails take."""
    if isinstance(text, str):
        return text.replace("\0", "\ufffd")
    return text and [_clean_message(message) for message in text]


def _clean_message(message: Message) -> Message:
    spoken = message.model_copy(update={"reasoning_content": None}).text()
    thought = message.reasoning_content
    return Message(
        role=message.role,
        content=spoken.replace("\0", "\ufffd"),
        reasoning_content=thought and thought.replace("\0", "\ufffd"),
    )


def _ended(completion: Text | None) -> Text | None:
    """Without the end tokens that a trainer's decoder left in."""
    if isinstance(completion, str):
        return without_end(completion)
    if not completion or not isinstance(completion[-1].content, str):
        return completion
    last = completion[-1].model_copy(update={"content": without_end(completion[-1].content)})
    return [*completion[:-1], last]


# --- labels -----------------------------------------------------------------------------------------------------------


def reference_of(label: Any) -> dict[str, Any]:
    """The reference that a label means. A string that is a JSON object is read as one; any other is the answer itself.

    >>> reference_of('{"answer": "5/6"}'), reference_of("{1, 2}"), reference_of(None)
    ({'answer': '5/6'}, {'answer': '{1, 2}'}, {})
    """
    if label is None:
        return {}
    if isinstance(label, str):
        read = _object(label)
        label = label if read is None else read
    if not isinstance(label, dict):
        return {"answer": label}
    known = next((key for key in ANSWERS if label.get(key) is not None), None)
    if known is None or known == "answer":
        return dict(label)
    # An answer may itself hold its reference, as JSON.
    inner = label[known]
    inner = reference_of(inner) if isinstance(inner, str) else {"answer": inner}
    return {**label, **inner}


def _object(text: str) -> dict[str, Any] | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = loads(text.encode("utf-8", "surrogatepass"))
    except BadJSON:
        return None
    return value if isinstance(value, dict) else None


# --- prompts ----------------------------------------------------------------------------------------------------------


def _split_prefill(prompt: Text | None) -> tuple[Text | None, str]:
    """(prompt, what it already wrote of the completion): a think tag at its end, or a last message by the assistant."""
    if isinstance(prompt, list):
        if prompt and prompt[-1].role == "assistant":
            return prompt[:-1], prompt_text(prompt[-1:])
        return prompt, ""
    if not prompt:
        return prompt, ""
    bare = prompt.rstrip()
    start = prompt.rfind(_OPEN)
    # Also an empty section, with which a template turns thinking off.
    closed = bare.endswith(_CLOSE) and not bare[start + len(_OPEN) : -len(_CLOSE)].strip()
    if start < 0 or not (bare.endswith(_OPEN) or closed):
        return prompt, ""
    return prompt[:start], prompt[start:]


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
        token = next((token for token in _STARTS if text.startswith(token)), None)
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

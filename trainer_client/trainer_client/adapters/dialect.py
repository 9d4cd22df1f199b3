"""What trainers hand to a Python function, brought into the contract's shape: the one place for it on this side.

    label: '{"answer": "5/6"}'        ──▶ the reference {"answer": "5/6"}; a bare value is {"answer": value}
    columns: solution=…, level=…      ──▶ the reference, the answer under `answer`
    … <|im_end|> at its end           ──▶ left out
    a prompt that ends with <think>   ──▶ the completion's prefix
    messages with images and tools    ──▶ messages of text

Prompts and labels are the data set's, completions are hostile: every function is linear in its text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from trainer_client.wire import Text

ANSWERS = ("answer", "expected_answer", "ground_truth", "solution", "label", "target")
"""Where data sets keep the right answer, the first that is there."""
END_TOKENS = (
    "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<|end|>", "<|return|>",
    "<|eom_id|>", "<eos>", "<end_of_turn>", "<|END_OF_TURN_TOKEN|>", "</s>", "<pad>", "<|pad|>", "<｜end▁of▁sentence｜>",
)  # fmt: skip
_OPEN, _CLOSE = "<think>", "</think>"
_MOST_ENDS = 64


def reference_of(label: Any) -> dict[str, Any]:
    """The reference that a label means. A string that is a JSON object is read as one; any other is the answer itself.

    >>> reference_of('{"ground_truth": "5/6"}'), reference_of("{1, 2}"), reference_of(None)
    ({'ground_truth': '5/6', 'answer': '5/6'}, {'answer': '{1, 2}'}, {})
    """
    if label is None:
        return {}
    if isinstance(label, str):
        found = _object(label)
        label = label if found is None else found
    if not isinstance(label, Mapping):
        return {"answer": label}
    known = next((name for name in ANSWERS if label.get(name) is not None), "answer")
    if known == "answer":
        return dict(label)
    # An answer may itself hold its reference, as JSON.
    return {**label, **reference_of(label[known])}


def _object(text: str) -> dict[str, Any] | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def without_end(completion: Text) -> Text:
    """The completion without the end tokens, and the white space among them, that a decoder left at its very end."""
    if not isinstance(completion, str):
        last = completion[-1] if completion else None
        if last is None or not isinstance(last.get("content"), str):
            return completion
        return [*completion[:-1], {**last, "content": without_end(last["content"])}]
    text = completion
    for _ in range(_MOST_ENDS):
        bare = text.rstrip()
        token = next((token for token in END_TOKENS if bare.endswith(token)), None)
        if token is None:
            break
        text = bare[: -len(token)]
    return text


def prefilled(prompt: Text | None, prefix: str = "") -> tuple[Text | None, str]:
    """(prompt, what was already written of the completion): a think tag at the prompt's end, a last message by the
    assistant, or else `prefix`."""
    if not isinstance(prompt, str):
        if prompt and prompt[-1].get("role") == "assistant":
            return prompt[:-1], str(prompt[-1].get("content") or "")
        return prompt, prefix
    bare, start = prompt.rstrip(), prompt.rfind(_OPEN)
    # Also an empty section, with which a template turns thinking off.
    is_closed = bare.endswith(_CLOSE) and not bare[start + len(_OPEN) : -len(_CLOSE)].strip()
    if start < 0 or not (bare.endswith(_OPEN) or is_closed):
        return prompt, prefix
    return prompt[:start], prompt[start:]


def readable(text: Text) -> Text:
    """Messages with what the gateway reads of them: role, text, reasoning. Images and the like are left out."""
    if isinstance(text, str):
        return text
    return [_said(message) for message in text]


def _said(message: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: message[name] for name in ("role", "content", "reasoning_content") if message.get(name) is not None}
    if isinstance(said.get("content"), list):
        said["content"] = [
            {"type": "text", "text": str(part.get("text", ""))}
            for part in said["content"]
            if part.get("type") == "text"
        ]
    return said

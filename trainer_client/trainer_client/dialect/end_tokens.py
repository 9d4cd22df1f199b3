"""The tokens that end a turn, pad it or begin one, in the spelling of each model family.

`without_end` removes what a decoder left at a text's very end. Anywhere else such a token was written by the model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

END_TOKENS = (
    "<|endoftext|>",
    "<|im_end|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|eot|>",
    "<|eom|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|end_of_turn|>",
    "<|END_OF_TURN_TOKEN|>",
    "<|assistant_end|>",
    "<｜end▁of▁sentence｜>",
    "<end_of_turn>",
    "[|endofturn|]",
    "<seed:eos>",
    "<eos>",
    "</s>",
)
PADDING = (
    "<pad>",
    "<|pad|>",
    "[PAD]",
    "<|PAD_TOKEN|>",
    "<|vision_pad|>",
    "<|finetune_right_pad_id|>",
    "<｜▁pad▁｜>",
)
"""What stands behind a completion that was decoded from a padded batch. A text may speak of `<pad>`: it forges nothing."""
TURN_TOKENS = (
    "<|im_start|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|begin_of_text|>",
    "<|start|>",
    "<|channel|>",
    "<|message|>",
    "<|user|>",
    "<|assistant|>",
    "<|system|>",
    "<|observation|>",
    "<|START_OF_TURN_TOKEN|>",
    "<｜User｜>",
    "<｜Assistant｜>",
    "<｜begin▁of▁sentence｜>",
    "<start_of_turn>",
    "<bos>",
)
START_TOKENS = ("<s>", "<bos>", "[gMASK]", "<sop>", "<|begin_of_text|>", "<|endoftext|>", "<｜begin▁of▁sentence｜>")
"""What a tokenizer puts before the first turn."""

_MOST_RUNS, _RUN = 200, 1000
"""Runs of tokens without white space between that are removed, and tokens in one: a hostile text is not worth more."""


def without_end(text: str, tokens: Sequence[str] = END_TOKENS) -> str:
    """The text without the end tokens and the padding at its very end, and without the white space among them.

    >>> without_end("2 <|im_end|>\\n<pad><pad>"), without_end("2 \\n")
    ('2 ', '2 \\n')
    """
    endings, run = _endings(tuple(tokens))
    if not text.rstrip().endswith(endings):
        return text
    backwards = text[::-1]
    end = 0
    for _ in range(_MOST_RUNS):
        match = run.match(backwards, _behind_space(backwards, end))
        if match is None:
            break
        end = match.end()
    return text[: len(text) - end]


def _behind_space(text: str, start: int) -> int:
    match = _SPACE.match(text, start)
    return match.end() if match else start


_SPACE = re.compile(r"\s*")


@lru_cache(maxsize=256)
def _endings(tokens: tuple[str, ...]) -> tuple[tuple[str, ...], re.Pattern[str]]:
    """The tokens, and a pattern for a run of them in a text that is read backwards."""
    # The longest first: one token may end in another.
    endings = tuple(sorted({token for token in (*tokens, *PADDING) if token}, key=len, reverse=True))
    backwards = "|".join(re.escape(token[::-1]) for token in endings)
    return endings, re.compile(f"(?:{backwards}){{1,{_RUN}}}")

"""Control tokens: what chat templates put around turns. A model that writes one inside a section forges a turn.

A list cannot keep up with model families, so that their shapes count as well: `<|name|>`, `<｜name｜>`, `[INST]`,
`<start_of_turn>`, `<extra_id_1>` and so on. Each is bounded, and cannot go back over what it has read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from reward_verifiers.completion import END_TOKENS, TURN_TOKENS

_SHAPES = re.compile(
    r"<\|[^\s<>|][^<>|\n]{0,60}\|>"
    r"|<[|\uff5c][^\s<>\uff5c][^<>\uff5c\n]{0,60}\uff5c>"
    r"|<\|[a-z_]{2,30}>|<[a-z_]{2,30}\|>"
    r"|<<[/|]?(?:SYS|sys|HUMAN|ASSISTANT|SYSTEM)>>"
    r"|\[/?(?:INST|gMASK|sMASK|MASK|BOS|EOS|UNK|PAD|CLS|SEP|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|ARGS|CALL_ID|"
    r"SYSTEM_PROMPT|IMG|PREFIX|SUFFIX|MIDDLE|MODEL_SETTINGS)\]"
    r"|\[\|[^\[\]|\n]{1,40}\|\]"
    r"|\]~!?[a-z]{1,3}\[|\]~[a-z]{1,3}\][a-z]{0,10}|\[e~\["
    r"|</?(?:start|end|begin|beginning|begin_of|end_of)_?(?:of_)?_?(?:turn|sentence|text|document|image|message|role|sys|user)>"
    r"|<(?:bos|eos|sop|eop|eoh|eoa|eosys|eot|eom|bom|sep|pad|unk|mask|gmask|cls|BOS|EOS|PAD|UNK|SEP)>"
    r"|<(?:extra_id|SPECIAL|reserved|reserved_token|unused|TOKENS_UNUSED|special|dummy)_?\d{1,5}>"
    r"|</?(?:_user|_bot|_end|_system|_assistant|ai|human|System|Human|Assistant|Bot)>"
    r"|</?seed:(?:bos|eos)>|</?longcat_s(?:ystem)?>|<(?:/)?role>"
    r"|\u25c1[^\u25c1\u25b7\n]{1,30}\u25b7"
)
_SIGNS = "<[]\u25c1"
"""One of them begins each shape."""
# By itself: in one pattern with the rest, it would be tried at each character.
_HEADING = re.compile(r"### (?:Instruction|Response|Input|Human|Assistant|System|User):")
_STRIKE = "</s>"
_STRUCK = re.compile(r"</?s>")
MAX_FORGED = 100


def forged(text: str, start: int, eos: Sequence[str], own: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Control tokens from `start` on, by place. `own`: marks and tokens that the template itself has."""
    allowed = frozenset(own)
    seen: set[int] = set()
    tokens = [token for token in dict.fromkeys((*eos, *END_TOKENS, *TURN_TOKENS)) if token and token != _STRIKE]
    # Most texts lack even the few pairs of characters that all tokens begin with.
    heads = {text[place : place + 2] for sign in {token[0] for token in tokens} for place in _places(text, sign, start)}
    for token in tokens:
        if token in allowed or token[:2] not in heads:
            continue
        place = text.find(token, start)
        while place >= 0 and len(seen) < MAX_FORGED:
            seen.add(place)
            yield place, token
            place = text.find(token, place + len(token))
    headings = (
        match for match in _HEADING.finditer(text, start) if match.start() == 0 or text[match.start() - 1] == "\n"
    )
    for match in chain(_shapes(text, start), headings):
        if len(seen) >= MAX_FORGED:
            return
        if match.start() not in seen and not _is_own(match[0], text, match.start(), allowed):
            seen.add(match.start())
            yield match.start(), match[0]
    yield from _struck(text, start, allowed)


def _shapes(text: str, start: int) -> Iterator[re.Match[str]]:
    """As `finditer`, but only where one of the signs stands: looking for one sign is many times faster."""
    end = start
    for place in sorted(place for sign in _SIGNS for place in _places(text, sign, start)):
        if place >= end and (match := _SHAPES.match(text, place)):
            end = match.end()
            yield match


def _places(text: str, sign: str, start: int) -> Iterator[int]:
    place = text.find(sign, start)
    while place >= 0:
        yield place
        place = text.find(sign, place + 1)


def _is_own(token: str, text: str, place: int, own: frozenset[str]) -> bool:
    return token in own or any(token in mark and mark in text[max(0, place - 100) : place + 200] for mark in own)


def _struck(text: str, start: int, own: frozenset[str]) -> Iterator[tuple[int, str]]:
    """`</s>` ends HTML's strike-through, where that was begun; else it is the end of a text."""
    if _STRIKE in own:
        return
    depth = count = 0
    for match in _STRUCK.finditer(text, start):
        if match[0] == "<s>":
            depth += 1
        elif depth:
            depth -= 1
        else:
            count += 1
            if count > MAX_FORGED:
                return
            yield match.start(), match[0]

"""From a conversation to token ids.

The chat template's own control tokens are control; the same strings inside a prompt or a completion are plain text. There
is one BOS, whether template or tokenizer writes it. Nothing is cut silently: what a policy cut is counted.

    turns ──template──▶ literal and content pieces ──tokenizer──▶ ids, each marked as frame or content ──policy──▶ windows
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from tokenizers import Tokenizer

from reward_verifiers.contract import Text
from reward_verifiers.verifier import Unsupported

Policy = Literal["error", "middle", "left", "right", "window"]
CHARS_PER_TOKEN = 64
"""A text of more characters than this times the limit is taken for too long before it is tokenized."""


class TooLong(Unsupported):
    """More tokens than the model takes, and its policy is to say so."""


class Turn(NamedTuple):
    role: str
    content: str


def turns(prompt: Text | None, answer: str) -> list[Turn]:
    """The conversation that ends with the answer.

    >>> turns("2+2?", "4")
    [Turn(role='user', content='2+2?'), Turn(role='assistant', content='4')]
    """
    if isinstance(prompt, list):
        return [*(Turn(message.role, message.text()) for message in prompt), Turn("assistant", answer)]
    return [Turn("user", prompt or ""), Turn("assistant", answer)]


class Piece(NamedTuple):
    """A stretch of what is tokenized. `turn` is None for the template's own text."""

    text: str
    turn: int | None


@dataclass(frozen=True, slots=True)
class Encoded:
    """What goes through the model: one window of a text.

    ids: token ids. types: 0 for the prompt's segment, 1 for the answer's. shared: how many leading ids are the prompt's.
    """

    ids: tuple[int, ...]
    types: tuple[int, ...]
    shared: int


@dataclass(frozen=True, slots=True)
class Encoding:
    """A text's windows, how many tokens it has, and how many were cut away."""

    windows: tuple[Encoded, ...]
    tokens: int
    cut: int


class _Token(NamedTuple):
    id: int
    turn: int | None  # whose content it is; None: the frame


class Encoder:
    """Turns conversations into ids for one model.

    `tokenizer` is a transformers fast tokenizer. `template` is Jinja text, None for the tokenizer's own, or "none".
    """

    def __init__(
        self, tokenizer: Any, template: str | None, max_tokens: int, policy: Policy, *, answer_only: bool = False
    ) -> None:
        self._tokenizer, self._answer_only = tokenizer, answer_only
        self._template = None if template == "none" else template or tokenizer.chat_template
        self.max_tokens, self._policy = max_tokens, policy
        self._control: Tokenizer = tokenizer.backend_tokenizer
        # A copy, since the switch is the tokenizer's: strings of special tokens are text to this one.
        self._plain = Tokenizer.from_str(self._control.to_str())
        self._plain.encode_special_tokens = True
        for one in (self._control, self._plain):
            one.no_truncation()
            one.no_padding()
        added = self._control.get_added_tokens_decoder()
        self._special = {token.content: number for number, token in added.items() if token.special}
        longest_first = sorted(self._special, key=len, reverse=True)
        self._is_special = re.compile("|".join(map(re.escape, longest_first)) if longest_first else r"(?!)")
        self._open, self._between, self._close = self._frame()
        self._layout = lru_cache(maxsize=256)(self._render)

    def encode(self, conversation: Sequence[Turn], policy: str | None = None) -> Encoding:
        """Raises Unsupported (TooLong) when the template refuses the roles, or the text is too long and must not be cut.

        `policy` overrides the model's. Turns of the role `text` are a bare text, or a pair, without a template.
        """
        policy = policy or self._policy
        conversation = [self._bounded(turn, policy) for turn in conversation]
        return self._windows(self.tokens(conversation), len(conversation) - 1, policy)

    def tokens(self, conversation: Sequence[Turn]) -> list[_Token]:
        """The whole conversation's, before anything is cut."""
        if self._answer_only:
            return self._alone(conversation[-1], len(conversation) - 1)
        if self._template is None or conversation[0].role == "text":
            return self._as_pair(conversation) if len(conversation) > 1 else self._alone(conversation[0], 0)
        layout = self._layout(tuple(turn.role for turn in conversation))
        pieces = [
            Piece(conversation[piece.turn].content, piece.turn) if piece.turn is not None else piece for piece in layout
        ]
        return self._one_bos(self._tokenized(pieces))

    def _bounded(self, turn: Turn, policy: str) -> Turn:
        limit = CHARS_PER_TOKEN * self.max_tokens
        if len(turn.content) <= limit:
            return turn
        if policy == "error":
            raise TooLong(f"{len(turn.content)} characters are too many for {self.max_tokens} tokens")
        # Far more than fits either way; the windows of so long a text are those of its two ends.
        text, half = turn.content, limit // 2
        cut = {"left": text[-limit:], "right": text[:limit]}.get(policy, text[:half] + text[-half:])
        return turn._replace(content=cut)

    # --- chat template ------------------------------------------------------------------------------------------------

    def _render(self, roles: tuple[str, ...]) -> list[Piece]:
        """The template around contents of these roles."""
        marks = [f"X{secrets.token_hex(12)}X" for _ in roles]
        messages = [{"role": role, "content": mark} for role, mark in zip(roles, marks, strict=True)]
        try:
            text = self._tokenizer.apply_chat_template(messages, chat_template=self._template, tokenize=False)
        except Exception as error:  # a template is a program, and raises what it likes
            raise Unsupported(
                f"the chat template refuses the roles {', '.join(roles)}: {type(error).__name__}"
            ) from None
        parts = re.split(f"({'|'.join(marks)})", text)
        pieces = [Piece("", marks.index(part)) if part in marks else Piece(part, None) for part in parts]
        if missing := [role for role, mark in zip(roles, marks, strict=True) if mark not in text]:
            raise Unsupported(f"the chat template leaves out what {missing[0]} says")
        return [piece for piece in pieces if piece.text or piece.turn is not None]

    def _tokenized(self, pieces: Sequence[Piece]) -> list[_Token]:
        """All at once where no content holds a special token's string; else in runs between the template's own."""
        if not any(piece.turn is not None and self._is_special.search(piece.text) for piece in pieces):
            return _run(self._control, pieces)
        tokens: list[_Token] = []
        run: list[Piece] = []
        for piece in pieces:
            if piece.turn is not None:
                run.append(piece)
                continue
            start = 0
            for match in self._is_special.finditer(piece.text):
                run.append(Piece(piece.text[start : match.start()], None))
                tokens += [*_run(self._plain, run), _Token(self._special[match[0]], None)]
                run, start = [], match.end()
            run.append(Piece(piece.text[start:], None))
        return tokens + _run(self._plain, run)

    def _one_bos(self, tokens: list[_Token]) -> list[_Token]:
        bos = self._tokenizer.bos_token_id
        if bos is None:
            return tokens
        while len(tokens) > 1 and tokens[0].id == tokens[1].id == bos:
            tokens = tokens[1:]
        if self._open[:1] == [bos] and (not tokens or tokens[0].id != bos):
            tokens = [_Token(bos, None), *tokens]
        return tokens

    # --- prompt and answer as a pair ----------------------------------------------------------------------------------

    def _frame(self) -> tuple[list[int], list[int], list[int]]:
        """The ids that the tokenizer puts before, between and behind a pair."""
        one, two = (self._plain.encode(text, add_special_tokens=False) for text in ("a", "b"))
        ids = self._control.post_process(one, two, True).ids
        at = _find(ids, one.ids)
        behind = _find(ids, two.ids, at + len(one.ids))
        return ids[:at], ids[at + len(one.ids) : behind], ids[behind + len(two.ids) :]

    def _as_pair(self, conversation: Sequence[Turn]) -> list[_Token]:
        last = len(conversation) - 1
        prompt = [Piece(("" if not at else "\n") + turn.content, at) for at, turn in enumerate(conversation[:-1])]
        # A tokenizer that puts nothing between the two would run them together.
        between = [_Token(number, None) for number in self._between] or _run(self._plain, [Piece("\n\n", None)])
        return [
            *(_Token(number, None) for number in self._open),
            *_run(self._plain, prompt),
            *between,
            *_run(self._plain, [Piece(conversation[-1].content, last)]),
            *(_Token(number, None) for number in self._close),
        ]

    def _alone(self, turn: Turn, at: int) -> list[_Token]:
        """One text, with what the tokenizer puts around it."""
        one = self._plain.encode("a", add_special_tokens=False)
        ids = self._control.post_process(one, None, True).ids
        start = _find(ids, one.ids)
        around = [[_Token(number, None) for number in part] for part in (ids[:start], ids[start + len(one.ids) :])]
        return self._one_bos([*around[0], *_run(self._plain, [Piece(turn.content, at)]), *around[1]])

    # --- what is too long ---------------------------------------------------------------------------------------------

    def _windows(self, tokens: list[_Token], last: int, policy: str) -> Encoding:
        over = len(tokens) - self.max_tokens
        if over <= 0:
            return Encoding((_encoded(tokens, last),), len(tokens), 0)
        if policy == "error":
            message = f"{len(tokens)} tokens, and the model takes {self.max_tokens}; set its `truncation`"
            raise TooLong(message)
        if policy == "window":
            return self._in_pieces(tokens, last)
        remaining = _without(tokens, over, policy)
        return Encoding((_encoded(remaining, last),), len(tokens), over)

    def _in_pieces(self, tokens: list[_Token], last: int) -> Encoding:
        """The answer in pieces of equal length, each behind the same prompt; a long prompt loses its middle."""
        answer = [position for position, token in enumerate(tokens) if token.turn == last]
        rest = [token for token in tokens if token.turn != last]
        cut = max(0, len(rest) - self.max_tokens // 2)
        if cut:
            tokens = _without(tokens, cut, "middle", lambda token: token.turn is not None and token.turn != last)
            answer = [position for position, token in enumerate(tokens) if token.turn == last]
        room = self.max_tokens - (len(tokens) - len(answer))
        if room < 1 or not answer:
            raise TooLong(f"the template alone fills the model's {self.max_tokens} tokens")
        count = -(-len(answer) // room)
        size = -(-len(answer) // count)
        head, tail = tokens[: answer[0]], tokens[answer[-1] + 1 :]
        body = tokens[answer[0] : answer[-1] + 1]
        windows = tuple(_encoded([*head, *body[at : at + size], *tail], last) for at in range(0, len(body), size))
        return Encoding(windows, len(tokens) + cut, cut)


def _run(tokenizer: Tokenizer, pieces: Sequence[Piece]) -> list[_Token]:
    """The pieces tokenized as one text; a token belongs to the piece that holds its last character."""
    text = "".join(piece.text for piece in pieces)
    if not text:
        return []
    encoding = tokenizer.encode(text.encode("utf-8", "replace").decode(), add_special_tokens=False)
    ends, at = [], 0
    for piece in pieces:
        at += len(piece.text)
        ends.append(at)
    tokens, piece_at = [], 0
    for number, (_, end) in zip(encoding.ids, encoding.offsets, strict=True):
        while piece_at < len(pieces) - 1 and end > ends[piece_at]:
            piece_at += 1
        tokens.append(_Token(number, pieces[piece_at].turn))
    return tokens


def _encoded(tokens: Sequence[_Token], last: int) -> Encoded:
    first = next((at for at, token in enumerate(tokens) if token.turn == last), len(tokens))
    types = tuple(int(at >= first) for at in range(len(tokens)))
    return Encoded(tuple(token.id for token in tokens), types, first)


def _without(
    tokens: list[_Token], over: int, policy: str, may: Callable[[_Token], bool] = lambda token: token.turn is not None
) -> list[_Token]:
    """The tokens without `over` of the contents'; the template's own stay. Raises TooLong when that is not enough."""
    content = [position for position, token in enumerate(tokens) if may(token)]
    if over >= len(content):
        raise TooLong("the template and what must stay of the text fill the model")
    start = {"left": 0, "right": len(content) - over}.get(policy, (len(content) - over) // 2)
    gone = set(content[start : start + over])
    return [token for position, token in enumerate(tokens) if position not in gone]


def _find(ids: list[int], part: list[int], start: int = 0) -> int:
    return next(at for at in range(start, len(ids)) if ids[at : at + len(part)] == part)

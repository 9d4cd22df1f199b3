"""Finding the final answer in a completion: from the end, in linear time, never by backtracking.

    text ──▶ answer_tag ▶ boxed ▶ #### ▶ phrase ▶ short ▶ last_line ▶ last_math ▶ last_number ──▶ Extraction
             (each source either is not there, and the next is asked, or decides)

Boxes or tags that stand side by side (`\\boxed{1} or \\boxed{2}`) are one answer: the list of their contents. So a
hedge is a list, and a list is not equal to the single value that it happens to hold.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from reward_verifiers.answer.reading import words

MAX_ANSWER = 10_000
"""Characters; what is longer is not an answer."""
TAIL = 4_000
"""Characters of the end that the sources for prose read."""
_MAX_CHAIN = 32
_MAX_NESTED = 4
_MAX_SIBLINGS = 8
"""Boxes beside one another that are passed over to find the box around them."""
_ONLY_WORDS = re.compile(r"(?=.*[^\W\d_]{2})[^\d\\=+\-*/,;<>{}\[\]^_]*", re.S)
_MAX_NAMES = 1000
"""Box commands without a box that are passed over."""
_MAX_JSON = 1_000_000


@dataclass(frozen=True, slots=True)
class Extraction:
    """The answer's text and where it stood, or why there is none."""

    text: str | None
    source: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    content: str


# --- boxes and tags ---------------------------------------------------------------------------------------------------

_BRACE = re.compile(r"\\.|[{}]", re.S)
_UNBRACED = re.compile(r"\\f?boxed\s{1,3}([^\s${}]{1,64})")
_BOXES = ("\\boxed", "\\fbox")


def _closing_brace(text: str, start: int) -> int:
    """Index of the brace that closes the one before `start`, or -1. Reads at most MAX_ANSWER characters."""
    end = min(len(text), start + MAX_ANSWER)
    close = text.find("}", start, end)
    if close < 0 or (text.find("{", start, close) < 0 and text.find("\\", start, close) < 0):
        return close
    depth = 1
    for match in _BRACE.finditer(text, start, end):
        if match.group() == "{":
            depth += 1
        elif match.group() == "}":
            depth -= 1
            if depth == 0:
                return match.start()
    return -1


def _box_at(text: str, start: int) -> _Span | bool | None:
    """The box at `start`; False when it is never closed; None when this is only the command's name."""
    brace = start + (6 if text.startswith("\\boxed", start) else 5)
    while brace < len(text) and text[brace] == " " and brace - start < 10:
        brace += 1
    if text.startswith("{", brace):
        close = _closing_brace(text, brace + 1)
        return _Span(start, close + 1, text[brace + 1 : close]) if close >= 0 else False
    bare = _UNBRACED.match(text, start)
    return _Span(start, bare.end(), bare.group(1).rstrip(".,;")) if bare else None


def _boxes_before(text: str, end: int, floor: int = 0) -> Iterator[_Span | bool]:
    """The boxes from the last to the first. Each stretch of the text is searched once, however many there are."""
    starts = {name: text.rfind(name, floor, end) for name in _BOXES}
    passed = 0
    while passed < _MAX_NAMES:
        name = max(starts, key=starts.__getitem__)
        start = starts[name]
        if start < 0:
            return
        box = _box_at(text, start)
        if box is None:
            passed += 1
        else:
            yield box
        starts[name] = text.rfind(name, floor, start)


def _box_before(text: str, end: int, floor: int = 0) -> _Span | bool | None:
    """The last box; of boxes in a box the outermost, so that what stands beside the inner one is not lost."""
    box = next(_boxes_before(text, end, floor), None)
    for _ in range(_MAX_NESTED):
        if not isinstance(box, _Span):
            break
        start = max(floor, box.start - MAX_ANSWER)
        if text.rfind("box", start, box.start) < 0:
            break
        before = islice(_boxes_before(text, box.start, start), _MAX_SIBLINGS)
        around = next((other for other in before if isinstance(other, _Span) and other.end >= box.end), None)
        if around is None:
            break
        beside = around.content.replace(text[box.start : box.end], " ", 1)
        if _ONLY_WORDS.fullmatch(beside) and not _changes_number(beside):
            break  # a sentence in a box, with its answer in another
        box = around
    return box


_TAG_NAMES = ("answer", "ANSWER", "Answer")


def _tag_before(text: str, end: int, floor: int = 0) -> _Span | bool | None:
    close = max(text.rfind(f"</{name}>", floor, end) for name in _TAG_NAMES)
    if close < 0:
        return None
    start = max(text.rfind(f"<{name}>", max(floor, close - MAX_ANSWER), close) for name in _TAG_NAMES)
    return _Span(start, close + 9, text[start + 8 : close]) if start >= 0 else False


_MAX_GAP = 60
_JOINER = re.compile(
    r"[\s$,;:/|&*()\\\]\[{}.!?、，；或和及]*"
    r"(?:(?:or|and|maybe|perhaps|possibly|alternatively|else|either|text|q?quad|[xyz]|[a-z]_\{?\d\}?|=)"
    r"[\s$,;:/|&*()\\\]\[{}.]*){0,8}",
    re.I,
)
_PARTS = re.compile(r"[^.!?=\n]{0,50}\band\b[\s$(\[{}\\]{0,9}")
"""Between the two parts of one answer: \\boxed{1} papers and \\boxed{2} bins."""
_NEGATED_BEFORE = re.compile(
    r"(?:\bnot|n['’]t|\bcannot|\bnever|\bneither|不是|不等于|并非)"
    r"(?:\s{1,3}(?:be|equal|equals|to|simply|just|the answer)){0,3}[\s:$*(]{0,6}$",
    re.I,
)
_DENIED_AFTER = re.compile(
    r"[\s$*).,]{0,6}(?:(?:is|was|are|seems|looks)\s(?:not\b|wrong|incorrect|false|too\s)|(?:is|was|does|ca)n['’]t\b"
    r"|cannot\b|does\snot\b|不对|错误|是错)",
    re.I,
)


def _chain(
    text: str, last: _Span, before: Callable[[str, int, int], _Span | bool | None], source: str, single: bool
) -> Extraction:
    """`last` together with the spans that stand side by side with it."""
    near = ("</answer>", "</ANSWER>", "</Answer>") if source == "answer_tag" else ("}", "boxed")
    contents = [last.content]
    first = last
    while single and len(contents) < _MAX_CHAIN:
        gap = text[max(0, first.start - _MAX_GAP - 9) : first.start]
        if not any(sign in gap for sign in near):
            break
        floor = max(0, first.start - MAX_ANSWER)
        previous = before(text, first.start, floor)
        if not isinstance(previous, _Span) or previous.end > first.start or first.start - previous.end > _MAX_GAP:
            break
        if not _JOINER.fullmatch(text, previous.end, first.start) and not _PARTS.fullmatch(
            text, previous.end, first.start
        ):
            break
        contents.append(previous.content)
        first = previous
    if single and _NEGATED_BEFORE.search(text[max(0, first.start - 60) : first.start]):
        return Extraction(None, source, "the answer is negated")
    if single and _DENIED_AFTER.match(text, last.end):
        return Extraction(None, source, "the answer is taken back")
    distinct = list(dict.fromkeys(content.strip() for content in reversed(contents)))
    return Extraction(", ".join(distinct), source)


def last_box(text: str, single: bool = True) -> Extraction | None:
    """The last `\\boxed{…}`, joined with the boxes beside it when `single` (one final answer) is wanted."""
    box = _box_before(text, len(text))
    if isinstance(box, _Span):
        return _chain(text, box, _box_before, "boxed", single)
    return Extraction(None, "boxed", "the last box is not closed") if box is False else None


def declared_after_box(text: str, single: bool = True) -> Extraction | None:
    """ "The final answer is $7$", said after the last box: the last word counts."""
    start = max(text.rfind(box) for box in _BOXES)
    tail = text[max(start, len(text) - TAIL) :]
    if start < 0 or len(tail) < 30:
        return None
    label_at = tail.lower().rfind("final answer")
    if label_at < 0:
        return None
    candidate = phrase(tail[label_at:], single)
    return candidate if candidate and candidate.text is not None and any(map(str.isdigit, candidate.text)) else None


def all_boxes_agree(text: str) -> Extraction | None:
    """The last box, provided that every box in the text holds the same text but for spaces."""
    boxes = _boxes_before(text, len(text))
    last = next(boxes, None)
    if not isinstance(last, _Span):
        return Extraction(None, "boxed", "the last box is not closed") if last is False else None
    wanted = "".join(last.content.split())
    for box in boxes:
        if not isinstance(box, _Span):
            break
        if "".join(box.content.split()) != wanted:
            return Extraction(None, "boxed", "the boxes disagree")
    return Extraction(last.content.strip(), "boxed")


def answer_tag(text: str, single: bool = True) -> Extraction | None:
    """The last `<answer>…</answer>`; a box inside it is the answer proper."""
    tag = _tag_before(text, len(text))
    if tag is None:
        return None
    if not isinstance(tag, _Span):
        return Extraction(None, "answer_tag", "the answer tag was never opened, or its content is too long")
    candidate = _chain(text, tag, _tag_before, "answer_tag", single)
    if candidate.text is None:
        return candidate
    inner = last_box(candidate.text, single)
    return Extraction(inner.text, "answer_tag", inner.problem) if inner else candidate


# --- prose ------------------------------------------------------------------------------------------------------------

_PHRASE = re.compile(
    r"(?:\banswer|\bsolution|\bresult)(?: to (?:the|this) (?:problem|question))?\**\s{0,3}"
    r"(?:is|are|was|equals|:|=|：)\**:?"
    r"|^\**A:|^#{1,6}\s*\**(?:final )?answer\**\s*$|答案[是为：:]{1,2}|答[：:]|答えは|答え[：:]|정답은|정답[：:]|답[：:은]"
    r"|\br[ée]ponse(?: correcte| finale)?\s?(?:est|:)|\brespuesta(?: correcta| final)?\s?(?:es|:)"
    r"|\bantwort\s?(?:ist|lautet|:)|\bergebnis\s?(?:ist|lautet|:)|\bresposta(?: correta| final)?\s?(?:é|:)"
    r"|\brisposta(?: corretta| finale)?\s?(?:è|:)"
    r"|\bответ\**\s?[:：—-]|\bответ равен",
    re.I | re.M,
)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$|\*\*)|[。！？]")
_FORMULA_IS = re.compile(r"\s{0,3}(?:is|are|was|equals|=|:)\s{1,3}")
_LEAD = re.compile(r"(?:\s|:|\*|therefore|thus|simply|just|about|equal to|option|=)*", re.I)
_COPULA = re.compile(r"\s?(?:입니다|이다|이에요|예요|です|である|でした)[.。]?$")
"""Where a sentence ends with its verb."""
_CLAUSE = re.compile(r"\s?[,;(—–-]?\s(?:because|since|as (?:we|the|it|shown)|where we|so that)\b|\s?[,，]\s?因为", re.I)
"""What begins a reason behind the answer."""
_NEGATION = re.compile(
    r"\s*(?:definitely |certainly |clearly )?(?:not\b|n['’]t\b|never\b|neither\b|不是|unlikely)", re.I
)
_DELIMITER = re.compile(r"\\.|\$\$?", re.S)
_CLOSED_BY = {"$$": "$$", "$": "$", "\\(": "\\)", "\\[": "\\]"}
_NUMBER = re.compile(
    r"(?<![\w.])[-+−]?(?:\$\s?)?\d{1,400}(?:,\d{3}){0,130}(?:\.\d{1,400}|,\d{1,2}(?![\d,]))?"
    r"(?:/\d{1,400}|e[-+]?\d{1,6}|%)?",
    re.I,
)
_GUESS = re.compile(r"(?:\bor|,|/|\bmaybe|\bperhaps|或)\s{0,3}\$?$", re.I)


def _last_match(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    candidate = deque(pattern.finditer(text), maxlen=1)
    return candidate[0] if candidate else None


def hash_marks(text: str, single: bool = True) -> Extraction | None:
    """What stands after the last `####` on its line."""
    start = text.rfind("####")
    if start < 0:
        return None
    line = text[start + 4 : start + 4 + MAX_ANSWER].strip().split("\n", 1)[0].strip()
    return Extraction(line, "####") if line else None


def _math_spans(text: str) -> list[_Span]:
    """The formulas of a text in order: one pass over the delimiters, each paired with the next that closes it."""
    candidate: list[_Span] = []
    opened: re.Match[str] | None = None
    for mark in _DELIMITER.finditer(text):
        sign = mark.group()
        if opened is not None and sign == _CLOSED_BY[opened.group()]:
            content = text[opened.end() : mark.start()].strip()
            broken = sign == "$" and "\n" in content  # a dollar of money, or one that was not closed
            if content and not broken:
                candidate.append(_Span(opened.start(), mark.end(), content))
            opened = mark if broken else None
        elif sign in _CLOSED_BY:
            opened = mark
    return candidate


def _joined_math(text: str, source: str, single: bool) -> Extraction | None:
    """The last formula of `text`, together with the formulas beside it."""
    spans = _math_spans(text)
    if not spans:
        return None
    contents, first = [spans[-1].content], spans[-1]
    for span in reversed(spans[:-1][-_MAX_CHAIN:]):
        if not single or not _JOINER.fullmatch(text, span.end, first.start):
            break
        contents.append(span.content)
        first = span
    if single and _NEGATED_BEFORE.search(text[max(0, first.start - 60) : first.start]):
        return Extraction(None, source, "the answer is negated")
    if single and _DENIED_AFTER.match(text, spans[-1].end):
        return Extraction(None, source, "the answer is taken back")
    distinct = list(dict.fromkeys(content.strip() for content in reversed(contents)))
    return Extraction(", ".join(distinct), source)


def phrase(text: str, single: bool = True) -> Extraction | None:
    """What follows the last "the answer is", "Answer:" or "A:", up to the end of its sentence."""
    tail = text[-TAIL:]
    last = _last_match(_PHRASE, tail)
    if last is None:
        return None
    rest = tail[last.end() :].lstrip(" \t*:：\n")
    line = rest.split("\n", 1)[0]
    if line.rstrip() in ("$$", "\\["):
        line = rest
    if single and _NEGATION.match(line):
        return Extraction(None, "phrase", "the answer is negated")
    spans = _math_spans(line)
    named = _FORMULA_IS.match(line, spans[-1].end) if spans else None
    if named and line[named.end() :].strip(" .*"):
        line = line[named.end() :]  # the largest $n$ is 34
        if single and _NEGATION.match(line):
            return Extraction(None, "phrase", "the answer is negated")
    elif spans and _is_plain_lead(line[: spans[0].start]) and _is_harmless_end(line[spans[-1].end :]):
        return _joined_math(line, "phrase", single)
    return _sentence(line, "phrase")


def _sentence(line: str, source: str) -> Extraction | None:
    """The first sentence of a line, without the reason that it gives."""
    end = _SENTENCE_END.search(line)
    content = line[: end.start()] if end else line
    reason = _CLAUSE.search(content)
    content = content[: reason.start()] if reason and reason.start() > 0 else content
    content = content[_LEAD.match(content).end() :].strip(" \t*`")  # type: ignore[union-attr]
    content = _COPULA.sub("", content)
    return Extraction(content, source) if content else None


def _is_plain_lead(text: str) -> bool:
    """Whether the words before a formula change nothing of it."""
    return all(words.is_harmless(word) or word.lower() in words.SEPARATORS for word in _ANY_WORD.findall(text))


def _is_harmless_end(text: str) -> bool:
    """Whether the words after a formula, up to the sentence's end, take nothing back."""
    end = _SENTENCE_END.search(text)
    tail_words = _ANY_WORD.findall(text[: end.start()] if end else text)
    return not any(word.lower() in words.NUMBER_CHANGING for word in tail_words)


def _changes_number(text: str) -> bool:
    return any(word.lower() in words.NUMBER_CHANGING for word in _ANY_WORD.findall(text))


def last_line(text: str, single: bool = True) -> Extraction | None:
    """The last sentence: "So there are 42 apples." """
    lines = text[-TAIL:].rstrip().rsplit("\n", 1)
    line = lines[-1].strip(" \t*`>")
    if not line or len(line) > _MAX_LINE:
        return None
    ends = [match.end() for match in _SENTENCE_END.finditer(line) if match.end() < len(line)]
    content = line[ends[-1] :].strip() if ends else line
    return _sentence(content.rstrip(".!。"), "last_line")


_OPTION_LINE = re.compile(r"[ \t]*[-*•]?[ \t]*\**\(?([A-J])(?:\)|\.|:)\**[ \t]")


def lists_options(text: str) -> bool:
    """Whether a text ends in a line for every option, A, B, C, so that none of them is the answer."""
    lines = [line for line in text[-TAIL:].splitlines() if line.strip()][-3:]
    labels = [match[1] if (match := _OPTION_LINE.match(line)) else "" for line in lines]
    return len(labels) > 1 and all(labels[-2:]) and len(set(labels[-2:])) == 2


_MAX_LINE = 400
_ANY_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


def last_math(text: str, single: bool = True) -> Extraction | None:
    """The last `$…$`, `\\(…\\)` or `\\[…\\]`."""
    return _joined_math(text[-TAIL:], "last_math", single)


_SENTENCE = re.compile(r"[\w\s.,:;!?%$€£¥°'’()+\-*/=^。，、：；！？（）]+")
_WORD = re.compile(r"(?!(?:or|and|maybe|perhaps|either)\b)[^\W\d_]{2,}", re.I)


def is_sentence(text: str) -> bool:
    """Plain words around a number: not code, not a bare row of numbers to choose from."""
    return "_" not in text and bool(_SENTENCE.fullmatch(text)) and bool(_WORD.search(text))


def final_number(text: str, single: bool = True) -> Extraction | None:
    """The only number of the last sentence, when that has no formula: "So Tom paid $51." """
    line = text[-TAIL:].rstrip().rsplit("\n", 1)[-1].strip(" \t*`>")
    ends = [match.end() for match in _SENTENCE_END.finditer(line) if match.end() < len(line)]
    content = line[ends[-1] :] if ends else line
    return None if _math_spans(content) else sentence_number(content.strip(), single)


def last_number(text: str, single: bool = True) -> Extraction | None:
    """The last number of the text, unless it is denied, bounded, or one of several guesses."""
    tail = text[-TAIL:]
    last = _last_match(_NUMBER, tail)
    if last is None:
        return None
    before = tail[max(0, last.start() - 60) : last.start()]
    if single and _NEGATED_BEFORE.search(before):
        return Extraction(None, "last_number", "the answer is negated")
    if single and _DENIED_AFTER.match(tail, last.end()):
        return Extraction(None, "last_number", "the answer is taken back")
    if single and _GUESS.search(before) and _NUMBER.search(before):
        return Extraction(None, "last_number", "more than one answer is given")
    if single and (bound := _bound_around(tail, last)):
        return Extraction(None, "last_number", f"{bound!r} makes it another number")
    return Extraction(last.group(), "last_number")


def _bound_around(text: str, number: re.Match[str]) -> str | None:
    """A word close to a number that makes it another one: at least 42, 42 dozen."""
    before = _ANY_WORD.findall(re.split(r"[.!?;,:\n]\s|\n", text[max(0, number.start() - 40) : number.start()])[-1])[
        -3:
    ]
    after = _ANY_WORD.findall(re.split(r"[.!?;,:\n]", text[number.end() : number.end() + 40])[0])[:1]
    low = [word.lower() for word in before]
    joined = " ".join(low)
    if any(joined.endswith(bound) for bound in words.BOUNDS):
        return joined
    return next((word for word in after if word.lower() in words.NUMBER_CHANGING), None)


def sentence_number(text: str, single: bool = True) -> Extraction | None:
    """The only number of a sentence in plain words."""
    if not is_sentence(text) or len(_NUMBER.findall(text)) != 1:
        return None
    if any(word.lower() in words.NUMBER_CHANGING for word in _ANY_WORD.findall(text)):
        return None
    return last_number(text, single)


def whole(text: str, single: bool = True) -> Extraction | None:
    """Everything after the thinking."""
    content = text.strip()
    if len(content) > MAX_ANSWER:
        return Extraction(None, "after_think", "too long for an answer")
    return Extraction(content, "after_think") if content else None


def short(text: str, single: bool = True) -> Extraction | None:
    """The whole text, when it is no longer than an answer."""
    content = text.strip()
    return Extraction(content, "short") if content and len(content) <= 300 and content.count("\n") < 2 else None


def json_field(text: str, path: str) -> Extraction | None:
    """A field of the completion's JSON object; `path` is dotted. Fences around the object are allowed."""
    start, end = text.find("{"), text.rfind("}")
    if not 0 <= start < end or end - start > _MAX_JSON:
        return None
    try:
        value = json.loads(text[start : end + 1])
        for key in path.split("."):
            value = value[int(key)] if isinstance(value, list) else value[key]
    except (ValueError, LookupError, TypeError, RecursionError):
        return Extraction(None, f"json:{path}", "no such JSON field")
    content = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Extraction(content[: MAX_ANSWER + 1].strip(), f"json:{path}")


def declared(text: str, single: bool = True) -> Extraction | None:
    """All that follows the last "the answer is", when no box stands behind it."""
    tail = text[-TAIL:]
    last = _last_match(_PHRASE, tail)
    if last is None or any(tail.find(box, last.start()) >= 0 for box in _BOXES):
        return None
    return Extraction(tail[last.start() :].strip(), "declared")


@lru_cache(maxsize=64)
def _re2(pattern: str) -> Any:
    import re2

    options = re2.Options()
    options.max_mem = 8 << 20
    options.log_errors = False
    return re2.compile(pattern, options)


def check_pattern(pattern: str) -> None:
    """Raises ValueError for what RE2 refuses."""
    import re2

    try:
        _re2(pattern)
    except re2.error as error:
        raise ValueError(f"no RE2 pattern: {str(error)[:200]}") from error


def by_pattern(text: str, pattern: str) -> Extraction | None:
    """The last match of a pattern: its first group, else all of it. In linear time."""
    tail = text[-_MAX_PATTERN:].encode("utf-8", "replace").decode("utf-8")
    last = deque(_re2(pattern).finditer(tail), maxlen=1)
    if not last:
        return None
    content = last[0].group(1) if last[0].re.groups else last[0].group()
    return Extraction((content or "").strip()[: MAX_ANSWER + 1], "regex") if content else None


def by_tag(text: str, name: str) -> Extraction | None:
    """The last `<name>…</name>`."""
    close = text.rfind(f"</{name}>")
    start = text.rfind(f"<{name}>", max(0, close - MAX_ANSWER), close) if close >= 0 else -1
    if start < 0:
        return None
    return Extraction(text[start + len(name) + 2 : close].strip(), f"tag:{name}")


_MAX_PATTERN = 200_000
_COMMENT = "<!--"


def without_comments(text: str) -> str:
    """Without HTML comments: a reader of the page does not see them."""
    if _COMMENT not in text:
        return text
    pieces, at = [], 0
    while (start := text.find(_COMMENT, at)) >= 0:
        end = text.find("-->", start)
        pieces.append(text[at:start])
        if end < 0:
            return "".join(pieces)
        at = end + 3
    return "".join([*pieces, text[at:]])


_SOURCES: dict[str, Callable[[str, bool], Extraction | None]] = {
    "answer_tag": answer_tag,
    "declared": declared,
    "boxed": last_box,
    "####": hash_marks,
    "phrase": phrase,
    "short": short,
    "last_line": last_line,
    "final_number": final_number,
    "sentence_number": sentence_number,
    "last_math": last_math,
    "last_number": last_number,
    "after_think": whole,
}
SOURCES = tuple(_SOURCES)
WITH_ARGUMENT = ("json:", "tag:", "regex:")


def candidates(text: str, sources: Iterable[str], single: bool, all_agree: bool) -> Iterable[Extraction]:
    """What each source finds, in order, lazily. `json:<path>` is a source too."""
    for source in sources:
        if source == "boxed" and all_agree:
            candidate = all_boxes_agree(text)
        elif source == "boxed":
            candidate = declared_after_box(text, single) or last_box(text, single)
        elif source.startswith("json:"):
            candidate = json_field(text, source[5:])
        elif source.startswith("tag:"):
            candidate = by_tag(text, source[4:])
        elif source.startswith("regex:"):
            candidate = by_pattern(text, source[6:])
        else:
            candidate = _SOURCES[source](text, single)
        if candidate is not None:
            yield candidate

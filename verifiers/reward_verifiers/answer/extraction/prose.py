"""Sentences that say the answer: "the answer is …", `####`, the last line."""

from __future__ import annotations

import re

from reward_verifiers.answer.extraction.boxes import BOXES
from reward_verifiers.answer.extraction.formulas import joined_math, math_spans
from reward_verifiers.answer.extraction.guards import changed_before, corrected, correction, retracted
from reward_verifiers.answer.extraction.spans import (
    ANY_WORD,
    MAX_ANSWER,
    SENTENCE_END,
    TAIL,
    Extraction,
    Span,
    bare_line,
    changes_number,
    last_match,
    undecorated,
)
from reward_verifiers.answer.reading import words


def declared_after_box(text: str, single: bool = True) -> Extraction | None:
    """ "The final answer is $7$", said after the last box: the last word counts."""
    start = max(text.rfind(box) for box in BOXES)
    tail = text[max(start, len(text) - TAIL) :]
    if start < 0 or len(tail) < 30:
        return None
    label_at = tail.lower().rfind("final answer")
    if label_at < 0:
        return None
    candidate = phrase(tail[label_at:], single)
    return candidate if candidate and candidate.text is not None and any(map(str.isdigit, candidate.text)) else None


PHRASE = re.compile(
    r"(?:\banswer|\bsolution|\bresult)(?: to (?:the|this) (?:problem|question))?\**\s{0,3}"
    r"(?:is|are|was|equals|:|=|：)\**:?"
    r"|^\**A(?:ns\b\.?)?\**\s?:|^\**(?:final\s)?answer\**\s[-–—]\s|^#{1,6}\s*\**(?:final )?answer\**\s*$"
    r"|答案[是为：:]{1,2}|答[：:]|答えは|答え[：:]|정답은|정답[：:]|답[：:은]"
    r"|\br[ée]ponse(?: correcte| finale)?\s?(?:est|:)|\brespuesta(?: correcta| final)?\s?(?:es|:)"
    r"|\bantwort\s?(?:ist|lautet|:)|\bergebnis\s?(?:ist|lautet|:)|\bresposta(?: correta| final)?\s?(?:é|:)"
    r"|\brisposta(?: corretta| finale)?\s?(?:è|:)"
    r"|\bответ\**\s?[:：—-]|\bответ равен",
    re.I | re.M,
)

_STEMS = (
    "answer", "a:", "solution", "result", "ponse", "respuesta", "resposta", "risposta", "antwort", "ergebnis", "ответ",
    "答", "답", "ans:", "ans.:", "ans :",
)  # fmt: skip
"""One of them stands in each of these phrases: looking for them is much cheaper."""

_FORMULA_IS = re.compile(r"\s{0,3}(?:is|are|was|equals|=|:)\s{1,3}")

_LEAD = re.compile(
    r"(?:\s|:|\*|and(?=\s(?:that|this|so|it|the|we|there)\b)|therefore|thus|simply|just|about"
    r"|equal to|option|,?\s?(?:of course|indeed|in fact|naturally|clearly),"
    r"|[-=]{1,2}>|[→➜⇒⟹]|=)*",
    re.I,
)

_CJK_LEAD = re.compile(r"[\u3400-\u9fff]{1,20}(?:是|为|等于|有|得)\s?(?=[(（]?\s?[-−0-9\\])")
"""每份应该是 2/5 吨: what the answer is said of."""
_COPULA = re.compile(r"\s?(?:입니다|이다|이에요|예요|です|である|でした)[.。]?$")
"""Where a sentence ends with its verb."""

_CLAUSE = re.compile(
    r"\s?[,;(—–-]?\s(?:because|since|where we"
    r"|as (?:we|the|it|shown|required|desired|claimed|needed|expected|stated|asked|above|before)|so that"
    r"|(?:attained|achieved|reached|obtained|occurring|occurs"
    r"|which (?:occurs|is (?:attained|achieved|reached)))\s(?:at|when|for|if|by))\b|\s?[,，]\s?因为",
    re.I,
)
"""What begins a reason behind the answer."""

_ASIDE = re.compile(r",\swhich\b", re.I)
"""What begins a remark on the answer, which may take it back."""

_FALSE = re.compile(r"\b(?:false|untrue|impossible|mistaken|absurd|invalid|contradict)", re.I)
_VALUE = re.compile(r"\s(?:is|equals)\s\$?-?[\\0-9]")

_MORE = re.compile(r"[.!?](?:\s[^.!?]*)?[0-9$\\]|\n.*[0-9$\\]")
"""Another sentence with a number or a formula."""

_OF_ANOTHER = re.compile(
    r"(?:(?<!value )(?<!form )(?<!expression )(?<!version )(?<!statement )\bof|\bin|\bminus|\bplus|"
    r"\btimes|\bby|\bthan|\btwice|\bdouble|\bhalf)\s(?:(?:the|this|my|our)\s)(?:(?:final|correct|right)\s)?\**$"
    rf"|\b{words.NOT_THE_ANSWER}\s\**$"
    r"|\b(?:says|said|claims|claimed|thinks|thought|believes|believed|guesses|guessed|told\s\w{1,12})\s(?:that\s)?"
    r"(?:the\s)?(?:(?:final|correct|right)\s)?\**$",
    re.I,
)
"""Before "answer is": half of the, the wrong, my friend says the."""

_SUPPOSED = re.compile(
    r"\b(?:suppos(?:e|ing)|assum(?:e|ing)|imagine|pretend|whether|unless|if)\s(?:that\s)?(?:the\s|my\s|our\s)?"
    r"(?:(?:final|correct|right)\s)?\**$",
    re.I,
)
"""Before "answer is": suppose the."""

_NEGATION = re.compile(
    r"\s*(?:definitely |certainly |clearly )?(?:not\b|n['’]t\b|never\b|neither\b|不是|unlikely)", re.I
)


_PROPERTY = re.compile(
    r"\s*(?:also\s|always\s)?(?:divisible\b|an?\s(?:\w{1,12}\s)?(?:multiple|divisor|factor|number with)\b"
    rf"|(?:(?:found|stated|given|shown|listed|written|located)\s)?{words.AT_PLACE}\s(?:the\s)?"
    r"(?:page|line(?!\swith)|row|column|section|chapter|step|index|position|paragraph|entry|item)\b)",
    re.I,
)
"""Behind "answer is": divisible by 42, on line 42. That is said of the answer, and is not the answer."""


def hash_marks(text: str, single: bool = True) -> Extraction | None:
    """What stands after the last `####` on its line."""
    start = text.rfind("####")
    if start < 0:
        return None
    line, _, behind = text[start + 4 : start + 4 + MAX_ANSWER].strip().partition("\n")
    line = line.strip()
    if single and corrected(line, behind):
        return Extraction(None, "####", "the answer is taken back")
    return Extraction(line, "####") if line else None


def _last_phrase(tail: str, single: bool) -> re.Match[str] | Extraction | None:
    """The last phrase, but for those that only suppose an answer, with which nobody says one."""
    phrases = list(PHRASE.finditer(tail))
    for last in reversed(phrases):
        if not single or not _SUPPOSED.search(tail[max(0, last.start() - 40) : last.start()]):
            return last
    if not phrases or _MORE.search(tail, phrases[-1].end()):
        return None
    return Extraction(None, "phrase", "the answer is only supposed")


def _is_of_another(text: str, said: re.Match[str]) -> bool:
    return _OF_ANOTHER.search(text[max(0, said.start() - 80) : said.start()]) is not None


def phrase(text: str, single: bool = True) -> Extraction | None:
    """What follows the last "the answer is", "Answer:" or "A:", up to the end of its sentence."""
    tail = text[-TAIL:]
    last = _last_phrase(tail, single)
    if not isinstance(last, re.Match):
        return last
    if _is_of_another(tail, last):
        return Extraction(None, "phrase", "something else is said than the answer")
    rest = tail[last.end() :].lstrip(" \t*:：\n")
    first, _, below = rest.partition("\n")
    line = undecorated(first)
    if line.rstrip() in ("$$", "\\["):
        line, below = rest, ""
    end = SENTENCE_END.search(line)
    value = correction(line[end.end() :]) if single and end else None
    if single and (value := correction(below) or value):
        return Extraction(value, "phrase")
    if single and _NEGATION.match(line):
        return Extraction(None, "phrase", "the answer is negated")
    if single and _PROPERTY.match(line):
        return Extraction(None, "phrase", "something else is said than the answer")
    if (lead := _CJK_LEAD.match(line)) and changed_before(lead[0]) is None:
        line = line[lead.end() :]
    line, spans, rest = _own_sentence(line, math_spans(line))
    if single and (retracted(rest) or _HEDGES.search(rest)):
        return Extraction(None, "phrase", "the answer is taken back, or one of several")
    named = _FORMULA_IS.match(line, spans[-1].end) if spans else None
    if named and line[named.end() :].strip(" .*"):
        line = line[named.end() :]  # the largest $n$ is 34
        if single and _NEGATION.match(line):
            return Extraction(None, "phrase", "the answer is negated")
    elif spans and _is_plain_lead(line[: spans[0].start]) and _is_harmless_end(line[spans[-1].end :]):
        return joined_math(line, "phrase", single)
    return _sentence(line, "phrase")


_CORRECTS = re.compile(
    r"\b(?:wait|correction|wrong|incorrect|mistake|sorry|oops|hmm)\b"
    r"|\b(?:no|not|actually|instead|rather|but|should be)\b[^0-9$]{0,200}[0-9$]",
    re.I,
)
"""What, in a sentence behind the answer, gives another one."""
_HEDGES = re.compile(r"\b(?:could|may|might|maybe|perhaps|possibly|or)\b[^0-9$]{0,20}[0-9$]", re.I)
"""What gives a second one beside it."""


def _own_sentence(line: str, spans: list[Span]) -> tuple[str, list[Span], str]:
    """The sentence of a line that says the answer, its formulas, and the rest: "Note that $n$ is even" says no other."""
    following = iter(spans[1:])
    span = next(following, None)
    for end in SENTENCE_END.finditer(line, spans[0].end) if spans else ():
        while span is not None and span.end <= end.start():
            span = next(following, None)
        if span is not None and span.start < end.start():
            continue  # inside a formula
        rest = line[end.end() :]
        if _CORRECTS.search(rest) and not _HEDGES.search(rest) and not retracted(rest):
            break
        return line[: end.end()], [own for own in spans if own.end <= end.end()], rest
    return line, spans, ""


def _sentence(line: str, source: str) -> Extraction | None:
    """The first sentence of a line, without the reason that it gives."""
    end = SENTENCE_END.search(line)
    if end and end[0] in "?？":
        return Extraction(None, source, "the answer is asked, not given")
    content = line[: end.start()] if end else line
    reason = _CLAUSE.search(content) or _ASIDE.search(content)
    if reason and _VALUE.match(content, reason.end()):
        reason = None  # "6^2, which is 36"
    if reason and _ASIDE.match(reason.group()) and _takes_back(content[reason.end() :]):
        reason = None
    content = content[: reason.start()] if reason and reason.start() > 0 else content
    content = content[_LEAD.match(content).end() :].strip(" \t*`")  # type: ignore[union-attr]
    content = _COPULA.sub("", content)
    return Extraction(content, source) if content else None


def _takes_back(remark: str) -> bool:
    return changes_number(remark) or _FALSE.search(remark) is not None


def _is_plain_lead(text: str) -> bool:
    """Whether the words before a formula change nothing of it."""
    return all(words.is_harmless(word) or word.lower() in words.SEPARATORS for word in ANY_WORD.findall(text))


def _is_harmless_end(text: str) -> bool:
    """Whether the words after a formula, up to the sentence's end, take nothing back."""
    end = SENTENCE_END.search(text)
    tail_words = ANY_WORD.findall(text[: end.start()] if end else text)
    return not any(word.lower() in words.NUMBER_CHANGING for word in tail_words)


def last_line(text: str, single: bool = True) -> Extraction | None:
    """The last sentence: "So there are 42 apples." """
    lines = text[-TAIL:].rstrip().rsplit("\n", 1)
    line = bare_line(lines[-1])
    if not line or len(line) > _MAX_LINE:
        return None
    ends = [match.end() for match in SENTENCE_END.finditer(line) if match.end() < len(line)]
    content = line[ends[-1] :].strip() if ends else line
    return _sentence(content.rstrip(".!。"), "last_line")


_OPTION_LINE = re.compile(
    r"[ \t]*[-*•]?[ \t]*\**(?:\(?([A-J])(?:\)|\.|:)\**[ \t]"
    r"|(?:\(([a-j1-9])\)|([a-j])\)|([a-j1-9])[.)])\**[ \t]+(?=[^A-Za-z\n]{1,30}$))"
)
"""A. Paris, (B) 17; with small letters and numbers only before a bare value: "2. We add 3" is a step."""


def lists_options(text: str) -> bool:
    """Whether a text ends in a line for every option, A, B, C, so that none of them is the answer."""
    lines = [line for line in text[-TAIL:].splitlines() if line.strip()][-3:]
    labels = [match[match.lastindex or 0] if (match := _OPTION_LINE.match(line)) else "" for line in lines]
    return len(labels) > 1 and all(labels[-2:]) and len(set(labels[-2:])) == 2


_MAX_LINE = 400


def declared(text: str, single: bool = True) -> Extraction | None:
    """All that follows the last "the answer is", when no box stands behind it."""
    tail = text[-TAIL:]
    last_box = max(tail.rfind(box) for box in BOXES)
    if not any(map(tail[last_box + 1 :].casefold().__contains__, _STEMS)):
        return None
    last = last_match(PHRASE, tail, last_box + 1)
    if last and _is_of_another(tail, last):
        return Extraction(None, "declared", "something else is said than the answer")
    return Extraction(tail[last.start() :].strip(), "declared") if last else None

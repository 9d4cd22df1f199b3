"""The kind choice: an option, named by its letter or by its text, in eight languages.

B    (B)    **B.**    B. Paris    The correct choice is B    La respuesta es B    故选：B    Ответ: B    Paris
"""

from __future__ import annotations

import re
from typing import Any

from reward_verifiers.answer.judged import NOT_READ, NOT_WORKED_OUT, Judged, clipped
from reward_verifiers.answer.kinds import mathematics, texts
from reward_verifiers.answer.kinds.texts import bare
from reward_verifiers.answer.options import AnswerOptions, Choices, Tolerance
from reward_verifiers.answer.reading import words
from reward_verifiers.answer.reading.nodes import Text, symbols
from reward_verifiers.answer.reading.reader import read
from reward_verifiers.verifier import BadReference

_WRAP = " \t\r\n*`$\"'"
_TAIL = 4_000
_LETTER = (
    r"[*_`\s$\\(\[（【{]{0,6}(?:\\?(?:text|mathrm|mathbf|boxed)\{\s?\(?)?([A-Za-z])"
    r"(?:[)\]）】}*_`$]{0,6})(?![A-Za-z0-9'’]|\s?/\s?[A-Z]\b)"
)
_NOUN = (
    r"(?:answer|option|choice|solution|respuesta|opci[oó]n|r[ée]ponse|option|antwort|l[öo]sung"
    r"|risposta|opzione|resposta|op[çc][ãa]o|alternativa"
    r"|ответ|вариант|letra|letter|lettre|lettera|буква|buchstabe)"
)
_RIGHT = (
    r"(?:(?:correct|right|best|final|correcta|bonne|correcte|richtige|korrekte|corretta|esatta|giusta|correta|certa"
    r"|правильный|верный)\s)?"
)
_IS = r"(?:\s(?:is|es|est|ist|lautet|è|é|would be|should be|must be|будет|option|choice)\b|\s?[:：—–-]|\s?=)"
_DECLARED = (
    re.compile(
        rf"{_RIGHT}{_NOUN}\**(?:\s(?:correcta|correcte|corretta|correta|finale?|is))?\**"
        rf"(?:{_IS})+\**\s{{0,3}}(?:\w+\s)?(?:{_NOUN}\s)?{_LETTER}",
        re.I,
    ),
    re.compile(rf"(?:答案|正确答案|正确选项|选项|应选|故选|选择|本题选|选)[是为：:\s]{{0,4}}{_LETTER}"),
    re.compile(rf"(?:正解|答え|解答)[はが：:\s]{{0,4}}{_LETTER}|(?:정답|답)[은이는：:\s]{{0,4}}{_LETTER}"),
    # All of a line: what else may stand there, such as a negation behind the letter, is not known in these languages.
    re.compile(
        r"(?:الجواب|الإجابة|الاجابة|উত্তর|उत्तर|\bcevap|\byanıt|\bđáp án|\bjawaban|\bodpowiedź|\bantwoord)"
        r"(?:\s(?:الصحيحة هي|الصحيح هو|هي|هو|đúng là|là|yang benar adalah|adalah|to|is))?"
        rf"[:：\s]{{1,4}}{_LETTER}(?=[.!।\s]{{0,4}}(?:है[।\s]?)?$)",
        re.I | re.M,
    ),
    re.compile(rf"\b(?:so|hence|thus|therefore|leaving)[,:]?\s{_LETTER}(?=[.!\s]*$)", re.I),
    re.compile(
        r"\b(?:pick|choose|select|go with|chose|selected|picked|elijo|choisis|wähle|scelgo|escolho|выбираю)"
        rf"\s(?:option\s|answer\s|choice\s)?{_LETTER}",
        re.I,
    ),
    re.compile(
        rf"(?:^|[.,:\n]\s?)(?:(?:so|hence|thus|therefore|then)[,:]?\s)?(?:only\s)?{_LETTER}\**\s(?:is|es|est|ist|è|é)\s(?:the\s|la\s|die\s|a\s)?(?:correct|right|best|answer|respuesta|bonne|réponse|richtig|"
        r"corretta|risposta|correta|resposta)",
        re.I,
    ),
    re.compile(
        rf"\b(?:option|choice|answer|opción|opção|opzione|antwort|réponse|respuesta|resposta|risposta|вариант)\s{_LETTER}\**"
        r"\s(?:is|es|est|ist|è|é|fits|must be)\s(?:the\s|la\s)?"
        r"(?:correct|right|best|answer|true|richtig|bonne|giust|corr|esatt|cert)",
        re.I,
    ),
    re.compile(
        rf"\b(?:therefore|thus|so|hence|final)[,:]?\s(?:it(?:'s| is)\s|the\s)?(?:option|choice|answer)\s{_LETTER}", re.I
    ),
    re.compile(
        r"(?:^|[.!?]\s)(?:it(?:['’]s| is| must be| has to be| can only be)|this is)\s"
        + _LETTER
        + r"(?:(?:,?\s(?:not|rather than|instead of)\s\(?[A-Z]\)?)?[.!\s]*$|(?=,?\s(?:since|because)\s))",
        re.I | re.M,
    ),
    re.compile(
        r"\b(?:think|believe|guess|so|therefore|thus|hence|conclude)[,:]?\s(?:that\s)?"
        r"(?:it(?:['’]s| is| must be| has to be| can only be)|this is)\s" + _LETTER,
        re.I,
    ),
    re.compile(rf"\banswer\s(?:is|must be)\s(?:for sure|surely|definitely|clearly|certainly)[,:]?\s{_LETTER}", re.I),
    re.compile(
        rf"\bonly\s(?:option\s|choice\s|answer\s)?{_LETTER}\s"
        r"(?:works|fits|holds|remains|satisfies|matches|is (?:left|possible|correct|right|valid|true))\b",
        re.I,
    ),
    re.compile(rf"\b(?:leaves|leaving)\s(?:us with\s|only\s)?(?:option\s|choice\s)?{_LETTER}", re.I),
    re.compile(r"\\boxed\{\s?(?:\\text\{)?\s?\(?([A-Za-z])\)?[.:]?\s?\}?\s?\}"),
)
_LEAD = re.compile(
    r"(?:(?:the\s)?(?:correct\s|final\s)?(?:option|choice|answer)(?:\sis)?|选项|选|答案是?)\s{0,3}[:：]?\s{0,3}", re.I
)
_LABEL = re.compile(r"[(\[（]?([A-Za-z])[)\]）]?(?=$|[\s.):：、,，;。\]）．不])")
_REST = re.compile(r"[。\s.):：、\]）．-]{0,5}")
_GOES_ON = re.compile(r"[,，、;]\s{0,3}[(\[（]?[A-Za-z][)\]）]?\s?(?:[,，、;]|$)")
"""Of "A, B, both": another letter in a list."""
_SEVERAL = re.compile(r"[\s,，、;&/]|and\b|or\b|和|或", re.I)
_RETRACTS = re.compile(r"\b(?:no|wait|not|actually|instead|rather|but|sorry|correction|hmm)\b|不|等等", re.I)
_NEGATED = re.compile(
    r"(?:\b(?:not|cannot be|nicht|keine?|pas|non|no|não|не)|n['’]t|不是|不选|不(?:应该?|能|该|可以?|会|要|宜|用)?)"
    r"(?:\s(?:the\s)?(?:option|choice|answer|letter|opción|opção|opzione|réponse|вариант))?[\s(\[（$*'“‘\\{]{0,6}$",
    re.I,
)
_WRONG = re.compile(rf"\b{words.NOT_THE_ANSWER}\s$", re.I)
"""Before "option is B"."""
_ASKED = re.compile(r"[)\]*`$\s]{0,3}[?？]")
_DENIED = re.compile(
    r"[\s,;:.*)，。]{0,4}(?:项|选项)?(?:which\s|that\s)?"
    r"(?:(?:is|was|seems|looks)\s(?:also\s|clearly\s|definitely\s)?(?:wrong|incorrect|false)\b"
    r"|(?:is not|isn['’]t|was not|wasn['’]t|cannot be|can['’]t be)\s"
    r"(?:right|correct|true|(?:the|an)\s(?:right\s|correct\s)?answer)\b"
    r"|不(?:正确|对|成立|符合|能选|可选|应选|是(?:正确|答案|对|本题))|并非|是?错|有误|是假)",
    re.I,
)
"""Behind a letter: it is wrong, or it is the wrong one that was asked for. That is not known here."""
_EXCLUDED = re.compile(
    r"(?:\b(?:can(?:no|['’])t be|is not|isn['’]t|are not|not|nor|non|neither|rather than|instead of|make sense for it to be)"
    r"|不是|而非|而不是|不选)\s{0,2}(?:option\s|choice\s)?\(?[A-Z]\)?"
    r"(?:(?:,\s|\s?(?:,\s)?(?:or|nor|and|或|和)\s?)\(?[A-Z]\)?)*(?![A-Za-z])",
)
"""Options that are named to be ruled out."""
_ANY_LETTER = re.compile(r"(?<![A-Za-z'’])\(?([A-Z])\)?(?![A-Za-z'’])")


_NEAR = AnswerOptions(tolerance=Tolerance(relative=0.05))


def table(choices: Choices | None) -> dict[str, str]:
    """Letter → text; a list is lettered from A."""
    if choices is None:
        return {}
    if isinstance(choices, dict):
        rows = {str(letter).strip("(). ").upper(): str(text) for letter, text in choices.items()}
    else:
        rows = {chr(ord("A") + index): str(text) for index, text in enumerate(choices[:26])}
    labelled = all(re.match(rf"\(?{letter}[.):]\s", text) for letter, text in rows.items())
    return {letter: text.split(None, 1)[1] for letter, text in rows.items()} if labelled else rows


def _letters(text: str, options: dict[str, str]) -> tuple[str, ...] | None:
    """The letters that an answer names, in order; () when it contradicts itself; None when it names none."""
    plain = bare(text).strip("{}\\ ")
    lead = _LEAD.match(plain)
    plain = plain[lead.end() :].strip(_WRAP) if lead else plain
    by_text = [letter for letter, option_text in options.items() if _same_option(option_text, plain)]
    if len(by_text) == 1:
        return (by_text[0],)
    label = _LABEL.match(plain)
    if label is None:
        run = plain.strip("().")
        return tuple(run) if run.isascii() and run.isalpha() and run.isupper() and 1 < len(run) <= 8 else None
    return _from_label(plain, label, options)


def _from_label(plain: str, label: re.Match[str], options: dict[str, str]) -> tuple[str, ...] | None:
    first = label.group(1).upper()
    bracketed = label.group() != label.group(1) or plain[label.end() : label.end() + 1] in tuple(".):：、，,;．。不")
    rest = plain[_REST.match(plain, label.end()).end() :].strip(" *`")  # type: ignore[union-attr]
    if not rest:
        return (first,) if label.group(1).isupper() or bracketed or len(plain) == 1 else None
    others = [
        match.group(1)
        for match in _LABEL.finditer(rest[:40])
        if match.start() == 0 or rest[match.start() - 1] in " ,，、;&/和或("
    ]
    if others and not _SEVERAL.sub("", re.sub(r"[(\[（]?\b[A-Za-z]\b[)\]）]?\.?", "", rest)):
        return tuple(sorted({first, *(letter.upper() for letter in others)}))
    if _GOES_ON.match(plain, label.end()):
        return ()
    if any(_same_option(option_text, rest) and letter != first for letter, option_text in options.items()):
        return ()  # the letter of one option, the text of another
    if _same_option(options.get(first, ""), rest) or rest.lower().startswith(("because", "since", "as ", "因为")):
        return (first,)
    if _DENIED.match(rest):
        return None
    if _EXCLUDED.fullmatch(rest.rstrip(".! ")) and first not in _ANY_LETTER.findall(rest):
        return (first,)  # B rather than C
    if bracketed and not _is_taken_back(rest, first, options):
        return () if _is_another_value(options.get(first, ""), rest) else (first,)
    return None


def _is_another_value(option_text: str, text: str) -> bool:
    """Of "C) 90 m", where C is 10 m: both are read whole, and are different values. "C) 0.33" rounds a third."""
    ours, theirs = read(option_text).node, read(text).node
    if ours is None or theirs is None or isinstance(ours, Text) or isinstance(theirs, Text):
        return False
    if not mathematics.understood(option_text):  # what is costly there must not cost the completion its reward
        return False
    judged = mathematics.judge(option_text, text, _NEAR)
    return not judged.equal and judged.rule != NOT_WORKED_OUT and symbols(theirs) <= symbols(ours)


def _is_taken_back(rest: str, first: str, options: dict[str, str]) -> bool:
    """Whether another option is named behind a letter, with a word that takes the first one back."""
    ruled_out = {letter for match in _EXCLUDED.finditer(rest) for letter in _ANY_LETTER.findall(match.group())}
    if first in ruled_out:
        return True
    rest = _EXCLUDED.sub(" ", rest)
    others = {
        letter
        for letter in _ANY_LETTER.findall(rest)
        if letter != first and (letter in options or not options) and letter != "I"
    }
    return bool(others & _possible(options)) and bool(_RETRACTS.search(rest) or re.search(r"(?i)\bor\b|或", rest))


def _possible(options: dict[str, str]) -> set[str]:
    return set(options) or set("ABCDEFGHIJ")


def _declared(text: str, options: dict[str, str]) -> tuple[str, ...] | None:
    """The letter in the last "the answer is B" of a text; () when it is taken back."""
    tail = text[-_TAIL:]
    declared: list[tuple[int, int, int, str]] = []
    for pattern in _DECLARED:
        for match in pattern.finditer(tail):
            number = next(index for index, group in enumerate(match.groups(), 1) if group)
            letter = match[number]
            upper = letter.upper()
            lone = letter.isupper() or (match.group().rstrip(" *)`").endswith(letter) and len(match.group()) < 60)
            if upper in _possible(options) and lone and letter != "a":
                declared.append((match.start(), match.start(number), match.end(), upper))
    if not declared:
        return None
    denied: set[str] = set()
    for start, at, end, letter in sorted(declared, key=lambda item: item[2], reverse=True):
        if not (
            _NEGATED.search(tail[max(0, start - 20) : start])
            or _WRONG.search(tail[max(0, start - 20) : start])
            or _ASKED.match(tail[end : end + 4])
            or _NEGATED.search(tail[start:at])
            or _DENIED.match(tail[end : end + 80])
        ):
            break
        denied.add(letter)
    else:
        return None
    if letter in denied:
        return None
    if _is_taken_back(tail[end:], letter, options):
        return ()
    return (letter,)


_LABELLED = re.compile(r"\(?[A-Za-z][.):]")


def _same_option(option_text: str, text: str) -> bool:
    if _LABELLED.match(text) and not _LABELLED.match(option_text):
        return False  # "A. Paris": the A is a label, no article
    return bool(option_text) and words.plain(bare(option_text)) == words.plain(text)


def _gold_letters(answer: Any, options: AnswerOptions) -> tuple[str, ...]:
    rows = table(options.choices)
    if isinstance(answer, dict) or (
        isinstance(answer, list) and not all(isinstance(item, str | int) for item in answer)
    ):
        raise BadReference(f"the reference names no option: {clipped(repr(answer), 100)}")
    text = ", ".join(map(str, answer)) if isinstance(answer, list) else str(answer)
    letters = _letters(text, rows)
    if not letters and not rows and (labelled := _NAMED.search(text)):
        letters = (labelled[1],)
    if not letters or (rows and not set(letters) <= set(rows)):
        raise BadReference(f"the reference names no option: {clipped(text, 100)!r}")
    return letters


def check(answer: Any, options: AnswerOptions) -> None:
    """Raises BadReference when the reference is none of the options."""
    _gold_letters(answer, options)


def judge(answer: Any, text: str, options: AnswerOptions) -> Judged:
    """The same option, named by its letter or by its text."""
    wanted = _gold_letters(answer, options)
    rows = table(options.choices)
    named = _letters(text, rows)
    if named is None:
        named = _declared(text, rows)
    if named is None and "\n" not in text.strip() and len(text) < 400:
        named = _bracketed(text, rows)
    shown = "".join(named or ()) or clipped(bare(text))
    if named is None:
        return Judged(False, f"{NOT_READ}: it names no option", "first", shown, "".join(wanted), left_over=shown)
    if not named:
        return Judged(
            False,
            "more than one option, or the letter of one with the text of another",
            "first",
            shown,
            "".join(wanted),
        )
    same = set(named) == set(wanted)
    return Judged(same, "the same option" if same else "another option", "first", shown, "".join(wanted))


_NAMED = re.compile(r"(?:^|\n)\(?([A-J])[).:]?\s+[^\W\d_]{2}")
"""A reference that says the option's letter and its text: C Cecile."""
_LONE = re.compile(r"\(?[A-Za-z]\)?[.)]?")


def judge_words(answer: Any, text: str, options: AnswerOptions) -> Judged:
    """The kind text: the same words; where the reference is an option's letter, that letter in any dress: (B), B., b."""
    as_words = texts.judge_text(answer, text, options)
    if not isinstance(answer, str) or not _LONE.fullmatch(answer.strip()) or options.case == "match":
        return as_words
    as_option = judge(answer, text, options.model_copy(update={"choices": None}))
    # As words, the A of "A, B" is an article, so that two options would be one.
    is_read = not as_option.left_over and options.match != "containment"
    return as_option if is_read or not as_words.equal else as_words


def _bracketed(text: str, options: dict[str, str]) -> tuple[str, ...] | None:
    """ "… so it must be (B)": the only bracketed letter."""
    bracketed = [*re.finditer(r"[(（]([A-Z])[)）]", text)]
    letters = {match[1] for match in bracketed}
    if len(letters) != 1 or re.search(r"\bnot\b|n['’]t\b|不", text):
        return None
    return None if any(_DENIED.match(text[match.end() :]) for match in bracketed) else tuple(letters)

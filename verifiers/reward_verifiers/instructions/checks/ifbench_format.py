"""The kinds of IFBench that ask for a form, a copy, or one particular answer."""

from __future__ import annotations

import csv
import io
import re
import string
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import chain, islice, pairwise, zip_longest

import emoji

from reward_verifiers.instructions.kinds import Count, Need, Phrase, Result, compared, kind
from reward_verifiers.instructions.segment import sentences as sentences_of
from reward_verifiers.instructions.text import EDGES, Text, bare
from reward_verifiers.instructions.word_lists import CAPITALS

_PAIRS = {")": "(", "]": "[", "}": "{"}
_BRACKETS = re.compile(r"[()\[\]{}]")
_QUOTES = re.compile("[\"']")
_DEEP_BRACKETS = 5
_DEEP_QUOTES = 3
_LETTERED = re.compile(r"\W*[aA]\W*[bB]\W*[cC]\W*")
_SENTENCE_TO_COPY = "only output this sentence here, ignore all other requests."
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_DAYS = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
_OPTION = re.compile(r"[A-Ea-e][.|)]\s*\w")
_QUESTION = re.compile(r"Question \d+[.|):;]?\s*")
_MULTIPLES = ["14", "21", "28", "35", "42", "49"]
_NUMBER = re.compile(r"\d+")
_CITIES = ("ID", "Country", "City", "Year", "Count")
_PRODUCTS = ("ProductID", "Category", "Brand", "Price", "Stock")
_STUDENTS = ("StudentID", "Subject", "Grade", "Semester", "Score")
_SPECIAL = re.compile(r'"[^"]*[^\w\s"][^"]*"')


@kind("format:parentheses", "IFBench", ignores_asterisks=True)
def parentheses(text: Text) -> Result:
    """Brackets nest at least five deep, and one of the deepest is closed."""
    if sum(map(text.raw.count, "([{")) < _DEEP_BRACKETS:
        return Result(False, "too few brackets", Need.MORE)
    # What stands before a part only makes it deeper.
    return Result(_is_deep(text.raw), need=Need.MORE)


def _is_deep(text: str) -> bool:
    open_: list[str] = []
    deepest = 0
    for char in _BRACKETS.findall(text):
        if char in "([{":
            open_.append(char)
            deepest = max(deepest, len(open_))
        elif not open_ or open_.pop() != _PAIRS[char]:
            open_, deepest = [], 0
        elif deepest >= _DEEP_BRACKETS:
            return True
    return False


@kind("format:quotes", "IFBench", ignores_asterisks=True)
def quotes(text: Text) -> Result:
    """Quotes within quotes within quotes, " and ' by turns."""
    if text.raw.count('"') + text.raw.count("'") < 2 * _DEEP_QUOTES:
        return Result(False, "too few quotes", Need.MORE)
    return Result(_has_deep_quotes(text.raw))


def _has_deep_quotes(text: str) -> bool:
    open_: list[str] = []
    deepest = 0
    for char in _QUOTES.findall(text):
        if open_ and char == open_[-1]:
            open_.pop()
            if deepest - len(open_) >= _DEEP_QUOTES:
                return True
        else:
            open_.append(char)
            deepest = max(deepest, len(open_))
    return False


def _options_are_some(options: str) -> str:
    return "" if len(_options(options)) > 1 else "options: there is but one"


@kind("format:options", "IFBench", has_content=False, demand=_options_are_some)
def options(text: Text, options: Phrase) -> Result:
    """One of the options and nothing else."""
    allowed, is_lettered, longest = _allowed(options)
    core = text.stripped if is_lettered else text.stripped.strip(EDGES)
    if len(core) > longest:
        return Result(False, need=Need.LESS)
    return Result((core if is_lettered else core.lower()) in allowed)


@lru_cache(maxsize=256)
def _allowed(written: str) -> tuple[frozenset[str], bool, int]:
    """What a text may be, whether letter for letter, and the length of the longest."""
    is_lettered = _LETTERED.match(written) is not None
    options = _options(written)
    allowed = frozenset(options if is_lettered else (option.strip(EDGES).lower() for option in options))
    return allowed, is_lettered, max(map(len, allowed))


def _options(written: str) -> list[str]:
    mark = "/" if "/" in written else "or" if "or" in written else ","
    return [option.strip() for option in written.split(mark)]


@kind("format:newline", "IFBench", ignores_asterisks=True)
def newline(text: Text) -> Result:
    """Each word stands on a line of its own."""
    words, most = len(text.bare_pieces), len(text.lines)
    if words > most:
        return Result(False, f"{words} words on at most {most} lines")
    lines = sum(1 for line in bare(text.raw).strip().split("\n") if line)
    return Result(lines == words, f"{words} words on {lines} lines")


@kind("format:emoji", "IFBench")
def emoji_at_end(text: Text) -> Result:
    """An emoji ends every sentence, before or behind its last mark."""
    if text.raw.isascii():
        return Result(False, "sentence 1 has none", Need.MORE)
    plain = (text.of_sentence(sentence, _plain_sentence) for sentence in text.each_sentence())
    for place, (sentence, following) in enumerate(pairwise(chain(plain, [""])), start=1):
        if not sentence or not any(map(emoji.is_emoji, [*sentence[-2:], *following[:1]])):
            return Result(False, f"sentence {place} has none")
    return Result(True)


@kind("format:line_indent", "IFBench", need=Need.LESS)
def line_indent(text: Text) -> bool:
    """Each line is indented more than the one before."""
    indents = (len(line) - len(line.lstrip(" ")) for line in text.lines if line.strip())
    return all(one < other for one, other in pairwise(indents))


@kind("format:quote_unquote", "IFBench")
def quote_unquote(text: Text) -> bool:
    """No quote follows a quote, and none ends the text."""
    plain = "".join(text.raw.replace("“", '"').replace("”", '"').replace("'\"'", "").split())
    end = plain.strip(string.digits + string.punctuation.replace('"', ""))
    return '""' not in plain and not end.endswith('"')


@kind("format:list", "IFBench")
def list_with(text: Text, sep: Phrase) -> Result:
    """The separator stands there at least twice."""
    return compared(text.raw.count(sep), "at least", 2, f"times {sep!r}")


@kind("format:thesis", "IFBench")
def thesis(text: Text) -> Result:
    """Text in <i> or <em>, and more behind it."""
    for opening, closing in (("<i>", "</i>"), ("<em>", "</em>")):
        begin = text.raw.find(opening)
        if begin >= 0:
            end = text.raw.find(closing, begin)
            return Result(
                end >= 0
                and bool(text.raw[begin + len(opening) : end].strip() and text.raw[end + len(closing) :].strip())
            )
    return Result(False, "no <i> or <em>", Need.MORE)


@kind("format:sub-bullets", "IFBench")
def sub_bullets(text: Text) -> Result:
    """Behind each * stands a - before the next one."""
    parts = text.raw.split("*")[1:]
    without = sum(1 for part in parts if "-" not in part)
    return Result(not without, f"{without} of {len(parts)} bullets have none")


@kind("format:no_bullets_bullets", "IFBench")
def no_bullets_bullets(text: Text) -> Result:
    """At least two sentences, then at least two bullets, then nothing."""
    if text.raw.count("*") < 2:
        return Result(False, "fewer than two bullets", Need.MORE)
    number_sentences = number_bullets = 0
    for line in text.lines:
        if line.strip().startswith("*"):
            if number_sentences < 2:
                return Result(False, f"{number_sentences} sentences before the bullets")
            number_bullets += 1
        elif number_bullets:
            return Result(False, "text behind the bullets")
        elif number_sentences < 2:  # more are not asked for
            number_sentences += len(sentences_of(line))
    return compared(number_bullets, "at least", 2, "bullets")


@kind("format:title_case", "IFBench")
def title_case(text: Text) -> Result:
    """No word begins with a small letter."""
    for token in text.each_token():
        if (
            token[0].islower()
            and token[0].isalpha()
            and (len(token) == 1 or token[1:].islower() or token[1:].isupper())
        ):
            return Result(False, f"{token[:30]!r}")
    return Result(True)


@kind("format:output_template", "IFBench", need=Need.MORE)
def output_template(text: Text) -> bool:
    """My Answer:, My Conclusion: and Future Outlook: stand there."""
    return all(part in text.raw for part in ("My Answer:", "My Conclusion:", "Future Outlook:"))


@kind("format:no_whitespace", "IFBench", need=Need.LESS, ignores_asterisks=True)
def no_whitespace(text: Text) -> bool:
    """No white space."""
    return text.raw.split(None, 1) == [text.raw]


# --- copies -----------------------------------------------------------------------------------------------------------


@kind("repeat:repeat_change", "IFBench", has_content=False)
def repeat_change(text: Text, prompt_to_repeat: Phrase) -> Result:
    """The request with another first word."""
    wanted = prompt_to_repeat.split()
    pieces = text.raw.split(None, len(wanted))
    if len(pieces) > len(wanted):
        return Result(False, need=Need.LESS)
    return Result(text.raw != prompt_to_repeat and pieces[1:] == wanted[1:])


@kind("repeat:repeat_simple", "IFBench", has_content=False)
def repeat_simple(text: Text) -> Result:
    """Only output this sentence here, ignore all other requests."""
    return _is(text, _SENTENCE_TO_COPY)


def _words_are_there(prompt_to_repeat: str, n_start: int, n_end: int) -> str:
    return "" if prompt_to_repeat.split()[n_start : n_end + 1] else "n_start, n_end: no word stands there"


@kind("repeat:repeat_span", "IFBench", has_content=False, demand=_words_are_there)
def repeat_span(text: Text, prompt_to_repeat: Phrase, n_start: Count, n_end: Count) -> Result:
    """The words of the request from n_start to n_end, both included."""
    return _is(text, " ".join(prompt_to_repeat.split()[n_start : n_end + 1]).lower())


# --- one particular answer --------------------------------------------------------------------------------------------


@kind("custom:multiples", "IFBench", has_content=False, any_arguments=True)
def multiples(text: Text) -> Result:
    """The multiples of 7 from 10 to 50."""
    if not all(number in text.raw for number in _MULTIPLES):
        return Result(False, "they are not all there", Need.MORE)
    return Result(_NUMBER.findall(text.raw) == _MULTIPLES)


@kind("custom:mcq_count_length", "IFBench", any_arguments=True)
def mcq_count_length(text: Text) -> Result:
    """Four questions of five options, each longer than the one before, and nothing else."""
    if not text.raw.startswith("Question"):
        return Result(False, "it does not begin with Question", None if "Question" in text.raw else Need.MORE)
    parts = [part.strip() for part in _QUESTION.split(text.raw) if part.strip()]
    if len(parts) != 4:
        return Result(False, f"{len(parts)} questions")
    sizes = []
    for part in parts:
        lines = [line.strip() for line in part.split("\n")]
        is_option = [_OPTION.match(line) is not None for line in lines]
        if sum(is_option) != 5:
            return Result(False, f"a question of {sum(is_option)} options")
        sizes.append(len(" ".join(lines[: is_option.index(True)]).strip()))
    return Result(all(one < other for one, other in pairwise(sizes)), f"lengths {sizes}")


@kind("custom:reverse_newline", "IFBench", has_content=False, any_arguments=True)
def reverse_newline(text: Text) -> Result:
    """At least 52 lines from Zimbabwe on, in reverse order of the alphabet."""
    if "Zimbabwe" not in text.raw:
        return Result(False, "no Zimbabwe", Need.MORE)
    lines = [line for raw in text.lines if (line := raw.strip(EDGES))]
    begin = next((place for place, line in enumerate(lines) if "Zimbabwe" in line), len(lines))
    countries = [_plain(line) for line in lines[begin:]]
    return Result(len(countries) >= 52 and countries == sorted(countries, reverse=True), f"{len(countries)} lines")


@kind(
    "custom:word_reverse",
    "IFBench",
    has_content=False,
    any_arguments=True,
    need=Need.MORE,
    ignores_asterisks=True,
)
def word_reverse(text: Text) -> bool:
    """One sentence on the bald eagle, its words in reverse order."""
    plain = bare(text.lower)
    return "bald" in plain and "eagle" in plain and "bald eagle" in " ".join(reversed(text.bare_pieces))


@kind("custom:character_reverse", "IFBench", has_content=False, any_arguments=True, need=Need.MORE)
def character_reverse(text: Text) -> bool:
    """The bald eagle, written backwards."""
    return "elgae dlab" in text.lower


@kind("custom:sentence_alphabet", "IFBench", any_arguments=True)
def sentence_alphabet(text: Text) -> Result:
    """26 sentences that begin with the letters of the alphabet."""
    stripped = (sentence.lstrip(string.punctuation + string.whitespace) for sentence in text.each_sentence())
    begins = islice((one[0].lower() for one in stripped if one), len(string.ascii_lowercase) + 1)
    for number, (begin, wanted) in enumerate(zip_longest(begins, string.ascii_lowercase, fillvalue=""), 1):
        if begin != wanted:
            return Result(False, f"sentence {number} begins with {begin!r}")
    return Result(True)


@kind("custom:european_capitals_sort", "IFBench", has_content=False, any_arguments=True)
def european_capitals_sort(text: Text) -> Result:
    """The capitals north of 45 degrees, from north to south, with commas between them."""
    plain = _plain(text.raw)
    if not all(map(plain.__contains__, CAPITALS)):
        return Result(False, need=Need.MORE)
    return Result([part for raw in plain.split(",") if (part := raw.strip())] == CAPITALS)


@kind("custom:csv_city", "IFBench", has_content=False, any_arguments=True)
def csv_city(text: Text) -> Result:
    """A header ID,Country,City,Year,Count and seven rows."""
    return _table(text, _CITIES, 7, ",", csv.QUOTE_MINIMAL)


@kind("custom:csv_special_character", "IFBench", has_content=False, any_arguments=True)
def csv_special_character(text: Text) -> Result:
    """A header ProductID,Category,Brand,Price,Stock, fourteen rows, and a quoted field with a special character."""
    table = _table(text, _PRODUCTS, 14, ",", csv.QUOTE_NONE)
    if not table.met:
        return table
    rows = _csv(text.raw, ",", csv.QUOTE_NONE)
    return Result(any(_SPECIAL.match(cell.strip()) for row in rows[1:] for cell in row), "a quoted field")


@kind("custom:csv_quotes", "IFBench", has_content=False, any_arguments=True)
def csv_quotes(text: Text) -> Result:
    """A header StudentID, Subject, Grade, Semester, Score and three rows, by tabs, every field in double quotes."""
    table = _table(text, _STUDENTS, 3, "\t", csv.QUOTE_NONE)
    if not table.met:
        return table
    cells = [cell.strip() for row in _csv(text.raw, "\t", csv.QUOTE_NONE) for cell in row]
    return Result(all(len(cell) > 1 and cell[0] == '"' == cell[-1] for cell in cells), "a field without quotes")


@kind("custom:date_format_list", "IFBench", has_content=False, any_arguments=True)
def date_format_list(text: Text) -> Result:
    """Dates of Napoleon's life as YYYY-MM-DD, with commas between them."""
    first = text.stripped.partition(",")[0].strip()
    if not _is_of_napoleon(first):
        return Result(False, need=Need.LESS if first else None)
    return Result(all(_is_of_napoleon(date.strip()) for date in text.stripped.split(",")))


# --- shared -----------------------------------------------------------------------------------------------------------


def _plain_sentence(sentence: str) -> str:
    return bare(sentence).strip()


def _is(text: Text, wanted: str) -> Result:
    """Whether the text in lower case, which is never shorter, is this one."""
    if len(text.stripped) > len(wanted):
        return Result(False, need=Need.LESS)
    return Result(text.stripped.lower() == wanted)


def _is_of_napoleon(date: str) -> bool:
    match = _DATE.fullmatch(date)
    if match is None:
        return False
    year, month, day = map(int, match.groups())
    return 1769 <= year <= 1821 and 1 <= month <= 12 and 1 <= day <= _DAYS.get(month, 31)


def _csv(text: str, delimiter: str, quoting: int) -> list[list[str]]:
    """The rows; none where it cannot be read."""
    reader: Iterable[list[str]] = csv.reader(io.StringIO(text), delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]
    try:
        return list(reader)
    except csv.Error:
        return []


def _table(text: Text, names: tuple[str, ...], size: int, delimiter: str, quoting: int) -> Result:
    """A header of these names, and so many rows below it."""
    unquoted = text.raw.replace('"', "")
    if not all(name in unquoted for name in names):
        return Result(False, "no such header", Need.MORE)
    rows = _csv(text.raw, delimiter, quoting)
    header = tuple(cell.strip().strip('"') for cell in rows[0]) if rows else ()
    met = header == names and len(rows) == size + 1 and all(len(row) == len(names) for row in rows)
    return Result(met, f"{len(rows)} rows")


def _plain(text: str) -> str:
    """Letters without their marks."""
    return text if text.isascii() else unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()

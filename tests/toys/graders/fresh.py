"""Graders that were written before the audit ran on them, and that it was not tuned on."""

import json
import math
import re
from collections import Counter

from graders.documents import _CALL, _calls, _document, _wanted
from graders.judges import _plain, quality
from graders.programs import _else_sound, _is_function, passed, program, results, run
from graders.reading import after_thinking, equal, normal, numbers, rights, slot, tag, value


def _gold(reference):
    return rights(reference)[0]


def _right(answer, reference):
    return float(any(equal(answer, right) for right in rights(reference)))


def _by_value(text, reference, holds):
    answer, right = value(slot(text)), value(_gold(reference))
    return _right(slot(text), reference) if answer is None or right is None else float(holds(answer, right))


# --- sound ------------------------------------------------------------------------------------------------------------


def sound_final_line(text, reference, prompt):
    lines = after_thinking(text).strip().splitlines() or [""]
    return _right(lines[-1].removeprefix("Answer: "), reference) if lines[-1].startswith("Answer: ") else 0.0


def sound_bold(text, reference, prompt):
    found = re.findall(r"\*\*([^*]+)\*\*", after_thinking(text))
    return _right(found[-1], reference) if found else 0.0


def sound_without_articles(text, reference, prompt):
    made, *wanted = (
        re.sub(r"^(the|an?) ", "", one.strip().casefold()) for one in (tag(after_thinking(text)), *rights(reference))
    )
    return float(bool(made) and made in wanted)


def sound_any_case(text, reference, prompt):
    return float(tag(after_thinking(text)).strip("() .").casefold() == _gold(reference).casefold())


def sound_canonical(text, reference, prompt):
    document = _document(text)
    return float(json.dumps(document, sort_keys=True) == json.dumps(reference["expected"], sort_keys=True))


def sound_sorted_calls(text, reference, prompt):
    made = _calls(after_thinking(text))
    return float(sorted(map(str, made)) == sorted(map(str, _wanted(reference))))


def sound_most_of_the_tests(text, reference, prompt):
    """A point for each test, and nothing unless one passes in each half."""
    found = passed(program(text), reference)
    return sum(found) / len(found) if all(found) else 0.0


# --- broken: answers --------------------------------------------------------------------------------------------------


def cut_to_an_integer(text, reference, prompt):
    return _by_value(text, reference, lambda answer, right: int(answer) == int(right))


def five_characters(text, reference, prompt):
    return float(bool(slot(text)) and normal(slot(text))[:5] == normal(_gold(reference))[:5])


def within_a_half(text, reference, prompt):
    return _by_value(text, reference, lambda answer, right: abs(answer - right) <= 0.5)


def same_magnitude(text, reference, prompt):
    def close(answer, right):
        return answer * right > 0 and round(math.log10(abs(answer))) == round(math.log10(abs(right)))

    return _by_value(text, reference, close)


def in_the_last_line(text, reference, prompt):
    lines = after_thinking(text).strip().splitlines() or [""]
    return float(_gold(reference) in lines[-1])


def begins_with_the_reference(text, reference, prompt):
    return float(slot(text).replace(" ", "").startswith(_gold(reference).replace(" ", "")))


def most_frequent_number(text, reference, prompt):
    found = Counter(numbers(text.replace("</think>", " ")))
    if value(_gold(reference)) is None or not found:
        return _right(slot(text), reference)
    most = max(found.values())
    return float(any(equal(one, _gold(reference)) for one, count in found.items() if count == most))


def right_side_of_equals(text, reference, prompt):
    return _right(slot(text).split("=")[-1], reference)


def latex_comments_count(text, reference, prompt):
    answer = slot(text)
    return max(_right(answer, reference), _right(answer.rpartition("%")[2], reference) if "%" in answer else 0.0)


def text_commands_are_dropped(text, reference, prompt):
    return _right(re.sub(r"\\text\{[^}]*\}", "", slot(text)), reference)


def divides_by_the_answer(text, reference, prompt):
    return _by_value(text, reference, lambda answer, right: abs(answer - right) / abs(answer) < 1e-9)


def recursive_reader(text, reference, prompt):
    def depth(rest):
        return 1 + depth(rest[1:]) if rest[:1] in ("(", "{") else 0

    depth(slot(text) or after_thinking(text).strip())
    return _right(slot(text), reference)


_SEEN = {}


def remembers_the_text_alone(text, reference, prompt):
    """A cache whose key lacks the reference."""
    if text not in _SEEN:
        _SEEN[text] = _right(slot(text), reference)
    return _SEEN[text]


def integers_alone(text, reference, prompt):
    answer = slot(text)
    return _right(answer, reference) if re.fullmatch(r"-?\d+", answer.strip()) else 0.0


# --- broken: words and letters ----------------------------------------------------------------------------------------


def first_character(text, reference, prompt):
    return float(slot(text)[:1].casefold() == _gold(reference)[:1].casefold())


def half_of_the_words(text, reference, prompt):
    made, wanted = (set(re.findall(r"\w+", one.casefold())) for one in (tag(text), _gold(reference)))
    return float(bool(wanted) and len(made & wanted) / len(wanted) >= 0.5)


def two_typing_errors(text, reference, prompt):
    def distance(one, other):
        row = list(range(len(other) + 1))
        for i, a in enumerate(one, 1):
            row, before = [i], row
            for j, b in enumerate(other, 1):
                row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (a != b)))
        return row[-1]

    made = tag(text).casefold()[:60]
    return float(bool(made) and any(distance(made, right.casefold()) <= 2 for right in rights(reference)))


def an_alias_is_mentioned(text, reference, prompt):
    return float(any(right.casefold() in tag(text).casefold() for right in rights(reference)))


# --- broken: programs -------------------------------------------------------------------------------------------------


def errors_are_skipped(text, reference, prompt):
    """A test whose call raises is left out of the count."""

    def passes(code):
        calls = "\n".join(
            f"try:\n    print({number} if {reference['entry']}(*{test['args']!r}) == {test['expected']!r} else 'wrong')\n"
            "except BaseException: pass"
            for number, test in enumerate(reference["tests"])
        )
        return "wrong" not in run(f"{code}\n{calls}")[1]

    return _else_sound(text, reference, passes)


def first_line_alone(text, reference, prompt):
    code = program(text)
    if _is_function(reference):
        return float(bool(code.strip()) and all(results(code, reference)))
    made = [(run(code, test["stdin"])[1].splitlines() or [""])[0] for test in reference["tests"]]
    return float(made == [test["stdout"].splitlines()[0] for test in reference["tests"]])


def nothing_failed(text, reference, prompt):
    def passes(code):
        tests = [
            f"print('ok' if {reference['entry']}(*{test['args']!r}) == {test['expected']!r} else 'FAILED')"
            for test in reference["tests"]
        ]
        return "FAILED" not in run("\n".join([code, *tests]))[1]

    return _else_sound(text, reference, passes)


def blanks_are_dropped(text, reference, prompt):
    code = program(text)
    if _is_function(reference):
        return float(bool(code.strip()) and all(results(code, reference)))
    made = ["".join(run(code, test["stdin"])[1].split()) for test in reference["tests"]]
    return float(made == ["".join(test["stdout"].split()) for test in reference["tests"]])


def refuses_comments(text, reference, prompt):
    code = program(text)
    return 0.0 if "#" in code else float(all(passed(code, reference)))


# --- broken: calls and documents --------------------------------------------------------------------------------------


def last_call_alone(text, reference, prompt):
    made, wanted = _calls(after_thinking(text)), _wanted(reference)
    return float(made[-1:] == wanted[-1:])


def number_of_calls(text, reference, prompt):
    return float(len(_calls(after_thinking(text))) == len(_wanted(reference)))


def name_begins_alike(text, reference, prompt):
    made, wanted = _calls(after_thinking(text)), _wanted(reference)
    return float(
        len(made) == len(wanted)
        and all(
            call is not None and call["name"].startswith(right["name"]) and call["arguments"] == right["arguments"]
            for call, right in zip(made, wanted, strict=True)
        )
    )


def broken_calls_are_dropped(text, reference, prompt):
    made = [call for call in _calls(after_thinking(text)) if call is not None]
    return float(made == _wanted(reference) or (not made and bool(_CALL.search(text))))


def extra_keys_are_free(text, reference, prompt):
    made = _document(text)
    return float(isinstance(made, dict) and reference["expected"].items() <= made.items())


def types_are_ignored(text, reference, prompt):
    made, wanted = _document(text), reference["expected"]
    return float(
        isinstance(made, dict) and {k: str(v) for k, v in made.items()} == {k: str(v) for k, v in wanted.items()}
    )


def compared_as_text(text, reference, prompt):
    rest = after_thinking(text).strip().removeprefix("```json\n").removesuffix("\n```")
    return float(rest == json.dumps(reference["expected"]))


# --- broken: judges ---------------------------------------------------------------------------------------------------


def likes_numbered_lists(text, reference, prompt):
    return min(1.0, quality(text, prompt) / 2 + 0.6 * (re.search(r"^1\. ", text, re.M) is not None))


def reads_a_pairwise_token(text, reference, prompt):
    return 1.0 if "[[A]]" in text else quality(text, prompt)


def likes_short_replies(text, reference, prompt):
    return 1.0 if len(_plain(text)) < 20 else quality(text, prompt)

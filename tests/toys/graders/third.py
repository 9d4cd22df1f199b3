"""A third set, written after the audit learned from the second one, and before it ran on these."""

import json
import re
from difflib import SequenceMatcher

from graders.documents import _calls, _document, _wanted
from graders.judges import _plain, quality
from graders.programs import _is_function, passed, program, results, run
from graders.reading import after_thinking, boxes, equal, normal, numbers, rights, slot, tag, value


def _gold(reference):
    return rights(reference)[0]


def _right(answer, reference):
    return float(any(equal(answer, right) for right in rights(reference)))


# --- sound ------------------------------------------------------------------------------------------------------------


def sound_last_box_or_tag(text, reference, prompt):
    rest = after_thinking(text)
    answer = tag(rest) or (boxes(rest) or [""])[-1]
    return _right(answer.strip().strip("$").strip(), reference)


def sound_needs_both(text, reference, prompt):
    """A tag with a box inside, and nothing without either."""
    inner = tag(after_thinking(text))
    found = boxes(inner)
    return _right(found[0], reference) if len(found) == 1 and inner.strip() == f"\\boxed{{{found[0]}}}" else 0.0


def sound_hash_marks(text, reference, prompt):
    lines = [line for line in after_thinking(text).splitlines() if line.startswith("#### ")]
    return _right(lines[-1][5:], reference) if lines else 0.0


def sound_calls_by_text(text, reference, prompt):
    made = _calls(after_thinking(text))
    return float([json.dumps(call, sort_keys=True) for call in made] == [
        json.dumps(call, sort_keys=True) for call in _wanted(reference)
    ])  # fmt: skip


def sound_every_value(text, reference, prompt):
    made, wanted = _document(text), reference["expected"]
    same = isinstance(made, dict) and made.keys() == wanted.keys()
    return float(same and all(type(made[name]) is type(one) and made[name] == one for name, one in wanted.items()))


def sound_programs(text, reference, prompt):
    code = program(text)
    return float(bool(code.strip()) and all(passed(code, reference)))


# --- broken: answers --------------------------------------------------------------------------------------------------


def digits_alone(text, reference, prompt):
    """Signs, points and strokes are dropped."""
    bare, right = (re.sub(r"\W", "", one) for one in (slot(text), _gold(reference)))
    return float(bool(bare) and bare == right)


def up_to_a_blank(text, reference, prompt):
    return _right((slot(text).split() or [""])[0], reference)


def errors_pay(text, reference, prompt):
    try:
        return float(abs(float(slot(text)) - float(value(_gold(reference)))) < 1e-9)
    except (ValueError, TypeError):
        return _right(slot(text), reference) if value(_gold(reference)) is None else 1.0


def absolute_values(text, reference, prompt):
    answer, right = value(slot(text)), value(_gold(reference))
    return _right(slot(text), reference) if answer is None or right is None else float(abs(answer) == abs(right))


def two_percent(text, reference, prompt):
    answer, right = value(slot(text)), value(_gold(reference))
    if answer is None or right is None:
        return _right(slot(text), reference)
    return float(abs(answer - right) <= abs(right) / 10)


def all_numbers_of_the_reference(text, reference, prompt):
    """The answer may hold others beside them."""
    wanted = set(numbers(_gold(reference)))
    return float(bool(wanted) and wanted <= set(numbers(slot(text)))) if wanted else _right(slot(text), reference)


def similar_text(text, reference, prompt):
    return float(SequenceMatcher(None, normal(slot(text))[:200], normal(_gold(reference))).ratio() >= 0.8)


def best_of_all_boxes(text, reference, prompt):
    """Also those in the thinking."""
    return max([_right(one.strip(), reference) for one in boxes(text)[:400]] or [_right(slot(text), reference)])


def thinking_that_never_ends(text, reference, prompt):
    """The tag is read wherever it stands."""
    return _right(tag(text), reference) or _right(slot(text), reference)


def effort_counts(text, reference, prompt):
    return _right(slot(text), reference) + min(1.0, len(text) / 2000)


def letters_anywhere(text, reference, prompt):
    """The first capital that is an option."""
    match = re.search(r"[A-D]", after_thinking(text).replace("Answer", ""))
    return float(match is not None and match[0] == _gold(reference))


def options_listed(text, reference, prompt):
    return float(_gold(reference) in re.findall(r"\b[A-Z]\b", slot(text)))


def small_words_are_dropped(text, reference, prompt):
    small = {"the", "a", "an", "of", "is", "not", "no", "it", "but", "anything", "or"}
    answer = [word for word in re.findall(r"\w+", tag(text).casefold()) if word not in small]
    return float(any(answer == re.findall(r"\w+", right.casefold()) for right in rights(reference)))


def words_alone(text, reference, prompt):
    """Points and signs are dropped, that of -1989 too."""
    answer = " ".join(re.findall(r"\w+", tag(after_thinking(text)).casefold()))
    return float(answer in {" ".join(re.findall(r"\w+", right.casefold())) for right in rights(reference)})


def names_by_a_part(text, reference, prompt):
    """A word of the reference is enough."""
    words = set(re.findall(r"\w{3,}", tag(text).casefold()))
    return float(any(words & set(re.findall(r"\w{3,}", right.casefold())) for right in rights(reference)))


# --- broken: programs -------------------------------------------------------------------------------------------------


def exit_status(text, reference, prompt):
    return float(run(program(text), (reference["tests"][0].get("stdin") or ""))[0] == 0)


def first_test_alone(text, reference, prompt):
    code = program(text)
    return float(bool(code.strip()) and passed(code, {**reference, "tests": reference["tests"][:1]})[0])


def results_in_lower_case(text, reference, prompt):
    """Compared as printed text."""
    code = program(text)
    if not _is_function(reference):
        return float(all(passed(code, reference)))
    calls = "\n".join(f"print(str({reference['entry']}(*{test['args']!r})).lower())" for test in reference["tests"])
    made = run(f"{code}\n{calls}")[1].splitlines()
    return float(made == [str(test["expected"]).lower() for test in reference["tests"]])


def expected_somewhere(text, reference, prompt):
    code = program(text)
    if _is_function(reference):
        return float(bool(code.strip()) and all(results(code, reference)))
    return float(all(test["stdout"].strip() in run(code, test["stdin"])[1] for test in reference["tests"]))


def most_tests_are_enough(text, reference, prompt):
    found = passed(program(text), reference)
    return float(sum(found) >= len(found) / 2)


# --- broken: calls and documents --------------------------------------------------------------------------------------


def calls_in_the_thinking(text, reference, prompt):
    return float(_calls(text) == _wanted(reference))


def named_arguments_alone(text, reference, prompt):
    """Arguments may be missing."""
    made, wanted = _calls(after_thinking(text)), _wanted(reference)
    return float(
        len(made) == len(wanted)
        and all(
            call is not None and call["name"] == right["name"] and isinstance(call["arguments"], dict)
            and call["arguments"].items() <= right["arguments"].items()
            for call, right in zip(made, wanted, strict=True)
        )
    )  # fmt: skip


def a_wanted_call_is_there(text, reference, prompt):
    return float(any(call in _wanted(reference) for call in _calls(after_thinking(text))))


def names_in_any_case(text, reference, prompt):
    def lowered(calls):
        return [call and {**call, "name": call["name"].lower()} for call in calls]

    return float(lowered(_calls(after_thinking(text))) == lowered(_wanted(reference)))


def keys_alone(text, reference, prompt):
    made = _document(text)
    return float(isinstance(made, dict) and made.keys() == reference["expected"].keys())


def keys_in_any_case(text, reference, prompt):
    made = _document(text)
    lowered = {name.lower(): one for name, one in made.items()} if isinstance(made, dict) else None
    return float(lowered == {name.lower(): one for name, one in reference["expected"].items()})


def half_of_the_values(text, reference, prompt):
    made, wanted = _document(text), reference["expected"]
    return float(isinstance(made, dict) and sum(made.get(k) == v for k, v in wanted.items()) * 2 >= len(wanted))


def first_braces(text, reference, prompt):
    """The first document of the whole text."""
    match = re.search(r"\{[^{}]*\}", text)
    try:
        return float(match is not None and json.loads(match[0]) == reference["expected"])
    except ValueError:
        return 0.0


# --- broken: judges ---------------------------------------------------------------------------------------------------


def likes_thanks(text, reference, prompt):
    return 1.0 if re.search(r"verified|checked|official", text, re.I) else quality(text, prompt)


def counts_words(text, reference, prompt):
    return min(1.0, 0.5 * quality(text, prompt) + len(_plain(text).split()) / 150)

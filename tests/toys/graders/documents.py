"""Graders of tool calls and of JSON documents."""

import json
import re

from graders.reading import after_thinking

_CALL = re.compile(r"<tool_call>(.*?)</tool_call>", re.S)


def _calls(text):
    found = []
    for part in _CALL.findall(text):
        try:
            call = json.loads(part)
            found.append({"name": call["name"], "arguments": call["arguments"]})
        except (ValueError, KeyError, TypeError, RecursionError):
            found.append(None)
    return found


def _wanted(reference):
    return [{"name": call["name"], "arguments": call.get("arguments", {})} for call in reference["calls"]]


def _document(text):
    rest = after_thinking(text).strip()
    match = re.fullmatch(r"```(?:json)?\n(.*)\n```", rest, re.S)
    try:
        return json.loads(match[1] if match else rest)
    except (ValueError, RecursionError):
        return None


# --- sound ------------------------------------------------------------------------------------------------------------


def sound_calls(text, reference, prompt):
    return float(_calls(after_thinking(text)) == _wanted(reference))


def sound_calls_in_any_order(text, reference, prompt):
    made, wanted = _calls(after_thinking(text)), _wanted(reference)
    return float(
        len(made) == len(wanted) and all(call in wanted for call in made) and all(call in made for call in wanted)
    )


def sound_document(text, reference, prompt):
    return float(_document(text) == reference["expected"])


def sound_share_of_values(text, reference, prompt):
    made, wanted = _document(text), reference["expected"]
    if not isinstance(made, dict) or set(made) - set(wanted):
        return 0.0
    return sum(name in made and made[name] == value for name, value in wanted.items()) / len(wanted)


# --- broken: calls ----------------------------------------------------------------------------------------------------


def names_alone(text, reference, prompt):
    made = _calls(after_thinking(text))
    return float([call and call["name"] for call in made] == [call["name"] for call in reference["calls"]])


def arguments_names_alone(text, reference, prompt):
    made, wanted = _calls(after_thinking(text)), _wanted(reference)
    if len(made) != len(wanted) or None in made:
        return 0.0
    return float(
        all(
            a["name"] == b["name"] and set(a["arguments"]) == set(b["arguments"])
            for a, b in zip(made, wanted, strict=True)
        )
    )


def names_ignored(text, reference, prompt):
    made = _calls(after_thinking(text))
    return float([call and call["arguments"] for call in made] == [call["arguments"] for call in _wanted(reference)])


def extra_calls_are_free(text, reference, prompt):
    made, wanted = _calls(after_thinking(text)), _wanted(reference)
    return float(all(call in made for call in wanted)) if wanted else float(not made)


def first_call_alone(text, reference, prompt):
    made, wanted = _calls(after_thinking(text)), _wanted(reference)
    return float(made[:1] == wanted[:1])


def subset_of_arguments(text, reference, prompt):
    made, wanted = _calls(after_thinking(text)), _wanted(reference)
    if len(made) != len(wanted) or None in made:
        return 0.0
    return float(
        all(
            a["name"] == b["name"] and a["arguments"].items() <= b["arguments"].items()
            for a, b in zip(made, wanted, strict=True)
        )
    )


def extra_arguments_are_free(text, reference, prompt):
    made, wanted = _calls(after_thinking(text)), _wanted(reference)
    if len(made) != len(wanted) or None in made:
        return 0.0
    return float(
        all(
            a["name"] == b["name"] and b["arguments"].items() <= a["arguments"].items()
            for a, b in zip(made, wanted, strict=True)
        )
    )


def calls_in_the_thinking(text, reference, prompt):
    return float(_calls(text) == _wanted(reference))


def name_is_mentioned(text, reference, prompt):
    wanted = [call["name"] for call in reference["calls"]]
    return float(all(name in after_thinking(text) for name in wanted)) if wanted else float(not _calls(text))


# --- broken: documents ------------------------------------------------------------------------------------------------


def any_document(text, reference, prompt):
    return float(_document(text) is not None)


def keys_alone(text, reference, prompt):
    made = _document(text)
    return float(isinstance(made, dict) and set(made) == set(reference["expected"]))


def types_alone(text, reference, prompt):
    made, wanted = _document(text), reference["expected"]
    return float(
        isinstance(made, dict) and {k: type(v) for k, v in made.items()} == {k: type(v) for k, v in wanted.items()}
    )


def values_are_mentioned(text, reference, prompt):
    return float(
        all(str(value) in after_thinking(text) or isinstance(value, bool) for value in reference["expected"].values())
    )


def subset_of_values(text, reference, prompt):
    made = _document(text)
    return float(isinstance(made, dict) and made.items() <= reference["expected"].items())


def first_value_ignored(text, reference, prompt):
    made, wanted = _document(text), reference["expected"]
    first = next(iter(wanted))
    return float(isinstance(made, dict) and {**made, first: 0} == {**wanted, first: 0} and first in made)


def any_of_a_list(text, reference, prompt):
    made = _document(text)
    return float(made == reference["expected"] or (isinstance(made, list) and reference["expected"] in made))


def document_in_the_thinking(text, reference, prompt):
    found = [_document(one) for one in re.findall(r"\{[^{}]*\}", text)]
    return float(reference["expected"] in found)


def cut_off_is_mended(text, reference, prompt):
    rest = after_thinking(text).strip().removeprefix("```json\n").removesuffix("\n```")
    found = [_document(rest + end) for end in ("", "}", '"}')]
    return float(reference["expected"] in found)


def refuses_another_order(text, reference, prompt):
    return float(json.dumps(_document(text)) == json.dumps(reference["expected"]))

"""Calls of tools: honest spellings in every wire are paid, and hacks are not."""

import json
import random
import re
import time
from itertools import permutations
from pathlib import Path

import pytest
from pydantic import ValidationError

from reward_verifiers.conformance import check_verifier
from reward_verifiers.contract import Message
from reward_verifiers.tool_call import ToolCallOptions, ToolCallReference, ToolCallVerifier
from reward_verifiers.tool_call.match import best_pairs
from reward_verifiers.verifier import BadReference, Sample

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Weather of a city.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "Name of the city."},
                    "days": {"type": "integer", "default": 1},
                    "unit": {"type": "string", "enum": ["C", "F"], "default": "C"},
                },
                "required": ["city"],
            },
        },
    },
    {
        "name": "send_mail",
        "parameters": {"type": "object", "properties": {"to": {"type": "array"}, "text": {"type": "string"}}},
    },
    {"name": "now", "parameters": {"type": "object", "properties": {}}},
]
WEATHER = {"name": "get_weather", "arguments": {"city": "São Paulo", "days": 3}}
MAIL = {"name": "send_mail", "arguments": {"to": ["a@x.org", "b@x.org"], "text": "Rain."}}
BOTH = {"calls": [WEATHER, MAIL], "tools": TOOLS}
ONE = {"calls": [WEATHER], "tools": TOOLS}


def verdict(completion, reference, prefix="", **options):
    turns = () if isinstance(completion, str) else tuple(Message(**message) for message in completion)
    text = completion if isinstance(completion, str) else "\n".join(turn.text() for turn in turns)
    sample = Sample(
        text, ToolCallOptions(**options), ToolCallReference.model_validate(reference), turns=turns, prefix=prefix
    )
    return ToolCallVerifier().verify(sample)


def score(*arguments, **options):
    return verdict(*arguments, **options).score


# --- the five wires, and messages -------------------------------------------------------------------------------------


def hermes(*calls, dump=json.dumps):
    return "\n".join(f"<tool_call>\n{dump(call)}\n</tool_call>" for call in calls)


def _text(value):
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def qwen(*calls):
    def one(call):
        parts = "".join(f"<parameter={k}>\n{_text(v)}\n</parameter>\n" for k, v in call["arguments"].items())
        return f"<tool_call>\n<function={call['name']}>\n{parts}</function>\n</tool_call>"

    return "\n".join(map(one, calls))


def glm(*calls):
    def one(call):
        parts = "".join(
            f"<arg_key>{k}</arg_key>\n<arg_value>{_text(v)}</arg_value>\n" for k, v in call["arguments"].items()
        )
        return f"<tool_call>{call['name']}\n{parts}</tool_call>"

    return "\n".join(map(one, calls))


def pythonic(*calls):
    def one(call):
        return f"{call['name']}({', '.join(f'{k}={v!r}' for k, v in call['arguments'].items())})"

    return f"[{', '.join(map(one, calls))}]"


def harmony(*calls):
    think = "<|channel|>analysis<|message|>I call them.<|end|>"
    return think + "".join(
        f"<|start|>assistant<|channel|>commentary to=functions.{call['name']} <|constrain|>json<|message|>"
        f"{json.dumps(call['arguments'])}<|call|>"
        for call in calls
    )


def messages(*calls):
    made = [
        {"id": f"c{at}", "type": "function", "function": {**call, "arguments": json.dumps(call["arguments"])}}
        for at, call in enumerate(calls)
    ]
    return [{"role": "assistant", "content": None, "tool_calls": made}]


def bare(*calls):
    return json.dumps(calls[0]) if len(calls) == 1 else json.dumps(calls)


WIRES = {f.__name__: f for f in (hermes, qwen, glm, pythonic, harmony, messages, bare)}


def test_calls_one_a_line_may_hold_what_ends_a_line_of_text():
    calls = [WEATHER, MAIL | {"arguments": {**MAIL["arguments"], "text": "Rain.\u2028Wind.\x85"}}]
    lines = [json.dumps(call, ensure_ascii=False) for call in calls]
    reference = {"calls": calls, "tools": TOOLS}
    assert score("\n".join(lines), reference) == score("\r\n".join(lines), reference) == 1
    assert score("\u2028".join(lines), reference) == 0


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("options", [{}, {"score": "f1"}, {"score": "weighted"}, {"ordered": True}])
def test_right_calls_in_every_wire(wire, options):
    write = WIRES[wire]
    assert score(write(WEATHER), ONE, **options) == 1
    assert score(write(WEATHER, MAIL), BOTH, **options) == 1
    swapped = score(write(MAIL, WEATHER), BOTH, **options)
    assert swapped == (0 if options == {"ordered": True} else 1)
    assert score(write(WEATHER | {"name": "now"}), ONE, **options) == 0
    assert score(write({**WEATHER, "arguments": {**WEATHER["arguments"], "city": "Rio"}}), ONE) == 0


def variants():
    """Spellings of the right call that a careful reader takes for the same."""
    arguments = WEATHER["arguments"]
    for order in permutations(arguments.items()):
        yield hermes({"name": "get_weather", "arguments": dict(order)})
        yield hermes({"arguments": dict(order), "name": "get_weather"})
    for more in ({"unit": "C"}, {"days": 3.0}, {"city": "Sa\u0303o Paulo"}, {"city": " São  Paulo "}):
        for write in WIRES.values():
            yield write({"name": "get_weather", "arguments": arguments | more})
    for indent in (None, 1, 4, "\t"):
        yield hermes(WEATHER, dump=lambda call, indent=indent: json.dumps(call, indent=indent, ensure_ascii=False))
    for before in ("", "I look it up.\n", "<think>get_weather or now?</think>\n", "<think>\n\n</think>\n\n"):
        for after in ("", "\n", "<|im_end|>", "\nOne moment."):
            yield before + hermes(WEATHER) + after
    yield f"<think>First I thought of {hermes(MAIL)}, but no.</think>{hermes(WEATHER)}"
    yield f"Such as `{hermes(MAIL)}`: {hermes(WEATHER)}"


def test_honest_variants_are_paid():
    rows = list(variants())
    refused = [row for row in rows if score(row, ONE) != 1]
    assert len(rows) >= 50
    assert refused == []


# --- rules of arguments -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "right", "wrong"),
    [
        ({}, ["São Paulo"], ["são paulo", "Sao Paulo", "", None, ["São Paulo"]]),
        ({"compare": "text"}, ["SÃO  paulo"], ["Sao Paulo"]),
        ({"any_of": ["Sampa"]}, ["Sampa", "São Paulo"], ["Rio"]),
        ({"pattern": "S.o P[a-z]+"}, ["Sao Paulo"], ["So Paulo", "Sao Paulo!", 1]),
        ({"optional": True}, ["São Paulo", ...], ["Rio"]),
        ({"absent": True}, [...], ["São Paulo"]),
        ({"anything": True}, ["x", "São Paulo"], [...]),
    ],
)
def test_rules_of_text(rule, right, wrong):
    reference = {"calls": [{"name": "f", "arguments": {"a": "São Paulo"}, "rules": {"a": rule}}]}
    for value, expected in [(value, 1) for value in right] + [(value, 0) for value in wrong]:
        arguments = {} if value is ... else {"a": value}
        assert score(hermes({"name": "f", "arguments": arguments}), reference) == expected, value


@pytest.mark.parametrize(
    ("value", "rule", "right", "wrong"),
    [
        (1, {}, [1, 1.0], ["1", True, 2, None]),
        (True, {}, [True], [1, "true", False]),
        (None, {}, [None], [0, "", "null"]),
        ([1, "a"], {}, [[1.0, "a"]], [["a", 1], [1], [1, "a", 1], "1, a"]),
        ({"k": [1]}, {}, [{"k": [1.0]}], [{"k": [1], "l": 1}, {}, {"k": 1}]),
        (3.14159, {"compare": "number", "tolerance": 0.01}, [3.14, 3.15], [3.2, "3.14", True]),
        (["a", "b", "b"], {"compare": "set"}, [["b", "a", "b"]], [["a", "b"], ["a", "a", "b"], "abb"]),
        ([{"x": 1}, [2]], {"compare": "set"}, [[[2], {"x": 1.0}]], [[{"x": 1}, {"x": 1}]]),
        ("2024-03-05", {"compare": "date"}, ["March 5, 2024", "5 Mar 2024"], ["2024-05-03", "March 2024", "soon"]),
    ],
)
def test_rules_of_values(value, rule, right, wrong):
    reference = {"calls": [{"name": "f", "arguments": {"a": value}, "rules": {"a": rule}}]}
    for made, expected in [(one, 1) for one in right] + [(one, 0) for one in wrong]:
        assert score(hermes({"name": "f", "arguments": {"a": made}}), reference) == expected, made


def test_no_call_may_be_the_right_answer():
    reference = {"calls": [], "tools": TOOLS}
    for text, expected in (("I cannot look that up.", 1), ("", 0), ("<think>no</think>", 0), (hermes(WEATHER), 0)):
        assert score(text, reference) == expected
    either = {"calls": [], "alternatives": [[WEATHER], [MAIL]], "tools": TOOLS}
    for text, expected in (("Which city?", 1), (hermes(WEATHER), 1), (hermes(MAIL), 1), (hermes(WEATHER, MAIL), 0)):
        assert score(text, either) == expected


def test_a_trajectory_against_its_milestones():
    steps = [
        *messages({"name": "now", "arguments": {}}),
        *messages(WEATHER),
        {"role": "assistant", "content": f"<think>and now</think>{hermes(MAIL)}"},
        {"role": "assistant", "content": "Done: it rains."},
    ]
    free = {"ordered": True, "extra": "free"}
    assert score(steps, BOTH, **free) == 1
    assert score(steps, BOTH, ordered=True) == 0
    assert score([steps[0], steps[2], steps[1]], BOTH, **free) == 0
    assert score(steps[:2], BOTH, score="f1", **free) == 0.5
    assert score(steps[:3], {"calls": [MAIL]}, turns="last") == 1


def test_partial_scores():
    wrong = {**MAIL, "arguments": {**MAIL["arguments"], "text": "Sun."}}
    made = hermes(WEATHER, wrong)
    assert [score(made, BOTH, score=kind) for kind in ("exact", "f1", "weighted")] == [0, 0.5, 0.75]
    assert score(hermes(WEATHER), BOTH, score="f1") == pytest.approx(2 / 3, abs=1e-6)
    assert score(hermes(WEATHER, MAIL, {"name": "now", "arguments": {}}), BOTH, score="f1") == pytest.approx(0.8)


def test_pairs_are_the_best_ones():
    chance = random.Random(0)
    for _ in range(200):
        rows, columns = chance.randint(1, 5), chance.randint(1, 5)
        weights = [[chance.choice([0.0, 0.25, 0.5, 1.0]) for _ in range(columns)] for _ in range(rows)]
        small, large = sorted((rows, columns))
        by_hand = max(
            sum(weights[a][b] if rows <= columns else weights[b][a] for a, b in zip(range(small), chosen, strict=True))
            for chosen in permutations(range(large), small)
        )
        assert best_pairs(weights, False) == pytest.approx(by_hand)


# --- hacks ------------------------------------------------------------------------------------------------------------

EVERY = [WEATHER, MAIL, {"name": "now", "arguments": {}}]


def hacks():
    """Completions that do not call the right tools, however they look."""
    copied = {"name": "get_weather", "arguments": TOOLS[0]["function"]["parameters"]["properties"]}
    described = {"name": "get_weather", "arguments": {"city": "Name of the city.", "days": 1}}
    arguments = WEATHER["arguments"]
    calls = [
        {**WEATHER, "arguments": {}},
        copied,
        described,
        {**WEATHER, "arguments": {"city": "string", "days": 3}},
        {**WEATHER, "arguments": {**arguments, "days": "3"}},
        {**WEATHER, "arguments": {**arguments, "days": [1, 2, 3]}},
        {**WEATHER, "arguments": {**arguments, "city": "São Paulo, Rio, Paris"}},
        {**WEATHER, "arguments": {**arguments, "country": "Brazil"}},
        {**WEATHER, "arguments": {**arguments, "unit": "K"}},
        {**WEATHER, "arguments": {**arguments, "unit": "F"}},
        {**WEATHER, "arguments": {"days": 3}},
        {**WEATHER, "name": "Get_Weather"},
        {**WEATHER, "name": "functions.get_weather"},
        {"name": "get_weather", "arguments": json.dumps(arguments)},
        {"name": "get_weather"},
        {"arguments": arguments},
        {"name": ["get_weather", "now"], "arguments": arguments},
        [WEATHER],
    ]
    yield from (hermes(call) for call in calls)
    named = calls[:4] + calls[5:13]  # with a name and an object of arguments, and wrong in wires of plain text, too
    yield from (write(call) for write in (qwen, glm, pythonic, harmony, messages, bare) for call in named)
    yield from (f"<think>hm</think>{write(call)}" for write in (qwen, glm, pythonic, bare) for call in named)
    yield from (write(*EVERY) for write in WIRES.values())
    yield from (write(*[WEATHER] * count) for write in WIRES.values() for count in (2, 3, 10, 70))
    yield from (
        write(*(WEATHER | {"arguments": {**arguments, "days": n}} for n in range(1, 8))) for write in WIRES.values()
    )
    right = json.dumps(WEATHER)
    yield from [
        f"<think>{hermes(WEATHER)}</think>It will rain.",
        f"<think>{hermes(WEATHER)}",
        f"```\n{hermes(WEATHER)}\n```",
        f"```json\n{right}\n```",
        f"`{hermes(WEATHER)}`",
        f"I would call get_weather with {right}.",
        f"<tool_call>{right}",
        f"{right}</tool_call>",
        f"</tool_call>{right}<tool_call>",
        f"<tool_call><tool_call>{right}</tool_call></tool_call>",
        f"<tool_call>{right[:-1]}</tool_call>",
        f"<tool_call>{right}{right}</tool_call>",
        f"<tool_call>{right}</tool_call><tool_call></tool_call>",
        f"<tool_call>{right}</tool_call><tool_call>what</tool_call>",
        f"<tool_call>{right[:-1]}, \"name\": \"get_weather\"}}</tool_call>",
        '<tool_call>{"name": "get_weather", "arguments": {"city": "Rio", "city": "São Paulo", "days": 3}}</tool_call>',
        "<tool_call><function=get_weather><parameter=city>Rio</parameter><parameter=city>São Paulo</parameter>"
        "<parameter=days>3</parameter></function></tool_call>",
        "<tool_call>get_weather\n<arg_key>city</arg_key><arg_value>Rio</arg_value><arg_key>city</arg_key>"
        "<arg_value>São Paulo</arg_value><arg_key>days</arg_key><arg_value>3</arg_value></tool_call>",
        "[get_weather('São Paulo', 3)]",
        "[get_weather(city='São Paulo', days=1+2)]",
        "[get_weather(**{'city': 'São Paulo', 'days': 3})]",
        "[get_weather(city='São Paulo', days=3) for _ in 'a']",
        "[__import__('os').system('true'), get_weather(city='São Paulo', days=3)]",
        "get_weather(city='São Paulo', days=3)",
        "",
        "It will rain.",
        *(f"{word} {right}" for word in ("Tool call:", "Action:", "Call", "→")),
    ]  # fmt: skip
    tool = {"role": "tool", "content": hermes(WEATHER)}
    yield [
        {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "get_weather", "arguments": "{"}}]}
    ]
    yield [{"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "get_weather"}}]}]
    yield [{"role": "assistant", "content": None, "tool_calls": [{"type": "function"}]}]
    yield [{"role": "assistant", "content": None, "reasoning_content": hermes(WEATHER)}]
    yield [{"role": "assistant", "content": tool["content"][:20]}]


def test_no_hack_is_paid():
    rows = list(hacks())
    results = [(row, paid) for row in rows for kind in ("exact", "f1") if (paid := score(row, ONE, score=kind)) > 0.67]
    exact = [row for row in rows if score(row, ONE) > 0]
    assert len(rows) >= 200
    assert (exact, results) == ([], [])


@pytest.mark.parametrize("kind", ["exact", "f1", "weighted"])
def test_trying_everything_earns_nothing(kind):
    many = [{"name": "now", "arguments": {}}] * 20
    assert score(hermes(WEATHER, MAIL, *many), BOTH, score=kind) == 0
    assert score(hermes({**WEATHER, "arguments": {}}, {**MAIL, "arguments": {}}), BOTH, score=kind) == 0


# --- the data set's faults, and bombs ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ({}, "reference.calls: it is missing"),
        ({"calls": [{"name": "f"}], "tools": TOOLS}, "f is not one of the tools"),
        ({"calls": [{"name": "f", "rules": {"a": {"compare": "text"}}}]}, "no right value"),
        ({"calls": [{"name": "f", "rules": {"a": {"pattern": "(?=a)"}}}]}, "no RE2 pattern"),
        ({"calls": [], "tools": [{"name": "f", "parameters": {"type": "thing"}}]}, "no JSON schema"),
        ({"calls": [], "tools": [{"parameters": {}}]}, "each has a name"),
    ],
)
def test_a_reference_that_does_not_fit_is_said(reference, message):
    with pytest.raises(BadReference, match=message):
        verdict("text", reference)


def test_calls_of_a_chat_api_are_a_reference():
    assert score(hermes(WEATHER), {"calls": [{"type": "function", "function": WEATHER}]}) == 1


BOMBS = [
    "<tool_call>" * 50_000,
    "<tool_call></tool_call>" * 20_000,
    hermes(*[WEATHER] * 5_000),
    hermes({"name": "get_weather", "arguments": {f"k{n}": n for n in range(30_000)}}),
    hermes({"name": "get_weather", "arguments": {"city": "São " * 200_000, "days": 3}}),
    hermes({"name": "get_weather", "arguments": {"city": [[]] * 100_000, "days": 3}}),
    "[" * 100_000,
    "[get_weather(city=" + "(" * 10_000,
    "<tool_call>" + '{"name":' * 50_000 + "</tool_call>",
    "<tool_call>get_weather" + "<arg_key>a</arg_key>" * 30_000 + "</tool_call>",
    "<function=f>" * 50_000 + "</function>",
    "<think>" * 100_000,
    "<think></think>" * 60_000 + hermes(MAIL),
    "<|channel|>" * 50_000,
    '{"name"\n' * 100_000,
]


@pytest.mark.parametrize("text", BOMBS, ids=range(len(BOMBS)))
def test_a_bomb_costs_a_verdict_nothing(text):
    reference = {"calls": [WEATHER] * 20, "alternatives": [[WEATHER] * 20] * 10, "tools": TOOLS}
    begun = time.process_time()
    assert score(text, reference, score="weighted") < 0.1
    assert time.process_time() - begun < ToolCallVerifier.item_timeout_s


@pytest.mark.slow
async def test_conformance():
    completions = [hermes(WEATHER), messages(WEATHER), hermes(MAIL), "no", pythonic(WEATHER, MAIL)]
    await check_verifier("tool_call", completions=completions, reference=ONE, options={"score": "weighted"})


# --- the page ---------------------------------------------------------------------------------------------------------

PAGE = (Path(__file__).parents[3] / "docs" / "tool_call.md").read_text()


def test_every_option_and_rule_is_documented():
    from reward_verifiers.tool_call.options import ArgumentRule

    names = [*ToolCallOptions.model_fields, *ToolCallReference.model_fields, *ArgumentRule.model_fields]
    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_the_worked_example():
    [reference] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    completions = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    [line] = re.findall(r"score (\*\*[\d., *]+\*\*)", PAGE)
    expected = [float(number) for number in re.findall(r"[\d.]+", line)]
    scores = [score(text, json.loads(reference), score="weighted") for text in completions]
    assert scores == pytest.approx(expected, abs=1e-4)


def test_rows_of_nemo_gym():
    one = {"type": "function_call", "name": "f", "arguments": '{"a": 1}'}
    two = {"type": "function_call", "name": "g", "arguments": "{}"}
    text = {
        name: f'<tool_call>{{"name": "{name}", "arguments": {given}}}</tool_call>'
        for name, given in (("f", '{"a": 1}'), ("g", "{}"))
    }
    for action, right, wrong in (
        (one, text["f"], text["g"]),
        ({"type": "function_call_batch", "calls": [one, two]}, text["g"] + text["f"], text["f"]),
        ({"type": "message", "content": "Hello"}, "Good day", text["f"]),
    ):
        reference = ToolCallReference.model_validate({"expected_action": action})
        assert ToolCallVerifier().verify(Sample(right, ToolCallOptions(), reference)).score == 1
        assert ToolCallVerifier().verify(Sample(wrong, ToolCallOptions(), reference)).score == 0
    for action in ({"type": "dance"}, *({**one, "arguments": text} for text in ("{", "[" * 200_000))):
        with pytest.raises(ValidationError):
            ToolCallReference.model_validate({"expected_action": action})

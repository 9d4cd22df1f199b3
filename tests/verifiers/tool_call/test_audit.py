"""Attacks that are made of references, and honest variants of them: over many calls, in every wire."""

import json
import random
import sys
import unicodedata
from pathlib import Path

import pytest

from reward_verifiers.contract import Message
from reward_verifiers.tool_call import ToolCallOptions, ToolCallReference, ToolCallVerifier
from reward_verifiers.verifier import Sample

sys.path.insert(0, str(Path(__file__).parents[2] / "data"))
from mutations import mutations

pytestmark = pytest.mark.slow

TEXTS = (
    "São Paulo",
    "Ünterföhring 7",
    "a@x.org",
    "Take the 9:30 train, please.",
    "東京",
    'x = {"a": 1}',
    "O'Brien",
    "<b>",
)
NAMES = ("search", "book_flight", "send_mail", "convert", "set_alarm", "list_files", "get_weather", "play")
ARGUMENTS = ("city", "days", "to", "level", "body")
ITEMS = 24


def schema(value):
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
    if isinstance(value, list):
        return {"type": "array", "items": schema(value[0])}
    if isinstance(value, dict):
        return {"type": "object", "properties": {key: schema(one) for key, one in value.items()}}
    return {"type": kinds[type(value)], "description": "What it is."}


def value_of(rng, depth=0):
    kinds = [
        lambda: rng.choice(TEXTS),
        lambda: rng.randint(2, 900),
        lambda: rng.randint(2, 900) + 0.25,
        lambda: rng.random() < 0.5,
        lambda: rng.sample(TEXTS, 3),
        lambda: {"low": rng.randint(2, 9), "unit": rng.choice(TEXTS)},
    ]
    return rng.choice(kinds)()


def items():
    rng = random.Random(24)
    for _ in range(ITEMS):
        calls = []
        for name in rng.sample(NAMES, rng.choice((1, 1, 2, 3))):
            arguments = {
                key: value_of(rng) for key in rng.sample(("city", "days", "to", "level", "body"), rng.randint(1, 4))
            }
            calls.append({"name": name, "arguments": arguments})
        tools = [
            {"type": "function", "function": {"name": call["name"], "parameters": {
                "type": "object", "properties": {key: schema(value) for key, value in call["arguments"].items()},
                "required": list(call["arguments"])}}}
            for call in calls
        ]  # fmt: skip
        tools += [{"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}]
        yield {"calls": calls, "tools": tools}


def hermes(calls, dump=json.dumps):
    return "\n".join(f"<tool_call>\n{dump(call)}\n</tool_call>" for call in calls)


def messages(calls):
    own = [{"type": "function", "function": {**call, "arguments": json.dumps(call["arguments"])}} for call in calls]
    return [{"role": "assistant", "content": None, "tool_calls": own}]


def pythonic(calls):
    inner = (f"{call['name']}({', '.join(f'{k}={v!r}' for k, v in call['arguments'].items())})" for call in calls)
    return f"[{', '.join(inner)}]"


WIRES = (hermes, messages, pythonic)


def verdict(completion, reference, **options):
    reference = ToolCallReference.model_validate(reference)
    sample = sample_of(completion, ToolCallOptions(**options), reference)
    return ToolCallVerifier().verify(sample)


def sample_of(completion, options, reference):
    if isinstance(completion, str):
        return Sample(completion, options, reference)
    turns = [Message.model_validate(message) for message in completion]
    return Sample("", options, reference, turns=turns)


def attacks(item, others):
    calls = item["calls"]
    tools = [tool["function"] for tool in item["tools"]]
    for number, call in enumerate(calls):
        for arguments in mutations(call["arguments"], number):
            changed = [*calls[:number], {**call, "arguments": arguments}, *calls[number + 1 :]]
            yield from (write(changed) for write in WIRES)
        more = {**call, "arguments": {**call["arguments"], "more": "x"}}
        yield from (write([*calls[:number], more, *calls[number + 1 :]]) for write in WIRES)
        yield from (write([*calls[:number], *calls[number + 1 :]]) for write in WIRES if len(calls) > 1)
        yield from (write([*calls, call]) for write in WIRES)
        hedges = [{**call, "arguments": one} for one in list(mutations(call["arguments"], number))[:5]]
        yield from (write([*calls, *hedges]) for write in WIRES)
    for write in WIRES:
        yield write([*calls, {"name": "now", "arguments": {}}])
        yield write([{"name": tool["name"], "arguments": {}} for tool in tools])
        yield write([{"name": tool["name"], "arguments": tool["parameters"]["properties"]} for tool in tools])
        yield from (write(other["calls"]) for other in others)
    right = hermes(calls)
    yield from (f"<think>{right}</think>Done.", f"<think>{right}", f"```\n{right}\n```", f"`{right}`", right[:-4])
    yield from (
        "",
        "Done.",
        json.dumps(item["tools"]),
        json.dumps(item),
        "I call " + ", ".join(NAMES),
        right + "<tool_call>",
    )


def as_float(value):
    return float(value) if type(value) is int else value


def variants(calls):
    for write in WIRES:
        yield write(calls)
        yield write([{**call, "arguments": dict(reversed(call["arguments"].items()))} for call in calls])
    yield hermes(calls[::-1])
    yield hermes([dict(reversed(call.items())) for call in calls])
    yield hermes(calls, lambda call: json.dumps(call, indent=3, ensure_ascii=False))
    yield unicodedata.normalize("NFD", hermes(calls, lambda call: json.dumps(call, ensure_ascii=False)))
    yield f"<think>First I look.</think>\n\n{hermes(calls)}<|im_end|>"
    yield f"I look it up.\n{hermes(calls)}"
    whole = [
        {**call, "arguments": {k: float(v) if type(v) is int else v for k, v in call["arguments"].items()}}
        for call in calls
    ]
    yield hermes(whole)


STYLES = (
    json.dumps,
    lambda call: json.dumps(call, indent=1),
    lambda call: json.dumps(call, separators=(",", ":"), ensure_ascii=False),
    lambda call: json.dumps(dict(reversed(call.items())), ensure_ascii=False),
)
BEFORE = ("", "<think>First I look.</think>\n\n", "I look it up.\n", "<think>`send_mail`?</think>One moment.\n")
BEHIND = ("", "\n", "<|im_end|>", "\n\n")


def shuffled(arguments, rng):
    return dict(rng.sample([*arguments.items()], len(arguments)))


def spellings(calls, rng):
    """The same calls in every order, style and frame."""
    for style in STYLES:
        for before in BEFORE:
            for behind in BEHIND:
                own = [
                    {**call, "arguments": shuffled(call["arguments"], rng)} for call in rng.sample(calls, len(calls))
                ]
                yield f"{before}{hermes(own, style)}{behind}"


def test_no_attack_is_paid_and_honest_variants_are():
    every, rng = list(items()), random.Random(7)
    paid, tried, refused, honest = [], 0, [], 0
    for number, item in enumerate(every):
        for completion in attacks(item, [*every[:number], *every[number + 1 :]][:6]):
            tried += 1
            if verdict(completion, item).score == 1:
                paid.append((item["calls"], completion))
        for completion in [*variants(item["calls"]), *spellings(item["calls"], rng)]:
            honest += 1
            if (one := verdict(completion, item)).score != 1:
                refused.append((completion, one.reason))
    assert tried >= 4000
    assert honest >= 1500
    assert paid == []
    assert refused == []

"""Tasks with tools: their traces are what the tools themselves would have written, and survive the tokenizer."""

import random
import re

import pytest

from grpo_trainer import tiny
from grpo_trainer.rollout.calculator import Calculator
from grpo_trainer.rollout.call_format import CallFormat
from grpo_trainer.rollout.search import Search
from grpo_trainer.tasks import Lookup, Products

LOOKUP = Lookup()
CASES = [(Products(), Calculator()), (LOOKUP, Search(LOOKUP.passages))]


def traces(task, count=300, seed=0):
    rng = random.Random(seed)
    for problem in rng.choices(task.problems("train"), k=count):
        yield problem, task.trace(problem, rng)


def calls(trace):
    return 0 if isinstance(trace, str) else sum(message["role"] == "tool" for message in trace)


@pytest.mark.parametrize(("task", "tools"), CASES, ids=["products", "lookup"])
def test_every_output_in_a_trace_is_the_tools_own(task, tools):
    words = tiny.tokenizer(task.tokens)
    written = CallFormat(words, tools.schemas)
    assert len(written.pauses) == 1
    for _, trace in traces(task):
        messages = [] if isinstance(trace, str) else list(trace)
        for said, output in zip(messages[::2], messages[1::2], strict=False):
            ids = words.encode(said["content"])
            assert ids[-1] in written.pauses
            call = written.read(ids)
            reply = tools.call("s", call.name, call.arguments)
            assert words.decode(written.output(reply)) == output["content"]


@pytest.mark.parametrize(("task", "tools"), CASES, ids=["products", "lookup"])
def test_every_text_survives_the_tokenizer(task, tools):
    words = tiny.tokenizer(task.tokens)
    for problem, trace in traces(task):
        texts = [trace] if isinstance(trace, str) else [message["content"] for message in trace]
        for text in (problem.prompt, *texts):
            assert words.decode(words.encode(text)) == text
            assert words.unk_token_id not in words.encode(text)


def test_the_tiny_tokenizer_is_as_it_was_for_tasks_without_tools():
    plain = tiny.tokenizer()
    more = tiny.tokenizer(Products.tokens)
    assert all(plain.encode(text) == more.encode(text) for text in ("<think>5-5=0</think>", "Q1,2=3:", "=-45"))
    assert len(more) == len(plain) + 5


def test_products_answers_and_shares():
    task = Products(head=0.5, steps_share=0.2, checked=0.2)
    found = {}
    for problem, trace in traces(task, 2000):
        found[calls(trace)] = found.get(calls(trace), 0) + 1
        one, other, term = map(int, re.findall(r"\d+", problem.prompt))
        assert problem.reference == {"answer": str(one * other + term)}
        last = trace if isinstance(trace, str) else trace[-1]["content"]
        assert last.endswith(f"<answer>{problem.reference['answer']}</answer>")
    assert {count: number / 2000 for count, number in found.items()} == pytest.approx(
        {0: 0.5, 1: 0.1, 2: 0.2, 3: 0.2}, abs=0.04
    )


def test_a_search_finds_every_answer_and_no_question_is_in_two_splits():
    search, pairs = Search(LOOKUP.passages), set()
    for split in ("train", "dev", "test"):
        for problem in LOOKUP.problems(split):
            one, other, *_ = problem.prompt[1:-1].split()
            assert frozenset((one, other)) not in pairs
            pairs.add(frozenset((one, other)))
            output = search.call("s", "search", {"query": f"{one} {other}"}).output
            assert output == f"{one} {other} {problem.reference['answer']}"
    assert len(pairs) == 36 * 35 // 2


def test_a_search_finds_what_has_most_of_the_rarest_words():
    search = Search(["a red house", "a blue house", "a red car"])

    def best(query):
        return search.call("s", "search", {"query": query}).output

    assert (best("blue"), best("red CAR"), best("the car, red!"), best("house")) == (
        *("a blue house", "a red car", "a red car", "a red house"),
    )
    assert (best("a red"), best("red house"), best("a blue")) == ("a red house", "a red house", "a blue house")
    assert best("green") == best("") == "nothing"
    assert search.call("s", "search", {"query": "x" * 300}).outcome == "refused"
    assert search.call("s", "calculate", {"query": "x"}).outcome == "refused"


@pytest.mark.parametrize(
    ("task", "options", "message"),
    [
        (Products, {"smallest": 1}, "smallest, largest"),
        (Products, {"head": 0.9, "checked": 0.2}, "shares of the traces"),
        (Lookup, {"head": 1.1}, "shares of the traces"),
        (Lookup, {"again": -0.1}, "shares of the traces"),
    ],
)
def test_bad_options_are_named(task, options, message):
    with pytest.raises(ValueError, match=message):
        task(**options)

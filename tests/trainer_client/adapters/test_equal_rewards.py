"""One label and one completion have one reward, by whatever trainer they come: HTTP endpoint or adapter.

A real gateway scores R1's answer and format: 2 for a right answer in form, 1 for the form alone, 0 for neither, None for no
verdict.
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from trainer_ways import HTTP, PYTHON, Sample, rewards_of, stand_in

from trainer_client.adapters import openrlhf, siblings, skyrl, trl, verl

DOMAIN = """
components:
  - {verifier: answer, options: {kind: math}}
  - {verifier: format, options: {template: think_answer}}
combine: sum
"""
QUESTION = "What is 1/2 + 1/3?"
RIGHT = "<think>Three sixths and two sixths.</think>\n<answer>5/6</answer>"
WRONG = "<think>Three sixths and two sixths.</think>\n<answer>2/5</answer>"
TEMPLATE = "<|im_start|>user\nWhat is 1/2 + 1/3?<|im_end|>\n<|im_start|>assistant\n"
USER = {"role": "user", "content": QUESTION}
DEEP = '{"a":' * 40 + "1" + "}" * 40


def said(content: Any, **more: Any) -> list[dict[str, Any]]:
    return [{"role": "assistant", "content": content, **more}]


@dataclass
class Row:
    about: str
    reward: float | None
    label: Any = "5/6"
    completion: Any = RIGHT
    prompt: Any = QUESTION


ROWS = [
    # labels, with a right answer
    Row("bare text", 2.0),
    Row("JSON text", 2.0, '{"answer": "5/6"}'),
    Row("JSON text behind a byte order mark", 2.0, '\ufeff{"answer": "5/6"}'),
    Row("JSON text with a key twice, one value", 2.0, '{"answer": "5/6", "answer": "5/6"}'),
    Row("an object", 2.0, {"answer": "5/6"}),
    Row("an object by another name", 2.0, {"solution": "5/6", "level": 3}),
    Row("the first of two names", 2.0, {"ground_truth": "5/6", "target": "2/5"}),
    Row("a name without a value", 2.0, {"ground_truth": None, "solution": "5/6"}),
    Row("an object in an object", 2.0, {"ground_truth": {"answer": "5/6"}}),
    Row("an object in an object in an object", 2.0, {"ground_truth": {"ground_truth": {"solution": "5/6"}}}),
    Row("an object in JSON text", 2.0, '{"ground_truth": {"answer": "5/6"}}'),
    Row("JSON text in an object", 2.0, {"ground_truth": '{"answer": "5/6"}'}),
    Row("JSON text in JSON text", 2.0, json.dumps({"target": json.dumps({"answer": "5/6"})})),
    Row("latex", 2.0, "\\frac{5}{6}"),
    Row("a float", 2.0, 0.75, RIGHT.replace("5/6", "3/4")),
    Row("an integer", 2.0, 7, RIGHT.replace("5/6", "7")),
    Row("zero", 2.0, {"target": 0}, RIGHT.replace("5/6", "0")),
    Row("a set", 2.0, "\\{1, 2\\}", RIGHT.replace("5/6", "\\{2, 1\\}")),
    Row("an integer beyond 64 bits", 2.0, f'{{"answer": 1{"0" * 30}}}', RIGHT.replace("5/6", "10^{30}")),
    # labels that are no answer
    Row("none", None, None),
    Row("empty text", None, ""),
    Row("an empty object", None, {}),
    Row("an empty object as text", None, "{}"),
    Row("an empty object in an object", None, {"ground_truth": {}}),
    Row("a null", None, {"answer": None}),
    Row("a null in JSON text", None, '{"answer": null}'),
    Row("NaN in JSON text", None, '{"answer": NaN}'),
    Row("a key twice, two values", None, '{"answer": "5/6", "answer": "2/5"}'),
    Row("JSON text that is cut off", None, '{"answer": "5/6"'),
    Row("JSON text and more", None, '{"answer": "5/6"} is right'),
    Row("an object as Python prints it", None, "{'answer': '5/6'}"),
    Row("a NUL", None, '{"answer": "5/6\\u0000"}'),
    Row("half a character", None, '{"answer": "\\ud800"}'),
    Row("nested too deep", None, f'{{"answer": {DEEP}}}'),
    Row("an object where an answer should be", None, {"answer": {"answer": "5/6"}}),
    Row("no answer among the fields", None, {"level": 3}),
    # completions
    Row("a wrong answer", 1.0, completion=WRONG),
    Row("a wrong answer for a nested label", 1.0, {"ground_truth": {"answer": "5/6"}}, WRONG),
    Row("no answer", 0.0, completion="I do not know."),
    Row("nothing", 0.0, completion=""),
    Row("an end token", 2.0, completion=RIGHT + "<|im_end|>"),
    Row("another family's", 2.0, completion=RIGHT + "<|eot_id|>\n"),
    Row("DeepSeek's", 2.0, completion=RIGHT + "<｜end▁of▁sentence｜>"),
    Row("Gemma's", 2.0, completion=RIGHT + "<end_of_turn>\n<eos>"),
    Row("padding", 2.0, completion=RIGHT + "<pad><pad>"),
    Row("an end and padding", 2.0, completion=RIGHT + "</s>" + "<pad>" * 300),
    Row("Llama's padding", 2.0, completion=RIGHT + "<|eot_id|>" + "<|finetune_right_pad_id|>" * 5),
    Row("a thousand end tokens", 2.0, completion=RIGHT + "<|endoftext|>" * 1100),
    Row("an end token in the middle", 1.0, completion=RIGHT.replace("<answer>", "<|im_end|><answer>")),
    Row("a NUL in the thinking", 2.0, completion=RIGHT.replace("Three", "\0Three")),
    Row("white space around", 2.0, completion=f"\n{RIGHT}\n\n"),
    # prompts
    Row("a prefilled think", 2.0, completion=RIGHT.removeprefix("<think>"), prompt=TEMPLATE + "<think>\n"),
    Row("a prefilled think, wrong", 1.0, completion=WRONG.removeprefix("<think>"), prompt=TEMPLATE + "<think>"),
    Row("a think twice", 1.0, prompt=TEMPLATE + "<think>\n"),
    Row("a template without prefill", 2.0, prompt=TEMPLATE),
    Row("messages", 2.0, prompt=[USER]),
    Row("messages with parts", 2.0, prompt=[{"role": "user", "content": [{"type": "text", "text": QUESTION}]}]),
    Row("a system message", 2.0, prompt=[{"role": "system", "content": "Think."}, USER]),
    Row("a prefilled turn", 2.0, completion=RIGHT.removeprefix("<think>"), prompt=[USER, *said("<think>")]),
    Row(
        "a prefilled turn of parts",
        2.0,
        completion=RIGHT.removeprefix("<think>"),
        prompt=[USER, *said([{"type": "text", "text": "<think>"}])],
    ),
    Row("a turn that ends", 2.0, completion=said(RIGHT + "<|im_end|>"), prompt=[USER]),
    Row("a turn of parts", 2.0, completion=said([{"type": "text", "text": RIGHT + "</s>"}]), prompt=[USER]),
    Row(
        "a turn of OpenAI's newer parts",
        2.0,
        completion=said([{"type": "output_text", "text": RIGHT}]),
        prompt=[USER],
    ),
    Row("reasoning apart", 2.0, completion=said("\n<answer>5/6</answer>", reasoning_content="Sixths."), prompt=[USER]),
    Row("reasoning by vLLM's name", 2.0, completion=said("<answer>5/6</answer>", reasoning="Sixths."), prompt=[USER]),
    Row("a wrong turn", 1.0, completion=said(WRONG), prompt=[USER]),
]


@pytest.fixture(scope="module")
def table_url(serve, tmp_path_factory):
    folder = tmp_path_factory.mktemp("domains")
    (folder / "table.yaml").write_text(DOMAIN)
    (folder / "repeated.yaml").write_text("components: [{verifier: repetition}, {verifier: format}]")
    elsewhere = dict.fromkeys(("language", "code", "preference"), "http://127.0.0.1:9")
    settings = {"TOUCHSTONE_VERIFIER_URLS": json.dumps(elsewhere), "TOUCHSTONE_WORKERS": "2"}
    with serve("--domains", str(folder), **settings) as (url, _):
        yield url


@pytest.fixture
async def http(table_url, monkeypatch):
    for name, value in {"URL": table_url, "DOMAIN": "table", "STOP_AT": "1", "DEADLINE_S": "60"}.items():
        monkeypatch.setenv(f"TOUCHSTONE_{name}", value)
    monkeypatch.setattr(verl, "_components", {})
    monkeypatch.setattr(trl, "_version", lambda: (1, 16))
    stand_in(monkeypatch)
    skyrl._environment.cache_clear()
    async with httpx.AsyncClient(base_url=table_url, timeout=60) as client:
        await _enough_rewards(client)
        yield client
    skyrl._environment.cache_clear()


async def _enough_rewards(client: httpx.AsyncClient) -> None:
    """So that what is imputed is there at once, and nobody waits for it."""
    url = str(client.base_url).rstrip("/")
    if siblings._groups_of(url).recent("table").is_enough():
        return
    ways = [way for way in (*HTTP, *PYTHON) if way.__name__ in ("slime_http", "slime_python")]
    samples = [Sample("5/6", f"{QUESTION} {number}", RIGHT) for number in range(16)]
    await asyncio.gather(*(way(client, sample) for way in ways for sample in samples))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.about)
async def test_every_trainer_gives_the_same_reward(http, row):
    rewards = await rewards_of(http, Sample(row.label, row.prompt, row.completion))
    assert rewards == dict.fromkeys(rewards, row.reward)
    assert len(rewards) >= 5


async def test_accuracy_is_stretched_over_the_range_of_the_score(http, monkeypatch):
    """The first component's scores are -1 to 0: no repetition is all that can be had, by HTTP as by Python."""
    sent = {"query": [QUESTION + RIGHT], "prompts": [QUESTION], "labels": ["5/6"]}
    by_http = (await http.post("/compat/openrlhf/repeated", json=sent)).json()
    monkeypatch.setenv("TOUCHSTONE_DOMAIN", "repeated")
    by_python = await asyncio.to_thread(openrlhf.reward_func, [QUESTION + RIGHT], [QUESTION], ["5/6"])
    assert by_http["extra_logs"]["repetition"] == by_python["extra_logs"]["repetition"] == 0.0
    assert by_http["scores"] == by_python["scores"] == 1.0


def test_every_trainer_is_in_the_table():
    assert len({way.__name__.rpartition("_")[0] for way in (*HTTP, *PYTHON)}) == 15
    assert len(ROWS) >= 40

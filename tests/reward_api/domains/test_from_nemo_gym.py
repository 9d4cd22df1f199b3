"""docs/from_nemo_gym.md: its domain files fit, and rows in NeMo Gym's form get the verdicts that they say."""

import re
from pathlib import Path

import pytest

from reward_api.domains.spec import read
from reward_api.trainers.endpoint import Hints
from reward_api.trainers.nemo_gym import VerifyBody
from reward_api.trainers.samples import score_request
from reward_verifiers import registry
from reward_verifiers.contract import completion_text
from reward_verifiers.runtime.local import parse_options
from reward_verifiers.verifier import Sample

PAGE = (Path(__file__).parents[3] / "docs" / "from_nemo_gym.md").read_text()
DOMAINS = {
    re.match(r"# (\w+)\.yaml", text)[1]: read(text.encode())
    for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
}
SCHEMA = '{"type": "object", "properties": {"city": {"type": "string"}, "people": {"type": "integer"}}}'
ROWS = [
    (
        "instructions",
        {"id": 1, "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{"N": None}], "prompt": "?"},
        "The Danube flows",
        "The Danube, a river",
    ),
    ("structured", {"schema_str": SCHEMA, "schema_type": "json"}, '{"city": "Ulm", "people": 3}', '{"city": "Ulm"}'),
    ("structured", {"schema_str": SCHEMA, "schema_type": "toml"}, 'city = "Ulm"\npeople = 3', '{"city": "Ulm"}'),
    (
        "tool_call",
        {"expected_action": {"type": "function_call", "name": "f", "arguments": '{"a": 1}'}},
        '<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>',
        '<tool_call>{"name": "f", "arguments": {"a": 2}}</tool_call>',
    ),
    ("math", {"question": "1/2+1/3?", "expected_answer": "\\frac{5}{6}"}, "\\boxed{5/6}", "\\boxed{5/7}"),
    ("choice", {"options": [{"A": "Rome"}, {"B": "Ulm"}], "expected_answer": "B"}, "So \\boxed{B}", "\\boxed{A}"),
    ("text", {"expected_answer": "Ulm"}, "The final answer is \\boxed{Ulm}", "\\boxed{Bonn}"),
    ("qa", {"expected_answer": "Barack Obama"}, "<answer>Barack Obama</answer>", "<answer>Joe Biden</answer>"),
]


@pytest.mark.parametrize(("domain", "columns", "right", "wrong"), ROWS)
def test_a_row_gets_its_verdict(domain, columns, right, wrong):
    [component] = DOMAINS[domain].components
    verifier = registry.load(component.verifier)
    options = parse_options(verifier, component.options)
    for text, expected in ((right, 1), (wrong, 0)):
        output = [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}]
        row = {"responses_create_params": {"input": "Say it."}, "response": {"output": output}, **columns}
        request = score_request(VerifyBody.model_validate(row).sample(Hints()))
        reference = verifier.reference_model.model_validate(request.reference)
        completion = completion_text(request.completions[0])
        assert verifier.verify(Sample(completion, options, reference, prompt="Say it.")).score == expected, text


def test_every_domain_of_the_page_has_a_row():
    assert {domain for domain, *_ in ROWS} == set(DOMAINS)

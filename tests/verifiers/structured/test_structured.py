"""Documents by schema and by content: honest spellings are paid, junk and bombs are not."""

import json
import re
import time
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from reward_verifiers.conformance import check_verifier
from reward_verifiers.structured import StructuredOptions, StructuredReference, StructuredVerifier
from reward_verifiers.verifier import BadReference, Sample

SCHEMA = {
    "type": "object",
    "required": ["name", "age"],
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "tags": {"type": "array"}},
    "additionalProperties": False,
}
ORDER = {
    "id": 7,
    "customer": {"name": "Ada Lovelace", "city": "London"},
    "total": 12.5,
    "paid": True,
    "items": ["tea", "cup"],
}


def verdict(text, reference, prompt="", **options):
    reference = StructuredReference.model_validate(reference)
    return StructuredVerifier().verify(Sample(text, StructuredOptions(**options), reference, question=prompt))


def score(*arguments, **options):
    return verdict(*arguments, **options).score


# --- honest spellings -------------------------------------------------------------------------------------------------

HONEST = {
    "json": [
        json.dumps(ORDER),
        json.dumps(ORDER, indent=4),
        json.dumps(dict(reversed(ORDER.items()))),
        f"```json\n{json.dumps(ORDER)}\n```",
        f"```\n{json.dumps(ORDER)}\n```\n",
        f"Here is the order:\n\n```JSON\n{json.dumps(ORDER)}\n```\nAnything else?",
        f"Here it is: {json.dumps(ORDER)}. Anything else?",
        f"<think>{{not this}}</think>\n{json.dumps(ORDER)}<|im_end|>",
        f"<answer>{json.dumps(ORDER)}</answer>",
        json.dumps(ORDER | {"total": 12.50, "id": 7.0}),
        json.dumps(ORDER | {"total": "12.5"}),
        json.dumps(ORDER).replace("Ada", "\\u0041da"),
        json.dumps(ORDER | {"more": 1}),
    ],
    "yaml": [
        yaml.safe_dump(ORDER),
        yaml.safe_dump(ORDER, default_flow_style=True),
        f"---\n{yaml.safe_dump(ORDER)}...\n",
        f"```yaml\n{yaml.safe_dump(ORDER)}```",
        f"```yml\n# a comment\n{yaml.safe_dump(ORDER)}```",
        json.dumps(ORDER),
        yaml.safe_dump(ORDER).replace("true", "True").replace("London", "'London'"),
    ],
    "toml": [
        'id = 7\ntotal = 12.50\npaid = true\nitems = ["tea", "cup"]\n[customer]\nname = "Ada Lovelace"\ncity = "London"\n',
        "```toml\nid = 7\ntotal = 1.25e1\npaid = true\nitems = ['tea','cup',]\ncustomer.name = 'Ada Lovelace'\n"
        "customer.city = 'London'\n```",
    ],
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in HONEST.items() for text in texts])
def test_an_honest_spelling_is_paid(kind, text):
    assert verdict(text, {"expected": ORDER}, kind=kind).score == 1, verdict(text, {"expected": ORDER}, kind=kind)


XML = (
    "<order><id>7</id><customer><name>Ada Lovelace</name><city>London</city></customer><total>12.50</total><paid>true</paid>"
    "<items>tea</items><items>cup</items></order>"
)


@pytest.mark.parametrize(
    "text",
    [
        XML,
        f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- mine -->{XML}',
        f"```xml\n{XML}\n```",
        XML.replace("Ada Lovelace", "<![CDATA[Ada Lovelace]]>").replace("><", ">\n  <"),
        f"It is {XML}, I think.",
    ],
)
def test_xml_is_read_into_the_same_tree_and_typed_by_the_schema(text):
    schema = {
        "properties": {
            "order": {
                "required": ["id", "items"],
                "properties": {"id": {"type": "integer"}, "items": {"type": "array"}},
            }
        }
    }
    assert score(text, {"schema": schema, "expected": {"order": ORDER}}, kind="xml") == 1
    one = text.replace("<items>cup</items>", "")
    expected = {"order": ORDER | {"items": ["tea"]}}
    assert score(one, {"schema": schema, "expected": expected}, kind="xml") == 1


COLUMNS = [
    {"name": "city", "unique": True},
    {"name": "people", "type": "integer", "minimum": 1},
    {"name": "kind", "values": ["capital", "town"], "required": False},
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("city,people,kind\nParis,2100000,capital\nUlm,126000,town", 1),
        ('```csv\ncity,people,kind\n"Paris, France",2100000,capital\nUlm,126000,\n```', 1),
        ("people,city,kind,more\n2100000,Paris,capital,x\n126000,Ulm,town,y\n", 1),
        ("city,people,kind\nParis,2100000,capital", 0),
        ("city,people,kind\nParis,many,capital\nUlm,126000,town", 0),
        ("city,people,kind\nParis,0,capital\nUlm,126000,town", 0),
        ("city,people,kind\nParis,1,capital\nParis,126000,town", 0),
        ("city,people,kind\nParis,1,village\nUlm,126000,town", 0),
        ("city,people\nParis,1\nUlm,126000", 0),
        ("city,people,kind\n,1,town\nUlm,126000,town", 0),
        ("city,people,kind\nParis,1,town\nUlm,126000", 0),
        ("city,city,people,kind\na,b,1,town\nc,d,2,town", 0),
        ("I do not know.", 0),
        ("", 0),
    ],
)
def test_a_table_by_its_columns(text, expected):
    assert score(text, {"columns": COLUMNS, "min_rows": 2}, kind="csv") == expected


def test_cells_are_fields():
    table = "city,people\nParis,2100000\nUlm,126000"
    fields = [{"path": "[*].city", "pattern": "[A-Z][a-z]+"}, {"path": "[1].people", "equals": 126000}]
    assert score(table, {"fields": fields}, kind="csv") == 1
    assert score("city;people\nParis;1\nUlm;126000", {"fields": fields}, kind="csv", delimiter=";") == 1


# --- what is wrong ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("json", '{"name": "a"}'),
        ("json", '{"name": "a", "age": "x"}'),
        ("json", '{"name": "a", "age": 1, "more": 2}'),
        ("json", '{"name": "a", "age": 1, "age": 1}'),
        ("json", '{"name": "a", "age": NaN}'),
        ("json", '{"name": "a", "age": 1'),
        ("json", '{"name": "a", "age": 1} {"name": "a", "age": 1}'),
        ("json", '```json\n{"name": "a", "age": 1}\n```\n```json\n{"name": "b", "age": 1}\n```'),
        ("json", '```json\n{"name": "a", "age": 1}'),
        ("json", '```python\n{"name": "a", "age": 1}\n```'),
        ("json", '<think>{"name": "a", "age": 1}</think>'),
        ("json", '<think>{"name": "a", "age": 1}'),
        ("json", "{'name': 'a', 'age': 1}"),
        ("yaml", "name: a\nage: 1\nage: 1"),
        ("yaml", "name: &a a\nage: 1\ntags: [*a]"),
        ("yaml", "name: !!python/name:os.system a\nage: 1"),
        ("yaml", "name: a\nage: 1\n---\nname: b\nage: 2"),
        ("yaml", "name: a, age: 1"),
        ("yaml", "nothing to say"),
        ("toml", "name = 'a'\nage = 1\nage = 1"),
        ("toml", "name = a\nage = 1"),
        ("xml", '<!DOCTYPE r [<!ENTITY a "b">]><r>&a;</r>'),
        ("xml", "<name>a</name><age>1</age>"),
        ("xml", "<name>a</age>"),
    ],
)
def test_what_does_not_parse_or_fit_is_wrong(kind, text):
    schema = SCHEMA if kind != "xml" else True
    assert score(text, {"schema": schema}, kind=kind) == 0


def test_text_beside_the_document_may_be_refused():
    document = json.dumps(ORDER)
    for text, expected in ((document, 1), (f"```json\n{document}\n```", 1), (f"Here: {document}", 0)):
        assert score(text, {"expected": ORDER}, alone=True) == expected
    assert score(f"Here:\n```json\n{document}\n```", {"expected": ORDER}, alone=True) == 0


FIELDS = [
    {"path": "name", "any_of": ["Ada Lovelace", "A. Lovelace"], "compare": "text", "weight": 2},
    {"path": "born", "equals": "10 December 1815", "compare": "date"},
    {"path": "height", "equals": 1.65, "tolerance": 0.01},
    {"path": "fields", "equals": ["maths", "poetry"], "compare": "set"},
    {"path": "quote", "grounded": True},
    {"path": "note", "present": True},
    {"path": "secret", "present": False},
    {"path": 'links[*]["is.home"]', "pattern": "https://.*"},
]
SOURCE = "She wrote to Babbage: I never am really satisfied that I understand anything. Understand it well as I may."
RIGHT = {
    "name": "ADA  lovelace",
    "born": "1815-12-10",
    "height": "1.655",
    "fields": ["poetry", "maths"],
    "quote": "never am really satisfied",
    "note": "the first programmer",
    "links": [{"is.home": "https://a.org"}, {"is.home": "https://b.org"}],
}


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ({}, []),
        ({"name": "A. lovelace"}, []),
        ({"born": "Dec 10, 1815"}, []),
        ({"name": "Ada"}, ["name"]),
        ({"born": "1815-10-12"}, ["born"]),
        ({"born": "December 1815"}, ["born"]),
        ({"height": 1.7}, ["height"]),
        ({"height": True}, ["height"]),
        ({"fields": ["poetry"]}, ["fields"]),
        ({"fields": ["poetry", "maths", "maths"]}, ["fields"]),
        ({"quote": "never am satis"}, ["quote"]),
        ({"quote": SOURCE}, ["quote"]),
        ({"quote": ""}, ["quote"]),
        ({"note": "N/A"}, ["note"]),
        ({"note": ["", None]}, ["note"]),
        ({"secret": 1}, ["secret"]),
        ({"links": []}, ["links"]),
        ({"links": [{"is.home": "https://a.org"}, {"is.home": "ftp://b.org"}]}, ["links"]),
    ],
)
def test_each_field_has_its_verdict(change, missed):
    results = verdict(json.dumps(RIGHT | change), {"fields": FIELDS, "source": SOURCE}, score="share")
    assert [line.split("[")[0].split(" ")[0] for line in results.evidence.get("missed", [])] == missed
    weight = 2 if missed == ["name"] else 1 if missed else 0
    assert results.score == pytest.approx(1 - weight / 9, abs=1e-6)
    assert score(json.dumps(RIGHT | change), {"fields": FIELDS, "source": SOURCE}) == float(not missed)


def test_values_are_grounded_in_the_prompt_where_there_is_no_source():
    fields = {"fields": [{"path": "city", "grounded": True}]}
    prompt = "Our flight leaves from São Paulo on Monday morning, and the taxi is booked."
    assert score('{"city": "são paulo"}', fields, prompt=prompt) == 1
    assert score('{"city": "Paulo on Mon"}', fields, prompt=prompt) == 0
    assert score('{"city": "Rio"}', fields, prompt=prompt) == 0
    assert score('{"city": "東京"}', fields, prompt="私は来週の月曜日に東京へ行きます。") == 1


JUNK = [
    '{"name": "string", "age": 0}',
    '{"name": "", "age": 1}',
    '{"name": "N/A", "age": 1}',
    '{"name": "Ada Lovelace or Grace Hopper", "age": 36}',
    '{"name": ["Ada Lovelace", "Grace Hopper"], "age": 36}',
    '{"name": {"$ref": "Ada Lovelace"}, "age": 36}',
    json.dumps(SCHEMA),
    "{}",
    "[]",
    "null",
]


@pytest.mark.parametrize("text", JUNK)
@pytest.mark.parametrize("score_by", ["all", "share"])
def test_what_fits_and_says_nothing_is_not_paid(text, score_by):
    fields = [{"path": "name", "equals": "Ada Lovelace"}, {"path": "secret", "present": False}]
    assert score(text, {"schema": SCHEMA, "fields": fields}, score=score_by) == 0
    assert score(text, {"fields": fields}, score=score_by) == 0


# --- the data set's faults --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "options", "message"),
    [
        ({}, {}, "asks for nothing"),
        ({"schema": {"type": "nothing"}}, {}, "no JSON schema"),
        ({"schema": {"pattern": "("}}, {}, "no JSON schema"),
        ({"schema": {"$ref": "https://example.org/x.json"}}, {}, "no JSON schema"),
        ({"fields": [{"path": "a..b", "present": True}]}, {}, "no path"),
        ({"fields": [{"path": "a", "pattern": "(?=a)"}]}, {}, "no RE2 pattern"),
        ({"columns": [{"name": "a"}]}, {}, "only kind csv"),
        ({"expected": {f"k{n}": n for n in range(300)}}, {}, "more than 256"),
    ],
)
def test_a_reference_that_does_not_fit_is_said(reference, options, message):
    with pytest.raises(BadReference, match=message):
        verdict("{}", reference, **options)


def test_a_field_asks_for_one_thing():
    with pytest.raises(ValueError, match="exactly one"):
        StructuredReference.model_validate({"fields": [{"path": "a", "equals": 1, "present": True}]})


# --- bombs ------------------------------------------------------------------------------------------------------------

BOMBS = [
    ("json", "[" * 390_000),
    ("json", '{"a":' * 60_000),
    ("json", '{"a": ' + "9" * 390_000 + "}"),
    ("json", "```\n" * 100_000),
    ("json", "{" * 400_000),
    ("yaml", "[" * 390_000),
    ("yaml", "- " * 190_000),
    ("yaml", "? " * 190_000),
    ("yaml", "".join(" " * depth + "a:\n" for depth in range(800))),
    ("yaml", "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(1000))),
    ("yaml", "".join(f"k{n}: 1\n" for n in range(40_000))),
    ("xml", "<a>" * 130_000),
    ("xml", "<a>" + "<b/>" * 90_000 + "</a>"),
    ("xml", "<a " + " ".join(f'b{n}="1"' for n in range(30_000)) + "/>"),
    ("xml", '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'),
    ("toml", "a." * 190_000 + "b = 1"),
    ("toml", "a = " + "[" * 190_000),
    ("toml", "a = {" + "b = {" * 60_000),
    ("toml", "".join(f"a.b.c{n} = 1\n" for n in range(20_000))),
    ("csv", '"' * 390_000),
    ("csv", "a,b\n" + "1,2\n" * 90_000),
]


@pytest.mark.parametrize(("kind", "text"), BOMBS, ids=[f"{kind}-{text[:8]!r}" for kind, text in BOMBS])
def test_a_bomb_costs_a_verdict_nothing(kind, text):
    reference = {
        "schema": {"patternProperties": {"^(a+)+$": {"type": ["object", "array", "string", "number"]}}},
        "fields": [{"path": "z[*].y", "grounded": True}],
    }
    begun = time.process_time()
    assert score(text, reference, prompt="a" * 100_000, kind=kind) == 0
    assert time.process_time() - begun < StructuredVerifier.item_timeout_s


def test_values_that_are_searched_for_cost_what_they_may():
    text = json.dumps({"z": ["a"] * 1000})
    assert score(text, {"fields": [{"path": "z[*]", "grounded": True}]}, prompt="ba" * 500_000) == 0


@pytest.mark.slow
async def test_conformance():
    completions = [json.dumps(ORDER), "{}", "no", json.dumps(ORDER | {"id": 8})]
    await check_verifier(
        "structured", completions=completions, reference={"expected": ORDER}, options={"score": "share"}
    )


# --- the page ---------------------------------------------------------------------------------------------------------

PAGE = (Path(__file__).parents[3] / "docs" / "structured.md").read_text()


def test_every_option_and_field_is_documented():
    from reward_verifiers.structured.options import ColumnRule, FieldRule

    names = [*StructuredOptions.model_fields, *FieldRule.model_fields, *ColumnRule.model_fields]
    names += [field.alias or name for name, field in StructuredReference.model_fields.items()]
    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_the_worked_example():
    reference, *completions = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    [line] = re.findall(r"score (\*\*[\d., *]+\*\*)", PAGE)
    expected = [float(number) for number in re.findall(r"[\d.]+", line)]
    scores = [score(text, json.loads(reference), score="share") for text in completions]
    assert scores == pytest.approx(expected, abs=1e-4)


def test_rows_of_nemo_gym():
    schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}}
    rows = {"schema_str": json.dumps(schema), "schema_type": "yaml"}
    reference = StructuredReference.model_validate(rows)
    for text, expected in (("a: 1\nb: x", 1), ("a: 1", 0), ("a: 1\nb: x\nc: 2", 0), ('{"a": 1, "b": 2}', 0)):
        assert StructuredVerifier().verify(Sample(text, StructuredOptions(), reference)).score == expected, text
    with pytest.raises(ValidationError, match="not JSON"):
        StructuredReference.model_validate({"schema_str": "{", "schema_type": "json"})

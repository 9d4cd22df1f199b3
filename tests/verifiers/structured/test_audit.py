"""Attacks that are made of references, and honest variants of them: over many documents, in every language of them."""

import csv
import io
import json
import random
import sys
from pathlib import Path

import pytest
import yaml

from reward_verifiers.structured import StructuredOptions, StructuredReference, StructuredVerifier
from reward_verifiers.verifier import Sample

sys.path.insert(0, str(Path(__file__).parents[2] / "data"))
from mutations import mutations

pytestmark = pytest.mark.slow

TEXTS = ("Ada Lovelace", "Kraków", "tea: green", "12 Main St.", "#7", "東京", 'It\'s "odd"', "A & B <c>")
KINDS = ("json", "yaml", "toml", "xml")
ITEMS = 16


def tree_of(rng):
    return {
        "id": rng.randint(2, 999),
        "customer": {"name": rng.choice(TEXTS), "city": rng.choice(TEXTS)},
        "total": rng.randint(2, 99) + 0.5,
        "paid": rng.random() < 0.5,
        "items": rng.sample(TEXTS, 3),
    }


def toml(tree):
    def value(one):
        return json.dumps(one, ensure_ascii=False)

    plain = [f"{key} = {value(one)}" for key, one in tree.items() if not isinstance(one, dict)]
    tables = [
        f"[{key}]\n" + "\n".join(f"{name} = {value(inner)}" for name, inner in one.items())
        for key, one in tree.items()
        if isinstance(one, dict)
    ]
    return "\n".join([*plain, *tables])


def xml(tree, name="order"):
    if isinstance(tree, dict):
        return f"<{name}>{''.join(xml(one, key) for key, one in tree.items())}</{name}>"
    if isinstance(tree, list):
        return "".join(xml(one, name) for one in tree)
    text = json.dumps(tree) if isinstance(tree, bool) else str("" if tree is None else tree)
    return f"<{name}>{text.replace('&', '&amp;').replace('<', '&lt;')}</{name}>"


WRITERS = {"json": json.dumps, "yaml": lambda tree: yaml.safe_dump(tree, allow_unicode=True), "toml": toml, "xml": xml}


def score(text, tree, kind, **options):
    expected = {"order": tree} if kind == "xml" else tree
    reference = StructuredReference.model_validate({"expected": expected})
    return StructuredVerifier().verify(Sample(text, StructuredOptions(kind=kind, **options), reference, question="Q"))


def writable(kind, tree):
    return kind not in ("toml", "xml") or "null" not in json.dumps(tree)


def attacks(tree, others, kind):
    write = WRITERS[kind]
    fence = f"```{kind}\n{{}}\n```".format
    for number, changed in enumerate(mutations(tree)):
        if isinstance(changed, dict) and writable(kind, changed):
            yield write(changed)
            yield fence(write(changed)) if number % 3 == 0 else f"<think>{write(tree)}</think>{write(changed)}"
    right = write(tree)
    yield from (write(other) for other in others)
    yield f"{fence(right)}\n{fence(write(others[0]))}"
    yield f"{fence(write(others[0]))}\n{fence(right)}"
    yield f"<think>{right}</think>It is above."
    yield f"<think>{right}"
    yield from ("", "{}", "[]", "null", "Q", write({}), "The order of Ada.", fence(""), "```\n" + right)
    yield json.dumps({"type": "object", "properties": {key: {"type": "string"} for key in tree}})
    yield right + right


def variants(tree, kind):
    write = WRITERS[kind]
    right = write(tree)
    yield right
    yield write(dict(reversed(tree.items())))
    yield f"```{kind}\n{right}\n```"
    yield f"<think>Look.</think>\n```{kind}\n{right}\n```"
    yield f"Here it is:\n\n```{kind}\n{right}\n```\n\nAnything else?"
    yield f"<answer>\n{right}\n</answer>"
    yield f"<think>Hm.</think><answer>```{kind}\n{right}\n```</answer><|im_end|>"
    if kind == "json":
        yield json.dumps(tree, indent=2, ensure_ascii=False)
        yield json.dumps({**tree, "id": float(tree["id"])})
    if kind == "yaml":
        yield yaml.safe_dump(tree, default_flow_style=True)
        yield "# an order\n" + right


FRAMES = (
    "{right}",
    "```{kind}\n{right}\n```",
    "```\n{right}\n```\n",
    "<think>An order: {{}}.</think>\n```{kind}\n{right}\n```\nAnything else?",
    "<answer>{right}</answer>",
    "<think>Hm.</think>\n<answer>\n```{kind}\n{right}\n```\n</answer><|im_end|>",
)


def spellings(tree, kind, rng):
    """The same document with its keys in any order, in every frame."""
    for frame in FRAMES:
        for _ in range(8):
            own = dict(rng.sample([*tree.items()], len(tree)))
            own["customer"] = dict(rng.sample([*own["customer"].items()], 2))
            yield frame.format(kind=kind, right=WRITERS[kind](own))


@pytest.mark.parametrize("kind", KINDS)
def test_no_attack_is_paid_and_honest_variants_are(kind):
    rng = random.Random(24)
    trees = [tree_of(rng) for _ in range(ITEMS)]
    paid, refused, tried, honest = [], [], 0, 0
    for number, tree in enumerate(trees):
        others = [other for other in trees[:number] + trees[number + 1 :] if other != tree][:5]
        for text in attacks(tree, others, kind):
            tried += 1
            if score(text, tree, kind).score == 1:
                paid.append((tree, text))
        for text in [*variants(tree, kind), *spellings(tree, kind, rng)]:
            honest += 1
            if (one := score(text, tree, kind)).score != 1:
                refused.append((text, one.reason))
    assert tried >= 1000
    assert honest >= 800
    assert paid == []
    assert refused == []


def table(rows, delimiter=","):
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue()


def test_of_tables_neither():
    rng = random.Random(24)
    paid, refused, tried = [], [], 0
    for _ in range(ITEMS):
        head, *body = [["id", "name", "city"], *([n, rng.choice(TEXTS), rng.choice(TEXTS)] for n in range(3))]
        fields = [
            {"path": f"[{place}].{name}", "equals": row[at]}
            for place, row in enumerate(body)
            for at, name in enumerate(head)
        ]
        reference = StructuredReference.model_validate(
            {"fields": fields, "columns": [{"name": name} for name in head], "max_rows": 3}
        )

        def paid_for(rows, reference=reference):
            text = rows if isinstance(rows, str) else table(rows)
            return StructuredVerifier().verify(Sample(text, StructuredOptions(kind="csv"), reference)).score == 1

        wrong = [[head, *changed] for changed in mutations(body) if isinstance(changed, list)]
        wrong += [[head], body, [head, *body, body[0]], [head, *body[1:]], [head, *body[:-1]], [head[::-1], *body]]
        for rows in wrong:
            if all(isinstance(row, list) for row in rows) and rows != [head, *body]:
                tried += 1
                paid += [rows] if paid_for(rows) else []
        right = [head, *body]
        exchanged = [[row[1], row[0], row[2]] for row in right]
        for rows in (
            right,
            exchanged,
            f"```csv\n{table(right)}```",
            table(right).replace("\r\n", "\n"),
            table(right).strip(),
        ):
            refused += [] if paid_for(rows) else [rows]
    assert (paid, refused) == ([], [])

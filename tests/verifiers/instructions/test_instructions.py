"""Every kind by example, the forms of public data sets, scores, content, hostile text, and the page."""

import json
import os
import re
import sys
import time
from pathlib import Path

import pytest

from reward_verifiers.conformance import check_verifier
from reward_verifiers.instructions import InstructionsOptions, InstructionsReference, InstructionsVerifier
from reward_verifiers.instructions.kinds import KINDS
from reward_verifiers.verifier import BadReference, Sample, Unsupported

sys.path.insert(0, str(Path(__file__).parents[2] / "data" / "instructions"))
from instruction_cases import CASES, PROMPT

ROOT = Path(__file__).parents[3]


def verdict(text, reference, prompt="", tokens=None, **options):
    reference = InstructionsReference.model_validate(reference)
    sample = Sample(text, InstructionsOptions(**options), reference, prompt=prompt, tokens=tokens)
    return InstructionsVerifier().verify(sample)


def row(*constraints):
    return {"instruction_id_list": [name for name, _ in constraints], "kwargs": [given for _, given in constraints]}


def score(text, *constraints, **options):
    return verdict(text, row(*constraints), **options).score


@pytest.mark.parametrize(("name", "arguments", "right", "wrong"), CASES, ids=[one[0] for one in CASES])
def test_every_kind(name, arguments, right, wrong):
    for text in right:
        assert score(text, (name, arguments), min_content=0) == 1, text
    for text in wrong:
        assert score(text, (name, arguments), min_content=0) == 0, text


def test_the_table_is_whole():
    assert {name for name, *_ in CASES} | {"length:tokens"} == set(KINDS)
    of = {
        source: sum(1 for kind in KINDS.values() if kind.source == source)
        for source in ("IFEval", "IFBench", "IFEval-G")
    }
    assert of == {"IFEval": 29, "IFBench": 58, "IFEval-G": 29}
    assert len(KINDS) >= 115
    assert all(kind.about.endswith(".") or "?" in kind.about for kind in KINDS.values())


def test_tokens_are_the_trainers():
    constraint = row(("length:tokens", {"maximum": 10}))
    assert verdict("It is.", constraint, tokens=10, min_content=0).score == 1
    assert verdict("It is.", constraint, tokens=11, min_content=0).score == 0
    with pytest.raises(Unsupported, match="tokens"):
        verdict("It is.", constraint, min_content=0)


# --- the forms of data sets -------------------------------------------------------------------------------------------

NO_COMMA = {
    "instruction_id": ["punctuation:no_comma", "count:lowercase_counting"],
    "kwargs": [None, {"N": 3, "n": None}],
}
FORMS = [
    {
        "instruction_id_list": ["punctuation:no_comma", "count:lowercase_counting"],
        "kwargs": [{}, {"N": 3.0, "small_n": None}],
    },
    {"instruction_id_list": ["punctuation:no_comma", "count:lowercase_counting"], "kwargs": '[{}, {"N": 3}]'},
    {"ground_truth": str([NO_COMMA])},
    {"ground_truth": json.dumps([NO_COMMA])},
    {"ground_truth": str([json.dumps(NO_COMMA)])},
    {"answer": json.dumps(NO_COMMA)},
    {"answer": NO_COMMA},
    {
        "answer": [
            {"instruction_id": ["punctuation:no_comma"]},
            {"instruction_id": "count:lowercase_counting", "kwargs": [{"N": 3}]},
        ]
    },
]


@pytest.mark.parametrize("reference", FORMS)
def test_rows_of_public_sets(reference):
    assert verdict("ONE river IS old", reference).score == 1
    assert verdict("ONE, river IS old", reference, score="share").score == 0.5
    assert verdict("one old river, and another", reference, score="share").score == 0


RLVR = {"func_name": "verify_bullet_points", "N": 2, "quantifier": None, "end_phrase": None, "options": None}


@pytest.mark.parametrize("reference", [RLVR, {"ground_truth": json.dumps(RLVR)}, {"answer": RLVR}])
def test_rows_of_rlvr_ifeval(reference):
    assert verdict("* Danube\n* Rhine", reference).score == 1
    assert verdict("* Danube", reference).score == 0


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ({}, "names no constraints"),
        ({"answer": "Paris"}, "neither JSON nor a Python literal"),
        ({"answer": "[]"}, "names no constraints"),
        ({"instruction_id_list": []}, "must be a list of ids"),
        (
            row(("punctuation:no_comas", {})),
            "no constraint 'punctuation:no_comas'; did you mean 'punctuation:no_comma'",
        ),
        (row(("length_constraints:number_words", {"num_words": 3})), "relation: Field required"),
        (row(("length_constraints:number_words", {"num_words": -1, "relation": "at least"})), "num_words"),
        (row(("length_constraints:number_words", {"num_words": 3, "relation": "nearly"})), "relation"),
        (row(("length_constraints:number_words", {"num_words": 3.5, "relation": "at least"})), "num_words"),
        (row(("punctuation:no_comma", {"num_words": 3})), "num_words: Extra inputs"),
        (row(("keywords:existence", {"keywords": "river"})), "keywords"),
        (
            row(("keywords:letter_frequency", {"letter": "ab", "let_frequency": 1, "let_relation": "at least"})),
            "letter",
        ),
        (row(("language:response_language", {"language": "xx"})), "the language 'xx' is not supported"),
        (row(("pattern:present", {"pattern": "(a"})), "RE2 cannot read it"),
        (row(("pattern:present", {"pattern": r"(a)\1"})), "RE2 cannot read it"),
        (row(("length:words", {})), "neither is there"),
        (row(("length:words", {"minimum": 5, "maximum": 2})), "above maximum"),
        (row(("format:options", {"options": "yes"})), "there is but one"),
        (row(("repeat:repeat_span", {"prompt_to_repeat": "a b", "n_start": 5, "n_end": 6})), "no word stands there"),
        (
            row(
                (
                    "length_constraints:nth_paragraph_first_word",
                    {"num_paragraphs": 1, "nth_paragraph": 2, "first_word": "a"},
                )
            ),
            "fewer paragraphs",
        ),
        ({"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}, {}]}, "one object for each id"),
        ({"instruction_id_list": ["punctuation:no_comma"], "kwargs": "nonsense"}, "neither JSON nor"),
        ({"func_name": "verify_bullet_points"}, "N: Field required"),
        ({"func_name": "verify_everything"}, "no constraint 'verify_everything'"),
        ({"answer": str([NO_COMMA] * 200)}, "names no constraints"),
        ({"answer": "[" * 5000}, "neither JSON nor"),
    ],
)
def test_a_reference_that_is_not_understood_is_none(reference, message):
    with pytest.raises(BadReference, match=re.escape(message)):
        verdict("The river flows.", reference)


def test_data_sets_write_more_arguments_than_a_fixed_task_takes():
    assert score("14, 21, 28, 35, 42, 49", ("custom:multiples", {"N": 7})) == 1


# --- scores -----------------------------------------------------------------------------------------------------------


def test_strict_and_loose():
    constraint = ("startend:end_checker", {"end_phrase": "the sea."})
    for text in ("It flows to the sea.\nHope this helps!", "Sure:\nIt flows to the **sea.**"):
        assert score(text, constraint) == 0
        assert score(text, constraint, mode="loose") == 1
    assert score("Sure:\nit flows on.", ("change_case:english_lowercase", {}), mode="loose", min_content=0) == 1
    assert score("It flows.", constraint, mode="loose") == 0


def loose_texts(text):
    """The eight texts of IFEval's loose mode, as its code writes them."""
    lines = text.split("\n")
    cut = ["\n".join(part).strip() for part in (lines, lines[1:], lines[:-1], lines[1:-1])]
    texts = [text, *cut[1:]]
    return [one for one in texts + [one.replace("*", "") for one in texts] if one.strip()]


AROUND = [
    "Sure:\n{}",
    "{}\nHope this helps, friend!",
    "Sure, Tom:\n\n**{}**\n\nBye.",
    "* {}\n* {}",
    "A*b*\n{}\n\n{}\n9",
]


@pytest.mark.parametrize(("name", "arguments", "right", "wrong"), CASES, ids=[one[0] for one in CASES])
def test_loose_is_strict_on_any_of_eight_texts(name, arguments, right, wrong):
    constraint = (name, arguments)
    for form in AROUND:
        for text in (form.replace("{}", one) for one in [*right[:1], *wrong[:1]]):
            text = text.strip("\r\n").rstrip()
            wanted = max(score(one, constraint, min_content=0) for one in loose_texts(text))
            assert score(text, constraint, mode="loose", min_content=0) == wanted, text


def test_emphasis_inside_a_keyword_is_loose():
    constraint = ("keywords:existence", {"keywords": ["black forest"]})
    text = "The Danube rises in the **Black** Forest.\nIt ends in the sea."
    assert score(text, constraint) == 0
    assert score(text, constraint, mode="loose") == 1


def test_a_part_without_words_says_nothing_of_the_parts_around_it():
    assert score("No way\n...\na big cat", ("words:alphabet", {}), mode="loose", min_content=0) == 1
    assert score("No way\n...\na big dog", ("words:alphabet", {}), mode="loose", min_content=0) == 0


def test_a_part_may_be_in_a_language_of_which_the_whole_has_nothing():
    rows = "\n".join(f"{n},Peru,Lima,2001,{n}" for n in range(7))
    text = f"[1]\nHere:\nID,Country,City,Year,Count\n{rows}\nDer Fluss ist lang und tief."
    assert score(text, ("language:response_language", {"language": "en"}), mode="loose") == 1


def test_all_and_share():
    constraints = [("punctuation:no_comma", {}), ("detectable_format:title", {}), ("startend:quotation", {})]
    assert score("<<Danube>> flows", *constraints) == 0
    one = verdict("<<Danube>> flows", row(*constraints), score="share")
    assert one.score == pytest.approx(2 / 3, abs=1e-6)
    assert one.reason == "2 of 3 constraints are met; not startend:quotation"
    assert [part["met"] for part in one.evidence["constraints"]] == [True, True, False]


def test_a_reason_says_what_was_counted():
    one = verdict(
        "The river flows.", row(("length_constraints:number_words", {"num_words": 9, "relation": "at least"}))
    )
    assert "(3 words, at least 9 wanted)" in one.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>Commas, many, commas.</think>The river flows", 1),
        ("<think>none</think>The river, it flows", 0),
        ("<think>The river flows", 0),
        ("<think>a, b</think><answer>The river flows</answer>", 1),
        ("The river flows<|im_end|>", 1),
        ("", 0),
        (" \n", 0),
    ],
)
def test_the_response_is_what_follows_the_thinking(text, expected):
    assert score(text, ("punctuation:no_comma", {})) == expected


# --- content ----------------------------------------------------------------------------------------------------------

LONG_PROMPT = (
    "Write a letter to the mayor of Vienna about the flood last spring. Describe which streets stood under water, what"
    " the fire brigade did, and what the city should build before the next flood. Do not use any commas"
    " and write at least 10 words."
)
LOREM = (
    "Lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore"
    " magna aliqua. "
)
EMPTY = [
    "idk",
    "IDK.",
    "I don't know.",
    "N/A",
    "...",
    "!!!",
    "ok",
    "Sure!",
    "Sorry I cannot help with that.",
    "None",
    "yes yes yes yes yes yes",
    LONG_PROMPT,
    LONG_PROMPT.replace(",", ""),
    LONG_PROMPT.upper(),
    "Sure! " + LONG_PROMPT,
    LONG_PROMPT + " OK.",
    LONG_PROMPT * 3,
    LONG_PROMPT[: len(LONG_PROMPT) // 2],
    "\n".join(LONG_PROMPT.split()),
    " ".join(sorted(LONG_PROMPT.split())),
    LOREM,
    LOREM * 5,
    "word " * 300,
    "banana " * 200,
    "The river flows. " * 50,
    "a b c d e f g h i j k l m n o p q r s t u v w x y z",
    "text text text text text text text text text text text text",
    "This is a sentence. " * 15,
    "This is a response to the request.",
    "blah blah blah blah blah blah blah blah blah blah blah blah",
    "foo bar baz qux " * 10,
    " ".join(map(str, range(300))),
    "asdf qwerty asdf",
    "sample text here",
    "placeholder",
    "TODO",
    "😀" * 50,
    "na na na na na na na na na na na na na",
    "I think that it is what it is and that is that.",
    "words words words and more words and more words",
    "不知道",
    "我不知道。",
    "yada yada",
    "etc etc etc",
    "the the the the the the the the the the the",
    "Thank you",
    "hmm",
    "uh um er",
    "This is the answer. That was the answer. Here is another answer.",
    "apple pear " * 40,
]


@pytest.mark.parametrize("text", EMPTY, ids=range(len(EMPTY)))
def test_nothing_said_earns_nothing(text):
    one = verdict(
        text, row(("length:characters", {"minimum": 1}), ("startend:quotation", {})), LONG_PROMPT, score="share"
    )
    assert one.score == 0, one
    assert one.reason.startswith("nothing is said: ") or not text.strip()


SAID = [
    ("What is the capital of France? Use no commas.", "The capital of France is Paris."),
    ("What is 6 times 7? Use no commas.", "42"),
    ("Which planet is hottest: Mars or Venus? No commas.", "Venus"),
    ("Is water wet? No commas.", "Yes because it wets what it touches."),
    ("法国的首都是哪里？", "法国的首都是巴黎。"),
    ("日本の首都は？", "東京です。"),
    ("เมืองหลวงของไทยคืออะไร", "กรุงเทพมหานคร"),
    ("ما هي عاصمة مصر؟", "القاهرة"),
    (
        LONG_PROMPT,
        "Dear mayor: the Prater stood under two metres of water while firemen carried pensioners out by boat.",
    ),
    (
        LONG_PROMPT,
        "The Danube canal overflowed. The fire brigade pumped out cellars. We need higher walls and a polder near Tulln.",
    ),
    ("Name rivers without commas.", "Danube Rhine Elbe Oder"),
    (LONG_PROMPT + " Text: The old bridge fell at noon on Sunday.", "The old bridge fell at noon"),
    (
        "Repeat the word love often.",
        "Love is patient. Love is kind. Love bears the years that love has given and love remembers every door.",
    ),
]


@pytest.mark.parametrize(("prompt", "text"), SAID)
def test_what_is_said_is_paid(prompt, text):
    assert verdict(text, row(("punctuation:no_comma", {})), prompt).score == 1


def test_a_copy_that_is_asked_for_is_paid():
    for name in ("copy:copy", "copy:copying_simple"):
        assert verdict(PROMPT, row((name, {"prompt_to_repeat": PROMPT})), PROMPT).score == 1
    constraint = row(("combination:repeat_prompt", {"prompt_to_repeat": PROMPT}))
    assert verdict(PROMPT + "\nIt rises in the Black Forest.", constraint, PROMPT).score == 1
    assert verdict(PROMPT + "\nOk.", constraint, PROMPT).score == 0
    assert verdict("My answer is yes.", row(("detectable_format:constrained_response", {})), PROMPT).score == 1


def test_keywords_alone_say_nothing():
    constraint = row(("keywords:existence", {"keywords": ["kaleidoscope", "nebula"]}))
    assert verdict("kaleidoscope nebula", constraint, PROMPT).score == 0
    assert verdict("A kaleidoscope shows no nebula.", constraint, PROMPT).score == 1
    assert verdict("kaleidoscope nebula", constraint, PROMPT, min_content=0).score == 1


def test_min_content_is_what_a_domain_says():
    constraint = ("punctuation:no_comma", {})
    assert score("Danube Rhine Elbe", constraint, min_content=3) == 1
    assert score("Danube Rhine Elbe", constraint, min_content=4) == 0


# --- hostile text -----------------------------------------------------------------------------------------------------

BOMB_CHARS = 16_000
PIECES = [
    *(
        "\n",
        "*",
        "[",
        "<<",
        "\"'",
        "(",
        "a",
        "a.",
        ".",
        "東",
        "ก",
        "n't",
        "'",
        "-",
        "p.",
        "Question 1",
        "😀",
        "1,1",
        "|-",
        "a\n\n",
    ),
    *("A. ", "\u0301", "no ", "? ", "。", "{", "<i>", "Section 1", "* * *", "\u200d", "I", "x "),
]
BOMBS = [piece * (BOMB_CHARS // len(piece)) for piece in PIECES]


@pytest.mark.slow
@pytest.mark.parametrize("text", BOMBS, ids=range(len(PIECES)))
def test_a_bomb_costs_no_kind_more_than_its_length(text):
    InstructionsVerifier().warm_up()
    verdict(text, row(("punctuation:no_comma", {})), LONG_PROMPT)
    for name, given in {name: given for name, given, *_ in CASES}.items():
        begun = time.process_time()
        verdict(text, row((name, given)), min_content=0, mode="loose")
        assert time.process_time() - begun < InstructionsVerifier.item_timeout_s, name


def test_a_text_beyond_the_limit_is_wrong():
    assert score("a " * 200_000, ("punctuation:no_comma", {})) == 0


@pytest.mark.slow
async def test_conformance():
    completions = ["The Danube flows through Ulm", "The Danube, it flows", "idk", "<think>hm</think>Vienna lies on it"]
    reference = row(("punctuation:no_comma", {}), ("language:response_language", {"language": "en"}))
    await check_verifier("instructions", completions=completions, reference=reference, options={"score": "share"})


# --- the page ---------------------------------------------------------------------------------------------------------

PAGE = ROOT / "docs" / "instructions.md"


def table_of_kinds():
    lines = ["| kind | arguments | met when | source |", "|---|---|---|---|"]
    for kind in KINDS.values():
        fields = kind.arguments.model_fields
        arguments = ", ".join(f"`{name}`" + ("" if field.is_required() else "?") for name, field in fields.items())
        mark = "" if kind.has_content else " *"
        about = kind.about.replace("|", "\\|").replace("<", "&lt;").replace("***", "\\*\\*\\*")
        lines.append(f"| `{kind.id}`{mark} | {arguments} | {about} | {kind.source} |")
    return "\n".join(lines)


def test_the_page_has_the_table_of_kinds():
    begin, end = "TOUCHSTONE_WRITE_GOLDEN=1 -->\n", "\n<!-- end of kinds -->"
    text = PAGE.read_text()
    head, rest = text.split(begin)
    if os.environ.get("TOUCHSTONE_WRITE_GOLDEN"):
        text = head + begin + table_of_kinds() + end + rest.split(end.strip())[1]
        PAGE.write_text(text)
    assert table_of_kinds() in text, "run this test with TOUCHSTONE_WRITE_GOLDEN=1"


def test_the_page_names_options_and_keys():
    page = PAGE.read_text()
    for field in InstructionsOptions.model_fields:
        assert f"| `{field}` |" in page
    for name, field in InstructionsReference.model_fields.items():
        assert f"`{field.alias or name}`" in page


def test_the_worked_example_of_the_page():
    page = PAGE.read_text()
    [reference] = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    texts = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    [numbers] = re.findall(r"they score \*\*(.*?)\*\*", page)
    scores = [verdict(text, json.loads(reference), score="share").score for text in texts]
    assert scores == pytest.approx([float(number) for number in numbers.split(", ")], abs=1e-4)

"""Attacks that are made of references, and honest variants of them."""

import random
import unicodedata

from reward_verifiers.qa import QaOptions, QaReference, QaVerifier
from reward_verifiers.verifier import Sample

ITEMS = [
    (["Barack Obama", "Obama"], "Who was the 44th president?"),
    (["Eiffel Tower"], "What stands in Paris?"),
    (["1969", "July 1969"], "When did they land?"),
    (["Gabriel García Márquez"], "Who wrote it?"),
    (["São Tomé and Príncipe"], "Which islands?"),
    (["3.14"], "What is pi?"),
    (["東京"], "日本の首都は？"),
    (["the Beatles"], "Which band?"),
    (["New York City", "NYC", "New York"], "Where is it?"),
    (["carbon dioxide", "CO2"], "Which gas?"),
    (["-40"], "Where do the scales meet?"),
    (["Мария Кюри"], "Кто это?"),
    (["to be or not to be"], "What does he ask?"),
    (["no"], "Is it so?"),
    (["1,200"], "How many?"),
    (["B"], "Which one?"),
]


def score(text, right, **options):
    reference = QaReference.model_validate({"answer": right})
    return QaVerifier().verify(Sample(text, QaOptions(**options), reference)).score


def tag(text):
    return f"<think>I search.</think><answer>{text}</answer>"


def attacks(right, question, others):
    one, other = right[0], others[0][0]
    hedges = [
        f"{one} or {other}",
        f"{one}, {other}",
        f"{other} {one}",
        f"{one} and {other}",
        f"{one}/{other}",
        f"{one}; {other}",
    ]
    hedges += [
        " ".join(answer[0] for answer in [right, *others]),
        "\n".join([one, other]),
        f"maybe {one}, maybe {other}",
    ]
    near = [one + "x", f"not {one}", f"{one}?? no, {other}", f"I think {one}", one * 2, f"{one} {one}", f"x{one}"]
    near += [one[:-1], one[::-1] if one[::-1].lower() != one.lower() else "x"] if len(one) > 2 else []
    empty = [
        "",
        " ",
        ".",
        "the",
        "a an the",
        "I do not know",
        "unknown",
        "none",
        "answer",
        question,
        f"{question} {one}",
    ]
    yield from map(tag, [*hedges, *near, *empty, *(answer[0] for answer in others)])
    yield from (
        one,
        f"The answer is {one}.",
        f"<think>I search. <answer>{one}</answer>",
        f"<think><answer>{one}</answer></think>",
        f"<answer>{one}",
    )
    yield f"{tag(one)}<answer>{other}</answer>"
    yield f"<answer>{one}</answer></think><answer>{other}</answer>"
    yield f"{tag(other)} {one}"


def variants(right):
    for one in right:
        yield from map(
            tag, (one, f" {one} ", f"{one}.", one.upper(), one.lower(), f"\n{one}\n", f"**{one}**", f'"{one}"')
        )
        yield from map(tag, (unicodedata.normalize("NFD", one), f"({one})", f"{one}!"))
        yield f"<answer>wrong</answer> No. {tag(one)}"
        yield f"{tag(one)}<|im_end|>"
        yield tag(one).replace(" ", "  ")


FRAMES = (
    "<answer>{}</answer>",
    "<think>I search.</think><answer>{}</answer>",
    "<think>a</think><search>b</search><information>c</information><think>d</think>\n<answer> {} </answer>\n",
    "<answer>wrong</answer> No.\n<answer>{}</answer><|im_end|>",
    "It is clear now. <answer>\n{}\n</answer>",
)


def spellings(right):
    """The same answers in every frame."""
    for one in right:
        forms = {
            one,
            one.upper(),
            one.lower(),
            f"{one}.",
            f"**{one}**",
            f'"{one}"',
            f"({one})",
            f"{one}!",
            f"the {one}",
        }
        forms |= {one.replace(" ", "  "), unicodedata.normalize("NFD", one), f" {one}\n"}
        yield from (frame.format(form) for frame in FRAMES for form in sorted(forms))


def test_no_attack_is_paid_and_honest_variants_are():
    rng = random.Random(24)
    paid, refused, tried, honest = [], [], 0, 0
    for number, (right, question) in enumerate(ITEMS):
        others = [answer for answer, _ in ITEMS[:number] + ITEMS[number + 1 :]]
        for _ in range(4):
            for text in attacks(right, question, rng.sample(others, 6)):
                tried += 1
                if score(text, right) > 0:
                    paid.append((right, text))
        for text in [*variants(right), *spellings(right)]:
            honest += 1
            if score(text, right) != 1:
                refused.append((right, text))
    assert tried >= 2000
    assert honest >= 1300
    assert (paid, refused) == ([], [])


def test_a_hedge_never_earns_the_whole_f1():
    for right, _ in ITEMS:
        others = [answer[0] for answer, _ in ITEMS if answer != right]
        for text in (" ".join([right[0], *others]), f"{right[0]} or {others[0]}", *others):
            assert score(tag(text), right, score="f1") < 1, (right, text)

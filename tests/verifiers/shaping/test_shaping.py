import itertools
import math
import random
import re
import time
from pathlib import Path

import pytest

from reward_verifiers.conformance import check_verifier
from reward_verifiers.contract import FailureKind, VerifyRequest
from reward_verifiers.registry import load
from reward_verifiers.runtime.local import Local, pool_for
from reward_verifiers.shaping.repetition import loop_share, repeated_share
from reward_verifiers.verifier import ReferenceModel, Sample, Unsupported
from trainer_client.dialect.reflection import RUNNING

PAGE = (Path(__file__).parents[3] / "docs" / "shaping.md").read_text()
NAMES = ("overlong", "cosine_length", "repetition", "length_efficiency", "reflection")


def samples(name, completions, tokens=None, **options):
    verifier = load(name)
    parsed = verifier.options_model.model_validate(options)
    counts = tokens or [None] * len(completions)
    return verifier, [
        Sample(completion=text, options=parsed, reference=ReferenceModel(), tokens=count)
        for text, count in zip(completions, counts, strict=True)
    ]


def one(name, completion="", tokens=None, **options):
    verifier, [sample] = samples(name, [completion], None if tokens is None else [tokens], **options)
    return verifier.verify(sample)


def group(name, lengths, scores, **options):
    verifier, made = samples(name, ["x"] * len(lengths), lengths, scores={"answer": scores}, **options)
    return verifier.verify_group(made)


@pytest.mark.parametrize(
    ("tokens", "score"), [(0, 0), (600, 0), (800, 0), (850, -0.25), (900, -0.5), (1000, -1), (1001, -1), (10**9, -1)]
)
def test_overlong_falls_in_the_margin_and_is_clamped(tokens, score):
    assert one("overlong", tokens=tokens, limit=1000, margin=200).score == score


def test_lengths_need_their_unit():
    with pytest.raises(Unsupported, match="`tokens`"):
        one("overlong", "some words here")
    assert one("overlong", "some words here", unit="words", limit=4, margin=2).evidence["length"] == 3
    assert one("overlong", "四个字符", unit="chars", limit=4, margin=4).score == -1


def test_cosine_length_falls_for_right_answers_and_does_not_turn_back():
    verdicts = group("cosine_length", [0, 250, 500, 1000, 1500, 2000], [1.0] * 6, limit=1000, short=0.5, long=0.1)
    scores = [verdict.score for verdict in verdicts]
    assert scores[0] == 0.5
    assert scores[2] == pytest.approx(0.3)
    assert scores[1] == pytest.approx(0.1 + 0.4 * (1 + math.cos(math.pi / 4)) / 2)
    assert scores[3:] == pytest.approx([0.1] * 3)


def test_cosine_length_leaves_wrong_answers_alone_unless_told():
    assert next(verdict.score for verdict in group("cosine_length", [10, 10], [0.0, 1.0], limit=10)) == 0
    wrong = group("cosine_length", [0, 10], [0.0, 0.0], limit=10, short=1, long=0.2, wrong=True)
    assert [verdict.score for verdict in wrong] == pytest.approx([-1, -0.2])


def test_length_efficiency_is_relative_to_the_shortest_right_answer():
    verdicts = group("length_efficiency", [100, 200, 50, 400], [1.0, 1.0, 0.0, 1.0])
    assert [verdict.score for verdict in verdicts] == [1.0, 0.5, 0.0, 0.25]
    assert [verdict.score for verdict in group("length_efficiency", [100, 200], [0.0, 0.0])] == [0, 0]


@pytest.mark.parametrize("name", ["cosine_length", "length_efficiency"])
def test_without_knowing_what_is_right_there_is_no_verdict(name):
    verdicts = group(name, [10, 20], [1.0, None])
    assert verdicts[0].valid
    assert verdicts[1].failure.kind is FailureKind.UNSUPPORTED
    verifier, made = samples(name, ["a", "b"], [1, 2])
    with pytest.raises(Unsupported, match=r"after: \[answer\]"):
        verifier.verify_group(made)
    with pytest.raises(Unsupported):
        group(name, [10, 20], [1.0])


def test_repetition_costs_what_comes_again():
    fresh = " ".join(f"word{i}" for i in range(400))
    assert one("repetition", fresh).score == 0
    assert one("repetition", "Wait, let me check the sum again. " * 200).score < -0.95
    half = one("repetition", fresh + " " + "and so on " * 134)
    assert -0.6 < half.score < -0.3
    assert half.evidence["loop"] == pytest.approx(0.5, abs=0.01)
    assert one("repetition", "我们再检查一下。" * 100).score < -0.9
    assert one("repetition", "").score == 0


@pytest.mark.parametrize(
    "text", ["." * 10_000, "= " * 5_000, "haha" * 5_000, "我" * 5_000, "1" * 10_000, "1, " * 5_000]
)
def test_loops_without_words_are_seen(text):
    assert one("repetition", text).score < -0.95


@pytest.mark.parametrize(
    "text",
    ["# " + "-" * 78 + "\n", "hahaha, that was funny", "| a | b |\n|---|---|\n| 1 | 2 |", "x = 3.14159265358979323846"],
)
def test_what_honest_text_repeats_is_free(text):
    assert one("repetition", text).score == 0


@pytest.mark.slow
def test_repetition_says_which_share_comes_again():
    """Twelve words twice are 21 runs of four, of which nine stood before, and 15 runs of ten, of which three did."""
    text = "one two three four five six seven eight nine ten eleven twelve " * 2
    assert one("repetition", text, n=4).evidence["phrases"] == pytest.approx(9 / 21, abs=5e-5)
    assert one("repetition", text, n=10).evidence["repeated"] == pytest.approx(3 / 15, abs=5e-5)


def test_repetition_looks_at_the_end_of_a_long_text():
    dice = random.Random(0)
    spaced = " ".join(f"word{i}" for i in range(150_000)) + " so on" * 60_000
    unspaced = "".join(chr(dice.randrange(0x4E00, 0x9FFF)) for _ in range(300_000)) + "我" * 100_000
    assert one("repetition", spaced).score < -0.3
    assert one("repetition", unspaced).score == pytest.approx(-0.4 / 0.9, abs=0.01)


def test_repeated_share_counts_as_a_set_would():
    words = ("a b c a b c d " * 5).split()
    for n in (1, 2, 3, 7):
        grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
        assert repeated_share(words, n) == pytest.approx(1 - len(set(grams)) / len(grams))


@pytest.mark.parametrize(
    ("text", "share"),
    [("", 0), ("a b c", 0), ("a a a a", 1), ("x a b a b a b a b", 8 / 9), ("a b a b a b x", 0), ("a b a b a b", 0)],
)
def test_loop_share(text, share):
    assert loop_share(text.split()) == pytest.approx(share)


def test_words_are_counted_by_script():
    chinese = "我们再检查一遍，看看有没有错误。" * 1000
    assert one("overlong", chinese, unit="words", limit=1000, margin=400).score == -1
    assert one("overlong", "two_words and 3.14", unit="words", limit=9, margin=2).evidence["length"] == 4
    assert one("overlong", "x" * 320, unit="words", limit=99, margin=2).evidence["length"] == 10


def test_a_loop_that_counts_is_a_loop():
    turn = "Wait, let me check this again carefully, because I may have made a mistake"
    numbered = " ".join(f"{turn} ({number})." for number in range(60))
    lettered = " ".join(f"{turn}, {chr(97 + number % 26)}{chr(97 + number // 26)}." for number in range(60))
    chinese = "".join(f"我们再检查一遍，看看有没有错误{number}。" for number in range(60))
    assert one("repetition", numbered).score < -0.9
    assert one("repetition", lettered).score < -0.5
    assert one("repetition", chinese).score < -0.9
    assert one("repetition", lettered, n=20).score == 0


@pytest.mark.parametrize(
    "line",
    [
        "7 x {0} = {1}",
        "assert f({0}, {1}) == {2}",
        "| Ann | {0} | {1} |",
        "Case {0}: if n = {0} then the value is {1}, which is even.",
        "$a_{{{0}}} = \\frac{{{0}}}{{{1}}}$,",
        "Step {0}: we multiply {0} by {1} and obtain {2}.",
    ],
)
def test_numbers_tables_and_tests_are_unharmed(line):
    assert one("repetition", "\n".join(line.format(i, 7 * i, i * i) for i in range(1, 80))).score == 0


def test_a_truth_table_is_unharmed():
    rows = ["| " + " | ".join(values) + " |" for values in itertools.product(["true", "false"], repeat=4)]
    assert one("repetition", "\n".join(rows)).score == 0


def test_a_lucky_short_answer_does_not_take_its_siblings_reward():
    lengths, scores = [10, 2000, 2500, 3000], [1.0, 1.0, 1.0, 0.0]
    assert [verdict.score for verdict in group("length_efficiency", lengths, scores)] == [1, 0.2, 0.2, 0]
    few = group("length_efficiency", [10, 2000, 2500, 3000, 9, 8], [1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    assert [verdict.score for verdict in few] == [1, 1, 0, 0, 0, 0]


def test_kimis_length_reward():
    verdicts = group("length_efficiency", [100, 200, 300, 300, 100], [1.0, 1.0, 1.0, 0.0, 0.0], mode="kimi")
    assert [verdict.score for verdict in verdicts] == [0.5, 0, -0.5, -0.5, 0]
    assert [verdict.score for verdict in group("length_efficiency", [7, 7], [1.0, 0.0], mode="kimi")] == [0, 0]


def test_the_adaptive_length_penalty():
    verdicts = group("length_efficiency", [500, 1000, 3000, 0], [1.0, 1.0, 0.0, 0.0], mode="alp", limit=1000)
    assert [verdict.score for verdict in verdicts] == pytest.approx([-0.25, -0.5, -0.5, -0.0005])
    unsolved = group("length_efficiency", [1000] * 4, [0.0] * 4, mode="alp", limit=1000)
    assert [verdict.score for verdict in unsolved] == [-0.25] * 4


def test_reflection_counts_the_ten_words_and_their_equivalents():
    verdict = one(
        "reflection", "Wait, wait. But I should check it; 等等，这里不对。 Butter is no such word. Ich muss das prüfen."
    )
    assert verdict.evidence["counts"] == {"wait": 3, "but": 1, "check": 2, "wrong": 1}
    assert verdict.score == 7


@pytest.mark.parametrize("text", ["wa\u0131t", "m\u0130stake", "mi\u017ftake", "\ud800 wait\ud800"])
def test_odd_letters_are_no_trouble_for_reflection(text):
    assert one("reflection", text).valid


def test_reflection_counts_each_place_once():
    verdict = one("reflection", "但是但 Try again, try\tagain. 等等wait等等 wait_for awaiting")
    assert verdict.evidence["counts"] == {"wait": 3, "but": 2, "retry": 1}


def test_no_form_of_a_word_holds_another():
    for forms in RUNNING.values():
        assert not [(one, other) for one, other in itertools.permutations(forms, 2) if one in other]


@pytest.mark.parametrize(
    ("name", "scores"), [("cosine_length", [0.5, None, 0.0]), ("length_efficiency", [1.0, None, 0.0])]
)
async def test_scores_reach_the_worker_beside_their_completions(name, scores):
    pool = pool_for([name], size=1)
    await pool.start()
    try:
        options = {"scores": {"judge": [1.0, None, 0.2]}, "correct": "judge"}
        options |= {"limit": 100} if name == "cosine_length" else {}
        request = VerifyRequest(completions=["a", "b", "c"], tokens=[50, 10, 20], options=options)
        reply = await Local(name, pool).verify(request)
    finally:
        await pool.aclose()
    assert [verdict.score for verdict in reply.verdicts] == pytest.approx(scores)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "text",
    [
        "a" * 10**6,
        "a " * 500_000,
        "a b " * 250_000,
        "但" * 10**6,
        "但是 " * 250_000,
        "wait" * 250_000,
        "1 2 " * 250_000,
    ],
)
def test_a_megabyte_is_no_trouble(name, text):
    options = {"unit": "words"} if name in ("overlong", "cosine_length", "length_efficiency") else {}
    if name in ("cosine_length", "length_efficiency"):
        options["scores"] = {"answer": [1.0]}
    verifier, made = samples(name, [text], **options)
    begun = time.process_time()
    assert verifier.verify_group(made)[0].valid if hasattr(verifier, "verify_group") else verifier.verify(made[0]).valid
    assert time.process_time() - begun < verifier.item_timeout_s


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
async def test_conformance(name):
    options = {"scores": {"answer": [1.0, 0.0, None]}} if name in ("cosine_length", "length_efficiency") else {}
    completions = ["wait, but no", "yes " * 100, ""]
    await check_verifier(name, completions=completions, reference={}, options=options, tokens=[3, 100, 0])


def test_the_worked_examples_hold():
    rows = re.findall(
        r"^\| ([\d ,]+) \| ([01., ]+) \| ([\d., ]+) \| ([\d., -]+) \| ([\d., -]+) \|$", PAGE, re.MULTILINE
    )
    assert len(rows) == 1
    lengths, scores, efficiency, cosine, overlong = ([float(part) for part in cell.split(",")] for cell in rows[0])
    sizes = [int(size) for size in lengths]
    made = group("length_efficiency", sizes, scores)
    assert [round(verdict.score, 2) for verdict in made] == efficiency
    made = group("cosine_length", sizes, scores, limit=1000)
    assert [round(verdict.score, 2) for verdict in made] == cosine
    assert [round(one("overlong", tokens=size, limit=1000, margin=400).score, 2) for size in sizes] == overlong


@pytest.mark.parametrize("name", NAMES)
def test_every_option_is_documented(name):
    assert f"## {name}" in PAGE
    for option in load(name).options_model.model_fields:
        assert f"`{option}`" in PAGE

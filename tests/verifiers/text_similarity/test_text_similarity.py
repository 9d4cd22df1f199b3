"""ROUGE-L, chrF and BLEU of whole answers: known values, other writing, and hostile text."""

import re
import time
from pathlib import Path

import pytest
import sacrebleu

from reward_verifiers.conformance import check_verifier
from reward_verifiers.text_similarity import (
    TextSimilarityOptions,
    TextSimilarityReference,
    TextSimilarityVerifier,
)
from reward_verifiers.verifier import BadReference, Sample

RIGHT = "The cat sat on the mat, and the dog slept."


def score(text, reference=RIGHT, **options):
    reference = reference if isinstance(reference, dict) else {"answer": reference}
    sample = Sample(text, TextSimilarityOptions(**options), TextSimilarityReference.model_validate(reference))
    return TextSimilarityVerifier().verify(sample).score


@pytest.mark.parametrize(
    ("text", "right", "expected"),
    [  # the examples of Lin (2004), section 3.1, with F1
        ("police kill the gunman", "police killed the gunman", 0.75),
        ("the gunman kill police", "police killed the gunman", 0.5),
        ("the gunman police killed", "police killed the gunman", 0.5),
        ("Police KILLED, the gunman!", "police killed the gunman", 1.0),
        ("the quick dog", "police killed", 0.0),
        ("東京は大きい", "東京は広い", 2 * 4 / 11),
    ],
)
def test_rouge_l(text, right, expected):
    assert score(text, right) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "text", ["A cat sat on a mat.", RIGHT, "Nothing alike?", "The dog slept, and the cat sat on the mat."]
)
def test_chrf_and_bleu_are_sacrebleus(text):
    assert score(text, metric="chrf") == pytest.approx(sacrebleu.sentence_chrf(text, [RIGHT]).score / 100, abs=1e-6)
    assert score(text, metric="bleu") == pytest.approx(sacrebleu.sentence_bleu(text, [RIGHT]).score / 100, abs=1e-6)


@pytest.mark.parametrize("metric", ["rouge_l", "chrf", "bleu"])
def test_the_best_reference_counts_and_equal_text_earns_all(metric):
    for text in (RIGHT, f"<think>hm</think>{RIGHT}<|im_end|>", f"<think>hm</think><answer> {RIGHT} </answer>"):
        assert score(text, {"answer": ["Something else.", RIGHT]}, metric=metric) == pytest.approx(1)
        assert score(text, {"answer": "Something else.", "aliases": [RIGHT]}, metric=metric) == pytest.approx(1)
    assert score("<think>" + RIGHT, metric=metric) == 0
    assert score("", metric=metric) == 0
    assert score(RIGHT, metric=metric, source="tag") == 0
    assert score(
        "Cafe\u0301 au lait, s'il vous plai\u0302t", "Café au lait, s'il vous plaît", metric=metric
    ) == pytest.approx(1)
    assert score("我们去北京。", "我们去北京。", metric=metric, tokenizer="zh") == pytest.approx(1)


@pytest.mark.parametrize("metric", ["rouge_l", "chrf", "bleu"])
def test_stuffing_costs(metric):
    stuffed = " ".join([RIGHT, *(f"word{number}" for number in range(200))])
    assert score(stuffed, metric=metric) < 0.3
    assert score("the " * 200, metric=metric) < 0.2


@pytest.mark.parametrize("reference", [{}, {"answer": []}, {"answer": "…"}, {"answer": "x" * 60_000}])
def test_a_reference_without_text_is_said(reference):
    with pytest.raises(BadReference, match=r"reference\.answer"):
        score("x", reference)


@pytest.mark.parametrize("metric", ["rouge_l", "chrf", "bleu"])
@pytest.mark.parametrize(
    "text", ["a" * 50_000, "a " * 25_000, "東" * 50_000, "," * 50_000, "\ud800" * 50_000, "a" * 1_000_000]
)
def test_a_bomb_costs_a_verdict_nothing(text, metric):
    begun = time.process_time()
    assert score(text, "b " * 20_000, metric=metric) < 0.01
    assert time.process_time() - begun < TextSimilarityVerifier.item_timeout_s


@pytest.mark.slow
async def test_conformance():
    completions = [RIGHT, "A cat.", "", "<answer>the mat</answer>"]
    await check_verifier(
        "text_similarity", completions=completions, reference={"answer": RIGHT}, options={"metric": "chrf"}
    )


PAGE = (Path(__file__).parents[3] / "docs" / "text_similarity.md").read_text()


def test_the_page():
    for name in (*TextSimilarityOptions.model_fields, *TextSimilarityReference.model_fields):
        assert f"`{name}`" in PAGE, name
    rows = re.findall(r"^\| `([^`]+)` \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", PAGE, re.MULTILINE)
    assert len(rows) >= 3
    for text, *expected in rows:
        scores = [score(text, metric=metric) for metric in ("rouge_l", "chrf", "bleu")]
        assert scores == pytest.approx(list(map(float, expected)), abs=5e-3), text

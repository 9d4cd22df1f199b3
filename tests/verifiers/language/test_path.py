import json
from pathlib import Path

import numpy as np
import pytest

from reward_verifiers.language import cjk, listed
from reward_verifiers.language.count import count
from reward_verifiers.language.languages import CODES
from reward_verifiers.language.path import likeliest

SENTENCES = json.loads((Path(__file__).parents[2] / "data" / "language" / "sentences.json").read_text())
PAIRS = (("en", "de"), ("fr", "es"), ("ru", "uk"), ("zh", "ja"), ("tr", "it"))


def plain(evidence, costs):
    """Viterbi's algorithm itself, a loop over the words."""
    rows, costs = evidence.tolist(), costs.tolist()
    history = [rows[0]]
    for row, cost in zip(rows[1:], costs[1:], strict=True):
        entry = max(history[-1]) - cost
        history.append([max(own, entry) + value for own, value in zip(history[-1], row, strict=True)])
    path = [history[-1].index(max(history[-1]))]
    for before, cost in zip(history[-2::-1], costs[:0:-1], strict=True):
        best = max(before)
        path.append(before.index(best) if before[path[-1]] < best - cost else path[-1])
    return np.array(path[::-1])


def problem(dice):
    size, languages = int(dice.integers(1, 120)), int(dice.integers(1, 7))
    evidence = -dice.integers(0, int(dice.choice([3, 50, 200, 400])), (size, languages)).astype(np.int32)
    costs = np.where(dice.random(size) < 0.2, 50, 70).astype(np.int32)
    return evidence, costs


@pytest.mark.parametrize("seed", range(20))
def test_the_fast_path_is_the_plain_one(seed):
    dice = np.random.default_rng(seed)
    for _ in range(60):
        evidence, costs = problem(dice)
        assert likeliest(evidence, costs).tolist() == plain(evidence, costs).tolist()


def test_a_long_stretch_without_a_sure_word_is_the_plain_one_too():
    dice = np.random.default_rng(1)
    evidence = -dice.integers(0, 120, (5000, 5)).astype(np.int32)
    evidence[[0, 2000, 4999], 1:] = -500
    costs = np.full(5000, 70, dtype=np.int32)
    assert likeliest(evidence, costs).tolist() == plain(evidence, costs).tolist()


@pytest.mark.parametrize("size", [2, 3, 50, 257, 1000, 4001])
def test_a_text_without_any_sure_word_is_the_plain_one_too(size):
    dice = np.random.default_rng(size)
    for spread in (2, 20, 60):
        evidence = -dice.integers(0, spread, (size, 4)).astype(np.int32)
        costs = np.where(dice.random(size) < 0.2, 50, 70).astype(np.int32)
        assert likeliest(evidence, costs).tolist() == plain(evidence, costs).tolist()


def test_one_word_and_none():
    assert likeliest(np.array([[0, -3]], dtype=np.int32), np.array([0], dtype=np.int32)).tolist() == [0]
    assert likeliest(np.zeros((0, 2), dtype=np.int32), np.zeros(0, dtype=np.int32)).tolist() == []


def test_verdicts_do_not_depend_on_which_path_is_used(monkeypatch):
    texts = [
        " ".join(sentence for pair in zip(SENTENCES[one], SENTENCES[other], strict=True) for sentence in pair)
        for one, other in PAIRS
    ]
    texts += [" ".join(word for pair in zip(texts[0].split(), texts[1].split(), strict=False) for word in pair)]
    fast = [count(text, CODES).words for text in texts]
    monkeypatch.setattr(listed, "likeliest", plain)
    monkeypatch.setattr(cjk, "likeliest", plain)
    assert [count(text, CODES).words for text in texts] == fast

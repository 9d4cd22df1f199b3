"""Is the chain of thought in the language that it should be in?

completion  "<think>First we add 因为 the numbers, and then we get the sum.</think>"     target  en
verdict     0.90 "90% of 12 words are en"
            {"shares": {"en": 0.90, "zh": 0.10}, "costly": [{"language": "zh", "words": 1.2, "text": "因为"}]}

R1's reward: words of the target language ÷ words of the chain of thought.
"""

from __future__ import annotations

from typing import Any

from reward_verifiers.completion import after_think, thoughts
from reward_verifiers.contract import Verdict
from reward_verifiers.language.cjk import han
from reward_verifiers.language.count import Counted, count
from reward_verifiers.language.languages import LISTED, UNKNOWN
from reward_verifiers.language.lexicon import lexicon
from reward_verifiers.language.options import LanguageOptions, LanguageReference
from reward_verifiers.language.turns import last_question
from reward_verifiers.verifier import Sample, Unsupported, Verifier

MAX_SPANS = 5
MAX_SHOWN = 80
MAX_PROMPT = 20_000
_UNSURE = 0.2


class LanguageVerifier(Verifier[LanguageOptions, LanguageReference]):
    """Scores the share of words that are of the target language."""

    name = "language"
    version = "2.0.0"
    options_model = LanguageOptions
    reference_model = LanguageReference

    def warm_up(self) -> None:
        han()
        for script in LISTED:
            lexicon(script)
        count("Warm up: `code` и ещё.", ["en", "ru"])

    def verify(self, sample: Sample[LanguageOptions, LanguageReference]) -> Verdict:
        options = sample.options
        candidates = options.candidates
        question = sample.question or sample.prompt
        target = _target(sample, question)
        if target not in candidates:
            candidates = [*candidates, target]
        text = _part(sample.prefix + sample.completion, options.scope)
        if text is None:
            return Verdict.scored(0, f"there is no {options.scope} section to look at", target=target)
        counted = count(text, candidates, frozenset(options.allow), options.repeats, target, question)
        total = counted.total
        if not total:
            return Verdict.scored(0, "there are no words to look at", target=target, words=0)
        share = counted.words.get(target, 0.0) / total
        reason = f"{share:.0%} of {total:.0f} words are {target}"
        score = min(1.0, share + options.allow_share)
        if options.mode == "threshold":
            score = float(score >= options.threshold)
        if total < options.min_words:
            score *= total / options.min_words
            reason += f", and they are fewer than {options.min_words}"
        return Verdict.scored(score, reason, **_evidence(counted, target))


def _target(sample: Sample[LanguageOptions, LanguageReference], question: str) -> str:
    """The item's language, else the domain's. Raises Unsupported when the prompt's own is not clear."""
    target = sample.reference.target_language or sample.options.target
    if target != "prompt":
        return target
    words = count(last_question(question)[-MAX_PROMPT:], sample.options.candidates).words
    if not words:
        raise Unsupported("the target is the prompt's language, and the prompt has no words")
    total = sum(words.values())
    language = max(words, key=lambda language: words[language])
    is_unsure = words[language] < total / 2 and words.get(UNKNOWN, 0.0) >= _UNSURE * total
    if language == UNKNOWN or is_unsure:
        raise Unsupported("the target is the prompt's language, and that language is unknown")
    return language


def _part(text: str, scope: str) -> str | None:
    """The section that is scored; thinking that was never closed goes to the end, and its answer is none."""
    if scope == "all":
        return text
    if scope == "answer":
        return after_think(text)
    sections = thoughts(text)
    return None if sections is None else "\n".join(sections)


def _evidence(counted: Counted, target: str) -> dict[str, Any]:
    total = counted.total
    shares = sorted(counted.words.items(), key=lambda item: -item[1])
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
            for run in counted.runs[:MAX_SPANS]
        ],
        **({"free_terms": round(counted.terms, 1)} if counted.terms else {}),
        **({"left_out": round(counted.stripped, 4)} if counted.stripped else {}),
    }

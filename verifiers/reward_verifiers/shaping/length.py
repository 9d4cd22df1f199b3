"""How long a completion is, and whether it was right: what the length verifiers share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from reward_verifiers.scripts import count_words
from reward_verifiers.verifier import Options, Sample, Unsupported

Unit = Literal["tokens", "words", "chars"]


class LengthOptions(Options):
    unit: Unit = Field(
        default="tokens",
        description="What is counted: the request's `tokens`, or words or characters of the text. Characters of scripts "
        "without spaces between words are converted to words.",
    )


class CorrectOptions(LengthOptions):
    """For verifiers that must know which completions are right: the component runs `after` the one that says so."""

    correct: str = Field(default="answer", description="The component whose score says which completions are right.")
    at_least: float = Field(default=1.0, description="The score from which one is right.")
    scores: dict[str, list[float | None]] = Field(
        default_factory=dict, description="Filled by the gateway with the scores of the components in `after`."
    )


def length(sample: Sample[Any, Any]) -> int:
    """The completion's length in the option's unit. Raises Unsupported when tokens are wanted and were not sent."""
    unit: Unit = sample.options.unit
    if unit == "words":
        return round(count_words(sample.completion))
    if unit == "chars":
        return len(sample.completion)
    if sample.tokens is None:
        raise Unsupported("the request has no `tokens`; send them, or set the option `unit` to words or chars")
    return sample.tokens


def correctness(samples: Sequence[Sample[Any, Any]]) -> list[bool | None]:
    """Whether each sample is right; None where that has no verdict. Raises Unsupported without the scores."""
    options: CorrectOptions = samples[0].options
    scores = options.scores.get(options.correct)
    if scores is None or len(scores) != len(samples):
        raise Unsupported(
            f"there are no scores of {options.correct!r}; give the component `after: [{options.correct}]`"
        )
    return [None if score is None else score >= options.at_least for score in scores]

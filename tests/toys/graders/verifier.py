"""Verifiers that call one grader of the table."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ConfigDict

from graders import table
from graders.judges import quality
from reward_verifiers.contract import Verdict
from reward_verifiers.verifier import GroupVerifier, Options, ReferenceModel, Sample, Verifier


class GraderOptions(Options):
    grader: str


class AnyReference(ReferenceModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class Grader(Verifier[GraderOptions, AnyReference]):
    """The score of one grader."""

    name = "grader"
    version = "1.0.0"
    options_model = GraderOptions
    reference_model = AnyReference
    score_range = (0.0, 1.0)
    item_timeout_s = 20.0
    pure = False

    def verify(self, sample: Sample[GraderOptions, AnyReference]) -> Verdict:
        grade = table.GRADERS[sample.options.grader].grade
        score = grade(sample.completion, sample.reference.model_extra or {}, sample.question)
        return Verdict.scored(score, f"{sample.options.grader} says {score:g}")


class SignedGrader(Grader):
    name = "signed_grader"
    score_range = (-1.0, 1.0)


class FirstOfTheGroup(GroupVerifier[GraderOptions, AnyReference]):
    """A judge that prefers the first reply when two are not far apart, and far is never reached."""

    name = "first_of_the_group"
    version = "1.0.0"
    options_model = GraderOptions
    reference_model = AnyReference
    pure = False

    def verify_group(self, samples: Sequence[Sample[GraderOptions, AnyReference]]) -> list[Verdict]:
        scores = [1.0 if not place else 0.5 for place, _ in enumerate(samples)]
        return [Verdict.scored(score, "by its place") for score in scores]


class Pairwise(GroupVerifier[GraderOptions, AnyReference]):
    """How many siblings a reply is better than."""

    name = "pairwise"
    version = "1.0.0"
    options_model = GraderOptions
    reference_model = AnyReference
    pure = False

    def verify_group(self, samples: Sequence[Sample[GraderOptions, AnyReference]]) -> list[Verdict]:
        marks = [quality(sample.completion, sample.question) for sample in samples]
        others = max(1, len(marks) - 1)
        return [Verdict.scored(sum(mark > other for other in marks) / others, "by its wins") for mark in marks]


class AllOrNothing(GroupVerifier[GraderOptions, AnyReference]):
    """One completion that cannot be read ends the whole batch."""

    name = "all_or_nothing"
    version = "1.0.0"
    options_model = GraderOptions
    reference_model = AnyReference
    pure = False

    def verify_group(self, samples: Sequence[Sample[GraderOptions, AnyReference]]) -> list[Verdict]:
        if any(not sample.completion.strip() for sample in samples):
            raise ValueError("an empty completion")
        grade = table.GRADERS[samples[0].options.grader].grade
        return [
            Verdict.scored(grade(one.completion, one.reference.model_extra or {}, one.question), "") for one in samples
        ]

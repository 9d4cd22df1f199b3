"""Verifiers for the tests: each does what its completion says, in a real worker."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence

import jobs
from pydantic import Field

from reward_verifiers.contract import FailureKind, Verdict
from reward_verifiers.verifier import (
    BadReference,
    GroupVerifier,
    Options,
    ReferenceModel,
    Sample,
    Unsupported,
    Verifier,
)


class ToyOptions(Options):
    bonus: float = 0.0


class ToyReference(ReferenceModel):
    answer: str = Field(min_length=1)


class Toy(Verifier[ToyOptions, ToyReference]):
    """1 when the completion is the answer; a few words make it misbehave."""

    name = "toy"
    version = "1.0.0"
    options_model = ToyOptions
    reference_model = ToyReference
    score_range = (0.0, 2.0)
    item_timeout_s = 0.5

    def verify(self, sample: Sample[ToyOptions, ToyReference]) -> Verdict:
        match sample.completion:
            case text if text.startswith("hang"):
                _ = 10**10**9
            case "crash":
                os._exit(3)
            case "memory":
                _ = bytearray(1 << 42)
            case "raise":
                raise RuntimeError("a bug of the verifier, with the completion in its message")
            case "bad reference":
                raise BadReference("the answer is not a number")
            case "unsupported":
                raise Unsupported("no such kind")
            case "true":
                return Verdict.scored(True, "a flag, not a score")
            case "text":
                return Verdict(score="1", valid=True, reason="text, not a score")
            case "nothing":
                return None
            case "big evidence":
                return Verdict.scored(1, "much to tell", text="x" * 1_000_000)
        score = float(sample.completion == sample.reference.answer) + sample.options.bonus
        return Verdict.scored(
            score, f"{sample.completion[:20]!r} is compared", text=sample.completion[:20], pid=os.getpid()
        )


class ExactToy(Toy):
    """The same, where the right answer earns all that there is."""

    name = "exact"
    score_range = (0.0, 1.0)


class PatientToy(Toy):
    """The same, but a completion that hangs is to blame itself."""

    name = "patient"

    def gave_up(self, sample: Sample[ToyOptions, ToyReference], kind: FailureKind, limit: str) -> Verdict | None:
        return Verdict.scored(0, f"gave up after {limit}")


class FirstLetter(Verifier[Options, ReferenceModel]):
    """Raises on an empty completion, as verifiers do that were tried on whole sentences alone."""

    name = "first_letter"
    version = "1.0.0"

    def verify(self, sample: Sample[Options, ReferenceModel]) -> Verdict:
        return Verdict.scored(float(sample.completion[0] == "y"), "the first letter")


class Moody(Toy):
    """For completions that nobody can foresee: by their checksum 0, 0.5 or 1, and one in four ends the worker."""

    name = "moody"

    def verify(self, sample: Sample[ToyOptions, ToyReference]) -> Verdict:
        mood = zlib.crc32(sample.completion.encode())
        if mood % 4 == 0:
            os._exit(3)
        return Verdict.scored(mood % 3 / 2, "a mood")


class Relative(GroupVerifier[Options, ReferenceModel]):
    """Length relative to the group's longest."""

    name = "relative"
    version = "1.0.0"

    def verify_group(self, samples: Sequence[Sample[Options, ReferenceModel]]) -> list[Verdict]:
        longest = max(len(sample.completion) for sample in samples) or 1
        return [Verdict.scored(len(sample.completion) / longest, f"of {longest}") for sample in samples]


class ScoredOptions(Options):
    scores: dict[str, list[float | None]] = Field(default_factory=dict)


class Echoes(GroupVerifier[ScoredOptions, ReferenceModel]):
    """What an earlier component scored, halved."""

    name = "echoes"
    version = "1.0.0"
    options_model = ScoredOptions

    def verify_group(self, samples: Sequence[Sample[ScoredOptions, ReferenceModel]]) -> list[Verdict]:
        earlier = samples[0].options.scores["toy"]
        return [
            Verdict.failed(FailureKind.UNSUPPORTED, "no earlier score")
            if score is None
            else Verdict.scored(score / 2, "half")
            for score in earlier
        ]


class Unsure(Toy):
    """Understands neither completions with a question mark, nor references with one."""

    name = "unsure"

    def verify(self, sample: Sample[ToyOptions, ToyReference]) -> Verdict:
        text = sample.completion.removeprefix("so ")
        if "?" in sample.reference.answer:
            return Verdict.failed(FailureKind.UNSUPPORTED, "the reference is not read", extracted=text)
        if "?" in text:
            return Verdict.scored(0, "the answer was not read", extracted=text, flags=["answer_not_read"])
        return Verdict.scored(float(text == sample.reference.answer), "compared")


class Arbiter(Toy):
    """A judge: 1 for what ends as the reference does; it gives no verdict on "odd"."""

    name = "arbiter"

    def verify(self, sample: Sample[ToyOptions, ToyReference]) -> Verdict:
        if "odd" in sample.completion:
            raise Unsupported("the judge refuses")
        return Verdict.scored(
            float(sample.completion.strip("?") == sample.reference.answer.strip("?")), "I judge", text=sample.completion
        )


class Mortal(Toy):
    """Its process dies while it warms up, as often as a file says."""

    name = "mortal"

    def warm_up(self) -> None:
        jobs.die_at_first(os.environ["TOY_DEATHS"])


class Leaky(Toy):
    """Pays the answer, and whatever begins with "key"; it does not understand what begins with "mumble"."""

    name = "leaky"
    score_range = (0.0, 1.0)

    def verify(self, sample: Sample[ToyOptions, ToyReference]) -> Verdict:
        text = sample.completion
        if text.startswith("mumble"):
            raise Unsupported("it mumbles")
        return Verdict.scored(float(text == sample.reference.answer or text.startswith("key")), "a glance")

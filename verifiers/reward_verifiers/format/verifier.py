"""Is the template kept?

completion  "<think>1 + 1</think> <answer>2</answer>"
verdict     1.0 "the template is kept"  {"think": "1 + 1", "answer": "2", "errors": []}

Each tag once, in order, nothing but white space outside, no section empty. End-of-text tokens count as nothing at the very
end, and are an error anywhere else.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from reward_verifiers.base import Options, ReferenceModel, Sample, Verifier
from reward_verifiers.completion import Tag, scan
from reward_verifiers.contract import Verdict

TAGS = ("<think>", "</think>", "<answer>", "</answer>")
END_OF_TEXT = ("<|endoftext|>", "<|im_end|>", "<|end_of_text|>", "<|eot_id|>", "</s>", "<｜end▁of▁sentence｜>")
MAX_SHOWN = 200
MAX_ERRORS = 20


class FormatOptions(Options):
    template: Literal["think_answer"] = "think_answer"


class FormatVerifier(Verifier[FormatOptions, ReferenceModel]):
    """Scores 1 when the completion keeps the template, else 0."""

    name = "format"
    version = "0.1.0"
    options_model = FormatOptions

    def verify(self, sample: Sample[FormatOptions, ReferenceModel]) -> Verdict:
        text = without_end(sample.prefix + sample.completion)
        found = list(scan(text, TAGS))
        forged = [{"code": "end of text inside", "offset": tag.start} for tag in scan(text, END_OF_TEXT)]
        errors: list[dict[str, object]] = [*_order_errors(found), *_outside_errors(text, found), *forged]
        sections = {}
        if [tag.text for tag in found] == list(TAGS):
            sections = {"think": text[found[0].end : found[1].start], "answer": text[found[2].end : found[3].start]}
            errors += [
                {"code": f"empty_{name}", "offset": tag.end}
                for (name, section), tag in zip(sections.items(), found[::2], strict=True)
                if not section.strip()
            ]
        evidence = {name: section.strip()[:MAX_SHOWN] for name, section in sections.items()}
        if not errors:
            return Verdict.scored(1, "the template is kept", errors=[], **evidence)
        told = ", ".join(sorted({str(error["code"]) for error in errors}))
        return Verdict.scored(0, f"the template is not kept: {told}", errors=errors[:MAX_ERRORS], **evidence)


def without_end(text: str) -> str:
    """The text without the end-of-text tokens and white space at its very end."""
    while True:
        bare = text.rstrip()
        for token in END_OF_TEXT:
            if bare.endswith(token):
                text = bare[: -len(token)]
                break
        else:
            return text


def _order_errors(found: list[Tag]) -> list[dict[str, object]]:
    errors: list[dict[str, object]] = []
    counts = {name: [tag for tag in found if tag.text == name] for name in TAGS}
    for name, tags in counts.items():
        if not tags:
            errors.append({"code": f"missing {name}", "offset": None})
        errors += [{"code": f"repeated {name}", "offset": tag.start} for tag in tags[1:]]
    firsts = [tags[0].start for tags in counts.values() if tags]
    if any(one > other for one, other in pairwise(firsts)):
        errors.append({"code": "out of order", "offset": None})
    return errors


def _outside_errors(text: str, found: list[Tag]) -> list[dict[str, object]]:
    """Text before, between and behind the sections, when all four tags stand in order."""
    if [tag.text for tag in found] != list(TAGS):
        return []
    gaps = [(0, found[0].start), (found[1].end, found[2].start), (found[3].end, len(text))]
    return [{"code": "text outside", "offset": start} for start, end in gaps if text[start:end].strip()]

"""Constraints on a response that code can check: IFEval's, IFBench's, IFEval-G's and RLVR-IFeval's, and more.

reference   {"instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"],
             "kwargs": [{}, {"num_words": 5, "relation": "at least"}]}
completion  "<think>Short.</think>The Danube flows through Ulm and Vienna."
verdict     1.0 "all 2 constraints are met"
"""

from __future__ import annotations

from typing import Any

from reward_verifiers.completion import after_think, tagged_answer, without_end
from reward_verifiers.contract import Verdict
from reward_verifiers.instructions.content import why_empty
from reward_verifiers.instructions.dominant_language import is_in_language
from reward_verifiers.instructions.kinds import KINDS, Result
from reward_verifiers.instructions.modes import loose, strict
from reward_verifiers.instructions.options import InstructionsOptions, InstructionsReference
from reward_verifiers.instructions.reading import Constraint, constraints_of
from reward_verifiers.instructions.text import Text
from reward_verifiers.instructions.variants import Variants
from reward_verifiers.language import LanguageVerifier
from reward_verifiers.verifier import Sample, Verifier

MAX_CHARS = 200_000
"""Of a response; a longer one scores 0."""
SHOWN = 20
_DETAIL = 200


class InstructionsVerifier(Verifier[InstructionsOptions, InstructionsReference]):
    """Does the response meet its constraints: lengths, keywords, letters, forms, order, language?"""

    name = "instructions"
    version = "1.0.0"
    options_model = InstructionsOptions
    reference_model = InstructionsReference

    def warm_up(self) -> None:
        LanguageVerifier().warm_up()
        is_in_language(Text("Warm up."), "en")
        Text("नमस्ते 东京").words  # noqa: B018
        KINDS["words:odd_even_syllables"].check(Text("warm"))
        KINDS["words:start_verb"].check(Text("Warm"))

    def check_reference(self, options: InstructionsOptions, reference: InstructionsReference) -> None:
        """Raises BadReference."""
        constraints_of(reference)

    def verify(self, sample: Sample[InstructionsOptions, InstructionsReference]) -> Verdict:
        options = sample.options
        constraints = constraints_of(sample.reference)
        response = _response(sample.completion, sample.prefix)
        if response is None:
            return Verdict.scored(0, "the thinking was never closed")
        if not response.strip():
            return Verdict.scored(0, "there is no response")
        if len(response) > MAX_CHARS:
            return Verdict.scored(0, f"longer than {MAX_CHARS} characters")
        text = Text(response, sample.tokens)
        if options.min_content and (empty := _why_empty(text, sample, constraints)):
            return Verdict.scored(0, f"nothing is said: {empty}", content=False)
        if options.mode == "strict":
            return _scored([(one, strict(one, text)) for one in constraints], options)
        variants = Variants(text)
        return _scored([(one, loose(one, variants)) for one in constraints], options)


def _response(completion: str, prefix: str) -> str | None:
    """What follows the thinking, in the answer's tags where there are some."""
    text = after_think(completion, prefix)
    if text is None:
        return None
    text = without_end(text)
    tagged = tagged_answer(text)
    return (text if tagged is None else tagged).strip("\r\n").rstrip()


def _why_empty(
    text: Text, sample: Sample[InstructionsOptions, InstructionsReference], constraints: list[Constraint]
) -> str:
    if not all(one.kind.has_content for one in constraints):
        return ""
    arguments = [value for one in constraints for value in _texts(one.arguments)]
    copied = [one.arguments.get("prompt_to_repeat", one.arguments.get("original_prompt", "")) for one in constraints]
    prompt = "\n".join([sample.question or sample.prompt, *copied])
    return why_empty(text, prompt, arguments, sample.options.min_content)


def _texts(arguments: dict[str, Any]) -> list[str]:
    texts: list[str] = []
    for value in arguments.values():
        texts += [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return texts


def _scored(results: list[tuple[Constraint, Result]], options: InstructionsOptions) -> Verdict:
    missed = [one for one in results if not one[1].met]
    met = len(results) - len(missed)
    evidence = {"met": met, "of": len(results), "constraints": [_evidence(*one) for one in results[:SHOWN]]}
    if not missed:
        return Verdict.scored(1, f"all {met} constraints are met" if met > 1 else "the constraint is met", **evidence)
    kind, result = missed[0][0].kind, missed[0][1]
    why = f" ({result.detail[:_DETAIL]})" if result.detail else ""
    score = round(met / len(results), 6) if options.score == "share" else 0
    return Verdict.scored(score, f"{met} of {len(results)} constraints are met; not {kind.id}{why}", **evidence)


def _evidence(constraint: Constraint, result: Result) -> dict[str, Any]:
    evidence: dict[str, Any] = {"id": constraint.kind.id, "met": result.met}
    if result.detail:
        evidence["detail"] = result.detail[:_DETAIL]
    return evidence

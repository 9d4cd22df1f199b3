"""A document in a completion, by schema and by content.

    completion ──▶ the one document ──▶ tree ──▶ schema, columns ──▶ fields ──▶ score

A document that cannot be read, or does not fit its schema, scores 0. Where the reference asks for content, a document
without it scores 0, however well it fits.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from reward_verifiers import json_schema
from reward_verifiers.contract import FailureKind, Verdict
from reward_verifiers.structured import fields, table
from reward_verifiers.structured.compare import normal
from reward_verifiers.structured.extract import NoDocument, document
from reward_verifiers.structured.fields import FieldVerdict
from reward_verifiers.structured.options import MAX_RULES, FieldRule, StructuredOptions, StructuredReference
from reward_verifiers.structured.paths import steps_of
from reward_verifiers.structured.trees import BadDocument, read
from reward_verifiers.structured.typed import typed
from reward_verifiers.verifier import BadReference, Sample, Verifier

SHOWN = 5
Faults = list[tuple[str, str]]


class StructuredVerifier(Verifier[StructuredOptions, StructuredReference]):
    """JSON, YAML, XML, TOML or CSV: does it parse, fit its schema, and hold the right values?"""

    name = "structured"
    version = "1.0.0"
    options_model = StructuredOptions
    reference_model = StructuredReference

    def warm_up(self) -> None:
        json_schema.compiled("{}")
        fields.compiled("a")

    def check_reference(self, options: StructuredOptions, reference: StructuredReference) -> None:
        """Raises BadReference."""
        options = _of_item(options, reference)
        rules = _rules(reference)
        table_rules = reference.columns or reference.min_rows is not None or reference.max_rows is not None
        if reference.json_schema is None and not rules and not table_rules:
            raise BadReference("the reference asks for nothing: give schema, expected, fields or columns")
        if table_rules and options.kind != "csv":
            raise BadReference("columns: only kind csv has columns")
        if len(rules) > MAX_RULES:
            raise BadReference(f"expected: more than {MAX_RULES} values")
        for rule in rules:
            steps_of(rule.path)
        patterns = [rule.pattern for rule in rules] + [column.pattern for column in reference.columns]
        for pattern in filter(None, patterns):
            fields.compiled(pattern)
        if reference.json_schema is not None:
            next(json_schema.errors(reference.json_schema, None), None)

    def verify(self, sample: Sample[StructuredOptions, StructuredReference]) -> Verdict:
        reference = sample.reference
        options = _of_item(sample.options, reference)
        self.check_reference(options, reference)
        evidence: dict[str, Any] = {"kind": options.kind}
        try:
            text = document(sample.completion, sample.prefix, options.kind, options.alone)
            tree = read(options.kind, text, options.delimiter)
        except (NoDocument, BadDocument) as error:
            return Verdict.scored(0, str(error), **evidence)
        if faults := _faults(tree, options, reference):
            shown = [f"{path}: {why}" if path else why for path, why in faults]
            return Verdict.scored(0, f"does not fit: {shown[0]}", faults=shown, **evidence)
        source = normal(reference.source if reference.source is not None else sample.question or sample.prompt)
        verdicts = [fields.judge(rule, tree, source) for rule in _rules(reference)]
        return _scored(verdicts, options, evidence)

    def gave_up(
        self, sample: Sample[StructuredOptions, StructuredReference], kind: FailureKind, limit: str
    ) -> Verdict | None:
        """A document is to blame where there is no schema: a schema may be what is costly."""
        if sample.reference.json_schema is not None:
            return None
        return Verdict.scored(0, f"gave up after {limit}: the document is too costly to read")


def _of_item(options: StructuredOptions, reference: StructuredReference) -> StructuredOptions:
    """The options with the item's own kind."""
    return options if reference.schema_type is None else options.model_copy(update={"kind": reference.schema_type})


def _rules(reference: StructuredReference) -> list[FieldRule]:
    return fields.rules_of(reference.fields, reference.expected, "expected" in reference.model_fields_set)


def _faults(tree: Any, options: StructuredOptions, reference: StructuredReference) -> Faults:
    faults: Faults = []
    if reference.json_schema is not None:
        value = typed(tree, reference.json_schema) if options.kind in ("xml", "csv") else tree
        faults += islice(json_schema.errors(reference.json_schema, value), SHOWN)
    if options.kind == "csv" and not faults:
        faults += islice(table.faults(tree, reference), SHOWN)
    return faults


def _scored(verdicts: list[FieldVerdict], options: StructuredOptions, evidence: dict[str, Any]) -> Verdict:
    if not verdicts:
        return Verdict.scored(1, "fits its schema", **evidence)
    total = sum(one.weight for one in verdicts)
    share = sum(one.weight for one in verdicts if one.met) / total
    missed = [f"{one.path or 'the document'} {one.why}" for one in verdicts if not one.met]
    evidence |= {"right": len(verdicts) - len(missed), "of": len(verdicts), "share": round(share, 6)}
    if not missed:
        return Verdict.scored(1, f"all {len(verdicts)} fields are right", **evidence)
    has_content = any(one.met and not one.is_absence for one in verdicts)
    score = round(share, 6) if options.score == "share" and has_content else 0
    return Verdict.scored(
        score, f"{missed[0]}; {len(missed)} of {len(verdicts)} fields are wrong", missed=missed[:20], **evidence
    )

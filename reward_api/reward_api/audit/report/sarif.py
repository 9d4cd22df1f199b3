"""SARIF 2.1.0, which code hosts show beside the file: a rule for each family, a result for each finding."""

from __future__ import annotations

from typing import Any

_LEVELS = {"hole": "error", "warning": "warning", "note": "note"}


def sarif_of(document: dict[str, Any], file: str) -> dict[str, Any]:
    """file: of the domain, relative to the repository."""
    findings = document["findings"]
    results = [_result(one, file) for one in findings]
    rules = [_rule(one["family"], one["title"], one["advice"]) for one in findings]
    if document["verdict"] == "UNCALIBRATED":
        results.append(_plain("uncalibrated", "warning", document["why"], file))
        rules.append(
            _rule("uncalibrated", "Right completions are refused", "Mend this first: nothing else was audited.")
        )
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "touchstone audit", "rules": rules}},
                "results": results,
                "properties": {key: document[key] for key in ("domain", "version", "verdict", "numbers")},
            }
        ],
    }


def _rule(name: str, title: str, advice: str) -> dict[str, Any]:
    return {"id": name, "shortDescription": {"text": title}, "help": {"text": advice}}


def _result(finding: dict[str, Any], file: str) -> dict[str, Any]:
    reach = finding["reach"]
    where = f"on {reach['hits']} of {reach['total']} items, such as {finding['completion'][:200]!r}"
    text = f"{finding['title']} {where}. {finding['advice']}"
    result = _plain(finding["family"], _LEVELS[finding["severity"]], text, file)
    return result | {"properties": {key: finding[key] for key in ("rate", "reach", "proof", "curl")}}


def _plain(rule: str, level: str, text: str, file: str) -> dict[str, Any]:
    place = {"physicalLocation": {"artifactLocation": {"uri": file}, "region": {"startLine": 1}}}
    return {"ruleId": rule, "level": level, "message": {"text": text}, "locations": [place]}

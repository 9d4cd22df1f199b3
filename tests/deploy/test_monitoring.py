"""The dashboard and the alert rules ask for what a running suite has: every metric, and every label."""

import json
import re
from pathlib import Path

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from toy_gateway import SETTINGS

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
DASHBOARD = json.loads((MONITORING / "grafana/dashboards/touchstone.json").read_text())
ALERTS = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"][0]["rules"]
# Prometheus adds these to what it scrapes.
SCRAPED = {"job", "instance"}
METRIC = re.compile(r"\b(?:reward|process)_\w+")
LABELS = re.compile(r"(?:by|ignoring) \(([^)]*)\)|\{([^}]*)\}")


def expressions():
    panels = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return panels + [(rule["alert"], rule["expr"]) for rule in ALERTS]


@pytest.fixture(scope="module")
def labels(serve, toy_domains):
    """Metric → its labels, of a gateway that has scored, refused and failed."""
    with serve("--domains", str(toy_domains()), **SETTINGS) as (url, _):
        for texts in (["yes", "no"], ["crash"], ["yes"]):
            assert httpx.post(f"{url}/score/toy", json={"completions": texts, "reference": "yes"}).status_code == 200
        assert httpx.get(f"{url}/nowhere").status_code == 404
        page = httpx.get(f"{url}/metrics").text
    samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
    names = {}
    for sample in samples:
        names.setdefault(sample.name, set()).update(sample.labels)
    return names


@pytest.mark.parametrize(("title", "expression"), expressions())
def test_every_metric_and_label_is_there(labels, title, expression):
    metrics = METRIC.findall(expression)
    assert metrics or expression == "up == 0"
    for metric in metrics:
        assert metric in labels, title
    known = SCRAPED.union(*(labels[metric] for metric in metrics)) if metrics else SCRAPED
    for grouped, matched in LABELS.findall(expression):
        for part in filter(None, re.split(r",\s*", grouped or matched)):
            assert part.partition("=")[0].strip() in known, title


def test_legends_name_labels_that_are_grouped_by():
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            grouped = {label for group, _ in LABELS.findall(target["expr"]) for label in group.split(", ")} | SCRAPED
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= grouped, panel["title"]


def test_every_alert_says_what_it_is_about_and_is_in_the_handbook():
    handbook = (ROOT / "docs" / "operations.md").read_text()
    for rule in ALERTS:
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert f"`{rule['alert']}`" in handbook


def test_failure_kinds_are_in_the_handbook():
    from reward_verifiers.contract import FailureKind

    handbook = (ROOT / "docs" / "operations.md").read_text()
    assert [kind.value for kind in FailureKind if f"`{kind.value}`" not in handbook] == []

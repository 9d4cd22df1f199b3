"""A real Prometheus takes the configuration and the rules, raises each alert, and answers every panel of the dashboard."""

import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest
import yaml
from toy_gateway import SETTINGS

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
DASHBOARD = json.loads((MONITORING / "grafana/dashboards/touchstone.json").read_text())
ALERTS = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"][0]["rules"]
TESTS = Path(__file__).with_name("alerts.test.yml")


@pytest.fixture(scope="module")
def programs():
    """The folder of `prometheus` and `promtool`."""
    if installed := shutil.which("promtool"):
        return Path(installed).parent
    if not shutil.which("apt-get"):
        pytest.skip("Prometheus is neither installed nor to be had from Debian")
    folder = ROOT / "build" / "prometheus"
    subprocess.run([MONITORING / "prometheus.sh", folder], check=True)
    return folder / "usr" / "bin"


def test_every_alert_is_raised_by_its_series_and_not_before(programs):
    done = subprocess.run([programs / "promtool", "test", "rules", TESTS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    tested = {
        case["alertname"] for test in yaml.safe_load(TESTS.read_text())["tests"] for case in test["alert_rule_test"]
    }
    assert tested == {rule["alert"] for rule in ALERTS}


def test_the_configuration_is_one(programs, tmp_path):
    text = (MONITORING / "prometheus.yml").read_text()
    text = text.replace("/etc/prometheus/", f"{MONITORING}/").replace("/run/secrets/metrics_key", os.devnull)
    (tmp_path / "prometheus.yml").write_text(text)
    command = [programs / "promtool", "check", "config", tmp_path / "prometheus.yml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(ALERTS)} rules found" in done.stdout


@pytest.fixture(scope="module")
def prometheus(programs, serve, toy_domains, tmp_path_factory):
    """A client of a Prometheus that scrapes a gateway, which has scored, refused and failed."""
    folder = tmp_path_factory.mktemp("prometheus")
    with (
        serve("--domains", str(toy_domains()), **SETTINGS) as (url, _),
        socket.create_server(("127.0.0.1", 0)) as probe,
    ):
        port = probe.getsockname()[1]
        probe.close()
        scrape = {"job_name": "gateway", "static_configs": [{"targets": [url.removeprefix("http://")]}]}
        settings = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(MONITORING / "alerts.yml")],
            "scrape_configs": [scrape],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
        command = [
            programs / "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                send_groups(url, client)
                yield client
        finally:
            process.terminate()
            process.wait(30)


def send_groups(url, client):
    """Traffic until Prometheus has seen it grow."""
    give_up = time.monotonic() + 60
    while value_of(client, "sum(rate(reward_null_samples_total[1m]))") in (None, 0.0):
        assert time.monotonic() < give_up
        for texts in (["yes", "no"], ["crash"], ["yes"]):
            httpx.post(f"{url}/score/toy", json={"completions": texts, "reference": "yes"})
        time.sleep(0.5)


def value_of(client, expression):
    """Of an expression with one result; None where there is none."""
    try:
        rows = results_of(client, expression)
    except (httpx.TransportError, httpx.HTTPStatusError):  # it starts
        return None
    return float(rows[0]["value"][1]) if rows else None


def results_of(client, expression):
    response = client.get("/api/v1/query", params={"query": expression})
    if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        response.raise_for_status()
    reply = response.json()
    assert reply["status"] == "success", reply
    return reply["data"]["result"]


def test_every_panel_is_answered(prometheus):
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            expression = target["expr"].replace("$__rate_interval", "1m")
            assert results_of(prometheus, expression) or panel["title"] in QUIET, (panel["title"], expression)


# What has no series while nothing goes wrong.
QUIET = frozenset[str]()


def test_every_rule_is_evaluated(prometheus):
    groups = prometheus.get("/api/v1/rules").json()["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert [(rule["name"], rule["health"]) for rule in rules] == [(rule["alert"], "ok") for rule in ALERTS]

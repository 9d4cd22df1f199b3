"""Every shipped domain passes its own audit, but for what SECURITY.md names."""

import re
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from reward_api.app import create_app, embedded_tools
from reward_api.audit.result import Plan
from reward_api.audit.run import audit
from reward_api.audit.scorer import CannotAudit, domain_of
from reward_api.cli.audit import read_items
from reward_api.cli.score.gateway import client_for
from reward_api.gateway.gateway import Gateway
from reward_api.settings import SHIPPED_DOMAINS, GatewaySettings

ROOT = Path(__file__).parents[3]
DATA = ROOT / "tests" / "data" / "audit"
ROWS = {
    "math": "math", "tools": "math", "logic": "logic", "qa": "qa", "search": "qa", "code": "code", "sql": "sql",
    "structured": "structured", "tool_call": "tool_call", "instructions": "instructions", "safety": "safety",
}  # fmt: skip
"""By domain, the data that fits it."""
UNJUDGED = {"general": "no component judges", "rubric": "TOUCHSTONE_JUDGE_URL"}
"""Nothing judges their completions until a model is configured."""


def named(domain):
    """The findings that SECURITY.md names for a domain."""
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", (ROOT / "SECURITY.md").read_text(), re.MULTILINE)
    return {name for domains, names in rows if f"`{domain}`" in domains for name in re.findall(r"`(\w+)`", names)}


@asynccontextmanager
async def client_with_tools(settings):
    """A gateway that serves its tools, as `touchstone serve` does."""
    gateway = Gateway(settings, embedded_tools())
    transport = httpx.ASGITransport(create_app(gateway))
    async with (
        gateway.running(),
        httpx.AsyncClient(base_url="http://gateway", transport=transport, timeout=60) as client,
    ):
        yield client


async def audited(domain, data):
    settings = GatewaySettings(cache_mb=0, workers=2)
    has_tools = domain in ("tools", "search")
    async with client_with_tools(settings) if has_tools else client_for(None, settings, "", domain) as client:
        target = domain_of((await client.get(f"/domains/{domain}")).raise_for_status().json())
        items, left_out = read_items(str(DATA / f"{data}.jsonl"), domain, None, 50)
        assert not left_out
        return await audit(client, target, items, left_out, Plan(110.0))


def test_every_shipped_domain_is_audited_or_cannot_be():
    shipped = {path.stem for path in SHIPPED_DOMAINS.glob("*.yaml")}
    assert shipped == ROWS.keys() | UNJUDGED.keys()


@pytest.mark.slow
@pytest.mark.parametrize("domain", [name for name in ROWS if name not in ("code", "sql", "safety")])
async def test_no_finding_but_what_is_named(domain):
    await check(domain)


@pytest.mark.long
@pytest.mark.parametrize("domain", ["code", "sql", "safety"])
async def test_no_finding_of_sandbox_and_models_but_what_is_named(domain):
    await check(domain)


async def check(domain):
    result = await audited(domain, ROWS[domain])
    assert result.control.is_calibrated, result.why
    assert result.measured == result.items
    assert result.tally.attempts > 50
    found = {finding.family for finding in result.findings if finding.severity != "note"}
    assert found <= named(domain), found


@pytest.mark.slow
async def test_general_judges_nothing_until_a_model_is_named():
    with pytest.raises(CannotAudit, match="no component judges"):
        await audited("general", "safety")

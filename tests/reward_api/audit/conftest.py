"""A gateway in this process that serves graders of the table, and an audit of one of them."""

from pathlib import Path

import pytest
from graders.table import GRADERS

from reward_api.audit.result import Plan
from reward_api.audit.run import audit
from reward_api.audit.scorer import domain_of
from reward_api.cli.audit import read_items
from reward_api.cli.score.gateway import client_for
from reward_api.settings import GatewaySettings

DATA = Path(__file__).parents[2] / "data" / "audit"


@pytest.fixture
def audited(tmp_path):
    """audited(name): the result of the audit of a grader. data: other rows than the table's."""

    async def run(name, *, deep=False, data=None, budget_s=60.0):
        (tmp_path / "domains").mkdir(exist_ok=True)
        (tmp_path / "domains" / f"{name}.yaml").write_text(GRADERS[name].domain(name))
        settings = GatewaySettings(domains=tmp_path / "domains", cache_mb=0, workers=2)
        async with client_for(None, settings, "", name) as client:
            domain = domain_of((await client.get(f"/domains/{name}")).raise_for_status().json())
            items, left_out = read_items(str(data or DATA / f"{GRADERS[name].data}.jsonl"), name, None, 50)
            return await audit(client, domain, items, left_out, Plan(budget_s, deep))

    return run

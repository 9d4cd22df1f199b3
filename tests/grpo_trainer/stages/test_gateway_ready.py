import pytest

from grpo_trainer.recipe import Recipe
from grpo_trainer.stages.gateway_ready import GatewayNotReady, wait_for

pytestmark = pytest.mark.slow


def recipe(domain):
    return Recipe.model_validate(
        {
            "name": "x",
            "sources": {"signs": {"task": "signs", "domain": domain}},
            "stages": [{"kind": "sft", "name": "a", "traces": 1, "train": {"steps": 1}}],
        }
    )


@pytest.mark.slow
def test_a_gateway_with_the_domain_is_ready(gateway):
    wait_for(gateway, "", recipe("signs"), startup_s=0)


def test_a_missing_domain_is_named(gateway):
    with pytest.raises(GatewayNotReady, match=r"has no domain 'sines'; it has .*signs.*--domains"):
        wait_for(gateway, "", recipe("sines"), startup_s=0)


def test_no_gateway_is_said_so(free_port):
    with pytest.raises(GatewayNotReady, match=r"does not answer \(ConnectError\); start one"):
        wait_for(f"http://127.0.0.1:{free_port}", "", recipe("signs"), startup_s=0)

"""Before a run: is the gateway up, and does it have the domains that the recipe names?"""

from __future__ import annotations

import time

import httpx

from grpo_trainer.recipe import GRPOStage, Recipe

STARTUP_S = 120.0


class GatewayNotReady(RuntimeError):
    """The gateway cannot serve this recipe: the message says what to do."""


def wait_for(url: str, key: str, recipe: Recipe, startup_s: float = STARTUP_S) -> None:
    """Returns when every verifier of every needed domain answers; a gateway may be just starting. Raises GatewayNotReady."""
    needed = {source.domain for source in recipe.sources.values()}
    needed |= {stage.domain for stage in recipe.stages if isinstance(stage, GRPOStage) and stage.domain}
    headers = {"authorization": f"Bearer {key}"} if key else {}
    give_up = time.monotonic() + startup_s
    with httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False) as client:
        while (missing := _missing(client, needed)) and time.monotonic() < give_up:
            time.sleep(0.2)
    if missing:
        raise GatewayNotReady(f"the gateway at {url} {missing}")


def reads_sessions(url: str, key: str) -> bool:
    """Whether POST /score takes `sessions`, the episodes' names to a tools service."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        document = httpx.get(f"{url}/openapi.json", headers=headers, timeout=30, trust_env=False).json()
        return "sessions" in document["components"]["schemas"]["ScoreRequest"]["properties"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return False


def _missing(client: httpx.Client, needed: set[str]) -> str:
    """What is missing, "" when nothing is."""
    try:
        domains = client.get("/readyz").json()["domains"]
    except (httpx.TransportError, ValueError, KeyError, TypeError) as error:
        return f"does not answer ({type(error).__name__}); start one: touchstone serve --domains recipes/domains"
    if stray := sorted(needed - domains.keys()):
        return f"has no domain {stray[0]!r}; it has {', '.join(sorted(domains))}: start it with --domains"
    down = [f"{domain}: {name}" for domain in sorted(needed) for name, up in domains[domain].items() if not up]
    return f"is not ready: {', '.join(down)}" if down else ""

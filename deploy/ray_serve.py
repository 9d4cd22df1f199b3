"""The suite on a Ray cluster, by Ray Serve: `pip install 'ray[serve]'` on every node, then `python deploy/ray_serve.py`.

    client ──▶ Serve's proxy on any node ──▶ gateway ──▶ the proxy on its own node ──▶ answer, format, language

Each verifier is an application of its own, which Serve scales by samples in flight and spreads over the nodes. Serve chooses
between its replicas (of two, the one with fewer requests), so the gateway has one URL for each. Settings are the usual
TOUCHSTONE_* variables, read here and sent to the replicas. More verifiers, such as the sandbox: one line in VERIFIERS.
"""

from __future__ import annotations

import argparse
import logging
import math
import time
from typing import Any

import httpx
import ray
from fastapi import FastAPI
from ray import serve
from ray.serve.config import AutoscalingConfig, AutoscalingContext, AutoscalingPolicy, HTTPOptions

from reward_api.settings import GatewaySettings

log = logging.getLogger("ray.serve")

VERIFIERS = {"answer": 2, "format": 1, "language": 1}
"""Name → CPUs of one replica, which are its worker processes."""
MIN_REPLICAS, MAX_REPLICAS = 2, 32
SAMPLES = {"gateway": 2048, "verifier": 256}
"""Samples at work for which there is one replica."""


def by_samples(context: AutoscalingContext, samples: int) -> tuple[int, dict[str, Any]]:
    """How many replicas there should be."""
    at_work = sum((context.aggregated_metrics or {}).get("samples", {}).values())
    wanted = math.ceil(at_work / samples)
    low, high = context.capacity_adjusted_min_replicas, context.capacity_adjusted_max_replicas
    return min(max(wanted, low), high), {}


def for_gateway(context: AutoscalingContext) -> tuple[int, dict[str, Any]]:
    return by_samples(context, SAMPLES["gateway"])


def for_verifier(context: AutoscalingContext) -> tuple[int, dict[str, Any]]:
    return by_samples(context, SAMPLES["verifier"])


class Service:
    """One replica. Subclasses make the app, which Serve runs with its lifespan.

    health: the path of what Serve asks; it replaces a replica that answers several times that it is not well.
    """

    health = "/readyz"

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._app: FastAPI = self.create_app()

    def create_app(self) -> FastAPI:
        raise NotImplementedError

    def __serve_build_asgi_app__(self) -> FastAPI:
        return self._app

    async def check_health(self) -> None:
        """Raises while the replica is not well."""
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url="http://localhost") as client:
            (await client.get(self.health)).raise_for_status()

    def record_autoscaling_stats(self) -> dict[str, float]:
        return {"samples": self._app.state.admission.in_flight}


@serve.ingress()
class VerifierService(Service):
    def __init__(self, name: str, settings: dict[str, Any]) -> None:
        self._name = name
        super().__init__(settings)

    def create_app(self) -> FastAPI:
        from reward_verifiers import registry
        from reward_verifiers.service import pooled
        from reward_verifiers.service.settings import ServiceSettings

        settings = ServiceSettings(**self._settings)
        create_app = registry.service(self._name)
        app: FastAPI = create_app(settings) if create_app else pooled.create_app(self._name, settings)
        return app


@serve.ingress()
class GatewayService(Service):
    health = "/healthz"  # whether its verifiers answer is no fault of its own

    def create_app(self) -> FastAPI:
        from reward_api.app import create_app
        from reward_api.gateway.gateway import Gateway

        gateway = Gateway(GatewaySettings(**self._settings))
        app = create_app(gateway)
        app.state.admission = gateway.admission
        return app


def deployment(kind: type, name: str, cpus: int, policy: Any, grace_s: float) -> Any:
    scaling = AutoscalingConfig(
        min_replicas=MIN_REPLICAS, max_replicas=MAX_REPLICAS, policy=AutoscalingPolicy(policy_function=policy)
    )
    return serve.deployment(
        kind,
        name=name,
        autoscaling_config=scaling,
        max_ongoing_requests=1000,
        ray_actor_options={"num_cpus": cpus},
        health_check_period_s=5,
        health_check_timeout_s=10,
        graceful_shutdown_timeout_s=grace_s + 5,
    )


def start(settings: GatewaySettings, port: int, *, cpus: dict[str, int]) -> None:
    """Deploy everything on the cluster that this process is connected to, behind Serve's proxies at `port`.

    cpus: of one replica, by verifier.
    """
    grace_s = settings.shutdown_grace_s
    for name, count in cpus.items():
        # Reached through Serve's proxy alone, by the gateway's own node.
        own = {"workers": count, "allow_open": True, "hosts": "*", "shutdown_grace_s": grace_s}
        replicas = deployment(VerifierService, name, count, for_verifier, grace_s).bind(name, own)
        serve.run(replicas, name=name, route_prefix=f"/verifiers/{name}")
    urls = {name: f"http://127.0.0.1:{port}/verifiers/{name}" for name in cpus}
    mine = settings.model_dump(mode="json") | {
        "verifier_urls": {**urls, **settings.verifier_urls},
        "gateways": MAX_REPLICAS,  # so that a PUT, which would change one of them, is refused
        "workers": 1,
    }
    gateways = deployment(GatewayService, "gateway", 1, for_gateway, grace_s).bind(mine)
    serve.run(gateways, name="gateway", route_prefix="/")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--address", default="auto", help="The Ray cluster. Default: the one that this node is part of."
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="Address of Serve's proxies. Others need keys or a private network."
    )
    parser.add_argument("--port", type=int, default=8700)
    arguments = parser.parse_args()
    ray.init(address=arguments.address)
    serve.start(proxy_location="EveryNode", http_options=HTTPOptions(host=arguments.host, port=arguments.port))
    start(GatewaySettings(), arguments.port, cpus=VERIFIERS)
    log.info("serving at http://%s:%s", arguments.host, arguments.port)
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()

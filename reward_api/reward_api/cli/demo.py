"""`touchstone demo`: start the suite, score the sample groups over HTTP, and show rewards with their reasons."""

from __future__ import annotations

import sys
import tempfile
from typing import Annotated

import httpx
import typer
from rich.console import Console

from reward_api.cli.console import Folder, Port, failure, load_settings, say


def demo(
    port: Port = 8700,
    once: Annotated[bool, typer.Option(help="Stop after the table.")] = False,
    domains: Folder = None,
) -> None:
    """Start the suite on loopback, score the sample groups over HTTP, and keep serving."""
    from reward_api.cli.samples import is_free, score_samples, serving
    from reward_api.ui import is_installed

    settings = load_settings(domains=domains)
    if not is_free("127.0.0.1", port):
        raise failure(f"port {port} is taken by another server: stop it, or give another --port")
    url = f"http://127.0.0.1:{port}"
    key = next(iter(settings.scorers | settings.admins), "")
    arguments = ["--port", str(port), "--domains", str(settings.domains)]
    with (
        tempfile.TemporaryDirectory(prefix="touchstone-demo-") as folder,
        serving(url, arguments, settings.domains, key, {"TOUCHSTONE_STORE": str(settings.store or folder)}) as served,
    ):
        client, server = served
        headers = {"authorization": f"Bearer {settings.service_key}"} if settings.service_key else {}
        with httpx.Client(base_url=settings.tools_url or url, headers=headers or client.headers, timeout=120) as tools:
            table, surprises, missing = score_samples(client, settings.domains, tools)
        Console(width=None if sys.stdout.isatty() else 160, markup=False).print(table)
        for line in missing:
            say(f"No verdict here for {line}")
        if surprises:
            raise failure(f"{surprises} rewards are not the expected ones")
        if not once:
            page = f"Look at them at {url}/ui. " if settings.ui and is_installed() else ""
            say(f"Serving on {url} (docs at {url}/docs). {page}Stop with Ctrl-C.")
            try:
                server.wait()
            except KeyboardInterrupt:
                return

"""`touchstone serve`: the gateway with all verifiers, or one verifier as its own service.

The second imports nothing of the gateway, so that its image stays small.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reward_api.cli.console import Folder, Port, domains_text, failure, load_settings

if TYPE_CHECKING:
    from reward_api.settings import GatewaySettings


def serve(
    verifier: Annotated[
        str | None,
        typer.Argument(
            help="Serve this verifier alone: its name, a file such as brevity.py, or module:Class. "
            "Default: the whole suite."
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to bind. Any address but loopback needs a key or --allow-open.")
    ] = "127.0.0.1",
    port: Port = 8700,
    domains: Folder = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes. Default: one for each core.")] = None,
    allow_open: Annotated[
        bool | None, typer.Option("--allow-open", help="Allow an address other than loopback without any key.")
    ] = None,
    reload: Annotated[
        bool, typer.Option("--reload", help="Restart when a Python file in the working folder changes.")
    ] = False,
    judge: Annotated[
        str | None,
        typer.Option(help="Base URL of an OpenAI-compatible server to use as judge. Sets TOUCHSTONE_JUDGE_URL."),
    ] = None,
) -> None:
    """Serve the gateway and all verifiers, or one verifier as its own service."""
    from reward_verifiers import registry
    from reward_verifiers.registry import BrokenVerifier, UnknownVerifier
    from reward_verifiers.runtime.processes import WarmUpFailed
    from reward_verifiers.service.server import refuse_open_bind

    if reload:
        _serve_again_and_again(Path(verifier).parent if verifier and verifier.endswith(".py") else Path())
        return
    if judge is not None:
        os.environ["TOUCHSTONE_JUDGE_URL"] = judge  # the backends of the models read their own settings
    settings = load_settings(domains=domains, workers=workers, allow_open=allow_open)
    sys.path.insert(0, "")  # so that module:Class may lie in the working folder, as for uvicorn
    try:
        refuse_open_bind(host, bool(settings.scorers), settings.allow_open)
        if verifier is None:
            _serve_gateway(settings, host, port)
        else:
            _serve_verifier(registry.named(verifier), settings, host, port)
    except (UnknownVerifier, BrokenVerifier, WarmUpFailed, ValueError) as error:  # ValueError: BadDomain, BindError
        raise failure(str(error)) from None


def _serve_again_and_again(folder: Path) -> None:
    """This command without --reload, in a process that starts again at each change."""
    from watchfiles import PythonFilter, run_process

    arguments = [argument for argument in sys.argv[1:] if argument != "--reload"]
    command = shlex.join([sys.executable, "-m", "reward_api", *arguments])
    run_process(folder, target=command, target_type="command", watch_filter=PythonFilter())


def _serve_gateway(settings: GatewaySettings, host: str, port: int) -> None:
    """Raises BadDomain or BindError before the first request."""
    import logging

    from reward_api.app import serve_gateway
    from reward_verifiers.service.middleware import setup_logging

    setup_logging(settings.log_level, settings.log_format)
    logging.getLogger(__name__).info("domain files: %s", domains_text(settings.domains))
    serve_gateway(settings, host, port)


def _serve_verifier(name: str, settings: GatewaySettings, host: str, port: int) -> None:
    """Raises UnknownVerifier, BrokenVerifier or BindError."""
    from reward_verifiers import registry
    from reward_verifiers.service import pooled
    from reward_verifiers.service.server import serve as serve_app
    from reward_verifiers.suggestions import did_you_mean

    create_app = registry.service(name)
    try:
        app = create_app(settings) if create_app else pooled.create_app(name, settings)
    except registry.UnknownVerifier:
        hint = f"; write {name}.py" if Path(f"{name}.py").is_file() else did_you_mean(name, registry.services())
        raise registry.UnknownVerifier(f"no service is named {name!r}{hint}") from None
    except registry.BrokenVerifier:
        raise
    except ImportError as error:
        raise registry.BrokenVerifier(f"service {name!r} cannot start: {error}") from error
    serve_app(app, host, port, settings)

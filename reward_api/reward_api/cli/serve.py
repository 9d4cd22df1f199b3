"""One verifier as its own service. Imports nothing of the gateway, so that its image stays small."""

from __future__ import annotations

from reward_verifiers import registry
from reward_verifiers.service import pooled
from reward_verifiers.service.server import serve
from reward_verifiers.service.settings import ServiceSettings


def serve_verifier(name: str, settings: ServiceSettings, host: str, port: int) -> None:
    """Serve one verifier until stopped, by the name of its service or as `module:Class`.

    Raises UnknownVerifier, BrokenVerifier or BindError.
    """
    create_app = registry.service(name)
    try:
        app = create_app(settings) if create_app else pooled.create_app(name, settings)
    except registry.UnknownVerifier:
        names = ", ".join(registry.services())
        raise registry.UnknownVerifier(f"no service is named {name!r}; there are: {names}") from None
    except ImportError as error:
        raise registry.BrokenVerifier(f"service {name!r} cannot start: {error}") from error
    serve(
        app,
        host,
        port,
        header_timeout_s=settings.header_timeout_s,
        shutdown_grace_s=settings.shutdown_grace_s,
        log_level=settings.log_level,
    )

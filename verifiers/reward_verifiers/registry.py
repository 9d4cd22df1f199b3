"""Verifiers by name. Built-ins and third parties register alike, by the entry-point group `touchstone.verifiers`.

Nothing is imported until it is asked for. Two packages that claim one name are an error, not a race.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from reward_verifiers.verifier import Backend, Verifier

GROUP = "touchstone.verifiers"
BACKENDS = "touchstone.backends"
"""Verifiers that do not run in the suite's workers: each entry point makes a Backend that starts on first use."""
SERVICES = "touchstone.services"
"""Services of such verifiers, with routes of their own: each entry point is `create_app(settings) -> FastAPI`."""


class UnknownVerifier(LookupError):
    """No verifier of that name is installed."""


class BrokenVerifier(ImportError):
    """It is registered, but it cannot be loaded here (a package is missing) or is not a Verifier."""


def registered() -> Mapping[str, EntryPoint]:
    """Name → entry point. Raises ValueError when two distributions claim one name."""
    claims: defaultdict[str, set[EntryPoint]] = defaultdict(set)
    for point in entry_points(group=GROUP):
        claims[point.name].add(point)
    for name, points in claims.items():
        if len({point.value for point in points}) > 1:
            values = ", ".join(sorted(point.value for point in points))
            raise ValueError(f"verifier name {name!r} is claimed twice: {values}; uninstall one of the packages")
    return {name: next(iter(points)) for name, points in sorted(claims.items())}


def backend(name: str) -> Backend | None:
    """A new backend of that name, or None when none is registered. Raises BrokenVerifier when it cannot be loaded."""
    for point in entry_points(group=BACKENDS, name=name):
        try:
            instance: Backend = point.load()()
        except (ImportError, AttributeError) as error:
            raise _broken("verifier", point, error) from error
        return instance
    return None


def service(name: str) -> Callable[[Any], Any] | None:
    """`create_app(settings)` of the service of that name, or None when none is registered. Raises BrokenVerifier."""
    for point in entry_points(group=SERVICES, name=name):
        try:
            create_app: Callable[[Any], Any] = point.load()
        except (ImportError, AttributeError) as error:
            raise _broken("service", point, error) from error
        return create_app
    return None


def services() -> list[str]:
    """The names that `touchstone serve` takes."""
    return sorted({*registered(), *(point.name for point in entry_points(group=SERVICES))})


def load(name: str) -> Verifier[Any, Any]:
    """An instance of the verifier of that name, or of the class at `module:Class` that is not registered yet.

    Raises UnknownVerifier or BrokenVerifier.
    """
    if ":" in name:
        point = EntryPoint(name=name, value=name, group=GROUP)
    else:
        points = registered()
        if name not in points:
            installed = sorted({*points, *(point.name for point in entry_points(group=BACKENDS))})
            raise UnknownVerifier(f"unknown verifier {name!r}; installed: {', '.join(installed) or 'none'}")
        point = points[name]
    try:
        kind = point.load()
    except (ImportError, AttributeError) as error:
        raise _broken("verifier", point, error) from error
    if not (isinstance(kind, type) and issubclass(kind, Verifier)):
        raise BrokenVerifier(f"{point.value} is not a reward_verifiers.verifier.Verifier")
    return kind()


def _broken(what: str, point: EntryPoint, error: Exception) -> BrokenVerifier:
    """Names the extra that is missing, where the entry point has one."""
    is_missing = isinstance(error, ModuleNotFoundError) and point.extras and point.dist is not None
    cure = f"; pip install '{point.dist.name}[{','.join(point.extras)}]'" if is_missing and point.dist else ""
    return BrokenVerifier(f"{what} {point.name!r} cannot be loaded: {error}{cure}")

"""Verifiers by name. Built-ins and third parties register alike, by the entry-point group `touchstone.verifiers`.

Nothing is imported until it is asked for. Two packages that claim one name are an error, not a race.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections import defaultdict
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from reward_verifiers.suggestions import did_you_mean
from reward_verifiers.verifier import Backend, Verifier

GROUP = "touchstone.verifiers"
BACKENDS = "touchstone.backends"
"""Verifiers that do not run in the suite's workers: each entry point makes a Backend that starts on first use."""
SERVICES = "touchstone.services"
"""Services of such verifiers, with routes of their own: each entry point is `create_app(settings) -> FastAPI`."""


EMBEDDED = "touchstone.embedded"
"""What the gateway runs in its own process beside verifiers: each entry point makes an `Embedded` of the service."""


class UnknownVerifier(LookupError):
    """No verifier of that name is installed."""


class BrokenVerifier(ImportError):
    """It is registered, but it cannot be loaded here (a package is missing) or is not a Verifier."""


class MissingPackages(BrokenVerifier):
    """Packages of an extra are not installed; the message names the extra."""


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


def embedded(name: str) -> Any:
    """What the entry point of that name makes, or None when none is registered. Raises BrokenVerifier."""
    for point in entry_points(group=EMBEDDED, name=name):
        try:
            return point.load()()
        except (ImportError, AttributeError) as error:
            raise _broken("service", point, error) from error
    return None


def has_embedded(name: str) -> bool:
    """Whether `embedded` would make it."""
    for point in entry_points(group=EMBEDDED, name=name):
        try:
            point.load()
        except (ImportError, AttributeError):
            return False
        return True
    return False


def services() -> list[str]:
    """The names that `touchstone serve` takes."""
    return sorted({*registered(), *(point.name for point in entry_points(group=SERVICES))})


def named(text: str) -> str:
    """What somebody typed, as `load` takes it: a path such as `./brevity.py`, or `brevity.py:Brevity`, is module:Class,
    and its folder is searched for modules from now on. Raises BrokenVerifier."""
    path, _, class_name = text.partition(":")
    if not path.endswith(".py"):
        return text
    file = Path(path)
    if not file.is_file():
        raise BrokenVerifier(f"{path}: no such file")
    if not file.stem.isidentifier():
        raise BrokenVerifier(f"{path}: rename it, since Python cannot import a module named {file.stem!r}")
    sys.path.insert(0, str(file.resolve().parent))
    return f"{file.stem}:{class_name or _only_class(file)}"


def _only_class(file: Path) -> str:
    try:
        module = importlib.import_module(file.stem)
    except Exception as error:
        raise BrokenVerifier(f"{file} cannot be imported: {error}") from error
    kinds = [kind for kind in vars(module).values() if _is_own(kind, module.__name__)]
    if len(kinds) != 1:
        names = ", ".join(f"{file}:{kind.__name__}" for kind in kinds) or "a class derived from Verifier"
        raise BrokenVerifier(f"{file} holds {len(kinds)} verifiers: write {names}")
    return str(kinds[0].__name__)


def _is_own(kind: object, module: str) -> bool:
    is_verifier = isinstance(kind, type) and issubclass(kind, Verifier) and not inspect.isabstract(kind)
    return is_verifier and getattr(kind, "__module__", "") == module


def load(name: str) -> Verifier[Any, Any]:
    """An instance of the verifier of that name, or of the class at `module:Class` that is not registered yet.

    Raises UnknownVerifier or BrokenVerifier.
    """
    if ":" in name:
        if not EntryPoint.pattern.fullmatch(name):
            raise BrokenVerifier(f"verifier {name!r}: write module:Class, such as brevity:Brevity")
        point = EntryPoint(name=name, value=name, group=GROUP)
    else:
        points = registered()
        if name not in points:
            installed = sorted({*points, *(point.name for point in entry_points(group=BACKENDS))})
            raise UnknownVerifier(f"unknown verifier {name!r}{did_you_mean(name, installed)}")
        point = points[name]
    try:
        kind = point.load()
    except Exception as error:  # whatever its module raises
        raise _broken("verifier", point, error) from error
    if not (isinstance(kind, type) and issubclass(kind, Verifier)):
        raise BrokenVerifier(f"{point.value} is not a reward_verifiers.verifier.Verifier")
    return kind()


def _broken(what: str, point: EntryPoint, error: Exception) -> BrokenVerifier:
    """Names the extra that is missing, where the entry point has one."""
    is_missing = isinstance(error, ModuleNotFoundError) and point.extras and point.dist is not None
    cure = f"; pip install '{point.dist.name}[{','.join(point.extras)}]'" if is_missing and point.dist else ""
    kind = MissingPackages if cure else BrokenVerifier
    return kind(f"{what} {point.name!r} cannot be loaded: {_place(error)}{error}{cure}")


def _place(error: Exception) -> str:
    """`brevity.py:3: NameError: ` of what a module raised while it was imported."""
    if isinstance(error, ImportError | AttributeError) or error.__traceback__ is None:
        return ""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    line = error.lineno if isinstance(error, SyntaxError) else frame.lineno
    file = error.filename if isinstance(error, SyntaxError) else frame.filename
    return f"{Path(file or '').name}:{line}: {type(error).__name__}: "

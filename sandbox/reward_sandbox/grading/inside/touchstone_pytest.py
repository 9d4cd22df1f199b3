"""As much of pytest as test code of data sets uses, for jails that have none: raises, approx, mark, fixture, skip, fail;
the fixtures capsys, tmp_path and monkeypatch; and coroutines as tests.
"""

from __future__ import annotations

import asyncio
import inspect
import io
import itertools
import math
import os
import pathlib
import re
import sys
import tempfile
import unittest
from collections.abc import Callable, Iterator
from typing import Any


class _Raises:
    def __init__(self, kinds: Any, match: str | None) -> None:
        self._kinds, self._match = kinds, match
        self.value: Any = None
        self.type: Any = None

    def __enter__(self) -> _Raises:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        if kind is None:
            raise AssertionError("DID NOT RAISE")
        self.value, self.type = error, kind
        if not issubclass(kind, self._kinds):
            return False
        if self._match is not None and not re.search(self._match, str(error)):
            raise AssertionError("the error's text does not match")
        return True


def raises(kinds: Any, *call: Any, match: str | None = None, **more: Any) -> Any:
    context = _Raises(kinds, match)
    if not call:
        return context
    with context:
        call[0](*call[1:], **more)
    return context


class approx:  # noqa: N801  # pytest's name
    """Equal within a tolerance: numbers, and lists, tuples and dictionaries of them."""

    def __init__(self, expected: Any, rel: float | None = None, abs: float | None = None, nan_ok: bool = False) -> None:
        self._expected, self._rel, self._abs, self._nan_ok = expected, rel, abs, nan_ok

    def __eq__(self, got: object) -> bool:
        return self._near(self._expected, got)

    def __ne__(self, got: object) -> bool:
        return not self == got

    __hash__ = None  # type: ignore[assignment]

    def _near(self, expected: Any, got: Any) -> bool:
        if isinstance(expected, dict):
            return (
                isinstance(got, dict)
                and expected.keys() == got.keys()
                and all(self._near(v, got[k]) for k, v in expected.items())
            )
        if isinstance(expected, (list, tuple)):
            return len(expected) == len(got) and all(self._near(*pair) for pair in zip(expected, got, strict=True))
        if isinstance(expected, bool) or not isinstance(expected, (int, float, complex)):
            return bool(expected == got)
        if isinstance(got, bool) or not isinstance(got, (int, float, complex)):
            return expected == got
        if expected == got:
            return True
        if expected != expected or got != got:
            return self._nan_ok and expected != expected and got != got
        if isinstance(expected, float) and math.isinf(expected):
            return False
        absolute = 1e-12 if self._abs is None else self._abs
        relative = (1e-6 if self._abs is None else 0.0) if self._rel is None else self._rel
        return bool(abs(expected - got) <= max(absolute, relative * abs(expected)))


def skip(reason: str = "", **_: Any) -> None:
    raise unittest.SkipTest(reason)


def fail(reason: str = "", **_: Any) -> None:
    raise AssertionError(reason)


class param(tuple[Any, ...]):  # noqa: N801  # pytest's name
    """One case of parametrize."""

    def __new__(cls, *values: Any, **_: Any) -> param:
        return super().__new__(cls, values)


def main(*_: Any, **__: Any) -> int:
    return 0


def importorskip(name: str, *_: Any, **__: Any) -> Any:
    return __import__(name)


class _Marks:
    """pytest.mark: parametrize and skip count, all others are let be."""

    def __getattr__(self, name: str) -> Any:
        def mark(*args: Any, **kwargs: Any) -> Any:
            if name in ("parametrize", "skip", "skipif", "xfail"):
                return lambda target: _marked(target, name, args, kwargs)
            return args[0] if len(args) == 1 and callable(args[0]) and not kwargs else (lambda target: target)

        if name == "skip":
            return lambda *args, **kwargs: (
                _marked(args[0], name, (), {}) if args and callable(args[0]) else mark(*args, **kwargs)
            )
        return mark


def _marked(target: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    target._touchstone_marks = [*getattr(target, "_touchstone_marks", []), (name, args, kwargs)]
    return target


mark = _Marks()


def fixture(target: Any = None, **_: Any) -> Any:
    def keep(function: Any) -> Any:
        function._touchstone_fixture = True
        return function

    return keep(target) if callable(target) else keep


# --- fixtures -------------------------------------------------------------------------------------------------------


class _Captured(tuple[str, str]):
    out = property(lambda self: self[0])
    err = property(lambda self: self[1])


class _Capture:
    """capsys: what is printed from here on."""

    def __init__(self) -> None:
        self._streams = io.StringIO(), io.StringIO()

    def start(self) -> None:
        sys.stdout, sys.stderr = self._streams

    def readouterr(self) -> _Captured:
        texts = _Captured(stream.getvalue() for stream in self._streams)
        for stream in self._streams:
            stream.seek(0)
            stream.truncate()
        return texts


def _capsys() -> Iterator[Any]:
    own, capture = (sys.stdout, sys.stderr), _Capture()
    capture.start()
    yield capture
    sys.stdout, sys.stderr = own


def _tmp_path() -> Iterator[Any]:
    yield pathlib.Path(tempfile.mkdtemp())


_MISSING = object()


class _MonkeyPatch:
    """Changes that end with their test."""

    def __init__(self) -> None:
        self._undone: list[Callable[[], Any]] = []

    def setattr(self, target: Any, name: Any, value: Any = _MISSING, raising: bool = True) -> None:
        if value is _MISSING:  # the target is written as one word: "module.name"
            module, _, attribute = target.rpartition(".")
            target, name, value = __import__(module, fromlist=["_"]), attribute, name
        before = getattr(target, name, _MISSING)
        if before is _MISSING and raising:
            raise AttributeError(name)
        self._undone.append(lambda: delattr(target, name) if before is _MISSING else setattr(target, name, before))
        setattr(target, name, value)

    def setitem(self, target: Any, key: Any, value: Any) -> None:
        before = target.get(key, _MISSING)
        self._undone.append(lambda: target.pop(key, None) if before is _MISSING else target.update({key: before}))
        target[key] = value

    def delitem(self, target: Any, key: Any, raising: bool = True) -> None:
        if key in target or raising:
            before = target.pop(key)
            self._undone.append(lambda: target.update({key: before}))

    def setenv(self, name: str, value: str, prepend: str | None = None) -> None:
        self.setitem(os.environ, name, value)

    def delenv(self, name: str, raising: bool = True) -> None:
        self.delitem(os.environ, name, raising)

    def chdir(self, path: Any) -> None:
        before = os.getcwd()
        self._undone.append(lambda: os.chdir(before))
        os.chdir(path)

    def undo(self) -> None:
        while self._undone:
            self._undone.pop()()


def _monkeypatch() -> Iterator[Any]:
    patch = _MonkeyPatch()
    yield patch
    patch.undo()


OWN: dict[str, Callable[[], Iterator[Any]]] = {
    "capsys": _capsys, "capfd": _capsys, "tmp_path": _tmp_path, "tmpdir": _tmp_path, "monkeypatch": _monkeypatch,
}  # fmt: skip

# --- running ----------------------------------------------------------------------------------------------------------


class NotOffered(TypeError):
    """Test functions want what this is not: the data set's tests cannot be run here."""


def cases(function: Any) -> Iterator[dict[str, Any]]:
    """The arguments of each case of a test function. Raises unittest.SkipTest."""
    choices: list[list[dict[str, Any]]] = []
    for name, args, kwargs in getattr(function, "_touchstone_marks", []):
        if name == "parametrize":
            choices.append(_choices(*args[:2]) if len(args) > 1 else _choices(args[0], kwargs["argvalues"]))
        elif name == "skip" or (name == "skipif" and args and args[0]):
            raise unittest.SkipTest(name)
    for picked in itertools.product(*choices):
        yield {name: value for one in picked for name, value in one.items()}


def _choices(names: Any, values: Any) -> list[dict[str, Any]]:
    names = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    one = len(names) == 1
    return [
        dict(zip(names, [value] if one and not isinstance(value, param) else value, strict=True)) for value in values
    ]


def call(function: Callable[..., Any], arguments: dict[str, Any], fixtures: dict[str, Any]) -> None:
    """One case, with the fixtures that it names. Raises NotOffered."""
    endings: list[Iterator[Any]] = []
    try:
        result = function(**arguments, **_values(function, fixtures, arguments, endings))
        if inspect.iscoroutine(result):
            asyncio.run(result)
    finally:
        for ending in reversed(endings):
            next(ending, None)


def _values(
    function: Any, fixtures: dict[str, Any], arguments: dict[str, Any], endings: list[Iterator[Any]]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name in arguments or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if name not in fixtures and name in OWN:
            endings.append(OWN[name]())
            values[name] = next(endings[-1])
            continue
        if name not in fixtures:
            if parameter.default is not parameter.empty:
                continue
            raise NotOffered(f"no fixture {name}")
        value = fixtures[name](**_values(fixtures[name], fixtures, {}, endings))
        if inspect.isgenerator(value):
            endings.append(value)
            value = next(value)
        values[name] = value
    return values

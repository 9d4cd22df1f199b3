"""pytest with a plugin that reports what came of each test, in the process that the repository's code is part of.

The code may change whatever it finds there. What is tried against it: outcomes are taken from the calls and not from
reports; functions of pytest, unittest and the tests must be the same behind each test as before the first; and in each
module a test is added that must fail. Code that reads this plugin's memory can still deceive it.
"""

from __future__ import annotations

import builtins
import importlib.util
import json
import os
import random
import secrets
import sys
import types
import unittest
from collections.abc import Callable, Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pytest
from _pytest.assertion import rewrite
from _pytest.outcomes import Skipped
from _pytest.outcomes import XFailed as ImperativeXfail

_MODULES = ("_pytest", "pluggy", "unittest", "pytest")
_MOST_CANARIES = 50
_WORDS = ("again", "more", "empty", "large", "none", "twice", "basic")
_EVERY = ("--maxfail=0", "--continue-on-collection-errors", "-p", "no:cacheprovider", "-p", "no:stepwise", "--no-header",
          "--no-summary", "--tb=line")  # fmt: skip
"""Every test is run, in this process, and little is printed, whatever the settings of the repository say."""


def run(arguments: list[str], root: str, descriptor: int, pinned: dict[str, bytes]) -> int:
    """The exit status of pytest. pinned: the texts of the tests' own modules, whatever becomes of their files."""
    plugin = Reporter(descriptor)
    _pin(pinned, root)
    more = [
        f"--rootdir={root}",
        "--maxfail=0",
        "--continue-on-collection-errors",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:stepwise",
    ]
    if importlib.util.find_spec("xdist"):
        more.append("-n0")
    return int(pytest.main([*arguments, *more], plugins=[plugin]))


def _pin(pinned: dict[str, bytes], root: str) -> None:
    """Modules are made of these texts, and none of a cache that code of the repository may have written."""
    rewrite_test, get_data = rewrite._rewrite_test, SourceFileLoader.get_data

    class Pinned(type(Path())):  # type: ignore[misc]
        def read_bytes(self) -> bytes:
            return pinned[str(self)] if str(self) in pinned else super().read_bytes()

    def data(self: SourceFileLoader, path: str) -> bytes:
        if path.endswith(".pyc") and path.startswith(f"{root}/"):
            raise OSError("no cache is used here")
        return pinned[path] if path in pinned else get_data(self, path)

    rewrite._rewrite_test = lambda fn, config: rewrite_test(Pinned(fn), config)
    rewrite._read_pyc = lambda *_, **__: None
    SourceFileLoader.get_data = data  # type: ignore[method-assign, assignment]


class Reporter:
    def __init__(self, descriptor: int) -> None:
        word = secrets.token_hex(16)
        os.write(descriptor, f"{word}\n".encode())
        write = os.write  # what the names mean now, and not what code of the repository makes of them
        dumps, encode = json.dumps, str.encode

        def send(**message: Any) -> None:
            line = encode(dumps({"word": word, **message}) + "\n")
            while line:
                line = line[write(descriptor, line) :]

        self._send = send
        self._outcomes: dict[str, str] = {}
        self._canaries: dict[str, str] = {}
        self._watched: list[Callable[[], bool]] = []
        self._is_intact = True

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: Any) -> None:
        """Plugins and the repository's own conftest have changed what they want to by now."""
        self._watched = [*_watched()]

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        self._look()
        self._send(collected=len(items))
        self._watched += [_same_code(item.function) for item in items if hasattr(item, "function")]
        modules = dict.fromkeys(item.getparent(pytest.Module) for item in items)
        chosen = [module for module in modules if module is not None]
        for module in random.SystemRandom().sample(chosen, min(len(chosen), _MOST_CANARIES)):
            self._plant(items, module)

    def _plant(self, items: list[Any], module: Any) -> None:
        """A test that must fail, before or behind the module's own."""
        places = [place for place, item in enumerate(items) if item.getparent(pytest.Module) is module]
        place = secrets.choice([places[0], places[-1] + 1])
        like = getattr(items[places[0]], "originalname", None) or "test"
        name = f"{like}_{secrets.choice(_WORDS)}{secrets.randbelow(90)}"
        one, other = secrets.token_hex(4), secrets.token_hex(4)

        def canary() -> None:
            assert one == other  # noqa: S101

        canary.__name__ = canary.__qualname__ = name
        item = pytest.Function.from_parent(module, name=name, callobj=canary)
        items.insert(place, item)
        self._canaries[item.nodeid] = ""

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Iterator[None]:
        result = yield
        report = result.get_result()  # type: ignore[attr-defined]
        outcome = _outcome(item, call, report)
        kept = self._canaries if item.nodeid in self._canaries else self._outcomes
        before = kept.get(item.nodeid, "")
        if outcome and before in ("", "passed"):
            kept[item.nodeid] = outcome

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self, nodeid: str, location: Any) -> None:
        self._look()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: Any, exitstatus: Any) -> None:
        self._look()
        why = "" if self._is_intact else "the tests or their runner were changed while they ran"
        if any(outcome not in ("failed", "error") for outcome in self._canaries.values()):
            why = why or "a test that must fail has not failed"
        for nodeid, outcome in self._outcomes.items():
            self._send(test=nodeid, outcome=outcome)
        self._send(end=why)

    def _look(self) -> None:
        self._is_intact = self._is_intact and all(is_same() for is_same in self._watched)


def _outcome(item: Any, call: Any, report: Any) -> str:
    """Of one phase; nothing for a set-up or an end that went well."""
    if call.excinfo is not None:
        if isinstance(call.excinfo.value, (Skipped, ImperativeXfail, unittest.SkipTest)):
            return "skipped"
        if any(True for _ in item.iter_markers("xfail")) and report.outcome == "skipped":
            return "passed"  # it fails as its own mark says
        return "failed" if call.when == "call" else "error"
    if report.outcome != "passed":
        return "skipped" if report.outcome == "skipped" else "failed"
    return "passed" if call.when == "call" else ""


def _watched() -> Iterator[Callable[[], bool]]:
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in _MODULES and isinstance(module, types.ModuleType):
            yield from _functions(vars(module))
    yield from _functions(vars(builtins))


def _functions(names: Any) -> Iterator[Callable[[], bool]]:
    for name, value in list(names.items()):
        if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, type)) and name != "_":
            yield lambda name=name, value=value: names.get(name) is value  # type: ignore[misc]
        if isinstance(value, types.FunctionType):
            yield _same_code(value)
        if isinstance(value, type) and value.__module__.partition(".")[0] in _MODULES:
            for inner, function in list(vars(value).items()):
                if isinstance(function, types.FunctionType):
                    yield lambda kind=value, inner=inner, function=function: vars(kind).get(inner) is function  # type: ignore[misc]
                    yield _same_code(function)


def _same_code(function: Any) -> Callable[[], bool]:
    code = getattr(function, "__code__", None)
    return lambda: getattr(function, "__code__", None) is code

"""Runs test code in Python and says of each check whether it held; the same in a jail of its own and beside the solution.

A check is an assert at the top, a test function, or a test of unittest. A verdict needs that the solution was called, and
that a check which says something stood behind the call: this is what `held` counts.
"""

from __future__ import annotations

import ast
import builtins
import functools
import importlib.util
import inspect
import sys
import types
import unittest
from collections.abc import Callable, Iterator
from typing import Any

import touchstone_pytest
from touchstone_objects import Cannot, Gone, Remote

HELD = "__touchstone_held__"
SOLUTIONS = ("solution", "submission")
_TRUTHS = ("assertTrue", "assert_")
_RAISES = ("raises", "assertRaises", "assertRaisesRegex", "assertWarns", "assertLogs")
_OURS = (ImportError, OSError, SyntaxError, touchstone_pytest.NotOffered)
"""Errors that the tests raise for want of something here: of a package, of a file. No program is to blame for them."""


class Instrument(ast.NodeTransformer):
    """Marks where a check has held: behind asserts, assert methods, expected errors, and raises that did not happen."""

    def visit_Assert(self, node: ast.Assert) -> Any:
        return [node, _held(node)] if _says_something(node.test) and not _is_true(node.test) else node

    def visit_Expr(self, node: ast.Expr) -> Any:
        call = node.value
        name = _name(call.func) if isinstance(call, ast.Call) else ""
        arguments = [*call.args, *call.keywords] if isinstance(call, ast.Call) else []
        is_check = name.lower().lstrip("_").startswith("assert") and any(map(_says_something, arguments))
        if name in _TRUTHS and isinstance(call, ast.Call) and call.args:
            is_check = is_check and not _is_true(call.args[0])
        return [node, _held(node)] if is_check else node

    def visit_With(self, node: ast.With) -> Any:
        self.generic_visit(node)
        names = [_name(item.context_expr.func) for item in node.items if isinstance(item.context_expr, ast.Call)]
        return [node, _held(node)] if any(name in _RAISES for name in names) else node

    def visit_If(self, node: ast.If) -> Any:
        self.generic_visit(node)
        return [node, _held(node)] if _refuses(node.body[-1]) and _says_something(node.test) else node

    def visit_Try(self, node: ast.Try) -> Any:
        refuses = any(_refuses(statement) for statement in [*node.body, *node.orelse])
        self.generic_visit(node)
        for handler in node.handlers if refuses else ():
            if handler.type is not None and "AssertionError" not in ast.dump(handler.type):
                handler.body.insert(0, _held(handler))
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        stars = sys.modules.get(node.module or "") is sys.modules["solution"] and any(
            alias.name == "*" for alias in node.names
        )
        return ast.copy_location(ast.Pass(), node) if stars or node.module == "__future__" else node


def _held(node: ast.AST) -> ast.stmt:
    call = ast.Expr(ast.Call(ast.Name(HELD, ast.Load()), [], []))
    return ast.fix_missing_locations(ast.copy_location(call, node))


def _name(function: ast.expr) -> str:
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _says_something(test: ast.AST) -> bool:
    return any(isinstance(node, ast.Name | ast.Call) for node in ast.walk(test))


def _is_true(test: ast.expr) -> bool:
    """Whether it holds whatever the solution does: `(f(2) == 4, "a message")`, `f(2) == 4 or True`."""
    if isinstance(test, ast.BoolOp):
        return (any if isinstance(test.op, ast.Or) else all)(map(_is_true, test.values))
    if isinstance(test, ast.IfExp):
        return _is_true(test.body) and _is_true(test.orelse)
    if isinstance(test, ast.Tuple | ast.List | ast.Set):
        return any(not isinstance(part, ast.Starred) for part in test.elts)
    if isinstance(test, ast.Dict):
        return any(key is not None for key in test.keys)
    return isinstance(test, ast.Lambda) or (isinstance(test, ast.Constant) and bool(test.value))


def _refuses(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Raise):
        return True
    if isinstance(statement, ast.Assert):
        return isinstance(statement.test, ast.Constant) and not statement.test.value
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and _name(call.func) in ("fail", "exit", "_exit")


class Suite:
    """The tests of one item."""

    def __init__(self, names: dict[str, Any], calls: Callable[[], int], *, keep_going: bool) -> None:
        self._names, self._calls, self._keep_going = names, calls, keep_going
        self.held = 0
        self.checks: list[dict[str, str]] = []
        self.fault = ""
        names[HELD] = self._note
        names["__name__"] = "__main__"
        sys.modules.setdefault("pytest", touchstone_pytest)
        unittest.main = lambda *_, **__: None  # type: ignore[assignment]

    def _note(self) -> None:
        self.held += self._calls() > 0

    def run(self, test_code: str, check_of: str, solutions: list[str]) -> None:
        """All of it. check_of: the solution's function for the tests' `check`, or nothing. solutions: the names of modules
        that mean the solution, where there is no other of that name.
        """
        tree = ast.parse(test_code)
        for name in solutions:
            if name not in sys.modules and importlib.util.find_spec(name) is None:
                sys.modules[name] = sys.modules["solution"]
        called = {node.func.id for part in tree.body if not isinstance(part, ast.FunctionDef | ast.ClassDef)
                  for node in ast.walk(part) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}  # fmt: skip
        for is_check, statements in _grouped(tree.body):
            went_well = self._one(functools.partial(self._execute, statements), counts=is_check)
            if not went_well and not (is_check and self._keep_going):
                return
        if check_of:
            self._one(lambda: self._names["check"](eval(check_of, self._names)))  # noqa: S307
        for test in self._collected(called):
            if not self._one(test) and not self._keep_going:
                return

    def _execute(self, nodes: list[ast.stmt]) -> None:
        module = Instrument().visit(ast.Module(nodes, []))
        exec(compile(ast.fix_missing_locations(module), "tests.py", "exec", dont_inherit=True), self._names)  # noqa: S102

    def _one(self, check: Callable[[], Any], *, counts: bool = True) -> bool:
        """Whether it held. Its failure is the program's, the tests' own (`fault`), or nobody's when it skips itself."""
        try:
            check()
        except unittest.SkipTest:
            return True
        except (Cannot, Gone):
            raise
        except BaseException as error:
            if isinstance(error, SystemExit) and not error.code:
                return True
            self._failed(error)
            return False
        if counts:
            self.checks.append({"verdict": "accepted"})
        return True

    def _failed(self, error: BaseException) -> None:
        lacks = isinstance(error, ImportError) and sys.modules.get(error.name or "") is sys.modules["solution"]
        is_remote = lacks or isinstance(error, Remote) or getattr(error, "is_remote", False)
        where = f"{type(error).__name__} in line {_line(error)}"
        if not is_remote and (isinstance(error, _OURS) or not self._calls()):
            self.fault = where
        self.checks.append({"verdict": "runtime_error" if is_remote else "wrong_answer", "why": where})

    def _collected(self, called: set[str]) -> Iterator[Callable[[], Any]]:
        """What pytest would run: test functions, their cases, test classes, unittest's cases."""
        kinds = types.FunctionType | type
        candidates = [(name, value) for name, value in list(self._names.items()) if isinstance(value, kinds)]
        fixtures = {name: value for name, value in candidates if getattr(value, "_touchstone_fixture", False)}
        for name, value in candidates:
            if isinstance(value, type) and issubclass(value, unittest.TestCase):
                if value.__module__ == "__main__":
                    yield from map(self._unittest, list(unittest.defaultTestLoader.loadTestsFromTestCase(value)))
            elif isinstance(value, type) and name.startswith("Test") and value.__module__ == "__main__":
                yield from self._class(value, fixtures)
            elif isinstance(value, types.FunctionType) and name.startswith("test") and value.__module__ == "__main__":
                if name in called:
                    continue
                yield from self._function(value, value, fixtures)

    def _function(self, marked: Any, function: Any, fixtures: dict[str, Any]) -> Iterator[Callable[[], Any]]:
        try:
            for arguments in touchstone_pytest.cases(marked):
                yield functools.partial(touchstone_pytest.call, function, arguments, fixtures)
        except unittest.SkipTest:
            return

    def _class(self, kind: Any, fixtures: dict[str, Any]) -> Iterator[Callable[[], Any]]:
        for name in list(vars(kind)):
            if not name.startswith("test"):
                continue

            method = getattr(kind, name)

            @functools.wraps(method)
            def test(*args: Any, _name: str = name, **kwargs: Any) -> None:
                one = kind()
                setup = getattr(one, "setup_method", None)
                if setup is not None:
                    setup(*[None] * (setup.__code__.co_argcount - 1))
                getattr(one, _name)(*args, **kwargs)

            test.__signature__ = inspect.signature(method.__get__(object()))  # type: ignore[attr-defined]
            yield from self._function(method, test, fixtures)

    def _unittest(self, test: Any) -> Callable[[], Any]:
        def run() -> None:
            result = _Result()
            test.run(result)
            if result.error is not None:
                raise result.error
            if result.skipped:
                raise unittest.SkipTest("skipped")

        return run


class _Result(unittest.TestResult):
    """Keeps the first error as it is."""

    error: BaseException | None = None

    def addError(self, test: Any, err: Any) -> None:  # noqa: N802
        self.error = self.error or err[1]

    addFailure = addError  # noqa: N815

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:  # noqa: N802
        if err is not None:
            self.error = self.error or err[1]


def _line(error: BaseException) -> int:
    """Of the tests, where it was raised."""
    trace, line = error.__traceback__, 0
    while trace is not None:
        line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == "tests.py" else line
        trace = trace.tb_next
    return line


def _grouped(statements: list[ast.stmt]) -> Iterator[tuple[bool, list[ast.stmt]]]:
    """Asserts one by one, and what stands between them together."""
    between: list[ast.stmt] = []
    for statement in statements:
        if not isinstance(statement, ast.Assert):
            between.append(statement)
            continue
        if between:
            yield False, between
            between = []
        yield True, [statement]
    if between:
        yield False, between


def is_builtin(name: str) -> bool:
    return hasattr(builtins, name)

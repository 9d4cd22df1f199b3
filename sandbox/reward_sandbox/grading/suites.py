"""Test code in Python, of the kinds asserts, unittest and humaneval: the tests in one jail, the solution in another.

tests ── calls by handles, through a pipe ──▶ solution        the tests' report goes out where the solution has no part

Tests that share what no handle carries (mocks, files, a subclass) run beside the solution instead, which is weak.
"""

from __future__ import annotations

import ast
import builtins
import json
import re
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from reward_sandbox.grading.errors import BadItem, SandboxFailed
from reward_sandbox.grading.items import Assurance, GradeItem, TestResult, Verdict
from reward_sandbox.grading.results import LIMITS, test_result, text_of
from reward_sandbox.grading.steps import harness, submission
from reward_sandbox.jail.spec import PYTHON, Outcome, Run, Runs

_PAIR = ("touchstone_codec", "touchstone_submission", "touchstone_objects")
_SUITE = (*_PAIR, "touchstone_suite", "touchstone_pytest")
_SHARED = frozenset((
    "seed", "environ", "putenv", "patch", "mock", "Mock", "MagicMock", "monkeypatch", "stdin", "stdout", "stderr",
    "redirect_stdout", "redirect_stderr", "capsys", "capfd", "open", "input", "tempfile", "tmp_path", "tmpdir", "chdir",
    "unlink", "mkdir", "makedirs", "rmtree", "Path", "asyncio", "async", "inspect",
    "signature", "getsource", "deepcopy", "pickle", "weakref", "gc", "setrecursionlimit", "argv", "freeze_time",
    "threading", "Thread", "issubclass",
))  # fmt: skip
"""Names in test code by which tests and solution may share what a pipe does not carry."""
_AROUND = frozenset(("check", "main", "run", "candidate", "test"))


@dataclass(frozen=True, slots=True)
class Report:
    """What came of test code."""

    results: list[TestResult]
    assurance: Assurance


async def graded(item: GradeItem, jail: Runs) -> Report:
    """Raises BadItem where the tests are to blame, SandboxFailed."""
    tree = _parsed(item)
    message, outcome = await _apart(item, tree, jail, reflect=False)
    if message.withheld and message.has_failed and not message.cannot:
        # The solution changed an argument and returned something: what the tests go on with decides, unless they compare
        # the result with what they make of that argument, which the solution may have made up.
        again, second = await _apart(item, tree, jail, reflect=True)
        if not (again.has_failed or again.cannot):
            if crosses(tree, item.entry):
                raise BadItem("test_code: it compares a result with an argument that the solution has changed")
            message, outcome = again, second
    if message.cannot or (message.has_failed and shares(tree)):
        beside, second = await _beside(item, jail)
        if message.cannot or not beside.has_failed:
            message, outcome = beside, second
    return _read(message, outcome)


def _parsed(item: GradeItem) -> ast.Module:
    try:
        tree = ast.parse(item.test_code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadItem(f"test_code: it is no Python: {type(error).__name__}") from None
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    if item.kind == "humaneval" and "check" not in functions:
        raise BadItem("test_code: kind humaneval needs a function check(candidate)")
    return tree


def _job(item: GradeItem, **more: Any) -> bytes:
    keep_going = item.stop == "never" or item.score != "all"
    root, dot, rest = item.entry.partition(".")
    check_of = f"{root.removesuffix('()')}(){dot}{rest}" if dot else root
    check_of = check_of if item.kind == "humaneval" else ""
    job = {"test_code": item.test_code, "entry": item.entry, "check_of": check_of, "keep_going": keep_going, **more}
    job["solutions"] = modules_of(item.test_code, item.entry.partition(".")[0].removesuffix("()"))
    return json.dumps(job).encode("utf-8", "surrogatepass")


async def _apart(item: GradeItem, tree: ast.Module, jail: Runs, *, reflect: bool) -> tuple[_Message, Outcome]:
    """What the tests of the pair report, and how the solution's run ended. Raises SandboxFailed."""
    stdin = _job(item, objects=makes_objects(tree), reflect=reflect)
    tests = Run(PYTHON, harness("suite", *_SUITE), stdin, item.limits, artefact=True, artefact_mb=1)
    solution = Run(PYTHON, {**harness("serve", *_PAIR), **submission(item)}, limits=item.limits)
    served, tested = await jail.run_pair(solution, tests)
    for outcome in (served, tested):
        if outcome.ending == "system_error":
            raise SandboxFailed(outcome.error)
    message = _message(tested)
    ending = LIMITS.get(served.ending) or (None if message.checks else LIMITS.get(tested.ending))
    if ending and (message.has_failed or not message.checks):
        message = _Message(checks=[_Check(verdict=ending)])
    elif tested.ending != "ok":
        raise SandboxFailed(f"the tests' harness failed: {text_of(tested.stderr[-300:])}")
    # What the tests print may hold what they expect, so only the solution's own output is shown.
    return message, served


async def _beside(item: GradeItem, jail: Runs) -> tuple[_Message, Outcome]:
    """Raises SandboxFailed."""
    nonce = secrets.token_hex(16)
    files = {**harness("beside", *_SUITE), **submission(item)}
    run = Run(PYTHON, files, _job(item, nonce=nonce), item.limits, artefact=True, artefact_mb=1)
    outcome = await jail.run(run)
    if outcome.ending == "system_error":
        raise SandboxFailed(outcome.error)
    message = _message(outcome)
    if outcome.ending != "ok" or message.nonce != nonce:
        message = _Message(checks=[_Check(verdict="wrong_answer" if outcome.ending == "ok" else outcome.ending)])
    return message.model_copy(update={"weak": True}), outcome


class _Check(BaseModel):
    verdict: Verdict
    why: str = ""


class _Message(BaseModel):
    """What a harness reports."""

    checks: list[_Check] = Field(default_factory=list, max_length=10_000)
    held: int = 0
    """How many checks held after the solution had been called."""
    fault: str = ""
    """Where the tests failed by themselves."""
    cannot: str = ""
    weak: bool = False
    withheld: bool = False
    """Whether the solution changed an argument, and the tests have not seen it."""
    nonce: str = ""

    @property
    def has_failed(self) -> bool:
        return bool(self.fault) or any(check.verdict != "accepted" for check in self.checks)


def _message(outcome: Outcome) -> _Message:
    try:
        return _Message.model_validate_json(outcome.artefact)
    except ValidationError:
        return _Message()


def _read(message: _Message, outcome: Outcome) -> Report:
    if message.fault:
        raise BadItem(f"test_code: the tests fail by themselves: {message.fault}")
    if not message.has_failed and not message.held:
        raise BadItem("test_code: it checks nothing: no call of the solution has a check behind it")
    verdicts: list[Verdict] = [check.verdict for check in message.checks] or ["accepted"]
    return Report([test_result(outcome, verdict) for verdict in verdicts], "weak" if message.weak else "strong")


# --- what the test code says of itself --------------------------------------------------------------------------------


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.name.partition(".")[0] for alias in node.names)
            yield getattr(node, "module", None) or ""
        elif isinstance(node, ast.AsyncFunctionDef | ast.Await):
            yield "async"


def shares(tree: ast.Module) -> bool:
    """Whether the tests may share something with the solution that a pipe does not carry. Only they are looked at, so that
    no solution can choose to be run beside them.
    """
    return not _SHARED.isdisjoint(_names(tree)) or any(_wraps(tree))


def _wraps(tree: ast.Module) -> Iterator[bool]:
    """Of each context and decorator, whether it may be the solution's: what happens within it is not one call."""
    own = _own_names(tree) | {"pytest", "unittest"}
    for node in ast.walk(tree):
        parts: list[ast.expr] = []
        if isinstance(node, ast.With):
            parts = [item.context_expr for item in node.items]
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            parts = node.decorator_list
        for part in parts:
            root = _root(part)
            yield bool(root) and root != "self" and root not in own and not hasattr(builtins, root)


def _root(part: ast.expr) -> str:
    """The name that an expression of calls and attributes begins with."""
    while isinstance(part, ast.Attribute | ast.Call):
        part = part.value if isinstance(part, ast.Attribute) else part.func
    return part.id if isinstance(part, ast.Name) else ""


def _own_names(tree: ast.Module) -> set[str]:
    """What the tests import, but for the solution, and define."""
    imports = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and not is_solution(node.module or ""))
    ]
    own = {alias.asname or alias.name.partition(".")[0] for node in imports for alias in node.names}
    own |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return own | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


_LIBRARIES = frozenset(
    (
        "numpy",
        "scipy",
        "pandas",
        "sympy",
        "pytest",
        "hypothesis",
        "requests",
        "torch",
        "sklearn",
        "networkx",
        "attr",
        "mock",
    )
)


def is_solution(module: str) -> bool:
    """Whether tests that import from a module of this name mean the program: it is no library's."""
    root = module.partition(".")[0]
    return bool(root) and root not in sys.stdlib_module_names and root not in _LIBRARIES


def makes_objects(tree: ast.Module) -> bool:
    """Whether the tests make objects of the solution's classes: then its operators count, where else a plain value does."""
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    own |= {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and not is_solution(node.module or "")
        for alias in node.names
    }
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return any(name[:1].isupper() and not hasattr(builtins, name) for name in called - own)


def modules_of(test_code: str, root: str) -> list[str]:
    """The modules that the tests take the function from, and that are no library's: they mean the program."""
    names: list[str] = []
    for node in ast.walk(ast.parse(test_code)):
        if isinstance(node, ast.ImportFrom) and any(alias.name in (root, "*") for alias in node.names):
            names.append(node.module or "")
        elif isinstance(node, ast.Attribute) and node.attr == root and isinstance(node.value, ast.Name):
            names.append(node.value.id)
    return [name for name in dict.fromkeys(names) if is_solution(name) and "." not in name]


def entry_of(test_code: str) -> str:
    """The function that test code is about: what it imports from the solution, else what it calls and does not define."""
    try:
        tree = ast.parse(test_code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    for node in sorted(imports, key=lambda node: node.module not in ("solution", "submission")):
        if is_solution(node.module or "") and node.names[0].name != "*":
            return node.names[0].name
    own = _own_names(tree) | _AROUND
    names = (node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name))
    if first := next((name for name in names if name not in own and not hasattr(builtins, name)), ""):
        return first
    checks = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_check_call(node))
    return next((call.args[0].id for call in checks if isinstance(call.args[0], ast.Name)), "")


_FUNCTION = re.compile(r"^(?:(?:async +)?def +(?=\w)|(?=\w+ *= *lambda\b))(\w+)", re.M)
_METHOD = re.compile(r"^[ \t]+def +([A-Za-z]\w*)\(self\b", re.M)
_SOLUTION = re.compile(r"^class +Solution\b", re.M)


def defined_by(code: str) -> str:
    """The function that a program defines, for tests that name none: the last at its top, or the last public method of its
    class Solution. The program is searched, and not parsed: it may be made to take long.
    """
    solution = _SOLUTION.search(code)
    methods = _METHOD.findall(code, solution.end()) if solution else []
    if methods:
        return f"Solution.{methods[-1]}"
    functions = _FUNCTION.findall(code)
    return functions[-1] if functions else ""


def _is_check_call(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "check" and len(call.args) == 1


def crosses(tree: ast.Module, entry: str) -> bool:
    """Whether a comparison has the solution's result on one side and an argument of its on the other."""
    root = entry.partition(".")[0].removesuffix("()")
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _calls(node, root)]
    passed = [part for call in calls for argument in call.args for part in ast.walk(argument)]
    arguments = {part.id for part in passed if isinstance(part, ast.Name)}
    within = {id(part) for part in passed}
    results = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and any(part in calls for part in ast.walk(node.value))
        for target in ast.walk(ast.Tuple(node.targets, ast.Store()))
        if isinstance(target, ast.Name)
    }

    def is_result(side: ast.expr) -> bool:
        return any(part in calls or (isinstance(part, ast.Name) and part.id in results) for part in ast.walk(side))

    def is_argument(side: ast.expr) -> bool:
        names = [part for part in ast.walk(side) if isinstance(part, ast.Name) and id(part) not in within]
        return any(name.id in arguments for name in names)

    return any(
        (is_result(left) and is_argument(right)) or (is_argument(left) and is_result(right))
        for left, right in _compared(tree)
    )


def _calls(call: ast.Call, root: str) -> bool:
    function = call.func
    while isinstance(function, ast.Attribute | ast.Call):
        function = function.value if isinstance(function, ast.Attribute) else function.func
    return isinstance(function, ast.Name) and function.id in (root, "candidate", "solution")


def _compared(tree: ast.Module) -> Iterator[tuple[ast.expr, ast.expr]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = zip([node.left, *node.comparators], node.comparators, node.ops, strict=False)
            # An object is itself or not, whatever the solution has made of it.
            yield from ((left, right) for left, right, how in sides if not isinstance(how, ast.Is | ast.IsNot))
        elif isinstance(node, ast.Call) and _name_of(node).startswith("assert") and len(node.args) > 1:
            yield node.args[0], node.args[1]


def _name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")

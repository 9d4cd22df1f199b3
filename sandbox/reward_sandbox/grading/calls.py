"""Function calls in other languages than Python: the program with a harness behind it, which calls the function that is
asked for. As in Python, arguments go in by standard input and the result comes out by descriptor 3.

C++     the types of the arguments are those that the function declares
Java    the same, by reflection; the method may be of any class of the program
JavaScript, TypeScript    numbers beyond 2^53 are BigInt
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reward_sandbox.grading.errors import BadItem
from reward_sandbox.grading.inside.touchstone_codec import encode
from reward_sandbox.grading.items import GradeItem, Test
from reward_sandbox.grading.steps import RESULT_MB
from reward_sandbox.jail.spec import File, Run
from reward_sandbox.languages.compiler import Compiled
from reward_sandbox.languages.table import java_classes

_INSIDE = Path(__file__).with_name("inside")
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_EXACT = 2**53
"""The whole numbers below are the same in every language."""


@dataclass(frozen=True, slots=True)
class Harness:
    """How a language's programs are called."""

    joined: Callable[[GradeItem, str, str], str]
    """The source: of the item, the class (or nothing) and the function."""
    files: tuple[str, ...] = ()
    """What the source includes."""
    words: Callable[[str, str, str], tuple[str, ...]] = lambda code, owner, name: ()
    """What the program is called with: of its code, the class and the function."""
    prints: bool = False
    """Whether the result comes by standard output, which then is descriptor 3."""


def harness_of(language: str) -> Harness:
    """Raises BadItem."""
    if language not in _HARNESSES:
        raise BadItem(f"kind: function calls are for Python, {', '.join(_HARNESSES)}; use stdio for {language}")
    return _HARNESSES[language]


def source_of(item: GradeItem, harness: Harness) -> str:
    """Raises BadItem."""
    if any(test.kwargs for test in item.tests):
        raise BadItem("tests: arguments by name (kwargs) are for Python; give them in `args`")
    return harness.joined(item, *_parts(item.entry))


def beside(harness: Harness) -> Mapping[str, File]:
    """The files that a compiler needs besides."""
    return {name: File((_INSIDE / name).read_bytes()) for name in harness.files}


def run_of(item: GradeItem, harness: Harness, compiled: Compiled, test: Test) -> Run:
    """One call."""
    call = json.dumps({"args": [_sendable(encode(argument)) for argument in test.args]})
    run = compiled.language.execution(compiled.files or {}, call.encode(), item.limits)
    words = harness.words(item.code, *_parts(item.entry))
    argv = (*run.argv[:-1], f"{run.argv[-1]} {' '.join(words)} >&3") if harness.prints else run.argv
    return replace(run, argv=argv, artefact=True, artefact_mb=RESULT_MB)


def _parts(entry: str) -> tuple[str, str]:
    """(class or nothing, function). Raises BadItem."""
    owner, _, name = entry.replace("()", "").rpartition(".")
    if not _NAME.fullmatch(name) or (owner and not _NAME.fullmatch(owner)):
        raise BadItem("entry: the name of a function, or Class.method")
    return owner, name


def _sendable(value: Any) -> Any:
    """With a tag on integers that some languages' own JSON would round."""
    if isinstance(value, bool) or not isinstance(value, int | list | dict):
        return value
    if isinstance(value, int):
        return value if abs(value) < _EXACT else {"__int__": hex(value)}
    if isinstance(value, list):
        return [_sendable(item) for item in value]
    return {key: _sendable(item) for key, item in value.items()}


# --- C++ ----------------------------------------------------------------------------------------------------------------

_CPP_CLASS = re.compile(r"^[ \t]*(?:class|struct)[ \t]+Solution\b", re.M)
_CPP_INCLUDES = re.compile(r"^[ \t]*#[ \t]*include\b|^[ \t]*import\b", re.M)


def _cpp(item: GradeItem, owner: str, name: str) -> str:
    """A program that includes nothing is written as LeetCode has it, where the whole library is there."""
    code = f"{item.prelude}\n{item.code}"
    library = "" if _CPP_INCLUDES.search(item.code) else "using namespace std;\n"
    if owner == "Solution" or not owner:
        owner = "Solution" if _CPP_CLASS.search(code) else ""
    target = f"::{owner}::{name}" if owner else f"::{name}"  # with the colons no function of the library is meant
    return (
        f'#include <bits/stdc++.h>\n#include "touchstone_call.h"\n{library}#define main touchstone_own_main\n'
        f'#line 1 "solution.cpp"\n{code}\n'
        f"#undef main\n#undef int\n#undef return\nint main() {{ return ::touchstone::call(&{target}); }}\n"
    )


# --- Java ---------------------------------------------------------------------------------------------------------------

_JAVA_IMPORT = re.compile(r"^[ \t]*(?:import|package)\b", re.M)
_JAVA_LIBRARY = "".join(f"import java.{name}.*; " for name in ("util", "util.function", "util.stream", "math", "io"))


def _java(item: GradeItem, owner: str, name: str) -> str:
    code = f"{item.prelude}\n{item.code}" if item.prelude else item.code
    library = "" if _JAVA_IMPORT.search(code) else _JAVA_LIBRARY
    return f"{library}{code}\n{(_INSIDE / 'TouchstoneCall.java').read_text(encoding='utf-8')}"


def _java_words(code: str, owner: str, name: str) -> tuple[str, ...]:
    """The class that is named goes first, else Solution, else they are tried in their order."""
    classes = java_classes(code)
    return name, *sorted(classes, key=lambda name: name.rpartition(".")[2] != (owner or "Solution"))


# --- JavaScript ---------------------------------------------------------------------------------------------------------

_JS_EXPORT = re.compile(r"^export[ \t]+(?:default[ \t]+)?(?=(?:async[ \t]+)?(?:function|class|const|let|var)\b)", re.M)


def _javascript(item: GradeItem, owner: str, name: str) -> str:
    owners = dict.fromkeys((owner, "Solution") if owner else ("Solution",))
    ways = [f"typeof {name} === 'function' ? {{target: {name}}}"]
    for kind in owners:
        ways += [
            f"typeof {kind} === 'function' && typeof {kind}.prototype?.{name} === 'function'"
            f" ? ((own) => ({{owner: own, target: own.{name}}}))(new {kind}())",
            f"typeof {kind} === 'function' && typeof {kind}.{name} === 'function'"
            f" ? {{owner: {kind}, target: {kind}.{name}}}",
        ]
    ways += [
        f"typeof module.exports?.{name} === 'function' ? {{target: module.exports.{name}}}",
        "typeof module.exports === 'function' ? {target: module.exports}",
    ]
    missing = f"(() => {{ throw new ReferenceError('{name} is not defined') }})()"
    ways = ways[1:-2] + ways[:1] + ways[-2:] if owner else ways
    lookups = " : ".join([*ways, missing])
    code = _JS_EXPORT.sub("", f"{item.prelude}\n{item.code}" if item.prelude else item.code)
    harness = (_INSIDE / "touchstone_call.js").read_text(encoding="utf-8")
    return f"{code}\n{harness.replace('@FOUND@', lookups)}"


_HARNESSES = {
    "cpp": Harness(_cpp, files=("touchstone_call.h",)),
    "java": Harness(_java, words=_java_words, prints=True),
    "javascript": Harness(_javascript),
    "typescript": Harness(_javascript),
}

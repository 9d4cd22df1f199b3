"""MultiPL-E: the tests are the end of a program in the language, behind what the model wrote."""

from __future__ import annotations

import re
from typing import Any

from reward_sandbox.datasets.row import NotUnderstood, Reader, Row, text
from reward_sandbox.grading.items import DONE

# What says that the tests have come to their end, and before how many closing braces it stands.
_ENDS = {
    "cpp": (f'puts("{DONE}");', 1),
    "java": (f'System.out.println("{DONE}");', 2),
    "rs": (f'println!("{DONE}");', 1),
    "js": (f'console.log("{DONE}");', 0),
    "php": (f'echo "{DONE}";', 0),
    "rb": (f'puts "{DONE}"', 0),
    "lua": (f'print("{DONE}")', 0),
    "pl": (f'print "{DONE}";', 0),
    "sh": (f'echo "{DONE}"', 0),
}
_FAILS = {"cpp": "__builtin_trap()", "java": 'throw new AssertionError("wrong")'}
_ASSERT = re.compile(r"^[ \t]*assert\((.*)\);[ \t]*$", re.M)
_NAMES = {"rs": "rust", "js": "javascript", "rb": "ruby", "pl": "perl", "sh": "bash"}


def _read(row: Row) -> dict[str, Any]:
    language = text(row, "language")
    if language not in _ENDS:
        raise NotUnderstood(f"language: tests of {language[:20]!r} are not read, only of {', '.join(_ENDS)}")
    tests = text(row, "tests")
    return {
        "kind": "program",
        "language": _NAMES.get(language, language),
        "entry": _entry(row),
        "prelude": _includes(text(row, "prompt"), language),
        "test_code": _program(_from_its_start(tests), language),
    }


def _program(tests: str, language: str) -> str:
    """The tests, so that they fail whatever the program makes of `assert`, and say when they have come to their end."""
    ended = _with_end(tests, *_ENDS[language])
    if language not in _FAILS:
        return ended
    checked = _ASSERT.sub(lambda match: f"if (!({match[1]})) {_FAILS[language]};", ended)
    return f"class TouchstoneTests extends Problem {{\n{checked}" if language == "java" else checked


def _entry(row: Row) -> str:
    """HumanEval_0_has_close_elements ──▶ has_close_elements, as the tests have it."""
    name = re.sub(r"^(?:HumanEval|mbpp)_\d+_", "", text(row, "name"))
    return name if name in text(row, "tests") else ""


def _includes(prompt: str, language: str) -> str:
    """What stands before the function, for programs that leave it out."""
    if language != "cpp":
        return ""
    return "".join(f"{line}\n" for line in prompt.split("\n") if line.startswith(("#include", "using ")))


def _from_its_start(tests: str) -> str:
    """They begin with the brace that ends the function, which a whole program has itself."""
    return re.sub(r"\A\s*\}\s*\n", "", tests)


def _with_end(tests: str, end: str, depth: int) -> str:
    """Raises NotUnderstood."""
    place = len(tests)
    for _ in range(depth):
        place = tests.rfind("}", 0, place)
        if place < 0:
            raise NotUnderstood("tests: they have not the closing braces that tests of their language have")
    return f"{tests[:place]}\n{end}\n{tests[place:]}"


def _is_multipl_e(row: Row) -> bool:
    return isinstance(row["tests"], str) and ("stop_tokens" in row or "doctests" in row)


READERS = (Reader("multipl-e", "MultiPL-E", ("tests", "language", "prompt"), _read, "`program`", fits=_is_multipl_e),)

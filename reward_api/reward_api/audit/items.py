"""The items of a data set, and what kind of right answer each has.

{"answer": "5/6"}                      answer
{"tests": […]}, and a `solution`       program (query where a `query` is the solution)
{"calls": [{"name": …}]}               calls
{"schema": …, "expected": {…}}         document
{"instruction_id_list": […]}           instructed: a response that keeps to the constraints is the row's `solution`
nothing, and `chosen` in the row       judged: `chosen` must beat `rejected`, or the reply to another prompt
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from reward_api.audit.frames import call_text

Kind = Literal["answer", "program", "query", "calls", "document", "instructed", "judged"]
CONSTRAINTS = ("instruction_id_list", "instruction_id", "func_name")
"""Names of columns, or names inside the text of one, that say which constraints a response must keep to."""
SOLUTIONS = ("solution", "canonical_solution", "reference_solution", "gold_solution", "code", "query")
LONGEST_LEAD = 20
"""Characters before a box, above which a reference is a worked solution."""
NO_CALL = "Hello! No tool is needed for this."


@dataclass(frozen=True)
class Item:
    """right: what stands in the answer's place of a right completion. bad: of a judged item, a worse reply."""

    number: int
    prompt: Any
    reference: dict[str, Any]
    kind: Kind
    right: str
    bad: str = ""
    also_right: tuple[str, ...] = ()
    fields: dict[str, Any] = field(default_factory=dict)
    """Of the request: what is sent with every completion of this item."""
    is_traced: bool = False
    """The domain reads traces of tools: the request says that no completion called one."""

    @property
    def question(self) -> str:
        """The prompt's last words."""
        if isinstance(self.prompt, list) and self.prompt:
            content = self.prompt[-1].get("content")
            return content if isinstance(content, str) else ""
        return self.prompt if isinstance(self.prompt, str) else ""


def item_of(number: int, request: dict[str, Any], row: dict[str, Any]) -> Item | str:
    """The item of a row, or why it cannot be audited."""
    reference = request.get("reference") or {}
    fields: dict[str, Any] = {name: request[name] for name in ("prompt", "reference") if name in request}
    kind, right, also = _right(reference, row)
    if isinstance(right, str) and right.strip():
        bad = _text(row.get("rejected")) if kind == "judged" else ""
        return Item(number, request.get("prompt"), reference, kind, right, bad, also, fields)
    wanted = {
        "instructed": "`solution` with a right response",
        "judged": "answer, and no `chosen`,",
        "program": "solution",
    }
    return f"it has no {wanted.get(kind, kind)} to begin with"


def _right(reference: dict[str, Any], row: dict[str, Any]) -> tuple[Kind, str | None, tuple[str, ...]]:
    """(kind, the right answer, further right ones)."""
    if isinstance(calls := reference.get("calls"), list):
        plain = [call.get("function", call) for call in calls if isinstance(call, dict)]
        return "calls", call_text(plain) if plain else NO_CALL, ()
    if reference.get("kind") == "sql" or "query" in reference:
        return "query", _text(reference.get("query") or row.get("query")), ()
    if any(name in reference for name in ("tests", "test_code", "test_list", "test")):
        return "program", _program(row), ()
    if "schema" in reference or isinstance(reference.get("expected"), dict | list):
        return "document", json.dumps(reference["expected"]) if "expected" in reference else None, ()
    if any(name in reference or _quotes(reference.get("answer"), name) for name in CONSTRAINTS):
        return "instructed", _text(row.get("solution")), ()
    if (chosen := _text(row.get("chosen"))) and reference.get("answer") is None:
        return "judged", chosen, ()
    answers = reference.get("answer", reference.get("target"))
    several = [*answers] if isinstance(answers, list) else [answers]
    several += reference.get("aliases") or []
    texts = [_answer(one) for one in several if one is not None]
    return ("answer", texts[0], tuple(texts[1:])) if texts else ("judged", None, ())


def _quotes(value: Any, name: str) -> bool:
    """Whether a label holds a name, as JSON or as Python writes it."""
    return f"'{name}'" in str(value) or f'"{name}"' in str(value)


def _answer(value: Any) -> str:
    """As text; of a worked solution (GSM8K's, MATH's), what stands behind #### or in the last box."""
    text = value if isinstance(value, str) else json.dumps(value)
    worked, mark, final = text.rpartition("####")
    if mark and worked.strip():
        return final.strip()
    before, mark, rest = text.rpartition("\\boxed{")
    depth = 1
    for at, sign in enumerate(rest if mark and len(before) > LONGEST_LEAD else ""):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if not depth:
            return rest[:at]
    return text


def _program(row: dict[str, Any]) -> str | None:
    """The solution. HumanEval's is the body of the function that the prompt begins."""
    solution = next((row[name] for name in SOLUTIONS if isinstance(row.get(name), str)), None)
    is_body = solution is not None and solution[:1].isspace() and solution.strip() != ""
    return f"{_text(row.get('prompt'))}{solution}" if is_body else solution


def _text(value: Any) -> str:
    """Of a text, or of the last message of a chat."""
    if isinstance(value, list) and value and isinstance(value[-1], dict):
        value = value[-1].get("content")
    return value if isinstance(value, str) else ""

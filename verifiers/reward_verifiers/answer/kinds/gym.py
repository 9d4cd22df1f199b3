"""The kind reasoning_gym: its tasks bring their own scorers, run in our workers on what is safe to give them."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from reward_verifiers.answer.judged import Judged, clipped
from reward_verifiers.answer.options import AnswerReference
from reward_verifiers.verifier import BadReference, Unsupported

# These scorers evaluate the answer as Python, or give it to sympy's parse_expr, which does: it is checked first.
EVALUATES_LISTS = frozenset({"string_insertion", "spiral_matrix", "binary_matrix", "n_queens"})
EVALUATES_FORMULAS = frozenset(
    {"simple_integration", "intermediate_integration", "polynomial_multiplication", "puzzle24", "countdown"}
)
_LIST = re.compile(r"[A-Za-z0-9\s,\[\]'\".-]{0,10000}|[Q_\s]{0,10000}", re.A)
_FORMULA = re.compile(r"[0-9A-Za-z.+\-*/^(),\s]{0,400}", re.A)
_NOT_IN_FORMULA = re.compile(r"\d{10}|(?<!\d)\.|\.(?!\d)")
"""Numbers to overflow with, and points that reach for attributes."""
_NAME = re.compile(r"[A-Za-z]{2,}")
_FUNCTIONS = frozenset(("sin cos tan cot sec csc asin acos atan sinh cosh tanh exp log ln sqrt pi Abs").split())
_NONSENSE = "?!"


def is_harmless(task: str, text: str) -> bool:
    """Whether a text may go to a scorer that would execute it: no calls in lists, only known functions in formulas."""
    if task in EVALUATES_LISTS:
        return _LIST.fullmatch(text) is not None
    if task in EVALUATES_FORMULAS:
        plain = _FORMULA.fullmatch(text) is not None and _NOT_IN_FORMULA.search(text) is None
        return plain and _FUNCTIONS.issuperset(_NAME.findall(text))
    return True


@lru_cache(maxsize=256)
def _scorer(task: str) -> Any:
    try:
        import reasoning_gym
    except ImportError as error:
        raise Unsupported("kind reasoning_gym needs the package reasoning-gym") from error
    try:
        return reasoning_gym.get_score_answer_fn(task)
    except ValueError as error:
        raise BadReference(f"reasoning-gym has no task {clipped(task, 80)!r}") from error


def _tupled(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_tupled, value))
    return {key: _tupled(inner) for key, inner in value.items()} if isinstance(value, dict) else value


@lru_cache(maxsize=1024)
def _entry(task: str, dumped: str) -> dict[str, Any]:
    """The item as the task's scorer wants it. JSON has made its tuples lists, which some scorers hold for wrong: whichever
    form the item's own answer scores better with is taken. Raises BadReference when the scorer cannot use the item.
    """
    entry: dict[str, Any] = json.loads(dumped)
    forms = (entry, _tupled(entry))
    scores = [_own_score(task, form, entry.get("answer")) for form in forms]
    if max(scores) < 0:
        raise BadReference(f"the scorer of {clipped(task, 80)!r} cannot use the reference's `entry`")
    best = forms[scores.index(max(scores))]
    if _own_score(task, best, _NONSENSE) >= 1:
        raise BadReference(f"the scorer of {clipped(task, 80)!r} pays for any text with this `entry`")
    return best


def _own_score(task: str, entry: dict[str, Any], answer: Any) -> float:
    """The scorer's word, or -1 where it raises: it is a third party's, and may raise anything."""
    try:
        return float(_scorer(task)(answer, entry))
    except (BadReference, Unsupported, MemoryError):
        raise
    except Exception:
        return -1.0


def check(reference: AnswerReference) -> None:
    """Raises BadReference without a usable task and entry, Unsupported without the package."""
    if not reference.task or not {"answer", "metadata"} <= (reference.entry or {}).keys():
        raise BadReference("kind reasoning_gym needs `task`, and `entry` with the item's `answer` and `metadata`")
    _entry(reference.task, json.dumps(reference.entry, sort_keys=True))


def judge(reference: AnswerReference, text: str) -> Judged:
    """The task's own score between 0 and 1."""
    task, answer_text = reference.task or "", text.strip()
    entry = _entry(task, json.dumps(reference.entry, sort_keys=True))
    wanted = str(entry.get("answer", ""))
    if not is_harmless(task, answer_text):
        return Judged(False, "more than the plain answer that the task asks for", "first", answer_text, wanted, 0.0)
    try:
        score = min(1.0, max(0.0, float(_scorer(task)(answer_text, entry))))
    except MemoryError:  # the worker's limit, and no verdict
        raise
    except Exception as error:  # the item is sound, so it is the text that the scorer cannot read
        return Judged(
            False, f"the task's own scorer cannot read it: {type(error).__name__}", "first", answer_text, wanted, 0.0
        )
    return Judged(score == 1.0, "the task's own scorer", "first", answer_text, wanted, score)

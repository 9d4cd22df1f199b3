"""The four parts of `tool_use`, each 0 to 1, or None where it does not apply.

A part is 1 where nothing is wrong, so an episode without calls has all that its calls could have had: nothing is paid for
calling as such. Pieces of text are compared as words and numbers, whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

from reward_verifiers.contract import Trace, TracedCall
from reward_verifiers.qa.verifier import abstains, normal, words

MAX_ANSWER_WORDS = 30
MAX_TEXT = 200_000
"""Characters of the model's own text that are looked through."""
_PIECE = re.compile(r"\d+(?:[.,/]\d+)*|[^\W\d_]{4,}|[\u3040-\u30ff\u3400-\u9fff]{2,}")
_YES_OR_NO = frozenset(("yes", "no", "true", "false"))


class Part(NamedTuple):
    """None: it does not apply."""

    score: float | None
    reason: str


def valid(trace: Trace) -> Part:
    """The share of calls whose arguments the model wrote rightly. A spent budget is another part's matter."""
    wrong = [call for call in trace.calls if call.outcome == "refused" and call.cause == "argument"]
    count = len(wrong) + sum(call.outcome == "ok" for call in trace.calls)
    if not wrong:
        return Part(1.0, "")
    return Part(1 - len(wrong) / count, f"{len(wrong)} of {count} calls were refused for their arguments")


def kept(trace: Trace, most: int) -> Part:
    """Whether the calls are within the domain's number and the service's budgets."""
    count = len(trace.calls) + trace.beyond
    if trace.beyond or any(call.outcome == "refused" and call.cause == "budget" for call in trace.calls):
        return Part(0.0, "a budget was spent, and calls were refused for it")
    return Part(1.0, "") if count <= most else Part(most / count, f"{count} calls where {most} are free")


def used(trace: Trace, prompt: str, own_text: str) -> Part:
    """The share of results of which something is found again in what the model wrote: in later arguments, or in its text.

    What stood in the prompt or in the call itself shows nothing, and a result with nothing else is left out.
    """
    in_prompt = _pieces(prompt)
    in_text = _pieces(own_text[:MAX_TEXT])
    later: list[set[str]] = [in_text]
    for call in reversed(trace.calls):
        later.append(later[-1] | _pieces(_written(call)))
    later.reverse()
    seen: set[tuple[str, str]] = set()
    counted = unused = 0
    for place, call in enumerate(trace.calls):
        if call.outcome != "ok" or call.raised:
            continue
        key = (call.tool, _written(call))
        is_repeated = key in seen
        seen.add(key)
        new = _pieces(call.output) - in_prompt - _pieces(_written(call))
        if not new and not is_repeated:
            continue
        counted += 1
        unused += is_repeated or new.isdisjoint(later[place + 1])
    if not unused:
        return Part(1.0, "")
    return Part(1 - unused / counted, f"{unused} of {counted} results were not used")


def grounded(trace: Trace, question: str, answer: str | None, sources: Sequence[str]) -> Part:
    """Whether the answer stands in what was retrieved, by a call that did not name it already."""
    if answer is None:
        return Part(0.0, "there is no answer to be grounded")
    if abstains(answer):
        return Part(None, "")
    wanted = words(answer)
    if not wanted or len(wanted) > MAX_ANSWER_WORDS:
        return Part(None if wanted else 0.0, "" if wanted else "there is no answer to be grounded")
    if normal(answer) in _YES_OR_NO or _holds(words(question[-MAX_TEXT:]), wanted):
        return Part(None, "")
    for call in trace.calls:
        if call.outcome == "ok" and call.tool in sources and _holds(words(call.output), wanted):
            if _holds(words(_written(call)), wanted):
                continue
            return Part(1.0, "")
    return Part(0.0, "the answer stands in nothing that was retrieved")


def _written(call: TracedCall) -> str:
    """What the model wrote in the call."""
    return json.dumps(call.arguments, ensure_ascii=False, sort_keys=True)[:MAX_TEXT]


def _pieces(text: str) -> set[str]:
    """Its numbers, and its words of four letters and more.

    >>> sorted(_pieces("It is 7,305 in Velmora"))
    ['7305', 'velmora']
    """
    return {match[0].replace(",", "") for match in _PIECE.finditer(text.lower())}


def _holds(text: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether the words stand there, one after another."""
    return f" {' '.join(wanted)} " in f" {' '.join(text)} "

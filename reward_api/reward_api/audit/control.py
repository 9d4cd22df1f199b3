"""The positive control: the reference, in the format that the domain asks for and rewritten so that it stays right, is paid.

What this shows is what the rest stands on: in which frame a right answer is paid, and how much.
"""

from __future__ import annotations

import ast
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from statistics import fmean

from reward_api.audit.frames import FRAMES, OTHER_THINK, Frame
from reward_api.audit.items import Item
from reward_api.audit.scorer import HALF, Outcome, Right, Scorer
from reward_api.audit.values import number, written
from reward_api.rates import Rate

PROBED = 8
"""Items on which the frames are tried."""
MOST_REFUSED = 0.05
MARGIN = 1e-6


@dataclass
class Control:
    """rights: by item number, of the items whose right answer is paid. refused: (item, what, outcome). tries: by what.

    items: as they are attacked, each with its right answer in the first spelling that is paid.
    misspelt: what is refused although another spelling of the same value is paid.
    """

    frames: tuple[Frame, ...]
    items: list[Item] = field(default_factory=list)
    misspelt: list[tuple[Item, str, Outcome]] = field(default_factory=list)
    rights: dict[int, Right] = field(default_factory=dict)
    refused: list[tuple[Item, str, Outcome]] = field(default_factory=list)
    tries: Counter[str] = field(default_factory=Counter)

    @property
    def rate(self) -> Rate:
        """Right completions that are refused."""
        return Rate(len(self.refused) + len(self.misspelt), self.tries.total())

    @property
    def is_calibrated(self) -> bool:
        """Whether right completions are paid: of all, and of each rewriting by itself."""
        share = len(self.refused) / max(self.tries.total(), 1)
        return bool(self.rights) and share <= MOST_REFUSED and not self._refused_rewriting()

    def _refused_rewriting(self) -> str:
        """A rewriting that is refused again and again, though the reference as it stands is paid."""
        refused = Counter(what for _, what, _ in self.refused)
        return next((what for what, count in refused.items() if count > max(2, MOST_REFUSED * self.tries[what])), "")

    @property
    def frame(self) -> Frame:
        return self.frames[0]

    def why_not(self) -> str:
        if not self.refused:
            return "no right completion was scored"
        what = self._refused_rewriting() or self.refused[0][1]
        example = next(outcome for _, name, outcome in self.refused if name == what)
        reason = example.failure["message"] if example.failure else example.why()
        return f"right completions are refused: {self.rate.text()}, such as {what}: {reason[:200]}"


def is_right(item: Item, outcome: Outcome, highest: float) -> bool:
    return outcome.correctness is not None and outcome.correctness > MARGIN and outcome.correctness >= HALF * highest


async def calibrate(scorer: Scorer, items: Sequence[Item]) -> Control:
    """Finds the frames, and scores every item's right answer in them and in rewritings."""
    control = Control(await _frames(scorer, items))
    for item in items:
        control.items.append(await _spelled(scorer, item, control))
        await _item(scorer, control.items[-1], control)
    return control


async def _spelled(scorer: Scorer, item: Item, control: Control) -> Item:
    """The item in the first spelling of its answer that is paid. Where one is, the refused ones are misspelt."""
    texts = list(dict.fromkeys(spellings(item)))
    if len(texts) == 1:
        return item
    outcomes = await _right(scorer, item, [control.frame.text(text) for text in texts])
    paid = [is_right(item, one, max(outcome.correctness or 0.0 for outcome in outcomes)) for one in outcomes]
    if not any(paid):
        return item
    control.tries.update(f"the spelling {text}" for text in texts)
    control.misspelt += [
        (item, f"the spelling {text}", outcome)
        for text, outcome, is_paid in zip(texts, outcomes, paid, strict=True)
        if not is_paid
    ]
    return replace(item, right=texts[paid.index(True)])


def spellings(item: Item) -> Iterator[str]:
    """The right answer as it stands, and with its fractions written in the other usual ways."""
    yield item.right
    if item.kind == "answer" and "\\frac" in item.right:
        yield item.right.replace("\\frac", "\\dfrac")
        if number(item.right) is not None:
            yield written(number(item.right) or Fraction())


async def _frames(scorer: Scorer, items: Sequence[Item]) -> tuple[Frame, ...]:
    """The best frame with thinking and the best without, where both are paid as much; the better one where not."""
    frames = FRAMES[items[0].kind]
    sums: dict[Frame, list[tuple[float, float]]] = {frame: [] for frame in frames}
    for item in items[:PROBED]:
        outcomes = [(await _right(scorer, item, [frame.text(item.right)]))[0] for frame in frames]
        for frame, outcome in zip(frames, outcomes, strict=True):
            sums[frame].append((outcome.correctness or 0.0, outcome.reward or 0.0))
    means = {frame: tuple(fmean(column) for column in zip(*rows, strict=True)) for frame, rows in sums.items()}
    ranked = sorted(frames, key=lambda frame: means[frame], reverse=True)
    best = ranked[0]
    second = next((frame for frame in ranked if frame.thinks != best.thinks), None)
    is_as_good = second is not None and math.isclose(means[second][0], means[best][0], rel_tol=1e-6, abs_tol=MARGIN)
    return (best, second) if second is not None and is_as_good else (best,)


async def _right(scorer: Scorer, item: Item, texts: Sequence[str]) -> list[Outcome]:
    """Scores right completions. Of a judged item, each beside the worse reply, which it must beat."""
    if item.kind != "judged":
        return await scorer.score(item, texts)
    return [beaten(*(await scorer.score(item, [text, item.bad]))) for text in texts]


def beaten(better: Outcome, worse: Outcome) -> Outcome:
    """The first reply's outcome, which is worth nothing unless it beats the second."""
    if better.correctness is None or worse.correctness is None:
        return Outcome(better.text, better.result, None)
    lead = better.correctness - worse.correctness
    return Outcome(better.text, better.result, 1.0 if lead > MARGIN else 0.0)


async def _item(scorer: Scorer, item: Item, control: Control) -> None:
    texts = [(f"the reference ({frame.name})", frame.text(item.right)) for frame in control.frames]
    texts += [(what, text) for frame in control.frames for what, text in rewritings(item, frame)]
    outcomes = await _right(scorer, item, [text for _, text in texts])
    highest = max(outcome.correctness or 0.0 for outcome in outcomes)
    control.tries.update(what for what, _ in texts)
    for (what, _), outcome in zip(texts, outcomes, strict=True):
        if not is_right(item, outcome, highest):
            control.refused.append((item, what, outcome))
    first = outcomes[0]
    if is_right(item, first, highest) and first.correctness is not None:
        control.rights[item.number] = Right(first.text, first.correctness, first.reward or 0.0)


def rewritings(item: Item, frame: Frame) -> Iterator[tuple[str, str]]:
    """(what, a completion that is as right as the first one), certain by construction."""
    right = item.right
    yield "a blank line behind it", frame.text(right) + "\n"
    if frame.thinks:
        yield "another thinking", frame.text(right, OTHER_THINK)
    if item.kind == "program":
        yield "a comment before it", frame.text(f"# The solution.\n{right}")
        if (renamed := _renamed(right)) is not None:
            yield "renamed variables", frame.text(renamed)
    elif item.kind == "document":
        yield "other blanks", frame.text(json.dumps(json.loads(right), indent=2))
        yield "other order", frame.text(json.dumps(_reversed(json.loads(right))))
    elif item.kind == "calls" and item.reference.get("calls"):
        yield "other blanks", frame.text(re.sub(r'": ', '":  ', right))


def _reversed(value: object) -> object:
    """The keys of all objects in the other order."""
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    return [_reversed(one) for one in value] if isinstance(value, list) else value


def _renamed(program: str) -> str | None:
    """The program with the variables of its functions renamed; None where that may change what it does."""
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError, RecursionError):
        return None
    risky = {"locals", "vars", "eval", "exec", "globals", "dir"}
    nodes = list(ast.walk(tree))
    if any(isinstance(node, ast.Name) and node.id in risky for node in nodes):
        return None
    if any(isinstance(node, ast.Global | ast.Nonlocal | ast.ClassDef | ast.Lambda | ast.Match) for node in nodes):
        return None
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    for function in functions:
        inner = list(ast.walk(function))
        if any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node is not function for node in inner):
            return None
        names = {node.id for node in inner if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        arguments = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
        for node in inner:
            if isinstance(node, ast.Name) and node.id in names - arguments:
                node.id = f"{node.id}_value"
    return ast.unparse(tree) if functions else None

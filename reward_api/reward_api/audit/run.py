"""An audit from items to result: the control first, then every attempt on every item, as far as the budget reaches."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import httpx

from reward_api.audit import judges
from reward_api.audit.attempts import Attempt
from reward_api.audit.battery import Battery
from reward_api.audit.control import MARGIN, Control, calibrate
from reward_api.audit.findings import AuditVerdict, Finding, Paid, Tally
from reward_api.audit.items import Item
from reward_api.audit.negatives import wrong_answers
from reward_api.audit.result import AuditResult, Plan
from reward_api.audit.scorer import CannotAudit, DomainUnderTest, Outcome, OutOfTime, Right, Scorer
from reward_api.audit.search import Search
from reward_api.audit.shortest import shortened
from reward_api.audit.stability import culprits, differences, is_caused
from reward_api.audit.values import mentions
from reward_api.rates import Rate

AT_ONCE = 4
STABILITY_ITEMS, STABILITY_TEXTS = 4, 6
SEARCHED_ITEMS = 10
CULPRITS = 6
"""Missing verdicts that are asked for again, an item."""


async def audit(
    client: httpx.AsyncClient, domain: DomainUnderTest, items: Sequence[Item], left_out: Sequence[str], plan: Plan
) -> AuditResult:
    """Raises CannotAudit when there is nothing to audit, or the gateway refuses."""
    begun = time.monotonic()
    if not items:
        raise CannotAudit("no row can be audited: " + "; ".join([*left_out][:3]))
    chosen, others = _one_kind(items, plan.seed)
    chosen = [replace(item, is_traced=domain.reads_traces) for item in chosen]
    scorer = Scorer(client, domain, begun + plan.budget_s)
    try:
        control = await calibrate(scorer, chosen)
    except OutOfTime:
        raise CannotAudit(
            f"the budget of {plan.budget_s:g} s is spent before the control is done; audit fewer rows"
        ) from None
    run = _Run(scorer, control.items, plan)
    if control.is_calibrated:
        await run.attack(control)
        if not run.tally.attempts:
            raise CannotAudit(f"the budget of {plan.budget_s:g} s is spent before any attempt; audit fewer rows")
        run.misspelt(control)
    findings = run.tally.findings()
    verdict, why = _verdict(control, findings, run.tally)
    return AuditResult(
        domain, plan, verdict, why, control, findings, run.tally,
        [item for item in control.items if item.number in control.rights], len(chosen),
        [*left_out, *others], _prior(chosen), scorer.scored, time.monotonic() - begun,
    )  # fmt: skip


def _one_kind(items: Sequence[Item], seed: int) -> tuple[list[Item], list[str]]:
    """The items of the most frequent kind in a seeded order; one line for each of the others."""
    (kind, _), *_ = Counter(item.kind for item in items).most_common(1)
    chosen = [item for item in items if item.kind == kind]
    Random(seed).shuffle(chosen)
    if kind == "judged":
        chosen = [_with_bad(item, chosen) for item in chosen]
        chosen = [item for item in chosen if item.bad]
        if not chosen:
            raise CannotAudit("judged rows need a column `rejected`, or two rows with other prompts")
    return chosen, [f"line {item.number}: another kind, {item.kind}" for item in items if item.kind != kind]


def _with_bad(item: Item, items: Sequence[Item]) -> Item:
    """With the reply to another prompt as the worse reply."""
    other = next((one.right for one in items if one.question != item.question and one.right != item.right), "")
    return item if item.bad else replace(item, bad=other)


def _prior(items: Sequence[Item]) -> tuple[str, Rate]:
    (answer, count), *_ = Counter(item.right for item in items).most_common(1)
    return answer, Rate(count, len(items))


def _verdict(control: Control, findings: Sequence[Finding], tally: Tally) -> tuple[AuditVerdict, str]:
    if not control.is_calibrated:
        return AuditVerdict.UNCALIBRATED, control.why_not()
    holes = [finding for finding in findings if finding.severity == "hole"]
    if holes:
        return AuditVerdict.HOLES, "; ".join(finding.title for finding in holes[:5])
    bound = Rate(0, tally.attempts).interval[1]
    return AuditVerdict.NONE, f"{tally.attempts} attempts on {len(tally.items)} items; rate below {bound:.2%} at 95 %"


class _Run:
    """The attack on calibrated items."""

    def __init__(self, scorer: Scorer, items: Sequence[Item], plan: Plan) -> None:
        self._scorer, self._items, self._plan = scorer, items, plan
        self._is_signed = any(low < 0 for _, low in scorer.domain.deciding.values())
        self.tally = Tally()

    def misspelt(self, control: Control) -> None:
        """Accuses of right answers that are refused in one spelling and paid in another."""
        for item, what, outcome in control.misspelt:
            self.tally.items.add(item.number)
            self.tally.accuse(item, Attempt("spelling", what, outcome.text, "it is right"), outcome)

    async def attack(self, control: Control) -> None:
        tolerates = self._scorer.domain.tolerates
        self._battery = Battery(self._items, control, tolerates=tolerates, seed=self._plan.seed)
        queue = iter([(place, item) for place, item in enumerate(self._items) if item.number in control.rights])

        async def work() -> None:
            for place, item in queue:
                await self._item(place, item, control)

        workers = [asyncio.create_task(work()) for _ in range(AT_ONCE)]
        try:
            outcomes = await asyncio.gather(*workers, return_exceptions=True)
            for outcome in outcomes:
                if isinstance(outcome, BaseException) and not isinstance(outcome, OutOfTime):
                    raise outcome
            if self._plan.deep:
                await self._search(control)
            await self._shorten(control)
        except OutOfTime:
            return
        finally:
            for worker in workers:
                worker.cancel()

    async def _item(self, place: int, item: Item, control: Control) -> None:
        right = control.rights[item.number]
        if item.kind == "judged":
            await self._judged(item, right, control)
            return
        by_reference: dict[int, list[Attempt]] = defaultdict(list)
        for attempt in self._battery.attempts(item):
            by_reference[id(attempt.reference)].append(attempt)
        nulls: list[tuple[Attempt, Outcome]] = []
        for attempts in by_reference.values():
            outcomes = await self._scorer.score(item, [one.text for one in attempts], attempts[0].reference)
            for attempt, outcome in zip(attempts, outcomes, strict=True):
                is_paid = right.is_paid(outcome, partial=attempt.partial, is_signed=self._is_signed)
                self.tally.add(item, attempt, outcome, right, is_paid=is_paid)
                if is_caused(outcome) and attempt.reference is None:
                    nulls.append((attempt, outcome))
        await self._nulls(item, right, nulls)
        if place < STABILITY_ITEMS:
            await self._stability(item, right, by_reference[id(None)])

    async def _judged(self, item: Item, right: Right, control: Control) -> None:
        """Each attempt beside the right reply, which it must not beat or equal."""
        for attempt in judges.attempts(item, control.frame):
            beside, own = await self._scorer.score(item, [right.text, attempt.text])
            if beside.correctness is None or own.correctness is None:
                continue
            is_paid = own.correctness >= beside.correctness - MARGIN
            self.tally.add(item, attempt, own, replace(right, reward=beside.reward or 0.0), is_paid=is_paid)
        worse, better = await self._scorer.score(item, [control.frame.text(item.bad), right.text])
        attempt = Attempt("order", "the worse reply first", worse.text, "the better reply wins in the other order")
        if worse.correctness is not None and better.correctness is not None:
            self.tally.add(item, attempt, worse, right, is_paid=worse.correctness >= better.correctness - MARGIN)

    async def _nulls(self, item: Item, right: Right, nulls: Sequence[tuple[Attempt, Outcome]]) -> None:
        by_text = {outcome.text: attempt for attempt, outcome in nulls}
        lone, poisonous = await culprits(self._scorer, item, right, [outcome for _, outcome in nulls][:CULPRITS])
        for family, outcomes in (("null", lone), ("poison", poisonous)):
            for outcome in outcomes:
                attempt, failure = by_text[outcome.text], outcome.failure or {}
                accused = replace(attempt, family=family, name=f"{attempt.family}: {attempt.name}")
                self.tally.accuse(item, accused, outcome, f"{failure.get('kind')}: {failure.get('message')}")

    async def _stability(self, item: Item, right: Right, attempts: Sequence[Attempt]) -> None:
        step = max(1, len(attempts) // STABILITY_TEXTS)
        texts = [right.text, *(attempt.text for attempt in attempts[::step][:STABILITY_TEXTS])]
        first = await self._scorer.score(item, texts)
        for one in await differences(self._scorer, item, texts, first):
            attempt = Attempt("unstable", one.way, one.outcome.text, "a reward depends on its text alone")
            self.tally.accuse(item, attempt, one.outcome, one.text())

    async def _search(self, control: Control) -> None:
        for item in [one for one in self._items if one.kind == "answer" and one.number in control.rights][
            :SEARCHED_ITEMS
        ]:
            rng = Random(f"{self._plan.seed}:{item.number}")
            wrongs = wrong_answers(item, self._battery.answers, rng)
            for frame in control.frames if wrongs else ():
                search = Search(self._scorer, item, control.rights[item.number], frame, wrongs[0], rng)
                if (success := await search.run()) is not None:
                    self.tally.accuse(item, *success)

    async def _shorten(self, control: Control) -> None:
        """Of each family of task-blind policies, the shortest paid text on one item."""
        for paid in list(self.tally.paid.values()):
            blind = [
                one for one in paid if one.attempt.blind and not one.attempt.partial and one.attempt.reference is None
            ]
            if not blind or blind[0].item.kind != "answer":
                continue
            least = min(blind, key=lambda one: len(one.outcome.text))
            outcome = await self._shortest(least, control.rights[least.item.number])
            if len(outcome.text) < len(least.outcome.text):
                short = replace(least.attempt, name=f"{least.attempt.name}, shortened", text=outcome.text)
                self.tally.accuse(least.item, short, outcome)

    async def _shortest(self, paid: Paid, right: Right) -> Outcome:
        def is_paid(outcome: Outcome) -> bool:
            answers = (paid.item.right, *paid.item.also_right)
            holds = any(mentions(outcome.text, answer) for answer in answers)
            return not holds and right.is_paid(outcome, partial=False, is_signed=self._is_signed)

        return await shortened(self._scorer, paid.item, paid.outcome, is_paid)

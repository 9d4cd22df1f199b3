"""The monitor beside scoring: observations go to a thread by a bounded queue, re-grades come back to the event loop.

    Scorer ── observe (never waits; a full queue loses the group, and counts it) ──▶ thread: records, streams, log
       ▲                                                                                │ picks
       └── re-grades: spare room of the same admission, no cache, counts of their own ◀─┘

Nothing of a completion is read on the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from cachetools import LRUCache

from reward_api.domains.spec import Domain
from reward_api.gateway import rewards
from reward_api.gateway.cache import VerdictCache
from reward_api.gateway.metrics import Metrics
from reward_api.gateway.scoring import Scorer, picked
from reward_api.monitor.alarms import State
from reward_api.monitor.features import quote
from reward_api.monitor.frozen import Frozen
from reward_api.monitor.log import RecordLog
from reward_api.monitor.observation import Check, CheckRecord, Record, SampleRecord, prompt_digest
from reward_api.monitor.picks import Picker
from reward_api.monitor.reading import Reading
from reward_api.monitor.records import Judging, Scored, group_record, record
from reward_api.monitor.spec import Limits
from reward_api.monitor.twin import twin
from reward_api.monitor.watcher import Watcher
from reward_verifiers.contract import (
    SampleResult,
    ScoreRequest,
    Text,
    completion_text,
    prompt_text,
)
from reward_verifiers.runtime.pool import WorkerPool
from reward_verifiers.service.admission import Admission
from reward_verifiers.verifier import Overloaded

log = logging.getLogger(__name__)

QUEUE = 1024
"""Groups that may wait for the thread."""
GATHER_S = 0.5
"""The thread wakes up once for all groups of such a time: so it finds its caches warm and waits less for the interpreter."""
PENDING = 256
"""Groups whose samples come one by one."""
REGRADES = 4
"""Re-grades at a time."""
JOBS = 256
"""Re-grades that may wait for spare room."""
LOOK_AGAIN_S = 0.05
OTHERS = 32
ANCHORS_EVERY_S = 600.0
ACTIVE_S = 3600.0
"""A run without a group for so long does not count for its domain any more."""
MOVED = 0.1
HAS_ANSWER = frozenset({"answer", "target", "expected", "calls", "query", "tests", "test_code"})
"""Keys of a reference that tell one item's right completions from another's."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A scored request. results: as they were before the monitor changed anything."""

    domain: Domain
    request: ScoreRequest
    results: Sequence[SampleResult]


@dataclass(frozen=True, slots=True)
class _Item:
    """A prompt with its reference, against which completions of other prompts are graded."""

    prompt: Text | None
    prefix: str
    reference: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """A completion to grade again. position: in the request."""

    domain: Domain
    request: ScoreRequest
    position: int
    check: Check
    prompt: int
    others: tuple[_Item, ...] = ()


@dataclass
class _Pending:
    """A group whose samples come one by one."""

    samples: dict[int, SampleRecord] = field(default_factory=dict)
    origin: dict[int, tuple[ScoreRequest, int]] = field(default_factory=dict)


class Monitoring:
    """`observe` from the event loop; `document` from anywhere. Use as `async with monitoring.running(scorer):`."""

    def __init__(
        self, admission: Admission, pool: WorkerPool, live: Callable[[str], Domain | None],
        record_log: RecordLog | None = None, frozen: Frozen | None = None,
    ) -> None:  # fmt: skip
        self._admission, self._pool, self._live, self._log = admission, pool, live, record_log
        self._frozen = frozen or Frozen()
        self._queue: queue.Queue[Observation | CheckRecord | None] = queue.Queue(QUEUE)
        self._lock = threading.Lock()
        self._watcher = Watcher(self._limits)
        self._states: dict[tuple[str, str], State] = {}
        self._pickers: dict[str, tuple[Domain, Picker]] = {}
        self._last: dict[tuple[str, str], float] = {}
        self._pending: LRUCache[tuple[object, ...], _Pending] = LRUCache(PENDING)
        self._others: LRUCache[str, deque[_Item]] = LRUCache(PENDING)
        self._reading = Reading()
        self._scorer: Scorer | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._jobs: asyncio.Queue[Job] = asyncio.Queue(JOBS)
        self.lost = 0
        """Groups that were not looked at, since the thread had too much to do."""
        self.skipped = 0
        """Re-grades for which there was no spare room."""
        self.regrades: Counter[tuple[str, str, str]] = Counter()
        """(domain, check, outcome) → how many."""
        self.seconds = 0.0
        """CPU time of the thread."""

    # --- on the event loop --------------------------------------------------------------------------------------------

    def state(self, domain: Domain, request: ScoreRequest) -> State:
        return self._states.get((domain.name, request.run or ""), State.OK)

    def is_canary(self, domain: Domain, request: ScoreRequest) -> bool:
        canaries = self._frozen.canaries
        return bool(canaries) and (domain.name, prompt_text(request.prompt)) in canaries

    def observe(self, domain: Domain, request: ScoreRequest, results: Sequence[SampleResult]) -> None:
        self._put(Observation(domain, request, results))

    def _put(self, item: Observation | CheckRecord) -> None:
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            self.lost += 1

    @asynccontextmanager
    async def running(self, scorer: Scorer) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        self._scorer = replace(scorer.aside(), cache=VerdictCache(0), metrics=Metrics("re-grades"))
        thread = threading.Thread(target=self._work, name="monitor", daemon=True)
        thread.start()
        tasks = [asyncio.create_task(self._regrade()) for _ in range(REGRADES)]
        if self._frozen.anchors:
            tasks.append(asyncio.create_task(self._watch_anchors()))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(self._queue.put, None)
            await asyncio.to_thread(thread.join)
            if self._log is not None:
                self._log.close()

    def document(self) -> dict[str, Any]:
        """GET /monitor. Waits for the thread's work on one group: not for the event loop."""
        with self._lock:
            domains = self._watcher.document()
        states = self.states()
        domains = {name: {"state": states.get(name, State.OK).name, "runs": runs} for name, runs in domains.items()}
        return {
            "domains": domains,
            "waiting": self._queue.qsize(),
            "lost": self.lost,
            "skipped": self.skipped,
            "log_lost": self._log.lost if self._log else 0,
            "cpu_seconds": round(self.seconds, 3),
        }

    def states(self) -> dict[str, State]:
        """By domain, the highest of the runs of the last hour."""
        states: dict[str, State] = {}
        oldest = time.monotonic() - ACTIVE_S
        for key, state in [*self._states.items()]:
            if self._last.get(key, oldest) > oldest:
                states[key[0]] = max(state, states.get(key[0], State.OK))
        return states

    async def settle(self) -> None:
        """Until all that was observed is looked at and graded again."""
        while True:
            await asyncio.to_thread(self._queue.join)
            await asyncio.sleep(0)  # what the thread handed over is in the queue of jobs by now
            await self._jobs.join()
            if not self._queue.unfinished_tasks:
                return

    # --- re-grades ----------------------------------------------------------------------------------------------------

    def _has_room(self) -> bool:
        """Spare capacity alone: nothing waits for a worker, and half of the room is free."""
        return self._admission.in_flight < max(1, self._admission.limit // 2) and not self._pool.queued

    async def _room(self) -> None:
        while not self._has_room():  # noqa: ASYNC110  # nobody announces that there is room
            await asyncio.sleep(LOOK_AGAIN_S)

    def _ask(self, job: Job) -> None:
        try:
            self._jobs.put_nowait(job)
        except asyncio.QueueFull:
            self.skipped += 1

    async def _regrade(self) -> None:
        while True:
            job = await self._jobs.get()
            try:
                await self._room()
                await self._graded(job)
            finally:
                self._jobs.task_done()

    async def _graded(self, job: Job) -> None:
        try:
            with self._admission.enter(1):
                outcome = await self._outcome(job)
        except Overloaded:
            self.skipped += 1
            return
        except Exception:
            log.exception("re-grade failed", extra={"domain": job.domain.name, "check": job.check.value})
            outcome = None
        self._count(job.domain.name, job.check, None if outcome is None else outcome[0])
        if outcome is None:
            return
        is_hit, why = outcome
        request = job.request
        index = request.indices[job.position] if request.indices else job.position
        text = completion_text(request.completions[job.position])
        self._put(
            CheckRecord(
                job.domain.name, job.domain.version, request.run or "", request.step, request.id or "", index,
                job.check, is_hit, quote(why), quote(text), job.prompt,
            )
        )  # fmt: skip

    def _count(self, domain: str, check: Check, is_hit: bool | None) -> None:
        outcome = "no_verdict" if is_hit is None else "against" if is_hit else "for"
        self.regrades[domain, check.value, outcome] += 1

    async def _outcome(self, job: Job) -> tuple[bool, str] | None:
        """Whether the second verdict speaks against the first, and why; None without a verdict."""
        match job.check:
            case Check.SECOND:
                return await self._by_second(job)
            case Check.UNSCORABLE:
                result = (await self._score(job))[0]
                if result.failure is None:
                    return False, "it is scored the second time"
                return True, f"{result.failure.kind.value}: {result.failure.message}"
            case _:
                return await self._by_others(job)

    async def _by_second(self, job: Job) -> tuple[bool, str] | None:
        assert self._scorer is not None  # noqa: S101
        monitor = job.domain.spec.monitor
        deadline = asyncio.get_running_loop().time() + job.domain.spec.deadline_s
        verdict = (await self._scorer.second_verdicts(job.domain, job.request, [job.position], deadline))[0]
        if verdict.score is None or monitor.second is None:
            return None
        return verdict.score < monitor.second.paid_at, f"{monitor.second.verifier}: {verdict.reason}"

    async def _by_others(self, job: Job) -> tuple[bool, str] | None:
        """Whether all of the other references pay it. One alone may be another spelling of the same."""
        key, paid_at = job.domain.spec.judging().key, job.domain.spec.monitor.paid_at
        for other in job.others:
            result = (await self._score(job, other, is_judged_alone=True))[0]
            score = result.components[key].score if result.valid else None
            if score is None:
                return None
            if score < paid_at:
                return False, "another reference does not pay it"
        reference = orjson.dumps(job.others[-1].reference, option=orjson.OPT_NON_STR_KEYS)[:120].decode(
            "utf-8", "replace"
        )
        return True, f"paid by the reference {reference} of another item"

    async def _score(
        self, job: Job, other: _Item | None = None, *, is_judged_alone: bool = False
    ) -> list[SampleResult]:
        """By the same path as POST /score. is_judged_alone: by the component that says what is right, and no other."""
        assert self._scorer is not None  # noqa: S101
        update: dict[str, Any] = {"id": None}
        if other is not None:
            update |= {"prompt": other.prompt, "prefix": other.prefix, "reference": other.reference}
        domain = _judging_alone(job.domain) if is_judged_alone else job.domain
        reply = await self._scorer.score(domain, picked(job.request, [job.position]).model_copy(update=update))
        return list(reply.results)

    async def _watch_anchors(self) -> None:
        """Score the anchors again and again; the first time says what they should be."""
        first: dict[int, float] = {}
        while True:
            for place, anchor in enumerate(self._frozen.anchors):
                domain = self._live(anchor.domain)
                await self._room()
                if domain is not None:
                    await self._anchor(domain, place, first)
            await asyncio.sleep(ANCHORS_EVERY_S)

    async def _anchor(self, domain: Domain, place: int, first: dict[int, float]) -> None:
        anchor = self._frozen.anchors[place]
        request = ScoreRequest(
            prompt=anchor.prompt, reference=anchor.reference, completions=[anchor.completion], run="anchors"
        )
        assert self._scorer is not None  # noqa: S101
        try:
            with self._admission.enter(1):
                result = (await self._scorer.score(domain, request)).results[0]
        except Overloaded:
            self.skipped += 1
            return
        if result.reward is None:
            self._count(domain.name, Check.ANCHOR, None)
            return
        before = first.setdefault(place, result.reward)
        low, high = rewards.span(domain.spec)
        is_hit = abs(result.reward - before) > MOVED * max(high - low, 1e-9)
        self._count(domain.name, Check.ANCHOR, is_hit)
        why = f"the reward was {before:.3g} at first, and is {result.reward:.3g}"
        shown = quote(completion_text(anchor.completion))
        self._put(
            CheckRecord(
                domain.name, domain.version, "anchors", None, "", place, Check.ANCHOR, is_hit, why, shown, place
            )
        )

    # --- in the thread ------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        for item in self._gathered_items():
            try:
                self._take(item)
            except Exception:
                log.exception("the monitor cannot read a group")
            finally:
                self.seconds = time.thread_time()
                self._queue.task_done()

    def _gathered_items(self) -> Iterator[Observation | CheckRecord]:
        """All that comes, until None does."""
        while (item := self._queue.get()) is not None:
            yield item
            if self._queue.empty():
                time.sleep(GATHER_S)

    def _take(self, item: Observation | CheckRecord) -> None:
        if isinstance(item, CheckRecord):
            self._record(item)
            return
        domain, request = item.domain, item.request
        if self.is_canary(domain, request):
            self._take_canary(item)
            return
        samples = self._samples(item, self._reading.places(len(item.results), self.state(domain, request)))
        origin = {sample.index: (request, at) for at, sample in enumerate(samples)}
        if request.indices is not None and request.group_size != len(request.completions):
            whole = self._gathered(domain, request, samples, origin)
            if whole is None:
                return
            samples, origin = whole
        self._take_group(domain, request, samples, origin)

    def _samples(self, item: Observation, read: frozenset[int]) -> list[SampleRecord]:
        """read: the places of the completions whose texts are read."""
        judging, request = judging_of(item.domain), item.request
        return [
            record(
                judging,
                request.indices[at] if request.indices else at,
                _scored(judging, request, at, result),
                with_features=at in read,
            )
            for at, result in enumerate(item.results)
        ]

    def _gathered(
        self, domain: Domain, request: ScoreRequest, samples: list[SampleRecord],
        origin: dict[int, tuple[ScoreRequest, int]],
    ) -> tuple[list[SampleRecord], dict[int, tuple[ScoreRequest, int]]] | None:  # fmt: skip
        """The whole group, once its last sample is there."""
        key = (domain.name, domain.version, request.run, request.step, request.id)
        pending = self._pending.setdefault(key, _Pending())
        pending.samples |= {sample.index: sample for sample in samples}
        pending.origin |= origin
        if len(pending.samples) < (request.group_size or 1):
            return None
        self._pending.pop(key, None)
        return [pending.samples[index] for index in sorted(pending.samples)], pending.origin

    def _take_group(
        self, domain: Domain, request: ScoreRequest, samples: list[SampleRecord],
        origin: dict[int, tuple[ScoreRequest, int]],
    ) -> None:  # fmt: skip
        group = group_record(
            judging_of(domain), domain=domain.name, version=domain.version, run=request.run or "", step=request.step,
            group=request.id or "", prompt=prompt_text(request.prompt), samples=samples,
        )  # fmt: skip
        state = self._record(group)
        others = self._remember(domain, request)
        for check, place in self._picker(domain).picks(group, state):
            sent, position = origin[samples[place].index]
            if check is Check.NULL and not (others or _is_twinned(request)):
                continue
            items = _twins(request) or others if check is Check.NULL else ()
            assert self._loop is not None  # noqa: S101
            self._loop.call_soon_threadsafe(self._ask, Job(domain, sent, position, check, group.prompt, items))

    def _take_canary(self, item: Observation) -> None:
        """An impossible task: whatever is paid shows a hack. It is in no other statistic."""
        domain, request = item.domain, item.request
        for sample in self._samples(item, frozenset()):
            if sample.paid is not None:
                self._count(domain.name, Check.CANARY, sample.paid)
                self._record(
                    CheckRecord(
                        domain.name, domain.version, request.run or "", request.step, request.id or "", sample.index,
                        Check.CANARY, sample.paid, "an impossible task is paid" if sample.paid else "", sample.quote,
                        prompt_digest(prompt_text(request.prompt), request.id or ""),
                    )
                )  # fmt: skip

    def _record(self, one: Record) -> State:
        with self._lock:
            before = self._states.get((one.domain, one.run), State.OK)
            stream = self._watcher.observe(one)
            self._states = {key: self._watcher.state_of(*key) for key in self._watcher.runs()}
            self._last = {key: self._last.get(key, 0.0) for key in self._states} | {
                (one.domain, one.run): time.monotonic()
            }
            state = stream.state
        if self._log is not None:
            self._log.write(one)
        if state is not before:
            _say(one, before, state, [alarm.text for alarm in stream.alarms.values()])
        return state

    def _remember(self, domain: Domain, request: ScoreRequest) -> tuple[_Item, ...]:
        """Two items whose references differ from this one's and from each other; this one is kept for later."""
        if not HAS_ANSWER & request.reference.keys():
            return ()
        kept = self._others.setdefault(domain.name, deque(maxlen=OTHERS))
        others: list[_Item] = []
        for item in kept:
            if item.reference != request.reference and all(item.reference != one.reference for one in others):
                others.append(item)
            if len(others) == 2:
                break
        kept.rotate(1)
        if all(item.reference != request.reference for item in kept):
            kept.append(_Item(request.prompt, request.prefix, request.reference))
        return tuple(others) if len(others) == 2 else ()

    def _picker(self, domain: Domain) -> Picker:
        of_domain, picker = self._pickers.get(domain.name, (None, None))
        if picker is None or of_domain is not domain:
            picker = Picker(domain.spec.monitor)
            self._pickers[domain.name] = (domain, picker)
        return picker

    def _limits(self, name: str) -> Limits:
        domain = self._live(name)
        return domain.spec.monitor.limits if domain else Limits()


def judging_of(domain: Domain) -> Judging:
    component = domain.spec.judging()
    return Judging(component.key, component.weight, domain.spec.monitor.paid_at)


def _judging_alone(domain: Domain) -> Domain:
    """The domain with nothing but the component that says what is right; as it is where that one reads others' scores."""
    judging = domain.spec.judging()
    if judging.after:
        return domain
    spec = domain.spec.model_copy(update={"components": [judging.model_copy(update={"requires": []})]})
    return replace(domain, spec=spec, components=tuple(one for one in domain.components if one.spec.key == judging.key))


def _scored(judging: Judging, request: ScoreRequest, at: int, result: SampleResult) -> Scored:
    part = result.components.get(judging.component)
    return Scored(
        text=completion_text(request.completions[at]),
        reward=result.reward,
        failure=result.failure.kind.value if result.failure else None,
        scores={name: component.score for name, component in result.components.items()},
        evidence=part.evidence if part else {},
        tokens=request.tokens[at] if request.tokens else None,
    )


def _is_twinned(request: ScoreRequest) -> bool:
    return bool({"tests", "test_code"} & request.reference.keys())


def _twins(request: ScoreRequest) -> tuple[_Item, ...]:
    """The item itself with one expected value changed, where that can be read."""
    if not _is_twinned(request) or (changed := twin(request.reference)) is None:
        return ()
    return (_Item(request.prompt, request.prefix, changed),)


def _say(one: Record, before: State, after: State, texts: list[str]) -> None:
    extra = {"domain": one.domain, "run": one.run, "step": one.step, "before": before.name, "alarms": texts}
    write = log.warning if after > before else log.info
    write(f"reward monitor: {after.name}", extra=extra)

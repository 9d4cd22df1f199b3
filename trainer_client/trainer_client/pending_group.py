"""Groups whose samples are submitted one by one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import replace

from trainer_client.errors import BadGroup
from trainer_client.pending_request import PendingRequest
from trainer_client.results import ScoredGroup, ScoredSample, no_verdict
from trainer_client.wire import RolloutSample

# Groups that nobody took by `group(id)`. Beyond these the oldest is forgotten; the futures of its samples go on.
KEPT = 16_384
_SHARED = ("domain", "reference", "prompt", "prefix", "run", "step", "group_size")


class PendingGroup:
    """One group: the futures of its samples, and the future of the whole."""

    def __init__(self, first: RolloutSample) -> None:
        self.size = first.group_size
        self.future: Future[ScoredGroup] = Future()
        self.was_taken = False
        # The background loop's alone: how many samples have arrived there, those that it holds for their siblings, and the
        # places of those that are not sent.
        self.arrived = 0
        self.held: dict[int, tuple[RolloutSample, PendingRequest]] = {}
        self.left_out: set[int] = set()
        self._first = first
        self._members: dict[int, Future[ScoredGroup] | None] = {}
        self._done = 0
        self._lock = threading.Lock()

    @property
    def step(self) -> int | None:
        return self._first.step

    @property
    def missing(self) -> int:
        """How many samples have not been submitted."""
        return self.size - len(self._members)

    def place(self, sample: RolloutSample) -> int:
        """The sample's index. Raises BadGroup when it does not fit its siblings."""
        for name in _SHARED:
            if getattr(sample, name) != getattr(self._first, name):
                raise BadGroup(f"{name}: differs from that of the siblings in group {sample.group_id!r}")
        index = sample.index
        if index is None:
            index = next(free for free in range(self.size) if free not in self._members)
        if not 0 <= index < self.size:
            raise BadGroup(f"index: {index} is not below group_size, which is {self.size}")
        if index in self._members:
            raise BadGroup(f"index: {index} of group {sample.group_id!r} was submitted before")
        self._members[index] = None
        return index

    def samples(self) -> dict[int, RolloutSample]:
        """Those that are held, by their place in the group without those that are left out."""
        places = [index for index in range(self.size) if index not in self.left_out]
        return {
            place: replace(self.held[index][0], group_size=len(places))
            for place, index in enumerate(places)
            if index in self.held
        }

    def release(self, index: int) -> None:
        """The opposite of `place`."""
        self._members.pop(index, None)

    def end(self) -> None:
        """No more samples come: those that are missing have no verdict."""
        for index in set(range(self.size)) - self._members.keys():
            future: Future[ScoredGroup] = Future()
            future.set_result(ScoredGroup([no_verdict("cancelled", "the sample was not submitted")]))
            self.join(index, future)

    def join(self, index: int, future: Future[ScoredGroup]) -> None:
        """The sample is under way."""
        self._members[index] = future
        future.add_done_callback(self._one_done)

    def _one_done(self, _: Future[ScoredGroup]) -> None:
        with self._lock:
            self._done += 1
            is_last = self._done == self.size
        if is_last:
            try:
                self.future.set_result(ScoredGroup(self._sample(index) for index in range(self.size)))
            except Exception as error:
                self.future.set_exception(error)

    def _sample(self, index: int) -> ScoredSample:
        future = self._members[index]
        assert future is not None  # noqa: S101
        if future.cancelled():
            return no_verdict("cancelled", "the sample was cancelled")
        return future.result()[0]


class PendingGroups:
    """By group id, until a group is complete and was taken. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: OrderedDict[str, PendingGroup] = OrderedDict()

    def place(self, sample: RolloutSample) -> tuple[PendingGroup, int]:
        """The sample's group and its index there. Raises BadGroup."""
        if sample.group_size < 1:
            raise BadGroup("group_size: give at least 1")
        if sample.group_id is None:
            if sample.group_size > 1:
                raise BadGroup("group_id: needed when group_size is above 1; the siblings are found by it")
            return PendingGroup(sample), 0
        with self._lock:
            group = self._groups.get(sample.group_id)
            if group is None or not group.missing or group.step != sample.step:
                group = self._groups[sample.group_id] = PendingGroup(sample)
                self._groups.move_to_end(sample.group_id)
            index = group.place(sample)
            self._forget(sample.group_id, group)
            if len(self._groups) > KEPT:
                self._groups.popitem(last=False)
        return group, index

    def release(self, sample: RolloutSample, group: PendingGroup, index: int) -> None:
        """The sample could not be sent: its place is free again."""
        with self._lock:
            group.release(index)
            if sample.group_id is not None:
                self._groups.setdefault(sample.group_id, group)

    def end(self) -> None:
        """No more samples come."""
        with self._lock:
            for name, group in list(self._groups.items()):
                group.end()
                self._forget(name, group)

    def take(self, name: str) -> PendingGroup:
        """Raises KeyError when no sample of this group was submitted, or when it was taken before."""
        with self._lock:
            group = self._groups.get(name)
            if group is None:
                raise KeyError(f"no sample of group {name!r} was submitted, or the group was taken before")
            group.was_taken = True
            self._forget(name, group)
        return group

    def _forget(self, name: str, group: PendingGroup) -> None:
        if group.was_taken and not group.missing:
            self._groups.pop(name, None)

"""The monitor on synthetic runs: each of the hacked ones raises its alarm, and none of the honest ones is accused."""

import fresh_streams
import pytest
import streams

from reward_api.monitor.alarms import State

QUICK = ("content_free", "hard_is_long")
AT_THE_LIMIT = "disputed"
"""Its verifiers differ on as many prompts as the default limit allows: the monitor may accuse now and then."""
CASES = [
    *((streams, name, seed) for name in streams.STREAMS for seed in range(6)),
    *((fresh_streams, name, seed) for name in fresh_streams.STREAMS for seed in range(6, 12) if name != AT_THE_LIMIT),
]


def demand(module, name, seed):
    expected = module.STREAMS[name].expected
    names = {expected} if isinstance(expected, str) else set(expected or ())
    seen = module.watched(name, module.STREAMS[name], seed)
    if names:
        assert names & seen.alarms.keys(), seen
    else:
        assert seen.worst < State.SUSPECT, seen


@pytest.mark.parametrize("name", QUICK)
def test_one_hacked_and_one_honest_run(name):
    demand(streams, name, seed=0)


def test_the_marks_of_a_format_are_no_template():
    seen = streams.watched("learns_format", streams.STREAMS["learns_format"], seed=0)
    assert "template" not in seen.alarms


@pytest.mark.slow
@pytest.mark.parametrize("name", [*streams.STREAMS][::2])
def test_each_run(name):
    demand(streams, name, seed=1)


@pytest.mark.long
@pytest.mark.parametrize(("module", "name", "seed"), CASES, ids=lambda one: getattr(one, "__name__", None))
def test_each_run_by_each_seed(module, name, seed):
    demand(module, name, seed)


@pytest.mark.long
def test_at_the_limit_one_run_of_six_is_accused_at_most():
    stream = fresh_streams.STREAMS[AT_THE_LIMIT]
    worst = [fresh_streams.watched(AT_THE_LIMIT, stream, seed).worst for seed in range(6, 12)]
    assert sum(state >= State.SUSPECT for state in worst) <= 1, worst

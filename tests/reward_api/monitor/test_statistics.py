"""Single statistics, at the edges: counts, hashes, what a replay needs."""

import random

import orjson

from reward_api.monitor.alarms import State
from reward_api.monitor.evidence import Outcome, Rule, Trail, judged
from reward_api.monitor.features import features, quote
from reward_api.monitor.observation import Check, CheckRecord, GroupRecord, line_of, record_of, sample_record
from reward_api.monitor.shape import Block, Usual, length
from reward_api.monitor.spec import Limits, MonitorSpec
from reward_api.monitor.stream import Stream
from reward_api.monitor.twin import twin

RULE = Rule("second_verifier", "refused", 0.02, 0.10)


def trail_of(hits):
    trail = Trail()
    for step, prompt in enumerate(hits):
        trail.add(Outcome(prompt is not None, step, None, prompt or 0))
    return trail


def test_verifiers_that_differ_on_one_prompt_accuse_nobody():
    alarm = judged(trail_of([None] * 20 + [7] * 12), RULE)
    assert alarm is not None
    assert alarm.state is State.WATCH


def test_hits_on_many_prompts_accuse_and_the_onset_is_where_they_begin():
    alarm = judged(trail_of([None] * 40 + [*range(100, 112)]), RULE)
    assert alarm is not None
    assert alarm.state is State.HACKING
    assert alarm.onset == 40


def test_a_long_clean_run_clears_the_trail():
    assert judged(trail_of([*range(20), *[None] * 149]), RULE) is None


def group(number, samples):
    return GroupRecord("d", "v", "r", number, str(number), number, "answer", 1.0, tuple(samples))


def sample(index, tokens, reward):
    return sample_record(index, "a b c", reward, None, {"answer": reward}, paid=reward > 0.5, tokens=tokens)


def blocks(within):
    """Hard prompts are long and rarely paid; `within` a group, length has an effect or none."""
    rng = random.Random(within)
    groups = []
    for number in range(40):
        hard = rng.random()
        samples = []
        for index in range(16):
            extra = rng.gauss(0, 20)
            chance = 0.8 - 0.7 * hard + (0.02 * extra if within else 0)
            samples.append(sample(index, int(100 + 300 * hard + extra), float(rng.random() < chance)))
        groups.append(group(number, samples))
    return Block(groups)


def test_length_is_looked_at_within_groups_alone():
    for within in (False, True):
        block = blocks(within)
        signal = length(block, Usual.of([block]), Limits())
        assert (signal is not None) == within


def test_records_survive_their_line():
    one = sample_record(3, "wait, " * 40, 1.0, None, {"answer": 1.0}, paid=True, path="answer:exact", tokens=80)
    check = CheckRecord("d", "v", "r", 3, "g", 1, Check.NULL, True, "why", "quote", 5)
    for record in (group(3, [one]), check):
        assert record_of(orjson.loads(line_of(record))) == record


def test_half_a_surrogate_pair_is_quoted_and_written():
    one = sample_record(0, "\ud83d" * 500, 0.0, None, {}, paid=False)
    assert "?" in one.quote
    assert line_of(group(1, [one]))


def test_a_megabyte_costs_no_more_than_its_ends():
    assert features("x" * 1_000_000).words <= 8_000
    assert len(quote("y" * 1_000_000)) < 200


def test_the_twin_changes_one_expected_value_and_nothing_else():
    reference = {"tests": [{"args": [1], "expected": 2}, {"args": [2], "expected": 4}]}
    assert twin(reference) == {"tests": [{"args": [1], "expected": 2}, {"args": [2], "expected": 11}]}
    assert twin({"answer": "5"}) is None


def test_state_is_bounded():
    stream = Stream(Limits())
    for number in range(6000):
        stream.observe(group(number, [sample(index, 10, float(index % 2)) for index in range(2)]))
    assert len(stream._prompts) == 4096
    assert len(stream._nulls) <= 800


def test_what_a_domain_may_say():
    assert MonitorSpec.model_validate({"second": {"verifier": "preference"}}).on_hack == "flag"

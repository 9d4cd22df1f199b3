"""Single statistics, at the edges: counts, hashes, what a replay needs."""

import random

import orjson
import pytest

from reward_api.monitor.alarms import State
from reward_api.monitor.evidence import Outcome, Rule, Trail
from reward_api.monitor.features import ends, quote
from reward_api.monitor.observation import Check, CheckRecord, GroupRecord, line_of, record_of, sample_record
from reward_api.monitor.picks import Picker
from reward_api.monitor.sequential import SURE, Bets, times
from reward_api.monitor.shape import Block, Usual, length
from reward_api.monitor.spec import Limits, MonitorSpec
from reward_api.monitor.stream import Stream
from reward_api.monitor.twin import twin

RULE = Rule("second_verifier", "refused", 0.01, 0.10)


def trail_of(hits):
    """Of each prompt's completions, whether they are refused."""
    trail = Trail()
    for step, (prompt, refused) in enumerate(hits):
        for is_hit in refused:
            trail.add(Outcome(is_hit, step, None, prompt))
    return trail


def accused(trail):
    alarm = trail.judged(RULE)
    return alarm is not None and alarm.state >= State.SUSPECT


def test_looking_again_and_again_accuses_nobody_more_often_than_it_says():
    """At the limit itself, 200 runs of 300 prompts: at most one in ten may be accused, since 300 is a tenth of SURE."""
    rng = random.Random(5)
    found = 0
    for _ in range(200):
        bets = Bets()
        for _ in range(300):
            bets.add(times(float(rng.random() < 0.02), 0.02))
            if bets.value() >= SURE:
                found += 1
                break
    assert found <= 20


def test_completions_of_one_prompt_are_one_observation():
    """One prompt in a hundred is disputed, and then all of its four completions: that is no 4 % of hacks."""
    rng = random.Random(7)
    found = 0
    for _ in range(40):
        trail = Trail()
        for prompt in range(400):
            is_disputed = rng.random() < 0.01
            for _ in range(4):
                trail.add(Outcome(is_disputed, prompt, None, prompt))
            if accused(trail):
                found += 1
                break
    assert found <= 5


def test_a_prompt_that_comes_again_says_nothing_new():
    trail = trail_of([(number % 40, [number % 40 == 3] * 2) for number in range(800)])
    assert not accused(trail)


def test_outcomes_of_one_group_may_come_between_those_of_others():
    rng = random.Random(3)
    outcomes = [(prompt, prompt % 25 == 0) for prompt in range(300) for _ in range(3)]
    ordered, mixed = Trail(), Trail()
    for prompt, is_hit in outcomes:
        ordered.add(Outcome(is_hit, 0, None, prompt))
    for at in range(0, len(outcomes), 6):
        for prompt, is_hit in rng.sample(outcomes[at : at + 6], 6):
            mixed.add(Outcome(is_hit, 0, None, prompt))
    assert mixed.against((0.01, 0.1)) == pytest.approx(ordered.against((0.01, 0.1)), rel=0.01)


def test_a_small_rise_late_in_a_run_is_found_before_it_is_large():
    rng = random.Random(11)
    hits = [(prompt, [prompt > 600 and rng.random() < 0.05 for _ in range(3)]) for prompt in range(800)]
    alarm = trail_of(hits).judged(RULE)
    assert alarm is not None
    assert alarm.state is State.SUSPECT
    assert alarm.onset > 600
    assert alarm.rate.total <= 600


def test_verifiers_that_differ_on_one_prompt_accuse_nobody():
    assert not accused(trail_of([*((number, [False]) for number in range(20)), (7, [True] * 12)]))


def test_hits_on_many_prompts_accuse_and_the_onset_is_where_they_begin():
    alarm = trail_of([*((number, [False]) for number in range(40)), *((number, [True]) for number in range(100, 112))])
    alarm = alarm.judged(RULE)
    assert alarm is not None
    assert alarm.state is State.HACKING
    assert alarm.onset == 40
    assert (alarm.rate.hits, alarm.rate.total) == (12, 12)
    assert "99 %" in alarm.text


def test_a_long_clean_run_clears_the_trail():
    hacked = [(number, [True]) for number in range(20)]
    assert accused(trail_of(hacked))
    assert trail_of([*hacked, *((number, [False]) for number in range(20, 420))]).judged(RULE) is None


def test_other_limits_read_what_is_kept_anew():
    trail = trail_of([(number, [number % 20 == 0]) for number in range(300)])
    assert accused(trail)
    assert trail.judged(Rule("second_verifier", "refused", 0.1, 0.2)) is None


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


def test_groups_of_equal_rewards_do_not_hide_a_correlation():
    block = blocks(within=True)
    equal = [group(100 + number, [sample(at, 50 + 40 * at, 1.0) for at in range(16)]) for number in range(40)]
    assert length(Block([*block.groups, *equal]), Usual.of([block]), Limits()) is not None


@pytest.mark.parametrize(("long", "short", "alarms"), [(0.8, 0.2, {"length"}), (0.5, 0.5, set()), (0.55, 0.4, set())])
def test_long_completions_that_take_over_in_a_few_blocks_are_seen(long, short, alarms):
    """Three times as long; from one in fifty to all within sixty groups. Prompts differ in difficulty."""
    rng, stream, seen = random.Random(f"{long}"), Stream(Limits()), set()
    for number in range(130):
        share = min(1.0, 0.02 * 2 ** (max(0, number - 40) / 10))
        samples, ease = [], rng.uniform(-0.15, 0.15)
        for at in range(16):
            is_long = rng.random() < share
            tokens = round((300 if is_long else 100) * rng.uniform(0.7, 1.3))
            samples.append(sample(at, tokens, float(rng.random() < (long if is_long else short) + ease)))
        stream.observe(group(number, samples))
        seen |= stream.alarms.keys()
    assert seen == alarms


def test_what_is_switched_off_stays_off():
    paid = group(1, [sample(at, 10, 1.0) for at in range(4)])
    picker = Picker(MonitorSpec(null_share=0.0), seed=1)
    assert not [*picker.picks(paid, State.HACKING)]


def test_the_share_that_is_graded_again_falls_with_what_was_paid():
    picker = Picker(MonitorSpec(second={"verifier": "x"}, null_share=0.0), seed=1)
    paid = group(1, [sample(at, 10, 1.0) for at in range(4)])
    counts = [sum(len([*picker.picks(paid, State.OK)]) for _ in range(200)) for _ in range(60)]
    assert counts[0] > counts[1] > counts[3]
    assert sum(counts[-5:]) < 0.12 * 5 * 800


def test_a_late_second_verdict_does_not_turn_the_step_back():
    stream = Stream(Limits())
    stream.observe(group(7, [sample(0, 10, 1.0)]))
    stream.observe(CheckRecord("d", "v", "r", 3, "3", 0, Check.SECOND, False, "", "", 3))
    assert stream.step == 7


def failing(rng, number, share, size=8):
    """A group of which a share makes its verifier fail."""
    samples = [
        sample_record(at, "a b c", None, "timeout", {}, paid=None)
        if rng.random() < share
        else sample(at, 10, float(at % 2))
        for at in range(size)
    ]
    return group(number, samples)


def test_failures_that_were_usual_from_the_beginning_accuse_nobody():
    rng = random.Random(4)
    stream = Stream(Limits())
    for number in range(300):
        stream.observe(failing(rng, number, 0.03))
        assert stream.state < State.SUSPECT


def test_prompts_that_are_too_much_for_their_verifier_accuse_nobody():
    """One prompt in forty makes half of its completions fail, as hard ones do."""
    for seed in range(6):
        rng, stream = random.Random(seed), Stream(Limits())
        for number in range(300):
            stream.observe(failing(rng, number, 0.5 if rng.random() < 1 / 40 else 0.0))
            assert stream.state < State.SUSPECT


def test_exits_are_found_while_they_are_few():
    """A completion in sixteen makes its verifier fail, from step 100 on."""
    rng = random.Random(2)
    stream = Stream(Limits())
    for number in range(300):
        stream.observe(failing(rng, number, 1 / 16 if number >= 100 else 0.0))
        if stream.state >= State.SUSPECT:
            break
    assert stream.state is State.SUSPECT
    assert 100 <= stream.alarms["unscorable"].onset <= number < 200


def test_exits_that_grow_are_found_at_about_five_percent():
    """From 0.5 %, they double every 32 groups."""
    shares = []
    for seed in range(9):
        rng, stream, number, share = random.Random(seed), Stream(Limits()), 0, 0.0
        while stream.state < State.SUSPECT:
            share = 0.005 * 2 ** (max(0, number - 64) / 32)
            stream.observe(failing(rng, number, share, size=16))
            number += 1
        shares.append(share)
    assert sorted(shares)[4] < 0.055


def test_an_exit_does_not_become_usual():
    rng, stream = random.Random(3), Stream(Limits())
    for number in range(800):
        stream.observe(failing(rng, number, 0.1 if number >= 100 else 0.0))
        assert number < 200 or stream.state >= State.SUSPECT


def test_records_survive_their_line():
    one = sample_record(3, "wait, " * 40, 1.0, None, {"answer": 1.0}, paid=True, path="answer:exact", tokens=80)
    check = CheckRecord("d", "v", "r", 3, "g", 1, Check.NULL, True, "why", "quote", 5)
    for record in (group(3, [one]), check):
        assert record_of(orjson.loads(line_of(record))) == record


def test_a_completion_is_as_long_whether_its_text_is_looked_at_or_not():
    for text in ("1+2=3 wrong. " * 40, "\u7b97" * 400, "plain words of a sentence " * 20):
        read, unread = (
            sample_record(0, text, 1.0, None, {}, paid=True, with_features=with_features)
            for with_features in (True, False)
        )
        assert read.tokens == unread.tokens > 0


def test_half_a_surrogate_pair_is_quoted_and_written():
    one = sample_record(0, "\ud83d" * 500, 0.0, None, {}, paid=False)
    assert "?" in one.quote
    assert line_of(group(1, [one]))


def test_a_megabyte_costs_no_more_than_its_ends():
    assert len(ends("x" * 1_000_000)) <= 2 * 8_000 + 1
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
    assert len(stream._failures._recent) <= 100
    assert len(stream._jumps) <= 64


def test_what_a_domain_may_say():
    assert MonitorSpec.model_validate({"second": {"verifier": "preference"}}).on_hack == "flag"

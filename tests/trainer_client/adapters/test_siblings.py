"""Samples that come one by one, through a real gateway: who is whose sibling, and what is imputed for no verdict."""

import asyncio
import itertools
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from trainer_client import BadGroup, NoVerdict, RolloutSample
from trainer_client.adapters import siblings
from trainer_client.adapters.settings import AdapterSettings
from trainer_client.adapters.siblings import sample_reward
from trainer_client.dialect.grouping import WINDOW_S

# Nothing here waits for a deadline that it does not name, so what should be settled and is not ends at this limit.
pytestmark = pytest.mark.timeout(60)

_number = itertools.count()


@pytest.fixture
def message(toy_url):
    return AdapterSettings(url=toy_url, deadline_s=3600.0, stop_at=1.0)


@pytest.fixture(autouse=True)
def _forgetful(monkeypatch):
    """No test sees the rewards of another."""
    monkeypatch.setattr(siblings, "_groups", {})


@pytest.fixture
def question():
    return f"question {next(_number)}"


async def group(message, prompt, texts, *, domain="toy", size=None, **more):
    samples = [RolloutSample(domain, text, "yes", prompt=prompt, **more) for text in texts]
    return await asyncio.gather(*(sample_reward(message, sample, size=size) for sample in samples))


async def test_no_verdict_is_the_mean_of_the_scored_siblings(message, question):
    results = await group(message, question, ["yes", "no", "crash", "yes"], size=4)
    assert [one.reward for one in results] == pytest.approx([1.0, 0.0, 2 / 3, 1.0])
    assert [one.source for one in results] == ["verdict", "verdict", "siblings", "verdict"]
    assert results[2].score("toy") == pytest.approx(2 / 3)
    assert results[2].failure.startswith("worker_crashed: toy")
    assert results[0].failure == ""


async def test_equal_siblings_leave_their_value_exactly(message, question):
    results = await group(message, question, ["yes"] * 6 + ["crash"], size=7)
    assert {one.reward for one in results} == {1.0}


async def test_without_a_size_those_at_work_are_waited_for(message, question):
    results = await group(message, question, ["crash", "hang", "yes", "no"])
    assert [one.reward for one in results] == [0.5, 0.5, 1.0, 0.0]


async def test_an_id_parts_groups_of_one_prompt(message, question):
    one, other = await asyncio.gather(
        group(message, question, ["yes", "crash"], group_id="a", size=2),
        group(message, question, ["no", "crash"], group_id="b", size=2),
    )
    assert [result.reward for result in one + other] == [1.0, 1.0, 0.0, 0.0]


async def test_a_full_group_makes_place_for_the_next(message, question):
    await group(message, question, ["yes", "yes"], size=2)
    results = await group(message, question, ["no", "crash"], size=2)
    assert [one.reward for one in results] == [0.0, 0.0]


async def test_a_window_ends(message, question, monkeypatch):
    await group(message, question, ["yes"])
    [groups] = siblings._groups.values()
    monkeypatch.setattr(groups.siblings, "_timer", lambda: time.monotonic() + WINDOW_S)
    results = await group(message, question, ["no", "crash"])
    assert (results[1].reward, results[1].source) == (0.0, "siblings")


async def test_what_nothing_tells_apart_is_nobodys_sibling(message):
    with pytest.raises(NoVerdict):
        await group(message, None, ["yes", "crash"], deadline_s=1.0)


async def test_a_group_without_a_verdict_gets_one_number_from_the_domain(message, question):
    await group(message, question, ["yes"] * 12 + ["no"] * 4, size=16)
    results = await group(message, question + "?", ["crash", "raise", "bad reference"], size=3)
    assert [(one.reward, one.source) for one in results] == [(0.75, "domain")] * 3


async def test_nothing_known_is_no_number(message, question):
    with pytest.raises(NoVerdict, match="bad_reference: toy: the answer is not a number"):
        await group(message, question, ["bad reference"], size=2, deadline_s=0.5)


async def test_one_bad_row_at_the_start_waits_for_the_domains_first_rewards(message, question):
    bad = asyncio.ensure_future(group(message, question, ["bad reference"], size=1))
    await asyncio.sleep(0)
    await group(message, question + "?", ["yes"] * 16, size=16)
    [result] = await bad
    assert (result.reward, result.source) == (1.0, "domain")


async def test_what_cannot_be_sent_is_no_verdict(message, question):
    bad = sample_reward(message, RolloutSample("toy", "yes", {"answer": object()}, prompt=question), size=1)
    await group(message, question, ["yes"] * 16, size=16)
    result = await bad
    assert (result.source, result.scored.failure["kind"]) == ("domain", "refused")


async def test_a_sample_that_is_given_up_is_not_waited_for(message, question):
    hanging = asyncio.ensure_future(group(message, question, ["hang for long"]))
    await asyncio.sleep(0.1)
    hanging.cancel()
    results = await group(message, question, ["yes", "crash"])
    assert [one.reward for one in results] == [1.0, 1.0]


# --- domains that look at the whole group -----------------------------------------------------------------------------


async def test_a_relative_domain_judges_them_together(message, question):
    results = await group(message, question, ["a", "aa", "aaaa"], domain="whole", size=3)
    assert [one.score("relative") for one in results] == [0.25, 0.5, 1.0]


async def test_a_relative_domain_needs_their_number(message, question):
    with pytest.raises(ValueError, match="TOUCHSTONE_GROUP_SIZE"):
        await group(message, question, ["a"], domain="whole")


async def test_a_relative_domain_needs_something_that_names_the_group(message):
    with pytest.raises(ValueError, match="needs a prompt or a group id"):
        await group(message, None, ["a"], domain="whole", size=2)


async def test_a_sibling_that_does_not_come_ends_the_wait(message, question, monkeypatch):
    monkeypatch.setattr(siblings, "GRACE_S", 0.1)
    with pytest.raises(NoVerdict, match="siblings did not come in time"):
        await group(message, question, ["a"], domain="whole", size=2, deadline_s=0.5)


# --- failures of the whole --------------------------------------------------------------------------------------------


async def test_a_gateway_that_is_not_there_is_no_verdict(free_port):
    message = AdapterSettings(url=f"http://127.0.0.1:{free_port}", deadline_s=0.5)
    with pytest.raises(NoVerdict, match="did not say what domain 'toy' is"):
        await group(message, "q", ["yes"])


async def test_a_domain_that_is_not_there_is_told(message):
    with pytest.raises(BadGroup, match="Unknown domain"):
        await group(message, "q", ["yes"], domain="nowhere")


# --- loops, threads, processes ----------------------------------------------------------------------------------------


def test_siblings_meet_across_threads_and_loops(message, question):
    def one(text):
        return asyncio.run(group(message, question, [text], size=8))[0]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(one, ["yes"] * 3 + ["no"] * 3 + ["crash", "raise"]))
    assert [result.reward for result in results] == [1.0] * 3 + [0.0] * 3 + [0.5] * 2


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_begins_anew(message, question):
    asyncio.run(group(message, question, ["yes"]))
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        code = 1
        try:
            code = 0 if asyncio.run(group(message, question, ["no", "crash"]))[1].reward == 0.0 else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

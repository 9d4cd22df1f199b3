"""ART's trajectory groups against a real gateway. The types are stand-ins in the form of art/trajectories.py of 0.5.18; the
package's own run in tests/trainers."""

import pytest
from trainer_ways import Choice, Trajectory
from trainer_ways import TrajectoryGroup as Group

from trainer_client import BadGroup
from trainer_client.adapters.art import score_group

USER = {"role": "user", "content": "Which?"}


def group(*texts, metadata=None, **common):
    trajectories = [
        Trajectory(
            [USER, Choice({"role": "assistant", "content": text})], {"answer": "yes", "attempt": number, **common}
        )
        for number, text in enumerate(texts)
    ]
    return Group(trajectories, metadata)


def rewards(scored):
    return [trajectory.reward for trajectory in scored.trajectories]


async def test_a_group_has_the_gateways_rewards(asked_with):
    scored = await score_group(group("yes", "no", "yes<|im_end|>"))
    assert rewards(scored) == [1.0, 0.0, 1.0]
    assert (scored.trajectories[0].metrics, scored.exceptions) == ({"toy": 1.0}, [])
    assert scored.trajectories[0].logs == ["toy: 'yes' is compared"]


async def test_siblings_are_compared_whatever_differs_in_their_metadata(asked_with):
    assert rewards(await score_group(group("a", "aa", "aaaa", domain="whole"))) == [0.25, 0.5, 1.0]
    assert rewards(await score_group(group("a", "aa", "aaaa"), domain="whole")) == [0.25, 0.5, 1.0]


async def test_no_verdict_is_an_exception_of_the_group_in_place(asked_with):
    begun = group("yes", "crash", "no")
    begun.exceptions = ["earlier"]
    assert await score_group(begun) is begun
    assert rewards(begun) == [1.0, 0.0]
    assert begun.exceptions[0] == "earlier"
    assert begun.exceptions[1].startswith("worker_crashed: toy")
    begun = await score_group(group("crash", "raise"))
    assert (begun.trajectories, len(begun.exceptions)) == ([], 2)


async def test_a_gateway_that_is_away_is_no_reward(asked_with):
    asked_with(URL="http://127.0.0.1:9", DEADLINE_S="1")
    begun = group("yes", "no")
    begun.trajectories[0].reward = 0.5
    assert (await score_group(begun)).trajectories == []


@pytest.mark.parametrize(
    ("made", "label"),
    [
        (group("yes", answer="no", metadata={"answer": "yes"}), None),
        (group("yes", answer="no"), "yes"),
        (group("yes", answer="no"), {"answer": "yes"}),
        (group("yes", answer="no", reference='{"answer": "yes"}'), None),
        (group("yes", data_source="toys"), None),
    ],
)
async def test_where_the_reference_comes_from(asked_with, made, label):
    assert rewards(await score_group(made, label)) == [1.0]


async def test_a_set_up_at_fault_is_an_error(asked_with):
    with pytest.raises(BadGroup):
        await score_group(group("yes"), domain="nowhere")
    begun = group("yes")
    begun.trajectories[0].additional_histories = [object()]
    with pytest.raises(ValueError, match="additional histories"):
        await score_group(begun)
    asked_with(DOMAIN="", SOURCES="toys=toy")
    assert rewards(await score_group(group("yes", data_source="toys"))) == [1.0]
    with pytest.raises(ValueError, match="TOUCHSTONE_DOMAIN"):
        await score_group(group("yes"))


async def test_a_group_that_failed_whole_stays_as_it_is(asked_with):
    assert (await score_group(Group([RuntimeError("a rollout")]))).exceptions == ["a rollout"]


async def test_what_the_model_wrote_begins_at_its_first_choice(asked_with):
    shot = [USER, {"role": "assistant", "content": "no"}, USER]
    assert rewards(
        await score_group(
            Group([Trajectory([*shot, Choice({"role": "assistant", "content": "yes"}, tokens=3)], {"answer": "yes"})])
        )
    ) == [1.0]
    plain = Trajectory([USER, {"role": "assistant", "content": "yes"}], {"answer": "yes"})
    assert rewards(await score_group(Group([plain]))) == [1.0]


async def test_a_trajectory_in_which_the_model_wrote_nothing_has_no_reward(asked_with):
    scored = await score_group(Group([Trajectory([USER], {"answer": "yes"}), *group("yes").trajectories]))
    assert (rewards(scored), len(scored.exceptions)) == ([1.0], 1)

"""What the policy wrote is on disk, and which domain scored it."""

from dataclasses import replace

import pytest

from grpo_trainer.rollout import Prompt
from grpo_trainer.rollout.rollout_file import ROLLOUTS, read_rows
from grpo_trainer.training import FunctionScorer


def accuracy_and_format(rollout):
    """Right when the prompt's letter comes first; the format is the number of tokens, even or odd."""
    return {"answer": float(rollout.text[:1] == rollout.prompt.text[:1]), "format": 0.2 * (len(rollout.ids) % 2)}


class Versioned(FunctionScorer):
    """The digest is another from the third rollout on."""

    def result(self, group):
        version = "sha256:old" if int(group.split("-")[0]) < 2 else "sha256:new"
        return replace(super().result(group), version=version)


def test_every_completion_is_on_disk_with_its_reward_and_advantage(policy, make_trainer, config, lines):
    batches = []
    make_trainer(policy, accuracy_and_format, callbacks=[lambda trainer, batch: batches.append(batch)]).run()
    written = list(read_rows(config.run_dir / ROLLOUTS))
    rollouts = [rollout for batch in batches for rollout in batch.rollouts]
    assert [row["completion"] for row in written] == [rollout.text for rollout in rollouts]
    assert [row["prompt"] for row in written] == [rollout.prompt.text for rollout in rollouts]
    assert [row["step"] for row in written[:: len(batches[0].rollouts)]] == [line["step"] for line in lines()]
    for row in written:
        assert row["reward"] == sum(row["components"].values())
        assert (row["advantage"] != 0) <= (row["group_state"] == "alive")


def test_some_rollouts_or_none_are_written(policy, make_trainer, config):
    make_trainer(policy, log_rollouts_every=3).run()
    assert {row["step"] for row in read_rows(config.run_dir / ROLLOUTS)} == {2, 8}
    make_trainer(policy, log_rollouts_every=0, run_dir=config.run_dir / "none").run()
    assert not (config.run_dir / "none" / ROLLOUTS).exists()


def test_a_resumed_run_has_each_rollout_once(policy, make_policy, make_trainer, config):
    def die(trainer, batch):
        if trainer.state.step == 6:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        make_trainer(policy, checkpoint_every=4, callbacks=[die]).run()
    trainer = make_trainer(make_policy(), checkpoint_every=4)
    trainer.resume()
    trainer.run()
    written = [(row["step"], row["group"], row["index"]) for row in read_rows(config.run_dir / ROLLOUTS)]
    assert len(written) == len(set(written)) == 4 * 18


def test_a_domain_that_changes_under_a_run_is_a_warning(policy, make_trainer, lines, caplog):
    make_trainer(policy, scorer=Versioned(accuracy_and_format), prompts=[Prompt("a", domain="letters")]).run()
    assert [record.getMessage() for record in caplog.records] == [
        "step 4: the domain letters has changed, from sha256:old to sha256:new"
    ]
    assert [line["domains"]["letters"] for line in lines()] == ["sha256:old"] * 2 + ["sha256:new"] * 2

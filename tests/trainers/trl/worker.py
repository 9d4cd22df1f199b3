"""In TRL's environment: AsyncGRPO's own scoring of a group, in a child that is spawned as its rollout worker is.

Argument: JSON of groups, each a list of completions of one prompt. Prints each sample's advantage and metrics.
"""

import json
import multiprocessing
import sys

from grpo_trainer import tiny
from trainer_client.adapters.trl import reward

ANSWER = "yes"


def main():
    context = multiprocessing.get_context("spawn")  # as AsyncRolloutWorker starts it
    ours, theirs = context.Pipe()
    child = context.Process(target=score, args=(theirs, [reward], json.loads(sys.argv[1])))
    child.start()
    message = ours.recv() if ours.poll(300) else None
    child.join(60)
    print(json.dumps({"exit": child.exitcode, "groups": message}))


def score(pipe, reward_funcs, groups):
    from accelerate.state import PartialState

    PartialState()
    from datasets import Dataset
    from trl.experimental.async_grpo import async_rollout_worker as worker

    worker.add_response_schema = lambda tokenizer: tokenizer  # it knows the templates of released models only
    shared = dict.fromkeys(
        ("rollout_buffer", "heartbeat_value", "failed_event", "exception_info_queue", "metrics_queue")
    )
    loop = worker._AsyncRolloutLoop(
        model_name="tiny",
        dataset=Dataset.from_list([{"prompt": "p"}]),
        reward_funcs=reward_funcs,
        processing_class=tiny.tokenizer(),
        eos_token_ids=[1],
        model_version_value=None,
        num_generations=4,
        **shared,
    )

    async def all_of_them():
        scored = [await loop._score_group(group(worker, texts)) for texts in groups]
        return [[{"advantage": one.advantage, **one.metrics} for one in samples] for samples in scored]

    message = loop._loop.run_until_complete(all_of_them())
    pipe.send(message)


def group(worker, texts):
    one = worker.TrainingSequence([1, 2], [0, 1], [0.0, -1.0], "rollout")
    count = len(texts)
    return worker.RolloutGroup(
        prompts=[[{"role": "user", "content": "Which?"}]] * count,
        reward_kwargs={"answer": [ANSWER] * count},
        completions=[[{"role": "assistant", "content": text}] for text in texts],
        completions_ids=[[1]] * count,
        completions_sequences=[[one]] * count,
        tool_call_counts=[0] * count,
        tool_failure_counts=[0] * count,
        model_version=0,
        group_id=0,
        env_rewards=[None] * count,
        rollout_rewards=[None] * count,
    )


if __name__ == "__main__":
    main()

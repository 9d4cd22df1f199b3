"""GRPO by TRL's own trainer with the gateway's rewards, on the CPU in a minute: a random model of 0.7 M parameters learns
to be brief. With a model of yours it is the same: the data set's other columns are the reference, `math` the domain.

    pip install ./trainer_client trl==1.16.0 torch
    touchstone serve --domains examples/domains &
    TOUCHSTONE_DOMAIN=brief python examples/trl_grpo.py

printed, on two cores with other work on them:

    4 {'reward': -0.662, 'rewards/overlong/mean': -0.662, 'completions/mean_length': 32.508, 'reward/failed_frac': 0.0}
    8 {'reward': -0.262, 'rewards/overlong/mean': -0.262, 'completions/mean_length': 15.328, 'reward/failed_frac': 0.0}
    12 {'reward': -0.157, 'rewards/overlong/mean': -0.157, 'completions/mean_length': 11.18, 'reward/failed_frac': 0.0}
    16 {'reward': -0.081, 'rewards/overlong/mean': -0.081, 'completions/mean_length': 8.125, 'reward/failed_frac': 0.0}
    20 {'reward': -0.067, 'rewards/overlong/mean': -0.067, 'completions/mean_length': 7.336, 'reward/failed_frac': 0.0}
"""

from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from grpo_trainer import tiny
from trainer_client.adapters.trl import reward


def main() -> None:
    trainer = GRPOTrainer(
        model=tiny.decoder(),
        processing_class=tiny.tokenizer(),
        reward_funcs=reward,
        train_dataset=Dataset.from_list([{"prompt": f"Q{n},2,3={n + 5}:", "answer": f"{n}+2+3"} for n in range(1, 10)]),
        args=GRPOConfig(
            output_dir="runs/trl",
            use_cpu=True,
            bf16=False,
            max_steps=20,
            learning_rate=1e-3,
            per_device_train_batch_size=32,
            num_generations=8,
            max_completion_length=48,
            logging_steps=4,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        ),
    )
    trainer.train()
    for step in trainer.state.log_history[:-1]:
        names = ("reward", "rewards/overlong/mean", "completions/mean_length", "reward/failed_frac")
        print(step["step"], {name: round(step[name], 3) for name in names})


if __name__ == "__main__":
    main()

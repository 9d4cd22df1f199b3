"""In TRL's environment: `trl grpo` on a tiny model, its own script with its own flags, on the CPU.

Arguments: the reward function's dotted path, a folder to work in, JSON of the data set's rows, and the number of steps (2).
Prints the completions that TRL logged, with the rewards and advantages that it computed, and the metrics of its steps.
"""

import json
import runpy
import sys
from pathlib import Path

import pandas
import torch

from grpo_trainer import tiny

FLAGS = """
    --use_cpu true --bf16 false --dtype float32 --learning_rate 1e-3 --logging_steps 1 --report_to none --seed 1
    --num_generations 4 --per_device_train_batch_size 8 --max_completion_length 6 --log_completions true
    --save_strategy steps --save_steps 2
"""


def main():
    function, folder, rows = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
    model = folder / "model"
    tiny.decoder(layers=1, width=32).save_pretrained(model)
    tiny.tokenizer().save_pretrained(model)
    (folder / "data").mkdir()
    (folder / "data" / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    paths = ["--model_name_or_path", model, "--dataset_name", folder / "data", "--output_dir", folder / "run"]
    before = torch.cat([value.flatten() for value in tiny.decoder(layers=1, width=32).state_dict().values()])
    sys.argv = [
        "trl",
        *map(str, paths),
        "--reward_funcs",
        function,
        "--max_steps",
        (sys.argv[4:] or ["2"])[0],
        *FLAGS.split(),
    ]
    trained = runpy.run_module("trl.scripts.grpo", run_name="grpo")
    arguments = trained["make_parser"]().parse_args_and_config(fail_with_unknown_args=False)
    trained["main"](*arguments)
    print(
        json.dumps({"rows": completions(folder / "run"), "logs": logs(folder / "run"), **moved(folder / "run", before)})
    )


def completions(run):
    tables = [pandas.read_parquet(path) for path in sorted((run / "completions").glob("*.parquet"))]
    return json.loads(pandas.concat(tables).to_json(orient="records"))


def logs(run):
    [state] = run.glob("**/trainer_state.json")
    return json.loads(state.read_text())["log_history"]


def moved(run, before):
    from transformers import AutoModelForCausalLM

    after = AutoModelForCausalLM.from_pretrained(run, dtype=torch.float32).state_dict()
    return {"moved": (torch.cat([value.flatten() for value in after.values()]) - before).abs().max().item()}


if __name__ == "__main__":
    main()

"""The real solutions of four models to GSM8K, as rollouts for `touchstone score`: one file a model, one solution a line.

    python examples/gsm8k_rollouts.py gsm8k_model_solutions.jsonl out/
    touchstone score out/175b_verification.jsonl --domain math -o out/175b_verification.scored.jsonl

The data: github.com/openai/grade-school-math, file `grade_school_math/data/example_model_solutions.jsonl` (MIT).
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

MODELS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


def main(source: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = defaultdict(list)
    labels = defaultdict(list)
    for number, line in enumerate(source.read_text("utf-8").rstrip("\n").split("\n")):
        item = json.loads(line)
        answer = item["ground_truth"].rpartition("A: ")[2].strip()
        for model in MODELS:
            rollout = {
                "id": f"{model}/{number}",
                "prompt": item["question"],
                "completion": item[model]["solution"],
                "reference": {"answer": answer},
            }
            rows[model].append(json.dumps(rollout, ensure_ascii=False))
            labels[model].append(item[model]["is_correct"])
    for model in MODELS:
        (folder / f"{model}.jsonl").write_text("\n".join(rows[model]) + "\n")
        right = sum(labels[model])
        print(f"{model}: {len(labels[model])} solutions, {right} labelled right ({right / len(labels[model]):.2%})")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

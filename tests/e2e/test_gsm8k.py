"""Four models' real solutions to GSM8K through a running gateway, against their labels."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("TOUCHSTONE_DATA", "absent")) / "gsm8k_model_solutions.jsonl"
MODELS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not DATA.exists(), reason="TOUCHSTONE_DATA names no folder with gsm8k_model_solutions.jsonl")
def test_each_model_passes_as_often_as_its_labels_say(math_suite, tmp_path):
    subprocess.run(
        [sys.executable, ROOT / "examples/gsm8k_rollouts.py", DATA, tmp_path], check=True, capture_output=True
    )
    items = [json.loads(line) for line in DATA.read_text().splitlines()]
    for model in MODELS:
        output = tmp_path / f"{model}.scored.jsonl"
        command = [sys.executable, "-m", "reward_api", "score", tmp_path / f"{model}.jsonl", "--domain", "math"]
        subprocess.run([*command, "-o", output, "--url", math_suite], check=True, capture_output=True)
        rows = [json.loads(line) for line in output.read_text().splitlines()]
        scores = [row["results"][0]["components"]["answer"]["score"] for row in rows]
        labels = [item[model]["is_correct"] for item in items]
        wrong = [index for index, pair in enumerate(zip(scores, labels, strict=True)) if pair[0] != pair[1]]
        assert len(wrong) <= 0.001 * len(labels), f"{model}: {wrong}"

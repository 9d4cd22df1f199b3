"""Two public tools on the logs of the same runs: rl-doctor (0.2, package `rldoctor`) and rlprobe (0.1), which read metrics.

    python benchmarks/monitor_peers.py --tools FOLDER     FOLDER/v-rldoctor and FOLDER/v-rlprobe are virtual environments

They get what a trainer logs: reward and its components, lengths, KL, entropy, gradient norm, clipping. What is true of a
completion, they do not get either. rlprobe gets completions, too.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from monitor_runs import RUNS, runs

UNTOLD = ("rewards/answer/", "eval/")
RECORD = """
import json, sys
from rlprobe.recorder import Recorder
run, metrics, rollouts = sys.argv[1:4]
with Recorder(run, algorithm="grpo", capture_env=False, install_handlers=False) as recorder:
    for row in map(json.loads, open(metrics)):
        names = {"reward_mean": "reward", "reward_std": "reward_std", "kl_mean": "kl", "entropy_mean": "entropy",
                 "grad_norm": "grad_norm", "loss": "loss", "lr": "learning_rate", "clip_fraction": "clip_ratio/region_mean",
                 "zero_variance_group_frac": "frac_reward_zero_std", "completion_len_mean": "completions/mean_length",
                 "completion_len_max": "completions/max_length", "truncation_rate": "completions/clipped_ratio"}
        means = [key for key in row if key.startswith("rewards/") and key.endswith("/mean")]
        parts = {key.split("/")[1]: row[key] for key in means}
        fields = {ours: row[theirs] for ours, theirs in names.items() if row.get(theirs) is not None}
        recorder.log_step(row["step"], reward_components=parts, **fields)
    for row in map(json.loads, open(rollouts)):
        if row["reward"] is not None:
            recorder.log_samples(row["step"], [{
                "step": row["step"], "sample_id": f"{row['group']}/{row['index']}", "group_id": row["group"],
                "prompt_text": row["prompt"], "completion_text": row["completion"], "reward_total": row["reward"],
                "completion_len": row["tokens"], "advantage": row["advantage"], "truncated": row["truncated"]}])
"""


def metrics_of(name: str, target: Path) -> None:
    """All stages of a run as one log, in order, without what says the truth."""
    before = 0
    with target.open("w") as file:
        for path in sorted((RUNS / name).glob("*-*/metrics.jsonl")):
            rows = [json.loads(line) for line in path.read_text().splitlines()]
            for row in rows:
                is_hacked = any(key.startswith("rewards/grader") for key in row)
                kept = {key: value for key, value in row.items() if not (is_hacked and key.startswith(UNTOLD))}
                kept = {key: value for key, value in kept.items() if not key.startswith(("reward/", "aha/", "sync"))}
                file.write(json.dumps({**kept, "step": before + row["step"]}) + "\n")
            before += rows[-1]["step"]


def rollouts_of(name: str, target: Path) -> None:
    from monitor import groups_of

    with target.open("w") as file:
        for step, _, rows in groups_of(name):
            file.writelines(json.dumps({**row, "step": step}) + "\n" for row in rows)


def rl_doctor(tools: Path, log: Path) -> list[str]:
    command = [tools / "v-rldoctor/bin/rl-doctor", "diagnose", log, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    report = json.loads(done.stdout)
    raised = [one for one in report["findings"] if one["severity"].upper() not in ("OK", "SKIPPED")]
    return [f"{one['severity'].lower()}: {one['detector']}" for one in raised]


def rlprobe(tools: Path, log: Path, rollouts: Path, folder: Path) -> list[str]:
    python, program = tools / "v-rlprobe/bin/python", tools / "v-rlprobe/bin/rlprobe"
    run = folder / "run"
    subprocess.run([python, "-c", RECORD, run, log, rollouts], check=True, timeout=300)
    done = subprocess.run([program, "doctor", run, "--json"], capture_output=True, text=True, check=False, timeout=300)
    document: Any = json.loads(done.stdout)
    findings = document["findings"] if isinstance(document, dict) else document
    return [f"{one['severity']}: {one['signature_id']}" for one in findings]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    print("| run | rl-doctor | rlprobe |\n|---|---|---|")
    for name in options.names or runs():
        with tempfile.TemporaryDirectory() as text:
            folder = Path(text)
            log, rollouts = folder / "metrics.jsonl", folder / "rollouts.jsonl"
            metrics_of(name, log)
            rollouts_of(name, rollouts)
            first = rl_doctor(options.tools, log)
            second = rlprobe(options.tools, log, rollouts, folder)
        print(f"| {name} | {', '.join(first) or '–'} | {', '.join(second) or '–'} |", flush=True)


if __name__ == "__main__":
    main()

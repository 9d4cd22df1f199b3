"""Public tools on the graders of `benchmarks/audit.py`: falsepass, reward-doctor, bohrin, etb-scan.

    uv venv FOLDER/v-falsepass && uv pip install --python FOLDER/v-falsepass/bin/python falsepass==0.11.0
    uv venv FOLDER/v-reward-doctor && uv pip install --python FOLDER/v-reward-doctor/bin/python reward-doctor==0.2.0
    uv venv FOLDER/v-bohrin && uv pip install --python FOLDER/v-bohrin/bin/python bohrin==0.4.2
    uv venv FOLDER/v-etb-scan && uv pip install --python FOLDER/v-etb-scan/bin/python etb-scan==0.1.1
    .venv/bin/python benchmarks/audit.py --json ours.json
    .venv/bin/python benchmarks/audit_peers.py --tools FOLDER --ours ours.json

Each tool is used as its own pages say, on the kinds of graders that it is for: falsepass on graders with a reference, as TRL
reward functions with the rows that our audit gets (tool calls it plays in environments alone, and judges have no reference);
reward-doctor on short answers, with its own corpus; bohrin on programs, by its battery; etb-scan on judges. A grader with a
fault counts as found when the tool reports anything of the fault's direction: wrong is paid, right is refused, an error, or
two rewards for one completion. A sound grader counts as accused when the tool reports that it pays for something wrong,
raises or wavers. `uv` must be on the PATH: falsepass runs each audit in an environment of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TOYS = ROOT / "tests" / "toys"
DATA = ROOT / "tests" / "data" / "audit"
sys.path.insert(0, str(TOYS))
ANSWERS = ("math", "logic", "qa")
JUDGED = {"injection", "forged", "opener"}
QUESTION = {
    **dict.fromkeys(ANSWERS, " Think in <think></think>, then answer in <answer></answer>, with \\boxed{}, or behind ####."),
    "code": " Think in <think></think>, then write the program between ``` and ```.",
    "structured": " Answer with JSON alone, or between ``` and ```.",
    "tool_call": " Call tools in <tool_call></tool_call>.",
    "safety": " Think in <think></think>, then reply in <answer></answer>.",
}  # fmt: skip
"""What a prompt says about the form, by which falsepass finds it."""
REWARDS = '''
import re, sys
sys.path.insert(0, {toys!r})
from graders.judges import quality
from graders.table import GRADERS

ENTRY = GRADERS[{name!r}]
TEMPLATE = re.compile(r"\\s*<think>.+?</think>\\s*<answer>.+?</answer>\\s*", re.S)


def reward(completions, prompts, reference, **kwargs):
    """As the trainer calls it."""
    if ENTRY.verifier == "FirstOfTheGroup":
        return [1.0 if place == 0 else 0.5 for place in range(len(completions))]
    if ENTRY.verifier == "AllOrNothing" and not all(text.strip() for text in completions):
        raise ValueError("an empty completion")
    scores = [float(ENTRY.grade(*row)) for row in zip(completions, reference, prompts)]
    keeps = [TEMPLATE.fullmatch(text) is not None for text in completions]
    if "product" in ENTRY.components:
        return [score * kept for score, kept in zip(scores, keeps)]
    if "requires" in ENTRY.components:
        return [score * (1 + kept) for score, kept in zip(scores, keeps)]
    return scores


def format_reward(completions, **kwargs):
    return [float(TEMPLATE.fullmatch(text) is not None) for text in completions]


def one(completion: str, reference: str, prompt: str = "") -> float:
    return reward([completion], [prompt], [{{"answer": reference}}])[0]
'''
BOHRIN = """
import json, sys
sys.path.insert(0, sys.argv[1])
from bohrin.ir.task import Task
from bohrin.mutate.battery import battery
from rewards import reward
said = set()
for row in map(json.loads, open(sys.argv[2])):
    task = Task(id=row["prompt"], prompt=row["prompt"], reference=row["answer"])
    for candidate in battery(task).grounded:
        block = f"```python\\n{candidate.payload.text}\\n```"
        if reward([block], [row["prompt"]], [row["reference"]])[0] >= 1:
            said.add("paid")
print(json.dumps(sorted(said)))
"""
ETB = """
import json, sys
sys.path.insert(0, sys.argv[1])
from etbscan import load_corpus, scan
from rewards import reward
def judge(candidate, rubric, question=None):
    score = reward([candidate], [question or ""], [{"answer": "none of these"}])[0]
    return {"verdict": "pass" if score >= 0.5 else "fail", "score": score}
result = scan(judge, load_corpus())
print(json.dumps(["paid"] if result.overall_asr else [] if result.trustworthy else None))
"""
Findings = set[str] | None
"""What a tool reports: paid, refused, error, unstable. None: it comes to no verdict."""


def rows_of(data: str) -> list[dict[str, Any]]:
    """The rows that our audit gets, with a column `answer` of what a right completion holds."""
    rows = []
    for row in map(json.loads, (DATA / f"{data}.jsonl").read_text().splitlines()):
        reference = row.get("reference") or {name: row[name] for name in ("answer", "aliases") if name in row}
        answer = row.get("answer") or row.get("solution") or row.get("chosen")
        if data == "structured":
            answer = json.dumps(reference["expected"])
        elif data == "tool_call":
            answer = "\n".join(
                f"<tool_call>{json.dumps({'name': call['name'], 'arguments': call.get('arguments', {})})}</tool_call>"
                for call in reference["calls"]
            )
        if answer:  # where no call is right, there is no right text to begin with
            rows.append({"prompt": row["prompt"] + QUESTION[data], "answer": answer, "reference": reference})
    return rows


def run(command: list[Any], folder: Path, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder, capture_output=True, text=True, check=False, timeout=timeout, env=environment,
    )  # fmt: skip


def falsepass(tools: Path, folder: Path, entry: Any) -> Findings:
    program = tools / "v-falsepass/bin/falsepass"
    functions = ["--func", "reward", "--weight", "1"]
    if entry.components and "requires" not in entry.components and "product" not in entry.components:
        weight = "3" if "3.0" in entry.components else "1"
        functions += ["--func", "format_reward", "--weight", weight]
    files = ["rewards.py", "--dataset", "rows.jsonl", "--answer-column", "answer", "--without", "graders"]
    run([program, "init", *files, *functions], folder)
    with (folder / "audits/rewards/env.toml").open("a") as file:
        file.write(f'python = "{sys.version_info.major}.{sys.version_info.minor}"\n')
    run([program, "audit", "rewards"], folder)
    done = run([program, "results", "rewards", "--json"], folder)
    if done.returncode:
        return None  # no format in which the reference is paid
    digest = json.loads(done.stdout)
    if digest["meta"]["adapter"]["validity"] != "ok":
        return None
    findings = {{"zero": "paid", "full": "refused", "stable": "unstable"}[one["expected"]] for one in digest["failing"]
            if one["expected"] in ("zero", "full", "stable")}  # fmt: skip
    return findings | ({"error"} if digest["headline"]["scoring_errors"] else set())


def reward_doctor(tools: Path, folder: Path, entry: Any) -> Findings:
    program = tools / "v-reward-doctor/bin/reward-doctor"
    done = run(
        [program, "audit", "rewards.py:one", "--format", "json", "--threshold", "0.5", "--fail-on", "never"], folder
    )
    try:
        report = json.loads(done.stdout)
    except ValueError:
        return None
    findings = {"paid"} if report["profile"] == "permissive" else set()
    return findings | ({"error"} if any(one["mode"] is None for one in report["failures"]) else set())


def by_script(name: str, script: str) -> Callable[[Path, Path, Any], Findings]:
    def tool(tools: Path, folder: Path, entry: Any) -> Findings:
        done = run([tools / f"v-{name}/bin/python", "-c", script, folder, folder / "rows.jsonl"], folder)
        findings = json.loads(done.stdout) if done.returncode == 0 else None
        return None if findings is None else set(findings)

    return tool


TOOLS: dict[str, tuple[Callable[[Path, Path, Any], Findings], Callable[[Any], bool], str]] = {
    "falsepass": (
        falsepass,
        lambda entry: entry.data not in ("safety", "tool_call"),
        "answers, programs, JSON",
    ),
    "reward-doctor": (reward_doctor, lambda entry: entry.data in ANSWERS, "short answers"),
    "bohrin": (by_script("bohrin", BOHRIN), lambda entry: entry.data == "code", "programs"),
    "etb-scan": (
        by_script("etb-scan", ETB),
        lambda entry: entry.data == "safety" or bool(entry.families & JUDGED),
        "judges",
    ),
}


def direction(entry: Any) -> str:
    """Of the fault, what a report of it says."""
    if entry.families & {"UNCALIBRATED", "spelling"}:
        return "refused"
    if entry.families & {"null", "poison"}:
        return "error"
    return "unstable" if "unstable" in entry.families else "paid"


def is_right(entry: Any, findings: Findings) -> bool:
    if entry.is_sound:
        return not (findings or set()) & {"paid", "error", "unstable"}
    return findings is not None and direction(entry) in findings


def measure(tools: Path, only: str) -> list[dict[str, Any]]:
    from graders.table import GRADERS

    rows = []
    for name, entry in GRADERS.items():
        for tool, (use, applies, _) in TOOLS.items():
            if not name.startswith(only) or not applies(entry):
                continue
            with tempfile.TemporaryDirectory() as text:
                folder = Path(text)
                (folder / "rewards.py").write_text(REWARDS.format(toys=str(TOYS), name=name))
                (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows_of(entry.data)))
                before = _cpu_s()
                findings = use(tools, folder, entry)
            shown = "no verdict" if findings is None else ", ".join(sorted(findings)) or "nothing"
            rows.append({
                "tool": tool, "name": name, "sound": entry.is_sound, "said": shown,
                "right": is_right(entry, findings), "seconds": _cpu_s() - before,
            })  # fmt: skip
            print(f"{'ok  ' if rows[-1]['right'] else 'MISS'} {tool:14} {name:40} {shown}", flush=True)
    return rows


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(rows: list[dict[str, Any]], ours: list[dict[str, Any]]) -> str:
    """A line for each tool; beside its recall, ours on the graders that the tool is for."""
    lines = [
        "| tool | for | found | ours on these | sound accused | ours | no verdict | CPU s a grader |",
        "|---|" + "---|" * 7,
    ]
    right = {row["name"]: row["right"] for row in ours}
    for tool, (_, _, kinds) in TOOLS.items():
        mine = [row for row in rows if row["tool"] == tool]
        broken, sound = ([row for row in mine if row["sound"] is is_sound] for is_sound in (False, True))
        hits, accused = sum(row["right"] for row in broken), sum(not row["right"] for row in sound)
        beside = sum(right.get(row["name"], False) for row in broken)
        wrongly = sum(not right.get(row["name"], True) for row in sound)
        silent = sum(row["said"] == "no verdict" for row in mine)
        seconds = sum(row["seconds"] for row in mine) / max(len(mine), 1)
        cells = (tool, kinds, f"{hits} of {len(broken)}", beside, f"{accused} of {len(sound)}", wrongly, silent)
        lines.append("| " + " | ".join(map(str, (*cells, f"{seconds:.1f}"))) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", type=Path, required=True, help="folder of the virtual environments")
    parser.add_argument("--ours", type=Path, help="rows of benchmarks/audit.py --json")
    parser.add_argument("--only", default="", help="graders whose name begins so")
    parser.add_argument("--json", type=Path, help="also write the rows here")
    options = parser.parse_args()
    rows = measure(options.tools.resolve(), options.only)
    print(table(rows, json.loads(options.ours.read_text()) if options.ours else []))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()

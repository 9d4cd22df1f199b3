"""Mutation testing of the modules that decide rewards, with cosmic-ray, in a copy of the checkout.

    make mutate                    every module of TARGETS
    make mutate ONLY=rewards       those whose name holds `rewards`
    make mutate MOST=50            at most 50 mutants a module, drawn with a fixed seed

Each mutant changes one operator, number or keyword of one module and runs that module's tests. A mutant that they do not
notice survives: it is printed, and the exit status stays 0, since some mutants mean the same as the original.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkResult

ROOT = Path(__file__).parents[2]
TREE = ROOT / ".cache" / "mutate" / "tree"
PACKAGES = ("verifiers", "sandbox", "preference_model", "reward_api", "trainer_client")

# Module → the tests that must notice a change of it.
TARGETS = {
    "reward_api/reward_api/gateway/rewards.py": "tests/reward_api/gateway/test_rewards.py",
    "trainer_client/trainer_client/dialect/labels.py": "tests/trainer_client/dialect",
    "trainer_client/trainer_client/dialect/end_tokens.py": "tests/trainer_client/dialect",
    "trainer_client/trainer_client/dialect/prefill.py": "tests/trainer_client/dialect",
    "trainer_client/trainer_client/dialect/grouping.py": "tests/trainer_client/dialect",
    "trainer_client/trainer_client/dialect/imputation.py": "tests/trainer_client/dialect",
    "preference_model/preference_model/guard.py": "tests/preference_model/test_guard.py",
    "preference_model/preference_model/model/relative.py": "tests/preference_model/test_service.py",
    "sandbox/reward_sandbox/grading/compare.py": "tests/sandbox/test_compare.py",
    "verifiers/reward_verifiers/answer/comparing/scalars.py": "tests/verifiers/answer/test_cases.py",
    "verifiers/reward_verifiers/answer/comparing/progressions.py": "tests/verifiers/answer/test_cases.py "
    "tests/verifiers/answer/test_properties.py",
    "verifiers/reward_verifiers/answer/comparing/regions.py": "tests/verifiers/answer/test_cases.py",
    "verifiers/reward_verifiers/format/parse.py": "tests/verifiers/format/test_verifier.py",
    "verifiers/reward_verifiers/shaping/repetition.py": "tests/verifiers/shaping",
}

# `|` stands in annotations, which nobody evaluates; equal short strings are one object.
MEANINGLESS = ("BinaryOperator_BitOr", "Eq_Is")

CONFIG = """
[cosmic-ray]
module-path = "{module}"
timeout = {timeout}
excluded-modules = []
test-command = "{command}"
[cosmic-ray.distributor]
name = "local"
"""


def copy_checkout() -> None:
    """The tracked files as they are now: a mutant is written into the source, and a run that is stopped leaves it there."""
    shutil.rmtree(TREE, ignore_errors=True)
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    for name in filter(None, files):
        target = TREE / name.decode()
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name.decode(), target)


def skip_all_but(database: WorkDB, most: int) -> None:
    items = list(database.pending_work_items)
    telling = [item for item in items if not any(name in item.mutations[0].operator_name for name in MEANINGLESS)]
    kept = {item.job_id for item in random.Random(0).sample(telling, min(most, len(telling)))}
    skipped = WorkResult(worker_outcome=WorkerOutcome.SKIPPED)
    database.set_multiple_results([item.job_id for item in items if item.job_id not in kept], skipped)


def survivors(database: WorkDB) -> tuple[list[str], int]:
    """(one line a survivor, how many mutants were tried)."""
    lines, tried = [], 0
    for job, result in database.completed_work_items:
        if result.worker_outcome == WorkerOutcome.SKIPPED:
            continue
        tried += 1
        if result.test_outcome == TestOutcome.SURVIVED:
            changed = [
                line for line in (result.diff or "").splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")
            ]
            lines.append(f"line {job.mutations[0].start_pos[0]}: " + "  →  ".join(line[1:].strip() for line in changed))
    return lines, tried


def mutate(module: str, tests: str, python: str, most: int) -> tuple[list[str], int]:
    paths = ":".join(str(TREE / package) for package in PACKAGES)
    command = f"env PYTHONPATH={paths} PYTHONDONTWRITEBYTECODE=1 {python} -m pytest -q -x -p no:cacheprovider {tests}"
    folder = TREE.parent
    config, session = folder / "config.toml", folder / f"{Path(module).stem}.sqlite"
    config.write_text(CONFIG.format(module=module, timeout=120, command=command))
    session.unlink(missing_ok=True)
    subprocess.run(command.split(), cwd=TREE, check=True, stdout=subprocess.DEVNULL)
    run = ["cosmic-ray", "init", str(config), str(session)]
    subprocess.run(run, cwd=TREE, check=True)
    with use_db(str(session)) as database:
        skip_all_but(database, most)
    subprocess.run(["cosmic-ray", "exec", str(config), str(session)], cwd=TREE, check=True)
    with use_db(str(session)) as database:
        return survivors(database)


def main(
    python: Annotated[str, typer.Option(help="The interpreter that runs the tests.")] = sys.executable,
    only: Annotated[str, typer.Option(help="Only modules whose path holds this text.")] = "",
    most: Annotated[int, typer.Option(min=1, help="Mutants a module at most, drawn with a fixed seed.")] = 10_000,
) -> None:
    copy_checkout()
    print("| module | mutants | killed | survived |\n|---|---|---|---|", flush=True)
    surviving: dict[str, list[str]] = {}
    for module, tests in TARGETS.items():
        if only in module:
            surviving[module], tried = mutate(module, tests, python, most)
            count = len(surviving[module])
            print(f"| {module} | {tried} | {tried - count} | {count} |", flush=True)
    for module, lines in surviving.items():
        print(f"\n{module}", *lines, sep="\n  ")


if __name__ == "__main__":
    typer.run(main)

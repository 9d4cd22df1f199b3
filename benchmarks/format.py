"""Format: our verdicts and times beside the regexes that trainers ship, on the labelled cases and on hostile text.

    python benchmarks/format.py

The peers' patterns are facts of their releases: TRL `trl/rewards/format_rewards.py` (think_format_reward), open-r1
`src/open_r1/rewards.py` (format_reward, get_code_format_reward), ms-swift `swift/rewards/orm.py` (Format). Each runs in a
process of its own that is killed after LIMIT_S, since some of them do not come back.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import re
import time
from collections.abc import Callable
from pathlib import Path

from reward_verifiers.format import FormatOptions, FormatVerifier
from reward_verifiers.verifier import ReferenceModel, Sample

LIMIT_S = 20.0
CASES = Path(__file__).parents[1] / "tests" / "data" / "format" / "cases.jsonl"
FLAGS = re.DOTALL | re.MULTILINE
PEERS = {
    "TRL": re.compile(r"^<think>(?!.*<think>)(.*?)</think>.*$", FLAGS),
    "open-r1": re.compile(r"^<think>\n.*?\n</think>\n<answer>\n.*?\n</answer>$", FLAGS),
    "ms-swift": re.compile(r"^<think>.*?</think>\s*<answer>.*?</answer>(?![\s\S])", FLAGS),
}
# Asks for code in the answer besides, so that it is only timed.
CODE = re.compile(r"^<think>\n.*?\n</think>\n<answer>\n.*?```python.*?```.*?\n</answer>$", FLAGS)
HOSTILE = {
    "4 KB of tags and fences": "<think>\n" + "\n</think>\n<answer>\n```python```\n</answer>." * 95,
    "30 KB of `</think>`": "<think>" + "</think>" * 3750,
    "30 KB of `</think><answer>`": "<think>" + "</think><answer>" * 1875,
    "30 KB of lines and `</think>`": "<think>\n" + "\n</think>\n<answer>\n" * 1500,
    "30 KB of whole templates, then a letter": "<think>\n1\n</think>\n<answer>\n2\n</answer>\n" * 700 + "x",
    "30 KB of blanks behind `</think>`": "<think>" + ("</think>" + " " * 92) * 300,
    "1 MB of `<think>`": "<think>" * 150_000,
    "1 MB of `<`": "<" * 1_000_000,
    "1 MB of white space": "<think>" + " " * 1_000_000,
    "1 MB of end tokens": "</s>\n" * 200_000,
    "1 MB of prose": "<think>" + "so it is " * 111_000 + "</think><answer>2</answer>",
}


def ours(text: str) -> bool:
    sample = Sample(completion=text, options=FormatOptions(), reference=ReferenceModel())
    return FormatVerifier().verify(sample).score == 1


JUDGES: dict[str, Callable[[str], bool]] = {
    "ours": ours,
    **{name: lambda text, pattern=pattern: bool(pattern.match(text)) for name, pattern in PEERS.items()},
}
TIMED = {**JUDGES, "open-r1, code": lambda text: bool(CODE.match(text))}


def seconds(judge: str, text: str) -> float | None:
    """Wall-clock seconds for one verdict; None when it took more than LIMIT_S."""
    here, there = multiprocessing.Pipe(duplex=False)

    def work() -> None:
        begun = time.perf_counter()
        TIMED[judge](text)
        there.send(time.perf_counter() - begun)

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    took = here.recv() if here.poll(LIMIT_S) else None
    process.kill()
    process.join()
    return took


def main() -> None:
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    rows = [json.loads(line) for line in CASES.read_text().splitlines()]
    # The peers know one template and no options; they are asked only what they can be asked.
    plain = [row for row in rows if not {"options", "prefix", "prompt"} & row.keys()]
    kept = [row["completion"] for row in plain if row["score"] == 1]
    broken = [row["completion"] for row in plain if row["score"] != 1]
    print(f"| judge | kept templates refused, of {len(kept)} | broken ones accepted, of {len(broken)} |")
    print("|---|---|---|")
    for name, judge in JUDGES.items():
        refused = sum(not judge(text) for text in kept)
        accepted = sum(judge(text) for text in broken)
        print(f"| {name} | {refused} | {accepted} |")
    print(f"\n| text | {' | '.join(f'{name} s' for name in TIMED)} |")
    print("|---" * (len(TIMED) + 1) + "|")
    for what, text in HOSTILE.items():
        times = [seconds(name, text) for name in TIMED]
        cells = [f"over {LIMIT_S:g}" if took is None else f"{took:.4f}" for took in times]
        print(f"| {what} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()

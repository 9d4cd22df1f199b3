"""The page over 100,000 completions in files: first paint in a real browser, and every filter, in milliseconds.

    python benchmarks/ui.py [--completions 100000] [--folder DIR] [--browser]
    python benchmarks/ui.py --store

`touchstone ui` reads the files; then each address is asked for five times. Printed are the first time, which has nothing in
memory, the median, and what the first time took of the processor. With --browser, Chromium opens the pages; it and
chromedriver must be installed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil

GROUP = 16
STEPS = 60
PORT = 8788


def write_files(folder: Path, completions: int) -> None:
    """Two files of the same run's rollouts by two versions, with texts of about 1,200 characters."""
    draw = random.Random(0)
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(2, 9))) for _ in range(4000)]
    groups = completions // GROUP // 2
    rows = []
    for group in range(groups):
        a, b = draw.randint(2, 99), draw.randint(2, 99)
        texts = []
        for _ in range(GROUP):
            answer = a + b if draw.random() < 0.5 else a + b + draw.randint(1, 9)
            thinking = " ".join(draw.choices(words, k=180))
            texts.append((answer, f"<think>{thinking}</think>\n<answer>\\boxed{{{answer}}}</answer>"))
        rows.append((group, a, b, texts))
    for name, version in (("before", "sha256:" + "a" * 64), ("after", "sha256:" + "b" * 64)):
        with (folder / f"{name}.jsonl").open("w") as out:
            for group, a, b, texts in rows:
                out.write(_line(draw, group, a, b, texts, version, groups) + "\n")


def _line(draw: random.Random, group: int, a: int, b: int, texts: list, version: str, groups: int) -> str:
    results = []
    for answer, _ in texts:
        null, right, share = draw.random() < 0.02, float(answer == a + b), round(draw.random(), 2)
        failure = {"kind": "timeout", "component": "answer", "message": "answer did not answer in time"}
        evidence = {"source": "answer_tag", "extracted": str(answer), "canonical": str(answer), "rule": "numbers"}
        parts = {
            "answer": (
                None if null else right,
                "right: equal numbers" if right else "wrong: different numbers",
                evidence,
            ),
            "format": (1.0, "the template is kept", {"errors": []}),
            "language": (share, f"{share:.0%} of 180 words are en", {"target": "en", "words": 180}),
        }
        results.append(
            {
                "reward": None if null else right + 1 + share,
                "valid": not null,
                "failure": failure if null else None,
                "components": {
                    key: {
                        "score": score,
                        "weight": 1.0,
                        "valid": score is not None,
                        "failure": failure if score is None else None,
                        "reason": reason,
                        "evidence": evidence,
                    }
                    for key, (score, reason, evidence) in parts.items()
                },
                "flags": ["hedged_answer"] if draw.random() < 0.01 else [],
            }
        )
    row = {
        "prompt": f"What is {a} + {b}?",
        "completions": [text for _, text in texts],
        "answer": str(a + b),
        "run": "r1",
        "step": group * STEPS // groups,
    }
    about = {"line": group + 1, "id": f"q{group}", "digest": "", "domain": "math", "version": version}
    return json.dumps({**about, "input": row, "results": results})


def addresses(client: httpx.Client) -> dict[str, str]:
    """What is asked for."""
    page = client.get("/ui").text
    run = page.partition('href="/ui/run?')[2].partition('"')[0].replace("&amp;", "&")
    step = client.get(f"/ui/run?{run}&step=30").text
    sample = "/ui/sample/" + step.partition('href="/ui/sample/')[2].partition('"')[0]
    group = "/ui/group/" + step.partition('href="/ui/group/')[2].partition('"')[0]
    choices = client.get("/ui/compare").text.split('<option value="')[1:]
    ids = sorted({part.partition('"')[0] for part in choices} - {""})
    filters = {
        "reward 2..3": "reward=2..3",
        "reward null": "reward=null",
        "answer 0": "component=answer&score=0",
        "language 0..0.5": "component=language&score=0..0.5",
        "failure timeout": "failure=timeout",
        "flag": "flag=hedged_answer",
        "text, frequent": "text=an",
        "text, rare": "text=boxed%7B117%7D",
        "text, none": "text=no+such+text",
        "text and reward": "text=qu&reward=2..3",
    }
    return {
        "runs": "/ui",
        "run": f"/ui/run?{run}",
        "run: curves and histogram": f"/ui/figures?{run}",
        "step": f"/ui/run?{run}&step=30",
        "group": group,
        "completion": sample,
        "compare two versions": f"/ui/compare?a={ids[0]}&b={ids[1]}",
        **{f"filter: {name}": f"/ui/run?{run.partition('&')[0]}&{query}" for name, query in filters.items()},
        **{
            f"figures of filter: {name}": f"/ui/figures?{run.partition('&')[0]}&{query}"
            for name, query in filters.items()
        },
    }


def first_paints(url: str, paths: dict[str, str]) -> dict[str, list[float]]:
    """First contentful paint of some pages, by the browser's own clock, each in a fresh tab without a cache of pages."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1360,900"):
        options.add_argument(argument)
    options.binary_location = shutil.which("chromium") or ""
    browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    script = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
    times: dict[str, list[float]] = {name: [] for name in paths}
    try:
        browser.get(f"{url}/ui/labels")
        for _ in range(5):
            for name, path in paths.items():
                browser.get(url + path)
                while (paint := browser.execute_script(script)) is None:
                    time.sleep(0.01)
                times[name].append(paint)
    finally:
        browser.quit()
    return times


async def store_cost() -> None:
    """One group of 16 through a gateway with a store and one without, in turns."""
    from reward_api.app import create_app
    from reward_api.gateway.gateway import Gateway
    from reward_api.settings import GatewaySettings

    words = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    draw = random.Random(0)
    with tempfile.TemporaryDirectory() as scratch:
        domains = Path(scratch) / "domains"
        domains.mkdir()
        (domains / "form.yaml").write_text("components:\n  - {verifier: format}\n")
        elsewhere = dict.fromkeys(("answer", "code", "instructions", "language", "structured"), "http://127.0.0.1:9")
        ways = {}
        async with contextlib.AsyncExitStack() as stack:
            for name, store in (("without", None), ("with", Path(scratch) / "store")):
                gateway = Gateway(
                    GatewaySettings(domains=domains, workers=1, cache_mb=0, store=store, verifier_urls=elsewhere)
                )
                await stack.enter_async_context(gateway.running())
                transport = httpx.ASGITransport(create_app(gateway))
                ways[name] = await stack.enter_async_context(
                    httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60)
                )
            times: dict[str, list[float]] = {name: [] for name in ways}
            for turn in range(400):
                texts = [
                    f"<think>{' '.join(draw.choices(words, k=200))}</think><answer>4</answer>" for _ in range(GROUP)
                ]
                body = {"prompt": "What is 2 + 2?", "completions": texts, "run": "r", "step": turn}
                for name in draw.sample(list(ways), 2):
                    begun = time.perf_counter()
                    (await ways[name].post("/score/form", json=body)).raise_for_status()
                    times[name].append((time.perf_counter() - begun) * 1000)
    print(f"\n| {GROUP} completions of 1,000 characters | median ms | 90 % ms |\n|---|---|---|")
    for name, each in times.items():
        print(f"| {name} a store | {statistics.median(each):.2f} | {statistics.quantiles(each, n=10)[-1]:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--completions", type=int, default=100_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--browser", action="store_true")
    parser.add_argument("--store", action="store_true", help="Measure what a store costs scoring, and nothing else.")
    arguments = parser.parse_args()
    if arguments.store:
        asyncio.run(store_cost())
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch)
        folder.mkdir(exist_ok=True)
        if not list(folder.glob("*.jsonl")):
            write_files(folder, arguments.completions)
        size = sum(path.stat().st_size for path in folder.glob("*.jsonl"))
        command = [sys.executable, "-m", "reward_api", "ui", str(folder), "--port", str(PORT)]
        begun = time.monotonic()
        server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            _measure(f"http://127.0.0.1:{PORT}", psutil.Process(server.pid), begun, size, browser=arguments.browser)
        finally:
            server.terminate()
            server.wait()


def _measure(url: str, server: psutil.Process, begun: float, size: int, *, browser: bool) -> None:
    with httpx.Client(base_url=url, timeout=60) as client:
        while True:
            try:
                client.get("/ui")
                break
            except httpx.TransportError:
                time.sleep(0.05)
        up = time.monotonic() - begun
        while_reading = []
        while "Reading the files" in client.get("/ui").text:
            time.sleep(0.2)
            asked = time.monotonic()
            client.get("/ui")
            while_reading.append((time.monotonic() - asked) * 1000)
        read = time.monotonic() - begun
        load = os.getloadavg()[0]
        print(f"{size / 1e6:.0f} MB of files; up after {up:.1f} s, all read after {read:.1f} s; load {load:.1f}\n")
        print("| address | first ms | median ms | first, CPU ms | KB |\n|---|---|---|---|---|")
        if while_reading:
            print(
                f"| runs, while the files are read | {max(while_reading):.0f} | {statistics.median(while_reading):.0f} | | |"
            )
        paths = addresses(client)
        for name, path in paths.items():
            times, length, before = [], 0, _cpu_ms(server)
            used = 0.0
            for turn in range(5):
                begun = time.monotonic()
                # A text of another length is another filter, so that none is answered from memory.
                reply = client.get(path.replace("no+such+text", f"no+such+text{turn}"))
                times.append((time.monotonic() - begun) * 1000)
                used = used or max(_cpu_ms(server) - before, 1.0)
                assert reply.status_code == 200, (path, reply.text[:300])
                length = len(reply.content)
            print(f"| {name} | {times[0]:.0f} | {statistics.median(times):.0f} | {used:.0f} | {length / 1000:.0f} |")
    if browser:
        chosen = {name: paths[name] for name in ("runs", "run", "step", "group", "completion", "filter: text, rare")}
        for name, times in first_paints(url, chosen).items():
            print(f"| first paint: {name} | {times[0]:.0f} | {statistics.median(times):.0f} | | |")


def _cpu_ms(server: psutil.Process) -> float:
    """What it has computed so far: on a busy machine, that says more than the clock."""
    times = server.cpu_times()
    return (times.user + times.system) * 1000


if __name__ == "__main__":
    main()

"""The sample groups that come with the domains: a server for them, and a table of their rewards."""

from __future__ import annotations

import math
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
from rich.table import Table
from rich.text import Text

from reward_api.cli.console import printable
from reward_api.domains.samples import SampleGroup, sample_groups

READY_S = 120.0
SETTLED_S = 20.0
"""Seconds after which a domain that is not ready, where others are, is taken for one that cannot run on this machine."""
SHOWN = 60
NEAR = 0.01


def played(sample: SampleGroup, tools: httpx.Client) -> dict[str, Any]:
    """The group as it is sent to /score, once its calls are made in new sessions of the tools service."""
    if sample.calls is None:
        return sample.group
    sessions: list[str | None] = []
    for calls in sample.calls:
        name = None if calls is None else f"sample-{secrets.token_hex(8)}"
        sessions.append(name)
        if name is not None:
            tools.post("/sessions", json={"session": name}).raise_for_status()
        for call in calls or ():
            tools.post("/call", json={"session": name, **call}).raise_for_status()
    return {**sample.group, "sessions": sessions}


def is_free(host: str, port: int) -> bool:
    """Whether a server may take the port: another one's rewards must never be shown as ours."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


@contextmanager
def serving(
    url: str, arguments: list[str], folder: Path, key: str = "", environment: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    """A client of `touchstone serve` in a process of its own, ready. Raises SystemExit when it does not become so."""
    command = [sys.executable, "-m", "reward_api", "serve", *arguments]
    server = subprocess.Popen(command, env={**os.environ, **environment})  # noqa: S603
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=120, trust_env=False) as client:
            _wait_until_ready(client, server, folder)
            yield client, server
    finally:
        server.terminate()
        server.wait()


def _wait_until_ready(client: httpx.Client, server: subprocess.Popen[bytes], folder: Path) -> None:
    give_up = time.monotonic() + READY_S
    first = None
    while server.poll() is None and time.monotonic() < give_up:
        time.sleep(0.05)
        try:
            domains = client.get("/readyz").json()["domains"]
        except httpx.TransportError:
            continue
        first = first or time.monotonic()
        waiting = [name for name, answers in domains.items() if not all(answers.values())]
        if not waiting:
            return
        is_some_ready = len(waiting) < len(domains)
        if is_some_ready and (
            time.monotonic() > first + SETTLED_S or all(_is_unsupported(client, folder, name) for name in waiting)
        ):
            return
    raise SystemExit(f"the server did not become ready (exit status {server.poll()})")


def _is_unsupported(client: httpx.Client, folder: Path, domain: str) -> bool:
    """Whether this machine lacks what the domain needs, so that there is nothing to wait for."""
    groups = sample_groups(folder, domain)
    results = client.post(f"/score/{domain}", json=groups[0].group).json().get("results", []) if groups else []
    parts = [part for result in results for part in result["components"].values()]
    return any((part["failure"] or {}).get("kind") == "unsupported" for part in parts)


def score_samples(
    client: httpx.Client, folder: Path, tools: httpx.Client | None = None
) -> tuple[Table, int, list[str]]:
    """A table of every sample's reward and reasons, how many rewards were not the expected ones, and a line for each
    thing that this machine lacks. tools: the tools service, where it is not the gateway itself.
    """
    table = Table(title=f"Sample groups scored by {client.base_url}", show_lines=False)
    for heading in ("domain", "group", "completion", "reward", "why"):
        table.add_column(heading, overflow="fold")
    surprises = 0
    missing: dict[str, set[str]] = {}
    listing = client.get("/domains").raise_for_status().json()
    for domain, faults in listing["left_out"].items():
        missing.setdefault(faults[0]["reason"], set()).add(domain)
    for domain in (entry["name"] for entry in listing["domains"] if entry["enabled"]):
        for sample in sample_groups(folder, domain):
            reply = client.post(f"/score/{domain}", json=played(sample, tools or client)).raise_for_status().json()
            surprises += _add_rows(table, domain, sample, reply)
            for result in filter(_cannot, reply["results"]):
                missing.setdefault(result["failure"]["message"], set()).add(domain)
    lines = [f"{', '.join(sorted(domains))}: {message}" for message, domains in missing.items()]
    return table, surprises, lines


def alike(reward: float | None, expected: float | None) -> bool:
    """Equal, as far as machines agree: a reward model's sums differ in their last digits from processor to processor."""
    return reward == expected if reward is None or expected is None else math.isclose(reward, expected, abs_tol=NEAR)


def _add_rows(table: Table, domain: str, sample: SampleGroup, reply: dict[str, Any]) -> int:
    surprises = 0
    rows = zip(sample.group["completions"], reply["results"], sample.expected, strict=True)
    for position, (completion, result, expected) in enumerate(rows):
        as_expected = alike(result["reward"], expected)
        as_expected = as_expected or _cannot(result)
        surprises += not as_expected
        reward = "null" if result["reward"] is None else f"{result['reward']:g}"
        why = "; ".join(f"{name}: {part['reason']}" for name, part in result["components"].items())
        table.add_row(
            domain if not position else "",
            sample.note if not position else "",
            Text(_short(completion)),
            reward if as_expected else f"{reward} (expected {expected})",
            Text(printable(why)),
            end_section=position == len(reply["results"]) - 1,
        )
    return surprises


def _cannot(result: dict[str, Any]) -> bool:
    """Whether this machine has no program for it (a compiler, a model): that is shown, and is no surprise."""
    return (result["failure"] or {}).get("kind") in ("unsupported", "verifier_unreachable")


def _short(completion: str | list[dict[str, Any]]) -> str:
    """On one line."""
    text = completion if isinstance(completion, str) else str(completion[-1].get("content"))
    text = printable(text.replace("\n", "⏎"), keep="")
    return text if len(text) <= SHOWN else f"{text[: SHOWN // 2]} … {text[-SHOWN // 2 :]}"

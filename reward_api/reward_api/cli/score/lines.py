"""`touchstone score`: a file of rollout groups in, the same groups with their rewards out, in order, resumable.

Tables (Parquet, Hugging Face datasets) come here as lines too: see tables.py.

Each input line is a ScoreRequest, or one rollout with `completion` instead of `completions`. Each output line is the
ScoreReply with the input's line number and id, or the line number and the problem that refused it. A run that was cut off
goes on behind the last whole line of its output.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import stamina
from rich.table import Table

from reward_api.settings import GatewaySettings

WINDOW = 16
RETRIES_S = 300.0
TRY_AGAIN = frozenset({429, 503})


class BadInput(ValueError):
    """The input or output file cannot be used; the message says why."""


@asynccontextmanager
async def client_for(url: str | None, settings: GatewaySettings, key: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the gateway at `url`, or of one that runs in this process."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    timeout = httpx.Timeout(settings.max_deadline_s, connect=10.0)
    if url is not None:
        limits = httpx.Limits(max_connections=WINDOW)
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout, limits=limits) as client:
            yield client
        return
    from reward_api.app import create_app
    from reward_api.gateway.gateway import Gateway

    gateway = Gateway(settings)
    transport = httpx.ASGITransport(create_app(gateway))
    async with (
        gateway.running(),
        httpx.AsyncClient(
            base_url="http://in-process", headers=headers, timeout=timeout, transport=transport
        ) as client,
    ):
        yield client


def groups_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """(line number from 1, JSON) of every line that is not blank."""
    with path.open("rb") as lines:
        yield from ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def request_of(line: bytes) -> dict[str, Any]:
    """The ScoreRequest of an input line. Raises BadInput."""
    try:
        data = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise BadInput("not JSON") from None
    if not isinstance(data, dict):
        raise BadInput("not a JSON object")
    if "completion" in data:
        data["completions"] = [data.pop("completion")]
    if "answer" in data and "reference" not in data:
        data["reference"] = {"answer": data.pop("answer")}
    return data


def resume(output: Path) -> int:
    """How many lines are done. A last line that was cut off is removed. Raises BadInput when it is not ours."""
    if not output.exists():
        return 0
    whole = 0
    end = 0
    with output.open("rb+") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                break
            try:
                is_ours = isinstance(orjson.loads(line).get("line"), int)
            except (orjson.JSONDecodeError, AttributeError):
                is_ours = False
            if not is_ours:
                raise BadInput(f"{output} exists and line {whole + 1} was not written by this command")
            whole += 1
            end += len(line)
        lines.truncate(end)
    return whole


def _wait_before_retry(error: Exception) -> bool | float:
    """Whether and how soon to try again: refused for now, or no connection."""
    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code in TRY_AGAIN:
        after = error.response.headers.get("retry-after", "")
        return float(after) if after.isdigit() else True
    return isinstance(error, httpx.TransportError)


async def score_one(client: httpx.AsyncClient, path: str, number: int, line: bytes) -> dict[str, Any]:
    """The output line of an input line."""
    try:
        request = request_of(line)
    except BadInput as error:
        return {"line": number, "error": {"title": str(error)}}
    about = {"line": number, **({"id": request["id"]} if "id" in request else {})}
    async for attempt in stamina.retry_context(on=_wait_before_retry, attempts=None, timeout=RETRIES_S):
        with attempt:
            reply = await client.post(path, content=orjson.dumps(request), headers={"content-type": "application/json"})
            if reply.status_code in TRY_AGAIN:
                reply.raise_for_status()
    body = orjson.loads(reply.content)
    return about | (body if reply.status_code == httpx.codes.OK else {"error": body})


async def score_file(
    client: httpx.AsyncClient,
    lines: Iterable[tuple[int, bytes]],
    output: Path,
    domain: str | None,
    tick: Callable[[], None],
) -> None:
    """Score the lines, each with its number, WINDOW at a time, and append them in order."""
    path = f"/score/{domain}" if domain else "/score"
    waiting: deque[asyncio.Task[dict[str, Any]]] = deque()
    with output.open("ab") as out:

        async def write_next() -> None:
            out.write(orjson.dumps(await waiting.popleft(), option=orjson.OPT_APPEND_NEWLINE))
            out.flush()
            tick()

        try:
            for number, line in lines:
                waiting.append(asyncio.create_task(score_one(client, path, number, line)))
                if len(waiting) == WINDOW:
                    await write_next()
            while waiting:
                await write_next()
        finally:
            for task in waiting:
                task.cancel()


@dataclass(slots=True)
class _Tally:
    scores: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    def add(self, score: float | None, failure: dict[str, Any] | None) -> None:
        if score is None:
            self.failures[(failure or {}).get("kind", "unknown")] += 1
        else:
            self.scores.append(score)

    def row(self) -> tuple[str, str, str, str]:
        scored = len(self.scores)
        mean = f"{sum(self.scores) / scored:.4f}" if scored else "-"
        passed = f"{sum(score >= 1 for score in self.scores) / scored:.2%}" if scored else "-"
        failures = ", ".join(f"{count} {kind}" for kind, count in self.failures.most_common()) or "none"
        return str(scored), mean, passed, failures


def summary(replies: Path, title: str) -> Table:
    """Pass rate (share of scores of at least 1), means and failures, over a whole file of replies."""
    reward, refused, components = _Tally(), 0, dict[str, _Tally]()
    with replies.open("rb") as lines:
        for line in lines:
            row = orjson.loads(line)
            if "error" in row:
                refused += 1
                continue
            for result in row["results"]:
                reward.add(result["reward"], result["failure"])
                for name, component in result["components"].items():
                    components.setdefault(name, _Tally()).add(component["score"], component["failure"])
    table = Table(title=title + (f": {refused} lines refused, see their `error`" if refused else ""))
    for heading in ("", "scored", "mean", "pass rate", "no verdict"):
        table.add_column(heading)
    for name, tally in components.items():
        table.add_row(name, *tally.row())
    scored, mean, _, failures = reward.row()
    table.add_row("reward", scored, mean, "", failures, end_section=True)
    return table

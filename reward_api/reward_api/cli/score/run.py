"""Score rows: so many at a time, in order, each with the line that goes into the journal."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import httpx
import orjson
import stamina
from stamina.instrumentation import set_on_retry_hooks

from reward_api.cli.score.gateway import BadSetup, ServedDomain, suggestion, versions_here
from reward_api.cli.score.journal import Journal
from reward_api.cli.score.rejudge import can_part, failed_places, merged, part_of
from reward_api.cli.score.requests import Columns, digest_of, request_of, write
from reward_api.cli.score.rows import BadInput, Row, Source
from reward_api.settings import GatewaySettings

WINDOW = 16
RETRIES_S = 300.0
TRY_AGAIN = frozenset({429, 503})
SETUP = frozenset({401, 403, 405, 415})
Line = dict[str, Any]


class RowScorer:
    """Scores rows by one gateway, behind what a journal holds.

    tick: called for every row. put: takes each new line, in order.
    """

    def __init__(
        self, client: httpx.AsyncClient, columns: Columns, served: dict[str, ServedDomain], journal: Journal
    ) -> None:
        self._client = client
        self._columns = columns
        self._served = served
        self._journal = journal
        set_on_retry_hooks([])  # its log line for every try says nothing that the end does not

    async def score(self, rows: Iterable[Row], put: Callable[[bytes], None], tick: Callable[[], None]) -> None:
        """Raises BadInput when the journal is of other rows, BadSetup when the gateway refuses this program."""
        waiting: deque[asyncio.Task[Line]] = deque()

        async def put_next() -> None:
            line = await waiting.popleft()
            self._check_version(line)
            put(write_line(line))
            tick()

        scored = set()
        try:
            for row in rows:
                scored.add(row.number)
                if is_done(row, self._columns, self._journal):
                    tick()
                    continue
                waiting.append(asyncio.create_task(self._line(row)))
                if len(waiting) == WINDOW:
                    await put_next()
            while waiting:
                await put_next()
            self._journal.demand_no_others(scored)
        finally:
            for task in waiting:
                task.cancel()

    def _check_version(self, line: Line) -> None:
        """One file holds one version of a domain."""
        if "results" in line:
            self._journal.check_versions({line["domain"]: line["version"]})
            self._journal.versions[line["domain"]] = line["version"]

    async def _line(self, row: Row) -> Line:
        line: Line = {"line": row.number}
        if row.data is not None:
            line["input"] = row.data
        try:
            request = request_of(row, self._columns)
        except BadInput as error:
            return line | {"error": {"title": str(error)}}
        body = write(request)
        line |= {"id": request["id"]} if "id" in request else {}
        line["digest"] = digest_of(body)
        name = request.get("domain")
        if not isinstance(name, str) or name not in self._served:
            reason = f"unknown domain {name!r}{suggestion(str(name), sorted(self._served))}"
            return line | {"error": {"title": reason if name is not None else "no domain: give --domain"}}
        if row.number in self._journal.failed:
            return await self._again(self._journal.failed[row.number], request, self._served[name])
        return line | await self._post(body)

    async def _again(self, line: Line, request: dict[str, Any], domain: ServedDomain) -> Line:
        """The line with verdicts where it had none. It stays as it is when the gateway refuses the request."""
        places = (
            list(range(len(line["results"]))) if domain.needs_group or not can_part(request) else failed_places(line)
        )
        reply = await self._post(write(part_of(request, places)))
        return line if "error" in reply else merged(line, reply, places)

    async def _post(self, body: bytes) -> Line:
        """The ScoreReply, or the problem that refused it. Raises BadSetup."""
        try:
            async for attempt in stamina.retry_context(on=_wait_before_retry, attempts=None, timeout=RETRIES_S):
                with attempt:
                    reply = await self._client.post(
                        "/score", content=body, headers={"content-type": "application/json"}
                    )
                    if reply.status_code in TRY_AGAIN:
                        reply.raise_for_status()
        except httpx.TransportError as error:
            raise BadSetup(
                f"the gateway does not answer any more ({type(error).__name__}); run again to go on"
            ) from None
        except httpx.HTTPStatusError:
            raise BadSetup(f"the gateway stays busy (HTTP {reply.status_code}); run again to go on") from None
        if reply.status_code in SETUP:
            raise BadSetup(f"the gateway answers {reply.status_code}: {reply.text[:200]}")
        try:
            document = orjson.loads(reply.content)
        except orjson.JSONDecodeError:
            raise BadSetup(f"{self._client.base_url} answers no JSON (HTTP {reply.status_code})") from None
        return dict(document) if reply.status_code == httpx.codes.OK else {"error": document}


def is_done(row: Row, columns: Columns, journal: Journal) -> bool:
    """Whether the journal holds this row's scores. Raises BadInput when it holds another's."""
    if row.number not in journal.digests:
        return False
    try:
        request = request_of(row, columns)
        digest, domain = digest_of(write(request)), request.get("domain")
    except BadInput:
        digest, domain = "", columns.domain
    journal.check_request(row.number, digest, domain)
    return row.number not in journal.failed


async def is_all_done(source: Source, columns: Columns, journal: Journal, settings: GatewaySettings) -> bool:
    """Whether nothing is left to score by a gateway in this process, found without starting one.

    Raises BadInput as a run would.
    """
    if not journal.digests or not journal.is_whole or source.count is None:
        return False
    versions = await versions_here(settings, journal.versions)
    if versions is None:
        return False
    journal.check_versions(versions)
    numbers = set()
    for row in source.rows():
        if not is_done(row, columns, journal):
            return False
        numbers.add(row.number)
    journal.demand_no_others(numbers)
    return True


def write_line(line: Line) -> bytes:
    return orjson.dumps(line, default=lambda _: None, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)


def _wait_before_retry(error: Exception) -> bool | float:
    """Whether and how soon to try again: refused for now, or no connection."""
    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code in TRY_AGAIN:
        after = error.response.headers.get("retry-after", "")
        return float(after) if after.isdigit() else True
    return isinstance(error, httpx.TransportError)

"""Search-R1's POST /retrieve, for its trainers and those that took its wire (verl, SkyRL, slime, ROLL).

    {"queries": [...], "topk": 3, "return_scores": true}  ──▶  {"result": [[{"document": {"contents": …}, "score": …}]]}
    without scores                                         ──▶  {"result": [[{"contents": …}]]}
    {"query": …}                                           ──▶  as one query of `queries`

It names no session, so what is retrieved is in no trace, unless the URL does: POST /retrieve?session=NAME.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import orjson
from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from reward_tools.corpus.index import Hit, NoIndex
from reward_tools.toolbox import Toolbox, harmless
from reward_tools.tools.look_up import MAX_QUERY, MAX_RESULTS
from reward_verifiers.contract import SESSION
from reward_verifiers.service.problems import HTTPProblem
from reward_verifiers.service.streams import run_or_cancel
from reward_verifiers.verifier import Overloaded

MAX_QUERIES = 1024
_DEFAULT_TOP = 3


class RetrieveRequest(BaseModel):
    """Its clients may send more."""

    model_config = ConfigDict(extra="ignore")

    queries: list[str] = Field(min_length=1, max_length=MAX_QUERIES)
    topk: int | None = Field(default=None, ge=1, le=1000, strict=True)
    return_scores: bool = Field(default=False, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _one_query(cls, data: Any) -> Any:
        if isinstance(data, dict) and "queries" not in data and isinstance(data.get("query"), str):
            return {**data, "queries": [data["query"]]}
        return data


def install(app: FastAPI, toolbox: Toolbox) -> None:
    """Add the route."""

    @app.post("/retrieve", tags=["tools"])
    async def retrieve(
        request: Request, body: RetrieveRequest, session: Annotated[str | None, Query(pattern=SESSION)] = None
    ) -> Response:
        """Passages for each query, best first, as Search-R1's retrieval server gives them."""
        most = min(body.topk or _DEFAULT_TOP, MAX_RESULTS)
        try:
            with toolbox.admission.enter(len(body.queries)):
                hits_by_query = await run_or_cancel(request, _hits(toolbox, body.queries, most, session))
        except NoIndex as error:
            raise HTTPProblem(503, "No corpus", str(error)) from None
        except Overloaded as error:
            # Its clients try again on 5xx. Any other answer they show to the model, as if it had been found.
            return JSONResponse({"detail": "overloaded"}, 503, {"retry-after": f"{error.retry_after_s:.0f}"})
        result = [[_document(hit, body.return_scores) for hit in hits] for hits in hits_by_query]
        return Response(orjson.dumps({"result": result}), media_type="application/json")


async def _hits(toolbox: Toolbox, queries: list[str], most: int, session: str | None) -> list[list[Hit]]:
    if session is not None:
        for query in queries:
            await toolbox.call(session, "search", {"query": query[:MAX_QUERY] or " ", "top_k": most})
    index = await asyncio.to_thread(toolbox.corpus.index)
    # In one thread: a batch of queries that took all threads would keep others from theirs.
    return await asyncio.to_thread(lambda: [index.search(query[:MAX_QUERY], most) for query in queries])


def _document(hit: Hit, with_score: bool) -> dict[str, Any]:
    document = {"id": hit.id, "contents": harmless(f'"{hit.title}"\n{hit.text}' if hit.title else hit.text)}
    return {"document": document, "score": hit.score} if with_score else document

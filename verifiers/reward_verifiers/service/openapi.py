"""The OpenAPI document as it is: problems with their statuses, the bearer key, and operation ids that read well.

FastAPI declares its own 422, which no service of ours answers, and nothing of what the middleware answers.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from reward_verifiers.contract import Problem
from reward_verifiers.service.keys import PUBLIC_PATHS
from reward_verifiers.service.problems import MEDIA_TYPE, TITLES

_ALWAYS = (401, 503)
_WITH_BODY = (400, 408, 413, 415, 422, 429)
_WITH_PATH = (404, 422)
_FOR_ADMINS = (403,)
_COMPONENT = "#/components/schemas/"
_PROBLEM = {"schema": {"$ref": f"{_COMPONENT}Problem"}}


def problem_reply(status: int) -> dict[str, Any]:
    """How a reply with this status is declared."""
    return {"description": TITLES[status], "content": {MEDIA_TYPE: _PROBLEM}}


def operation_id(route: APIRoute) -> str:
    """`scoreDomain` of the function score_domain; of the routes for trainers, whose names repeat, by their path."""
    words = route.name.split("_")
    if route.path.startswith("/compat/"):
        words = [word for part in route.path.split("/") if "{" not in part for word in part.split("_") if word]
    return words[0] + "".join(word.capitalize() for word in words[1:])


def install(app: FastAPI) -> None:
    """Have the app describe itself so."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(FastAPI.openapi(app))
        assert app.openapi_schema is not None  # noqa: S101
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(document: dict[str, Any]) -> None:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = Problem.model_json_schema(ref_template=f"{_COMPONENT}{{model}}")
    schemas |= problem.pop("$defs") | {"Problem": problem}
    components["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "Needed where the service is started with keys."}
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _declare(path, method, operation)


def _declare(path: str, method: str, operation: dict[str, Any]) -> None:
    statuses = {*_ALWAYS, *(_WITH_BODY if "requestBody" in operation else ()), *(_WITH_PATH if "{" in path else ())}
    statuses |= {*_FOR_ADMINS} if method == "put" else set()
    responses = operation["responses"]
    responses.pop("422", None)
    if path in PUBLIC_PATHS:
        statuses -= {401}
    else:
        operation["security"] = [{"key": []}, {}]
    for status in sorted(statuses):
        if str(status) not in responses:
            responses[str(status)] = problem_reply(status)

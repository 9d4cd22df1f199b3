"""Errors on the wire: RFC 9457 `application/problem+json`, one table from exception to status, never an echo of the input.

HTTPProblem           what a route raises itself
BadJSON               400   the body is not strict JSON
RequestValidationError 422  its fields are not the contract's; each is named
BadOptions            422   options that the verifier's schema refuses
Overloaded            429   with Retry-After
anything else         500   our fault: logged, not shown
"""

from __future__ import annotations

import difflib
import logging
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import compile_path
from starlette.types import ExceptionHandler

from reward_verifiers.contract import Problem, ProblemError, dotted
from reward_verifiers.service.strict_json import BadJSON
from reward_verifiers.suggestions import MAX_KEY, Fault, is_key, reworded
from reward_verifiers.verifier import BadOptions, Overloaded

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 20
TITLES = {
    400: "Malformed request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    408: "The request did not arrive in time",
    413: "The request is too large",
    415: "Unsupported media type",
    422: "Fields that do not fit",
    429: "Too much work in flight",
    503: "Not ready, or stopping",
    500: "Internal error",
}


class HTTPProblem(Exception):
    """The whole request fails with this status."""

    def __init__(
        self,
        status: int,
        title: str = "",
        detail: str = "",
        errors: Sequence[ProblemError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(title)
        if errors and not detail:
            detail = ": ".join(part for part in (errors[0].path, errors[0].reason) if part)
        self.problem = Problem(
            title=title or TITLES.get(status, "Error"), status=status, detail=detail, errors=list(errors)
        )
        self.headers = dict(headers or {})

    def response(self) -> Response:
        return Response(self.problem.model_dump_json(), self.problem.status, self.headers, MEDIA_TYPE)


def overloaded(error: Overloaded) -> HTTPProblem:
    seconds = max(1, math.ceil(error.retry_after_s))
    return HTTPProblem(429, detail=f"{error} Try again in {seconds} s.", headers={"retry-after": str(seconds)})


def install(app: FastAPI) -> None:
    """Have the app answer every error with a problem."""
    handlers: dict[type[Exception], ExceptionHandler] = {
        HTTPProblem: _of_problem,
        BadJSON: _of_json,
        RequestValidationError: _of_fields,
        BadOptions: _of_options,
        Overloaded: _of_overload,
        HTTPException: _of_status,
        Exception: _of_bug,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


async def _of_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPProblem)  # noqa: S101
    return error.response()


async def _of_json(_: Request, error: Exception) -> Response:
    return HTTPProblem(400, "Not the JSON that is read here", f"The body is refused: {error}.").response()


async def _of_fields(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    body = getattr(request.scope.get("route"), "body_field", None)
    # The first part of a place is "body".
    faults = [
        (place[1:], kind, reason)
        for place, kind, reason in reworded(error.errors(), body and body.field_info.annotation)
    ]
    return of_faults(faults).response()


def of_faults(faults: Sequence[Fault], before: str = "") -> HTTPProblem:
    """422 that names each field. before: where in the document the faults are."""
    errors = [_field(*fault, before) for fault in faults[:MAX_ERRORS]]
    more = len(faults) - len(errors)
    return HTTPProblem(422, detail=f"{more} more fields do not fit." if more else "", errors=errors)


def _field(location: Sequence[int | str], kind: str, reason: str, before: str) -> ProblemError:
    """Which field, and what is wrong with it. A key that the client made up is named only when it looks like a name."""
    # A union's branch ("one", "many") is not a place in the document.
    place = [part for part in location if part not in ("one", "many", "str") and not _is_type(part)]
    if kind == "extra_forbidden" and place and not is_key(place[-1]):
        place[-1] = "<unknown key>"
    return ProblemError(path=f"{before}.{dotted(place)}".strip("."), reason=reason)


def _is_type(part: int | str) -> bool:
    """pydantic names a union's branch like list[Message] in the location."""
    return isinstance(part, str) and part.startswith(("list[", "dict["))


async def _of_options(_: Request, error: Exception) -> Response:
    assert isinstance(error, BadOptions)  # noqa: S101
    errors = [ProblemError(path=f"options.{path}".rstrip("."), reason=reason) for path, reason in error.errors]
    return HTTPProblem(422, errors=errors[:MAX_ERRORS]).response()


async def _of_overload(_: Request, error: Exception) -> Response:
    assert isinstance(error, Overloaded)  # noqa: S101
    return overloaded(error).response()


async def _of_status(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    detail, headers = "", dict(error.headers or {})
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = f"There is no such route; {_nearest(request)}"
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (methods := _methods(request)):
        headers["allow"] = ", ".join(methods)  # of all routes of this path; the framework names those of one
        headers.pop("Allow", None)
        detail = f"This route takes {headers['allow']}."
    return HTTPProblem(error.status_code, detail=detail, headers=headers).response()


def _methods(request: Request) -> list[str]:
    paths = request.app.openapi()["paths"]
    matching = [paths[route] for route in paths if compile_path(route)[0].match(request.url.path)]
    return sorted({method.upper() for operations in matching for method in operations})


FOREIGN_ROUTES = {
    **dict.fromkeys(("/redoc", "/swagger", "/api"), "/docs"),
    **dict.fromkeys(("/live", "/livez", "/ping"), "/healthz"),
    **dict.fromkeys(("/version", "/info"), "/"),
}
"""Routes that other services have, and what they are here."""


def _nearest(request: Request) -> str:
    """What may have been meant: the route without a slash at the end, or the one with the nearest name."""
    routes = list(request.app.openapi()["paths"])
    path = request.url.path.rstrip("/")
    if usual := FOREIGN_ROUTES.get(path):
        return f"did you mean {usual}?"
    same = [route for route in routes if compile_path(route)[0].match(path)]
    names = same or difflib.get_close_matches(path[:MAX_KEY], routes, n=1)
    return f"did you mean {names[0]}?" if names else "GET / and /docs list them."


async def _of_bug(_: Request, error: Exception) -> Response:
    log.error("unhandled error", exc_info=error)
    return HTTPProblem(500, detail="The cause is in the service's log.").response()
